import os
import time
from pathlib import Path
from types import SimpleNamespace

import pytest
from filelock import SoftFileLock

from zoo.registry import turns
from zoo.registry.turns import PATIENCE, show_life, take_turn

WAITING = "another process fetches it; waiting"
DEAD = "no sign of life from it for 60 s; fetching it here"


@pytest.fixture
def clock(monkeypatch):
    """A clock that goes on while somebody sleeps; ``tick`` is what others do meanwhile."""
    clock = SimpleNamespace(now=0.0, tick=lambda: None)

    def sleep(seconds):
        clock.now += seconds
        clock.tick()

    monkeypatch.setattr(turns, "_POLL", 5.0)
    monkeypatch.setattr(turns, "time", SimpleNamespace(sleep=sleep, monotonic=lambda: clock.now))
    return clock


@pytest.fixture
def lock(tmp_path):
    """A lock that somebody holds."""
    theirs = SoftFileLock(tmp_path / "a.lock")
    theirs.acquire()
    yield theirs
    theirs.release(force=True)


def wait(lock, told, is_done=lambda: False):
    return take_turn(Path(lock.lock_file), is_done, told.append)


def touch(lock, clock):
    os.utime(lock.lock_file, (clock.now, clock.now))


def test_a_free_lock_is_taken_and_given_back(tmp_path):
    told = []
    with take_turn(tmp_path / "a.lock", lambda: False, told.append) as held:
        assert held
        assert (tmp_path / "a.lock").exists()
    assert not (tmp_path / "a.lock").exists()
    assert told == []


def test_who_shows_life_is_waited_for_however_long_it_takes(lock, clock):
    def tick():
        if clock.now < 10 * PATIENCE:
            touch(lock, clock)
        else:
            lock.release()

    clock.tick, told = tick, []
    with wait(lock, told) as held:
        assert held
        assert clock.now >= 10 * PATIENCE
    assert told == [WAITING]


def test_nobody_is_waited_for_when_it_is_done(lock, clock):
    told = []
    with wait(lock, told, lambda: clock.now > 1) as held:
        assert not held
    assert told == [WAITING]
    assert Path(lock.lock_file).exists()


def test_what_others_do_in_the_same_folder_is_no_sign_of_life(lock, clock):
    other = Path(lock.lock_file).with_name("other.part")
    other.write_bytes(b"")

    def tick():
        other.write_bytes(other.read_bytes() + b"more")
        os.utime(other, (clock.now, clock.now))

    clock.tick, told = tick, []
    with wait(lock, told) as held:
        assert held
        assert clock.now < 2 * PATIENCE
    assert told == [WAITING, DEAD]


def test_of_those_that_wait_for_a_dead_one_one_has_the_next_turn(lock, clock):
    told = []
    with wait(lock, []) as first:
        clock.tick = lambda: touch(lock, clock)
        end = clock.now + 10 * PATIENCE
        with wait(lock, told, lambda: clock.now > end) as second:
            assert (first, second) == (True, False)
    assert told == [WAITING]


def test_a_lock_that_was_made_anew_is_not_taken_away(lock):
    state = turns._read_state(Path(lock.lock_file))
    os.utime(lock.lock_file, (5, 5))
    assert turns._take_away(Path(lock.lock_file), state)
    assert Path(lock.lock_file).exists()


def test_where_a_dead_lock_can_not_be_taken_away_each_goes_on_for_itself(lock, clock):
    def refuse(path):
        raise PermissionError(1, "Operation not permitted", str(path))

    told = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Path, "unlink", refuse)
        with wait(lock, told) as held:
            assert not held
    assert told == [WAITING, DEAD]


def test_where_there_are_no_locks_each_goes_on_for_itself(tmp_path, monkeypatch):
    def refuse(*_, **__):
        raise OSError(95, "Operation not supported")

    monkeypatch.setattr(SoftFileLock, "acquire", refuse)
    with take_turn(tmp_path / "a.lock", lambda: False, print) as held:
        assert not held


def wait_for_touch(file):
    for _ in range(20_000):
        if file.stat().st_mtime > 0:
            return
        time.sleep(0.001)
    raise AssertionError(f"nobody touched {file}")


def test_files_are_touched_while_somebody_works_whatever_takes_so_long(tmp_path, monkeypatch):
    monkeypatch.setattr(turns, "_BEAT", 0.001)
    one, late = tmp_path / "one", tmp_path / "late"
    files = [tmp_path / "gone", one]
    one.touch()
    late.touch()
    for file in (one, late):
        os.utime(file, (0, 0))
    with show_life(lambda: list(files)):
        wait_for_touch(one)
        assert late.stat().st_mtime == 0
        files.append(late)
        wait_for_touch(late)
    os.utime(one, (0, 0))
    assert one.stat().st_mtime == 0
