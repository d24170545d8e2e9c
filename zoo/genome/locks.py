"""Locks that keep two processes out of one file."""

from __future__ import annotations


def take_lock(descriptor: int) -> bool:
    """Lock an open file, until it is closed; False, without waiting, where another process holds it.

    Windows has no such lock: there everybody gets it, and what is written under its final name at once stays whole.
    """
    try:
        import fcntl
    except ImportError:
        return True
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
