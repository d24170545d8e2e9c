import os

import pytest

from zoo.errors import OutputError
from zoo.registry.stores.files import write_beside, write_whole


@pytest.fixture
def mask():
    before = os.umask(0o027)
    yield
    os.umask(before)


def list_names(folder):
    return sorted(file.name for file in folder.iterdir())


def test_a_file_is_written_into_a_folder_that_is_made(tmp_path):
    write_whole(tmp_path / "a" / "b", b"content")
    assert (tmp_path / "a" / "b").read_bytes() == b"content"
    assert list_names(tmp_path / "a") == ["b"]


def test_a_new_file_has_the_permissions_that_the_mask_leaves_and_an_old_one_keeps_its_own(tmp_path, mask):
    write_whole(tmp_path / "a", b"")
    write_whole(tmp_path / "secret", b"", mode=0o600)
    (tmp_path / "old").write_bytes(b"")
    (tmp_path / "old").chmod(0o606)
    write_whole(tmp_path / "old", b"new")
    assert [(tmp_path / name).stat().st_mode & 0o777 for name in ("a", "secret", "old")] == [0o640, 0o600, 0o606]


def test_no_moment_shows_a_secret_to_others(tmp_path):
    with write_beside(tmp_path / "a", mode=0o600) as (partial, _):
        assert partial.stat().st_mode & 0o777 == 0o600


def test_writing_asks_nobody_for_the_mask_which_is_that_of_all_threads(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "umask", None)
    write_whole(tmp_path / "a", b"")


def test_a_full_disk_leaves_what_was_there_and_nothing_beside_it(tmp_path, monkeypatch):
    write_whole(tmp_path / "a", b"old")

    def fill(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("zoo.registry.stores.files.os.fsync", fill)
    with pytest.raises(OutputError) as caught:
        write_whole(tmp_path / "a", b"new")
    assert str(caught.value) == f"{tmp_path / 'a'}: can't be written: No space left on device"
    assert (tmp_path / "a").read_bytes() == b"old"
    assert list_names(tmp_path) == ["a"]


def test_what_is_not_renamed_is_gone_whatever_ends_it(tmp_path):
    with pytest.raises(KeyboardInterrupt), write_beside(tmp_path / "a"):
        raise KeyboardInterrupt
    assert list_names(tmp_path) == []


def test_names_are_on_the_disk_after_it(tmp_path, monkeypatch):
    synced = []
    monkeypatch.setattr("zoo.registry.stores.files.sync_folder", synced.append)
    write_whole(tmp_path / "a", b"")
    assert synced == [tmp_path]
