"""One process fetches a model while the others wait: that saves traffic, and nothing that is right depends on it."""

from __future__ import annotations

import contextlib
import os
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TypeAlias

PATIENCE = 60.0
"""Seconds without a sign of life after which the process that holds a lock is not waited for any more."""

_BEAT = 5.0  # seconds between two signs of life
_POLL = 0.2  # seconds between two looks at what another process does

_State: TypeAlias = tuple[int, int] | None


@contextlib.contextmanager
def take_turn(lock_file: Path, is_done: Callable[[], bool], tell: Callable[[str], None]) -> Iterator[bool]:
    """Wait while another process holds a lock and lives; give whether it is held here now.

    Where locks don't hold, or can't be made, each process goes on for itself.

    Args:
        lock_file: Its holder touches it again and again: see ``show_life``.
        is_done: Whether there is nothing to wait for any more.
        tell: Is told, in a line, what is waited for.
    """
    from filelock import SoftFileLock, Timeout

    lock = SoftFileLock(lock_file)
    held, told, state, changed = False, False, None, time.monotonic()
    while not held and not is_done():
        try:
            lock.acquire(timeout=0)
            held = True
        except Timeout:
            if not told:
                tell("another process fetches it; waiting")
                told = True
            # Seen on this machine's own clock: the other one's may be wrong.
            if (now := _read_state(lock_file)) != state:
                state, changed = now, time.monotonic()
            elif time.monotonic() - changed > PATIENCE:
                tell(f"no sign of life from it for {PATIENCE:.0f} s; fetching it here")
                if not _take_away(lock_file, state):
                    break
            time.sleep(_POLL)
        except OSError:
            break  # a file system without them
    try:
        yield held
    finally:
        if held:
            lock.release()


@contextlib.contextmanager
def show_life(files: Callable[[], Iterable[Path]]) -> Iterator[None]:
    """Touch files again and again while this process works, whatever takes it so long: a download, or an examination.

    Args:
        files: Tells which; they change while the work goes on.
    """
    ended = threading.Event()

    def beat() -> None:
        while not ended.wait(_BEAT):
            for file in files():
                with contextlib.suppress(OSError):
                    os.utime(file)

    thread = threading.Thread(target=beat, name="show-life", daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def _read_state(lock_file: Path) -> _State:
    """Return what changes with each sign of life."""
    with contextlib.suppress(OSError):
        lock_file.open("rb").close()  # a network file system asks its server then
    with contextlib.suppress(OSError):
        state = lock_file.stat()
        return state.st_ino, state.st_mtime_ns
    return None


def _take_away(lock_file: Path, state: _State) -> bool:
    """Remove a lock whose holder is dead, so that one of those who wait has the next turn; False where it can't be.

    One that was made anew meanwhile is somebody's who was faster.
    """
    try:
        if _read_state(lock_file) == state:
            lock_file.unlink()
    except FileNotFoundError:
        return True
    except OSError:
        return False
    return True
