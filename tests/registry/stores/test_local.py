import os
import threading
from pathlib import Path

import pytest

from zoo.errors import DownloadError, OutputError
from zoo.registry.stores.local import LocalStore
from zoo.registry.stores.protocol import Changed, Missing


@pytest.fixture
def store(tmp_path):
    return LocalStore(tmp_path / "store")


def put(store, path, content):
    file = store.folder.parent / "file"
    file.write_bytes(content)
    store.put(path, file)


def read(store, path, start=0):
    return b"".join(store.read(path, start))


def test_what_was_put_is_read_from_any_byte_on(store):
    put(store, "blobs/a", b"abcde")
    assert [read(store, "blobs/a", start) for start in (0, 3, 5, 9)] == [b"abcde", b"de", b"", b""]


def test_what_stands_under_a_name_stays(store):
    put(store, "a", b"first")
    put(store, "a", b"second")
    assert read(store, "a") == b"first"
    assert [file.name for file in store.folder.iterdir()] == ["a"]


@pytest.mark.parametrize("path", ["../file", "/etc/passwd", "a/../../file", "no\0thing", "nothing", "", "."])
def test_a_name_that_leads_out_or_nowhere_is_missing(store, path):
    put(store, "a", b"")
    with pytest.raises(Missing):
        read(store, path)
    assert store.read_tagged(path, 9) is None


def test_a_link_that_leads_out_is_missing(store):
    put(store, "a", b"")
    (store.folder / "link").symlink_to(store.folder.parent / "file")
    with pytest.raises(Missing, match="leads out of the store"):
        read(store, "link")


def test_links_that_lead_round_in_a_circle_are_told(store):
    put(store, "a", b"")
    (store.folder / "link").symlink_to("link")
    with pytest.raises(DownloadError, match=r"link: can't be read: "):
        read(store, "link")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no pipes on the disk")
def test_a_pipe_is_refused_at_once_instead_of_waited_for(store):
    store.folder.mkdir()
    os.mkfifo(store.folder / "pipe")
    with pytest.raises(DownloadError, match=r"pipe: can't be read: expected a file, found a pipe or a device$"):
        read(store, "pipe")
    with pytest.raises(DownloadError, match="expected a file, found a pipe or a device"):
        store.read_tagged("pipe", 9)
    with pytest.raises(OutputError, match="expected a file, found a pipe or a device"):
        store.swap("pipe", b"", None)


@pytest.mark.skipif(not Path("/dev/zero").exists(), reason="this system has no endless device")
def test_a_device_is_refused_as_well():
    with pytest.raises(DownloadError, match=r"/dev/zero: can't be read: expected a file, found a pipe or a device$"):
        read(LocalStore("/dev"), "zero")


def test_a_swap_takes_place_only_from_the_state_that_was_read(store):
    first = store.swap("r", b"1", None)
    assert store.read_tagged("r", 9) == (b"1", first)
    assert store.read_tagged("r", 9, first) == (None, first)
    with pytest.raises(Changed):
        store.swap("r", b"2", None)
    second = store.swap("r", b"2", first)
    with pytest.raises(Changed):
        store.swap("r", b"3", first)
    assert store.read_tagged("r", 9) == (b"2", second)


def test_no_swap_of_several_threads_is_lost(store):
    tag = store.swap("r", b"", None)

    def append(letter):
        for _ in range(5):
            while True:
                content, tag = store.read_tagged("r", 999)
                try:
                    store.swap("r", content + letter, tag)
                    break
                except Changed:
                    pass

    threads = [threading.Thread(target=append, args=[letter]) for letter in (b"a", b"b", b"c")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    content, _ = store.read_tagged("r", 999, tag)
    assert sorted(content) == sorted(b"abc" * 5)
    assert [file.name for file in store.folder.iterdir()] == ["r"]


def test_a_full_disk_leaves_what_was_there_and_nothing_beside_it(store, monkeypatch):
    tag = store.swap("r", b"1", None)

    def fill(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("zoo.registry.stores.files.os.fsync", fill)
    with pytest.raises(OutputError, match=r"r: can't be written: No space left on device"):
        store.swap("r", b"2", tag)
    with pytest.raises(OutputError, match=r"a: can't be written: No space left on device"):
        put(store, "a", b"a")
    assert [file.name for file in store.folder.iterdir()] == ["r"]
    assert read(store, "r") == b"1"
