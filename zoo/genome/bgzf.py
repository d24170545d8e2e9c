"""Blocked gzip (BGZF): telling it from plain gzip, whole files from cut ones; writing and reading its blocks."""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, Protocol

EOF_MARKER = bytes.fromhex("1f8b08040000000000ff0600424302001b0003000000000000000000")
"""The empty block that ends a BGZF file (SAM specification, section 4.1.2)."""

_HEADER_LENGTH = 18
_HEADER = struct.Struct("<4BI2BH2B2H")  # gzip's header, with one extra field: BC, of two bytes, the block's length - 1
_TRAILER = struct.Struct("<2I")  # CRC32 and length of the text
_TEXT_OF_A_BLOCK = 65_280
"""What htslib puts into a block: even text that can't be compressed stays below the format's 65,536 bytes."""
_LEVEL = 6


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


class Writable(Protocol):
    """What blocks are written into."""

    def write(self, content: bytes, /) -> int: ...

    def flush(self) -> None: ...


class BgzfSink:
    """Writes bytes as BGZF blocks into an open binary file, which stays the caller's to close.

    The compression is libdeflate's, which gives the same bytes on every processor. Errors of the file (a full disk, a
    closed pipe) reach the caller of ``write``, ``flush`` or ``finish``.

    Args:
        level: 1 (fast) to 12 (small).
    """

    def __init__(self, file: Writable, level: int = _LEVEL) -> None:
        self._file = file
        self._level = level
        self._waiting = b""

    def write(self, content: bytes) -> None:
        """Add bytes; they reach the file in blocks."""
        content = self._waiting + content
        whole = len(content) - len(content) % _TEXT_OF_A_BLOCK
        self._waiting = content[whole:]
        view = memoryview(content)
        for first in range(0, whole, _TEXT_OF_A_BLOCK):
            self._file.write(_pack_block(view[first : first + _TEXT_OF_A_BLOCK], self._level))

    def flush(self) -> None:
        """End the current block, so that what follows starts a block of its own."""
        if self._waiting:
            content, self._waiting = self._waiting, b""
            self._file.write(_pack_block(content, self._level))

    def finish(self) -> None:
        """Write what is left and the end marker."""
        self.flush()
        self._file.write(EOF_MARKER)
        self._file.flush()


def pack(content: bytes) -> bytes:
    """Return bytes as BGZF blocks, without an end marker."""
    whole = range(0, len(content), _TEXT_OF_A_BLOCK)
    return b"".join(_pack_block(content[first : first + _TEXT_OF_A_BLOCK], _LEVEL) for first in whole)


def crc32(content: bytes | memoryview, before: int = 0) -> int:
    """Return the CRC32 of bytes that follow others, ``before``; libdeflate's is ten times as fast as zlib's."""
    import deflate

    return int(deflate.crc32(content, before))


def read_blocks(file: BinaryIO) -> Iterator[tuple[int, int, bytes]]:
    """Yield where each block that holds text starts and ends, and its text, from where an open BGZF file stands.

    Raises:
        ValueError: What is read is no whole block, or not the text that was packed.
    """
    import deflate

    offset = file.tell()
    while head := file.read(_HEADER_LENGTH):
        if len(head) < _HEADER_LENGTH or head[:4] != b"\x1f\x8b\x08\x04" or head[12:14] != b"BC":
            raise ValueError(f"expected a BGZF block at byte {offset}")
        length = int.from_bytes(head[16:18], "little") + 1
        rest = file.read(length - _HEADER_LENGTH)
        if len(rest) < length - _HEADER_LENGTH:
            raise ValueError(f"the BGZF block at byte {offset} is cut")
        checksum, size = _TRAILER.unpack(rest[-_TRAILER.size :])
        if size:
            text = bytes(deflate.deflate_decompress(rest[: -_TRAILER.size], size))
            if crc32(text) != checksum:
                raise ValueError(f"the BGZF block at byte {offset} is damaged")
            yield offset, offset + length, text
        offset += length


def _pack_block(content: bytes | memoryview, level: int) -> bytes:
    import deflate

    packed = deflate.deflate_compress(content, level)
    length = _HEADER_LENGTH + len(packed) + _TRAILER.size
    head = _HEADER.pack(0x1F, 0x8B, 8, 4, 0, 0, 0xFF, 6, 0x42, 0x43, 2, length - 1)
    return b"".join((head, packed, _TRAILER.pack(crc32(content), len(content))))


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
