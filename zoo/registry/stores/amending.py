"""A small file that several change: read, changed, and replaced only if nobody else did so meanwhile; else again."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import NamedTuple, TypeAlias

from zoo.errors import DownloadError, OutputError
from zoo.registry.stores.asking import CHANCE, ask_often
from zoo.registry.stores.protocol import TRIES, Changed, Tagged, Writer

Change: TypeAlias = Callable[[bytes | None], bytes | None]
"""From what a file holds, None for one that is not there, to what it shall hold; None once its wish is fulfilled.

It is called again with every newer state.
"""

MOST_TRIES = 20
"""How often a file is read anew because somebody else has changed it."""

_WAIT, _LONGEST = 0.05, 5.0  # seconds before the next try, up to twice as long each time


class Contended(OutputError):
    """Others changed the file each time that it was to be; it holds nothing of ours."""


class Amended(NamedTuple):
    """What became of a change: how often the file was read, and whether we wrote it; not if others did the same."""

    tries: int
    changed: bool


def amend(store: Writer, path: str, limit: int, change: Change, *, tries: int = MOST_TRIES) -> Amended:
    """Change a small file; nobody else's change is lost, and readers see all of ours or nothing.

    A store whose answer was lost may have done what it was asked: after any fault the file is read again, and what
    counts is what stands there.

    Args:
        store: Where it lies.
        path: Its name there.
        limit: The most bytes that it may have.
        change: What is to be done.
        tries: How often it is read.

    Raises:
        Contended: Others changed it each time.
        OutputError: It can't be written.
        DownloadError: It can't be read.
    """
    asked = TRIES if "://" in store.address else 1  # what lies behind a network may fail for a moment
    faults: list[OutputError] = []
    for number in range(1, tries + 1):
        found = _read(store, path, limit, asked, faults)
        content = change(found.content if found is not None else None)
        if content is None:
            return Amended(number, changed=bool(faults))
        if len(faults) >= asked:
            raise faults[-1]
        try:
            store.swap(path, content, found.tag if found is not None else None)
        except Changed:
            pass
        except OutputError as error:
            faults.append(error)
        else:
            return Amended(number, changed=True)
        time.sleep(CHANCE.uniform(0, min(_LONGEST, _WAIT * 2**number)))  # so that writers part
    raise Contended(f"{store.address}/{path}: others changed it each of {tries} times that it was to be; try again")


def _read(store: Writer, path: str, limit: int, asked: int, faults: list[OutputError]) -> Tagged | None:
    try:
        return ask_often(lambda: store.read_tagged(path, limit), asked)
    except DownloadError as error:
        if not faults:
            raise
        raise OutputError(
            f"{faults[-1]}; and it can't be read, so it is not known whether it was changed ({error}); try again"
        ) from error
