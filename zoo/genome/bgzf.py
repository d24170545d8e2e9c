"""Blocked gzip (BGZF): telling it from plain gzip, telling whole files from cut ones, and writing it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import BinaryIO

EOF_MARKER = bytes.fromhex("1f8b08040000000000ff0600424302001b0003000000000000000000")
"""The empty block that ends a BGZF file (SAM specification, section 4.1.2)."""

_HEADER_LENGTH = 18
_CHUNK = 60_000  # below a block's 65,280 bytes, so that the writer never slices a long buffer again and again


def is_gzip(path: Path) -> bool:
    """Tell whether a file is gzip of any kind."""
    return _head(path)[:2] == b"\x1f\x8b"


def is_bgzf(path: Path) -> bool:
    """Tell whether a file is blocked gzip: its first block carries the extra field ``BC``."""
    head = _head(path)
    return len(head) == _HEADER_LENGTH and head[:4] == b"\x1f\x8b\x08\x04" and head[12:14] == b"BC"


def ends_with_marker(path: Path) -> bool:
    """Tell whether a BGZF file is whole, as far as its last block tells."""
    with path.open("rb") as file:
        file.seek(0, os.SEEK_END)
        size = file.tell()
        file.seek(max(0, size - len(EOF_MARKER)))
        return file.read() == EOF_MARKER


class BgzfSink:
    """Writes text as BGZF blocks into an open binary file, which stays the caller's to close.

    The blocks' checksums and lengths are Biopython's work; errors of the file (a full disk, a closed pipe) reach the
    caller of ``write``, ``flush`` or ``finish``.
    """

    def __init__(self, file: BinaryIO, level: int = 6) -> None:
        from Bio.bgzf import BgzfWriter

        self._file = file
        self._writer = BgzfWriter(fileobj=file, compresslevel=level)

    def write(self, content: bytes) -> None:
        """Add bytes; they reach the file in blocks."""
        for first in range(0, len(content), _CHUNK):
            self._writer.write(content[first : first + _CHUNK])

    def flush(self) -> None:
        """End the current block, so that what follows starts a block of its own."""
        self._writer.flush()

    def finish(self) -> None:
        """Write what is left and the end marker."""
        self._writer.flush()
        self._file.write(EOF_MARKER)
        self._file.flush()


def _head(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(_HEADER_LENGTH)


def text_length(path: Path) -> int | None:
    """Return how many bytes a plain, gzip or BGZF file holds once unpacked, or None where that can't be told.

    BGZF is walked from block to block, gzip states its length (modulo 4 GiB) in its last four bytes.
    """
    size = path.stat().st_size
    if not is_gzip(path):
        return size
    with path.open("rb") as file:
        if not is_bgzf(path):
            file.seek(-4, os.SEEK_END)
            length = int.from_bytes(file.read(4), "little")
            return length if size < length < size * 100 else None
        total = 0
        place = 0
        while place < size:
            file.seek(place + 16)
            place += int.from_bytes(file.read(2), "little") + 1
            file.seek(place - 4)
            total += int.from_bytes(file.read(4), "little")
    return total
