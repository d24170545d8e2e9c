"""The folder of a cache: what may become one, and what goes where there is no more room."""

import os
import re
from itertools import count

import pytest

from zoo.errors import OutputError
from zoo.prediction.cache.folder import MARKER, CacheFolder


def write(folder, owner, size):
    path = folder.make_room(owner, size)
    path.write_bytes(bytes(size))
    return path


def test_a_folder_that_is_not_there_becomes_a_cache_with_its_first_segment(tmp_path):
    folder = CacheFolder(tmp_path / "a" / "b", 100)
    folder.check()
    assert not (tmp_path / "a").exists()
    write(folder, "m", 10)
    assert (tmp_path / "a" / "b" / MARKER).read_text() == '{"format": 1}\n'
    folder.check()


def test_an_empty_folder_may_become_a_cache(tmp_path):
    CacheFolder(tmp_path, 100).check()


def test_a_folder_that_is_becoming_a_cache_in_another_process_is_one(tmp_path):
    (tmp_path / f"{MARKER}.0123").touch()
    CacheFolder(tmp_path, 100).check()


@pytest.mark.parametrize("below", ["", "cache"])
def test_a_file_is_no_cache(tmp_path, below):
    (tmp_path / "file").touch()
    message = f"{tmp_path / 'file'}: expected a folder for the cache, found a file; name another folder"
    with pytest.raises(OutputError, match=f"^{re.escape(message)}$"):
        CacheFolder(tmp_path / "file" / below, 100).check()


def test_a_folder_of_other_things_is_no_cache(tmp_path):
    (tmp_path / "thesis.tex").touch()
    message = f"{tmp_path}: expected a cache or an empty folder, found 'thesis.tex'; name another folder"
    with pytest.raises(OutputError, match=f"^{re.escape(message)}$"):
        CacheFolder(tmp_path, 100).check()


@pytest.mark.parametrize("below", ["", "cache"])
def test_a_folder_that_can_not_be_written_is_told(tmp_path, monkeypatch, below):
    monkeypatch.setattr(os, "access", lambda path, mode: path != tmp_path)
    message = f"{tmp_path}: the cache can't be written there; name a folder of your own"
    with pytest.raises(OutputError, match=f"^{re.escape(message)}$"):
        CacheFolder(tmp_path / below, 100).check()


def test_a_newer_format_is_told(tmp_path):
    (tmp_path / MARKER).write_text('{"format": 2, "more": []}')
    message = f"{tmp_path}: expected a cache of format 1, found 2, made by another version of zoo; name another folder"
    with pytest.raises(OutputError, match=f"^{re.escape(message)}$"):
        CacheFolder(tmp_path, 100).check()


@pytest.mark.parametrize("content", ["", "{}", "[]", "1", "\0\0", '"format"'])
def test_a_marker_that_says_nothing_is_told(tmp_path, content):
    (tmp_path / MARKER).write_text(content)
    message = f"{tmp_path / MARKER}: says no format; remove the folder, or name another"
    with pytest.raises(OutputError, match=f"^{re.escape(message)}$"):
        CacheFolder(tmp_path, 100).check()


def test_a_marker_that_can_not_be_read_is_told(tmp_path):
    (tmp_path / MARKER).mkdir()
    with pytest.raises(OutputError, match=f"^{re.escape(str(tmp_path))}: the cache can't be read: "):
        CacheFolder(tmp_path, 100).check()


def test_the_oldest_segments_go_first_whoever_s_they_are(tmp_path):
    folder = CacheFolder(tmp_path, 100, count(1).__next__)
    one, two, three = write(folder, "b", 40), write(folder, "a", 30), write(folder, "b", 30)
    assert all(path.exists() for path in (one, two, three))
    four = write(folder, "a", 1)
    assert [path.exists() for path in (one, two, three, four)] == [False, True, True, True]
    assert folder.list_segments("a") == [two, four]
    five = write(folder, "c", 99)
    assert [path.exists() for path in (two, three, four, five)] == [False, False, True, True]


def test_what_never_fits_removes_nothing(tmp_path):
    folder = CacheFolder(tmp_path, 100)
    path = write(folder, "m", 100)
    with pytest.raises(OSError, match=re.escape("101 bytes don't fit into a cache of 100")):
        folder.make_room("m", 101)
    assert path.exists()


def test_half_segments_count_and_go_a_day_after_their_process(tmp_path):
    day = 86_400 * 10**9
    clock = iter([1, 2, day, day + 2]).__next__
    folder = CacheFolder(tmp_path, 100, clock)
    half = folder.make_room("m", 50).with_suffix(".writing")
    half.write_bytes(bytes(50))
    segment = write(folder, "m", 50)
    another = write(folder, "m", 50)
    assert half.exists()
    assert not segment.exists()
    write(folder, "m", 50)
    assert not half.exists()
    assert another.exists()


def test_other_files_in_a_cache_stay(tmp_path):
    folder = CacheFolder(tmp_path, 100)
    write(folder, "m", 100)
    (tmp_path / "m" / "notes.txt").write_bytes(bytes(1000))
    (tmp_path / "m" / "notes.writing").write_bytes(bytes(1))
    write(folder, "m", 50)
    assert (tmp_path / "m" / "notes.txt").exists()
    assert (tmp_path / "m" / "notes.writing").exists()


def test_the_segments_of_a_folder_that_is_gone_are_none(tmp_path):
    assert CacheFolder(tmp_path / "gone", 100).list_segments("m") == []
