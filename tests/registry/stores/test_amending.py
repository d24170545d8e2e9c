import pytest

from zoo.errors import DownloadError, OutputError
from zoo.registry.stores import amending
from zoo.registry.stores.amending import Contended, amend
from zoo.registry.stores.local import LocalStore


@pytest.fixture
def store(tmp_path, monkeypatch):
    monkeypatch.setattr(amending, "_LONGEST", 0.0)
    return LocalStore(tmp_path)


def add(letter):
    """A change that adds a letter where it is not."""

    def change(content):
        return None if letter in (content or b"") else (content or b"") + letter

    return change


def read(store):
    return store.read_tagged("f", 99).content


def test_a_file_begins_with_the_first_change_and_the_same_again_changes_nothing(store):
    assert amend(store, "f", 99, add(b"a")) == (1, True)
    assert amend(store, "f", 99, add(b"a")) == (1, False)
    assert read(store) == b"a"


def test_what_others_write_meanwhile_stays(store):
    others = [b"b", b"c"]

    def change(content):
        if others:
            amend(store, "f", 99, add(others.pop()))
        return add(b"a")(content)

    assert amend(store, "f", 99, change) == (3, True)
    assert sorted(read(store)) == sorted(b"abc")


def test_the_same_change_by_others_is_not_claimed(store):
    def change(content):
        if content is None:
            amend(store, "f", 99, add(b"a"))
        return add(b"a")(content)

    assert amend(store, "f", 99, change) == (2, False)


def test_a_file_that_others_change_each_time_holds_nothing_of_ours(store):
    numbers = iter(range(99))

    def change(content):
        store.swap("f", b"%d" % next(numbers), store.read_tagged("f", 99).tag if content is not None else None)
        return b"ours"

    with pytest.raises(Contended, match=r"f: others changed it each of 4 times that it was to be; try again$"):
        amend(store, "f", 99, change, tries=4)
    assert read(store) == b"3"


def lose_answers(monkeypatch, *, done):
    whole = LocalStore.swap

    def swap(self, path, content, expected):
        if done:
            whole(self, path, content, expected)
        raise OutputError("no answer")

    monkeypatch.setattr(LocalStore, "swap", swap)


def test_an_answer_that_was_lost_is_no_fault_if_the_change_was_made(store, monkeypatch):
    lose_answers(monkeypatch, done=True)
    assert amend(store, "f", 99, add(b"a")) == (2, True)


def test_a_change_that_was_refused_is_told(store, monkeypatch):
    lose_answers(monkeypatch, done=False)
    with pytest.raises(OutputError, match=r"^no answer$"):
        amend(store, "f", 99, add(b"a"))


def test_a_file_that_is_too_large_is_not_changed(store):
    store.swap("f", b"0123456789", None)
    with pytest.raises(DownloadError, match="f: expected at most 9 bytes, found more"):
        amend(store, "f", 9, add(b"a"))
