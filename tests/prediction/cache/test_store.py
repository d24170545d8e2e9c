"""Kept predictions: found as they were kept, by this run and later ones, whatever happens to processes and disks."""

import subprocess
import sys
import warnings
from dataclasses import replace
from itertools import count
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from zoo.prediction.cache import store as store_module
from zoo.prediction.cache.folder import CacheFolder
from zoo.prediction.cache.store import Store

OWNER = bytes(range(32))
numbers = st.sets(st.integers(0, 30), max_size=8).map(sorted)


def open_store(folder, owner=OWNER, place="m"):
    return Store(folder, owner, place, 2)


def list_files(folder):
    return folder.list_segments("m")


@pytest.fixture
def keep(make_keys, make_values):
    def keep_numbers(store, kept):
        store.keep(make_keys(kept), make_values(kept))

    return keep_numbers


@pytest.fixture
def find(make_keys, make_values):
    """Return those of some numbers that are found, once their predictions are seen to be theirs."""

    def find_numbers(store, asked):
        found, values = store.find(make_keys(asked))
        assert values[found].tolist() == make_values(asked)[found].tolist()
        return [number for number, there in zip(asked, found, strict=True) if there]

    return find_numbers


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=st.lists(st.one_of(numbers, st.sampled_from(["flush", "reopen"])), max_size=15), few=st.integers(1, 20))
def test_everything_kept_is_found_and_nothing_else(tmp_path_factory, keep, find, steps, few):
    folder = CacheFolder(tmp_path_factory.mktemp("cache"), 10**9, count(1).__next__)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(store_module, "_WINDOWS_A_SEGMENT", few)
        patch.setattr(store_module, "_MANY", 3)
        store, kept = open_store(folder), set()
        for step in steps:
            if step == "flush":
                store.flush()
            elif step == "reopen":
                del store
                store = open_store(folder)
            else:
                new = [number for number in step if number not in find(store, step)]
                assert new == [number for number in step if number not in kept]
                keep(store, new)
                kept.update(new)
        assert find(store, list(range(31))) == sorted(kept)


def test_what_was_kept_first_counts(folder, make_keys):
    one, other = open_store(folder), open_store(folder)
    keys = make_keys([5])
    one.keep(keys, np.array([[1, 1]], dtype=np.float32))
    one.flush()
    other.keep(keys, np.array([[2, 2]], dtype=np.float32))
    other.flush()
    assert len(list_files(folder)) == 2
    assert open_store(folder).find(keys)[1].tolist() == [[1, 1]]


def test_keys_that_share_a_prefix_are_told_apart(folder, make_keys, make_values):
    keys = make_keys([1, 2]).copy()
    keys.view(np.uint64)[::2] = 7
    store = open_store(folder)
    store.keep(keys[:1], make_values([1]))
    for _ in range(2):
        found, values = store.find(keys)
        assert found.tolist() == [True, False]
        assert values[:1].tolist() == make_values([1]).tolist()
        store.flush()


def test_no_owner_finds_what_another_has_kept(folder, keep, find):
    store = open_store(folder)
    keep(store, [1])
    store.flush()
    assert find(open_store(folder, place="n"), [1]) == []
    with pytest.warns(UserWarning, match="is another model's"):
        assert find(open_store(folder, owner=bytes(32)), [1]) == []


def test_what_is_not_written_yet_is_when_the_store_goes(folder, keep, find):
    store = open_store(folder)
    keep(store, [1, 2])
    assert list_files(folder) == []
    del store
    assert find(open_store(folder), [1, 2, 3]) == [1, 2]


def test_a_store_that_only_finds_writes_nothing(folder, find):
    store = open_store(folder)
    assert find(store, [1]) == []
    store.flush()
    assert not folder.path.exists()


def test_a_damaged_record_is_told_once_and_predicted_again(folder, keep, find):
    store = open_store(folder)
    keep(store, [1, 2])
    store.flush()
    keep(store, [3])
    del store
    damaged = list_files(folder)[0]
    content = damaged.read_bytes()
    damaged.write_bytes(content[:-20] + b"\x55" + content[-19:])
    store = open_store(folder)
    with pytest.warns(UserWarning, match="a record has another checksum; it is left out of the cache, its windows are"):
        assert find(store, [1, 2, 3]) == [3]
    assert not damaged.exists()
    assert find(store, [1, 2, 3]) == [3]
    keep(store, [1, 2])
    assert find(store, [1, 2, 3]) == [1, 2, 3]
    del store
    assert find(open_store(folder), [1, 2, 3]) == [1, 2, 3]


def test_a_segment_of_zeros_as_a_crash_leaves_it_is_left_out(folder, keep, find):
    store = open_store(folder)
    keep(store, [1])
    del store
    list_files(folder)[0].write_bytes(bytes(100))
    with pytest.warns(UserWarning, match="the header has another checksum"):
        store = open_store(folder)
    assert find(store, [1]) == []
    assert list_files(folder) == []


def test_a_segment_that_can_not_be_read_is_left_out_and_stays(folder, keep, find):
    store = open_store(folder)
    keep(store, [1])
    store.flush()
    path = list_files(folder)[0]
    path.unlink()
    path.mkdir()
    with pytest.warns(UserWarning, match=r"can't be read: Is a directory; it is left out"):
        assert find(store, [1]) == []
    assert path.exists()


def test_a_segment_that_another_process_removed_is_as_never_kept(folder, keep, find):
    store = open_store(folder)
    keep(store, [1])
    store.flush()
    keep(store, [2])
    list_files(folder)[0].unlink()
    assert find(store, [1, 2]) == [2]
    keep(store, [1])
    assert find(store, [1, 2]) == [1, 2]


def test_a_full_disk_is_told_once_and_nothing_more_is_kept(folder, keep, find, monkeypatch):
    store = open_store(folder)
    keep(store, [1])
    store.flush()

    def fill_disk(*_):
        raise OSError(28, "No space left on device")

    keep(store, [2])
    monkeypatch.setattr(store_module, "write_segment", fill_disk)
    with pytest.warns(UserWarning, match="no more predictions are kept: No space left on device; the run goes on"):
        store.flush()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        keep(store, [3])
        store.flush()
        assert find(store, [1, 2, 3]) == [1, 2]
        del store
    monkeypatch.undo()
    assert find(open_store(folder), [1, 2, 3]) == [1]


def test_a_folder_that_can_not_be_made_is_told(tmp_path, keep):
    (tmp_path / "file").touch()
    store = open_store(CacheFolder(tmp_path / "file" / "cache", 10**9))
    keep(store, [1])
    with pytest.warns(UserWarning, match="no more predictions are kept: Not a directory; the run goes on"):
        store.flush()


def test_a_window_larger_than_the_cache_is_told(folder, keep):
    store = open_store(replace(folder, size=100))
    with pytest.warns(UserWarning, match="bytes don't fit into a cache of 100; the run goes on"):
        keep(store, [1])


def test_a_cache_never_has_more_bytes_than_it_may(folder, keep, find):
    bounded = replace(folder, size=3000)
    store = open_store(bounded)
    for number in range(200):
        keep(store, [number])
        assert sum(path.stat().st_size for path in list_files(folder)) <= 3000
    found = find(store, list(range(200)))
    assert found == list(range(200 - len(found), 200))
    assert len(found) > 3000 / 2 / 40
    del store
    assert find(open_store(bounded), found[5:]) == found[5:]


def test_many_small_segments_become_one(folder, keep, find, monkeypatch):
    monkeypatch.setattr(store_module, "_MANY", 4)
    for number in range(4):
        assert len(list_files(folder)) == number
        keep(open_store(folder), [number])
    store = open_store(folder)
    assert find(store, [0, 1, 2, 3, 4]) == [0, 1, 2, 3]
    keep(store, [4])
    store.flush()
    assert len(list_files(folder)) == 1
    assert find(store, [0, 1, 2, 3, 4]) == [0, 1, 2, 3, 4]
    assert find(open_store(folder), [0, 1, 2, 3, 4]) == [0, 1, 2, 3, 4]


def test_small_segments_stay_where_they_can_not_be_written_as_one(folder, keep, find, monkeypatch):
    monkeypatch.setattr(store_module, "_MANY", 2)
    keep(open_store(folder), [0])
    keep(open_store(folder), [1])
    store = open_store(folder)

    def fill_disk(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(store_module, "write_segment", fill_disk)
    with pytest.warns(UserWarning, match="no more predictions are kept"):
        store.flush()
    assert len(list_files(folder)) == 2
    assert find(store, [0, 1]) == [0, 1]


WORKER = """
import sys
import numpy as np
from pathlib import Path
from zoo.prediction.cache import store as store_module
from zoo.prediction.cache.folder import CacheFolder
from zoo.prediction.cache.keys import digest_windows

store_module._WINDOWS_A_SEGMENT = 10
size, first, end = map(int, sys.argv[2:5])


def make(numbers):
    codes = np.array([[number // 4**place % 4 for place in range(10)] for number in numbers], dtype=np.uint8)
    return digest_windows(codes), np.array([[number, number / 2] for number in numbers], dtype=np.float32)


def run():
    store = store_module.Store(CacheFolder(Path(sys.argv[1]), size), bytes(range(32)), "m", 2)
    for start in range(first, end, 6):
        keys, values = make(range(start, start + 6))
        found, kept = store.find(keys)
        assert np.array_equal(kept[found], values[found])
        store.keep(keys[~found], values[~found])
    store.flush()
"""


@pytest.mark.parametrize(("size", "whole"), [(10**9, True), (3000, False)])
def test_several_processes_use_one_folder_at_once(tmp_path, find, size, whole):
    arguments = [sys.executable, "-W", "error", "-c", f"{WORKER}\nfor again in range(3): run()", tmp_path / "cache"]
    running = [
        subprocess.Popen(
            [*map(str, arguments), str(size), str(first), str(first + 300)], stderr=subprocess.PIPE, text=True
        )
        for first in (0, 150, 0)
    ]
    assert [process.communicate()[1] for process in running] == ["", "", ""]
    folder = CacheFolder(tmp_path / "cache", size)
    found = find(open_store(folder), list(range(450)))
    assert found == list(range(450)) if whole else found
    assert sorted(path.suffix for path in (tmp_path / "cache").rglob("*.*")) == [".json"] + [".segment"] * len(
        list_files(folder)
    )


KILLED = (
    WORKER
    + """
import os, signal
from itertools import count

for step_of_kill in count():
    number = os.fork()
    if number == 0:
        steps = count()

        def look(event, arguments):
            if event in {"open", "os.rename", "os.remove", "os.mkdir"} and "cache" in str(arguments[0]):
                if next(steps) == step_of_kill:
                    os.kill(os.getpid(), signal.SIGKILL)

        sys.addaudithook(look)
        run()
        os._exit(0)
    status = os.waitstatus_to_exitcode(os.waitpid(number, 0)[1])
    if status == 0:
        break
    assert status == -signal.SIGKILL
print(step_of_kill)
"""
)


def test_a_kill_before_any_step_leaves_a_cache_that_goes_on(tmp_path, find):
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", KILLED, tmp_path / "cache", "2000", "0", "90"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.stderr == ""
    assert int(done.stdout) > 20
    folder = CacheFolder(tmp_path / "cache", 2000)
    folder.check()
    found = find(open_store(folder), list(range(90)))
    assert found[-1] == 89


def test_a_disk_that_is_full_in_the_middle_of_a_segment_is_told_and_leaves_what_was_there(tmp_path, find):
    code = f"{WORKER}\nimport resource\nresource.setrlimit(resource.RLIMIT_FSIZE, (300, 300))\nrun()"
    arguments = [sys.executable, "-c", code, tmp_path / "cache", str(10**9), "0", "30"]
    done = subprocess.run(arguments, capture_output=True, text=True, check=False)
    assert done.returncode == 0
    assert done.stderr.count("no more predictions are kept: File too large; the run goes on") == 1
    assert sorted(path.name for path in Path(tmp_path / "cache").rglob("*.*")) == ["zoo-cache.json"]
    assert find(open_store(CacheFolder(tmp_path / "cache", 10**9)), [0, 1]) == []
