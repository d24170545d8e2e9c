import os
from itertools import accumulate

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.registry.made_stores import Faulty, digest_of
from zoo.errors import ChecksumMismatch, DownloadError, MissingExtra, OutputError
from zoo.registry import transfer
from zoo.registry.stores.protocol import TRIES, Missing
from zoo.registry.transfer import fetch_blob, fetch_from

CONTENT = bytes(range(256)) * 40
DIGEST = digest_of(CONTENT)
FILES = {"a": CONTENT}


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch):
    monkeypatch.setattr("zoo.registry.stores.asking.WAIT", 0)


def fetch(reader, part, limit=10_240, **options):
    return fetch_blob(reader, "a", DIGEST, limit, part, **options)


def test_a_blob_is_whole_and_asked_for_once(tmp_path):
    reader = Faulty(FILES)
    assert fetch(reader, tmp_path / "part").read_bytes() == CONTENT
    assert reader.asked == [("a", 0)]


@pytest.mark.parametrize("cut", [5120, ("silent", 5120)], ids=["with a word", "without a word"])
def test_a_connection_that_broke_off_goes_on_where_it_was(tmp_path, cut):
    reader = Faulty(FILES, cut)
    assert fetch(reader, tmp_path / "part").read_bytes() == CONTENT
    assert reader.asked == [("a", 0), ("a", 5120)]


@given(st.lists(st.integers(0, len(CONTENT)) | st.none(), max_size=TRIES - 1), st.integers(0, len(CONTENT)))
def test_however_it_breaks_off_the_file_is_the_one(tmp_path_factory, plan, there):
    part = tmp_path_factory.mktemp("part") / "part"
    part.write_bytes(CONTENT[:there])
    assert fetch(Faulty(FILES, *plan), part).read_bytes() == CONTENT


def test_a_store_that_never_answers_is_asked_some_times_and_what_came_stays(tmp_path):
    reader = Faulty(FILES, 2000, *[DownloadError("a: 503")] * 9)
    with pytest.raises(DownloadError, match=rf"^a: 503 \(asked {TRIES} times\)$"):
        fetch(reader, tmp_path / "part")
    assert len(reader.asked) == TRIES
    assert (tmp_path / "part").read_bytes() == CONTENT[:2000]


def test_what_is_missing_is_asked_for_once(tmp_path):
    reader = Faulty({})
    with pytest.raises(Missing):
        fetch(reader, tmp_path / "part")
    assert len(reader.asked) == 1


def test_what_is_whole_already_is_not_asked_for(tmp_path):
    (tmp_path / "part").write_bytes(CONTENT)
    reader = Faulty(FILES)
    assert fetch(reader, tmp_path / "part").read_bytes() == CONTENT
    assert reader.asked == []


@pytest.mark.parametrize("there", [b"wrong", b"x" * 20_000, CONTENT[:-1] + b"x"])
def test_a_beginning_of_something_else_costs_one_more_download(tmp_path, there):
    (tmp_path / "part").write_bytes(there)
    assert fetch(Faulty(FILES), tmp_path / "part").read_bytes() == CONTENT


@pytest.mark.parametrize(
    ("wrong", "found"),
    [
        (CONTENT[:-1] + b"x", digest_of(CONTENT[:-1] + b"x")),
        (CONTENT[:-1], digest_of(CONTENT[:-1])),
        (b"", digest_of(b"")),
        (CONTENT + b"x", "more than 10,240 bytes"),
    ],
)
def test_wrong_bytes_are_told_and_not_kept(tmp_path, wrong, found):
    message = rf"^a: expected sha256 {DIGEST}, found {found} from stub://store; nothing was kept, tell who runs it$"
    with pytest.raises(ChecksumMismatch, match=message):
        fetch(Faulty({"a": wrong}), tmp_path / "part")
    assert not (tmp_path / "part").exists()


def test_an_endless_file_is_read_to_its_limit_alone(tmp_path):
    class Endless(Faulty):
        given = 0

        def read(self, path, start=0):
            while True:
                self.given += 1000
                yield b"x" * 1000

    reader = Endless({})
    with pytest.raises(ChecksumMismatch, match="found more than 5,000 bytes"):
        fetch(reader, tmp_path / "part", limit=5000)
    assert reader.given == 6000


def test_the_next_store_goes_on_with_what_the_first_one_gave(tmp_path):
    first, second = Faulty(FILES, 5000, *[DownloadError("gone")] * 9), Faulty(FILES)
    fetch_from([first, second], "a", DIGEST, len(CONTENT), tmp_path / "part")
    assert (tmp_path / "part").read_bytes() == CONTENT
    assert second.asked == [("a", 5000)]


def test_the_next_store_mends_what_the_first_one_has_wrong(tmp_path):
    fetch_from([Faulty({"a": b"wrong"}), Faulty({}), Faulty(FILES)], "a", DIGEST, len(CONTENT), tmp_path / "part")
    assert (tmp_path / "part").read_bytes() == CONTENT


def test_a_store_whose_library_is_not_installed_is_passed_over_where_there_is_another(tmp_path):
    bare = Faulty(FILES, *[MissingExtra("needs s3fs")] * 3)
    fetch_from([bare, Faulty(FILES)], "a", DIGEST, len(CONTENT), tmp_path / "part")
    assert (tmp_path / "part").read_bytes() == CONTENT
    with pytest.raises(MissingExtra, match="needs s3fs"):
        fetch_from([bare], "a", DIGEST, len(CONTENT), tmp_path / "other")
    with pytest.raises(DownloadError, match="needs s3fs; a: no such file"):
        fetch_from([bare, Faulty({})], "a", DIGEST, len(CONTENT), tmp_path / "other")


def test_each_store_that_failed_is_told(tmp_path):
    with pytest.raises(ChecksumMismatch, match=r"found .* from stub://store; .*; a: no such file"):
        fetch_from([Faulty({"a": b"wrong"}), Faulty({})], "a", DIGEST, len(CONTENT), tmp_path / "part")
    with pytest.raises(DownloadError, match="a: no such file; a: no such file"):
        fetch_from([Faulty({}), Faulty({})], "a", DIGEST, len(CONTENT), tmp_path / "part")


def test_the_bytes_that_are_told_add_up_to_the_file(tmp_path):
    (tmp_path / "part").write_bytes(b"wrong")
    told = []
    fetch(Faulty(FILES, 3000), tmp_path / "part", report=told.append)
    assert sum(told) == len(CONTENT)


def test_the_bytes_that_are_told_add_up_whichever_store_gave_them(tmp_path):
    gone = [DownloadError("gone")] * TRIES
    readers = [Faulty(FILES, 3000, *gone), Faulty({"a": b"wrong"}), Faulty(FILES, 5000, *gone), Faulty(FILES)]
    told = []
    fetch_from(readers, "a", DIGEST, len(CONTENT), tmp_path / "part", told.append)
    assert sum(told) == len(CONTENT)
    assert max(accumulate(told)) == len(CONTENT)


@pytest.mark.parametrize(("there", "came"), [(b"", 10_240), (CONTENT[:4000], 6240), (CONTENT, 0), (b"wrong", 10_240)])
def test_what_lay_here_did_not_come(tmp_path, there, came):
    (tmp_path / "part").write_bytes(there)
    readers = [Faulty(FILES, *[DownloadError("gone")] * TRIES), Faulty(FILES)]
    assert fetch_from(readers, "a", DIGEST, len(CONTENT), tmp_path / "part") == came


def test_what_two_stores_gave_came(tmp_path):
    readers = [Faulty(FILES, 3000, *[DownloadError("gone")] * TRIES), Faulty(FILES)]
    assert fetch_from(readers, "a", DIGEST, len(CONTENT), tmp_path / "part") == len(CONTENT)


@pytest.mark.parametrize("answer", [b"wrong", DownloadError("gone")])
def test_of_a_file_that_did_not_come_no_bytes_are_told(tmp_path, answer):
    told = []
    with pytest.raises((ChecksumMismatch, DownloadError)):
        fetch(Faulty(FILES, 3000, *[answer] * TRIES), tmp_path / "part", report=told.append)
    assert told
    assert sum(told) == 0


def test_a_full_disk_says_what_was_to_be_written(tmp_path, monkeypatch):
    def fill(*_):
        raise OSError(28, os.strerror(28))

    monkeypatch.setattr(transfer.os, "fsync", fill)
    with pytest.raises(OutputError, match=r"up to 10,240 bytes are to be written, which this disk has no room for"):
        fetch(Faulty(FILES), tmp_path / "part")


def test_an_error_of_the_network_is_none_of_the_disk(tmp_path):
    reader = Faulty(FILES, ConnectionResetError(104, "Connection reset by peer"))
    assert fetch(reader, tmp_path / "part").read_bytes() == CONTENT
    reader = Faulty(FILES, *[TimeoutError("timed out")] * TRIES)
    with pytest.raises(DownloadError, match=r"^stub://store/a: timed out \(asked 4 times\)$"):
        fetch(reader, tmp_path / "other")


def test_a_store_that_brings_almost_nothing_each_time_is_given_up(tmp_path):
    reader = Faulty(FILES, *[1] * 99)
    with pytest.raises(DownloadError, match=rf"asked {TRIES} times"):
        fetch(reader, tmp_path / "part")
    assert len(reader.asked) == TRIES


def test_a_store_that_brings_much_each_time_is_not(tmp_path, monkeypatch):
    monkeypatch.setattr(transfer, "PIECE", 1000)
    reader = Faulty(FILES, *[1000] * 9)
    assert fetch(reader, tmp_path / "part").read_bytes() == CONTENT
    assert len(reader.asked) == 10
