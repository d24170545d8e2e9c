"""What every store can do: read, and some also write. Names are relative POSIX paths below the store's address."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple, Protocol, TypeAlias

from zoo.errors import DownloadError

Tag: TypeAlias = str
"""What a store calls one state of a file: a new content has a new tag."""

PIECE = 1 << 20
"""Bytes that are read at a time."""

TRIES = 4
"""How often a store is asked that answers with a fault of its own, or breaks off, with a longer wait each time."""

IDLE = 30.0
"""Seconds without a byte after which a connection counts as broken."""


class Tagged(NamedTuple):
    """A small file with its tag; ``content`` is None where the tag is the one that was known already."""

    content: bytes | None
    tag: Tag


class Missing(DownloadError):
    """The store has nothing under this name; asking again is of no use."""


class Changed(Exception):
    """The file is not in the state any more that the caller had read."""


class Reader(Protocol):
    """A store that can be read."""

    address: str
    """What the user calls it, without a slash at the end."""

    def read(self, path: str, start: int = 0) -> Iterator[bytes]:
        """Give the bytes of a file from ``start`` (0-based) on, in pieces; from beyond the end there are none.

        It is one attempt: who reads keeps what came and asks for the rest.

        Raises:
            Missing: There is no such file.
            DownloadError: It can't be read, or the connection broke off; the message names the address.
        """
        ...

    def read_tagged(self, path: str, limit: int, known: Tag | None = None) -> Tagged | None:
        """Return a small file and its tag, None where there is none.

        Args:
            path: Its name.
            limit: The most bytes that it may have.
            known: The tag of a copy that the caller has.

        Raises:
            DownloadError: It can't be read, or is larger than ``limit``.
        """
        ...


class Writer(Reader, Protocol):
    """A store that can be written, too."""

    def put(self, path: str, file: Path, *, replace: bool = False) -> None:
        """Keep a copy of a file under a name, whole or not at all.

        Args:
            path: The name.
            file: The file, which is never held in memory as a whole.
            replace: What stands there is damaged and gives way; else it may stay.

        Raises:
            OutputError: It can't be written.
        """
        ...

    def swap(self, path: str, content: bytes, expected: Tag | None) -> Tag:
        """Replace a file that is in the state ``expected``, None for one that must not be there; return its new tag.

        No other process's change is ever lost, and no reader sees half a file.

        Raises:
            Changed: It is in another state.
            OutputError: It can't be written. It may have been, if the answer was lost: read it again.
        """
        ...


def leads_out(path: str) -> bool:
    """Whether a name can't be one below a store: empty, absolute, with ``.`` or ``..``, a backslash or NUL."""
    parts = path.split("/")
    return not all(parts) or not {".", ".."}.isdisjoint(parts) or "\\" in path or "\0" in path
