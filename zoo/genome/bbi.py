"""Whether a bigWig file is whole: the library that reads them panics on one that is not, or aborts the process.

Source of the layout: Kent et al. 2010, doi:10.1093/bioinformatics/btq351, supplementary tables 5 to 15. All addresses
count bytes from the file's start.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Literal

import numpy as np
import numpy.typing as npt

from zoo.errors import DataError

_MAGIC = 0x888FFC26
_CONTIG_MAGIC = 0x78CA8C91
_INDEX_MAGIC = 0x2468ACE0
_BLOCK_LIMIT = 1 << 28
"""The largest block that is believed: writers make them of some 10 to 400 kB."""

_HEADER = "IHHQQQHHQQIQ"
_TRAILER_VERSION = 4
"""From this version on the magic number stands at the end of the file once more."""
_SECTION_BYTES = 24
_ITEM_BYTES = {1: 12, 2: 8, 3: 4}
"""By the type of a section: start, end and value; start and value; value."""


@dataclass(frozen=True, slots=True)
class Layout:
    """What the header and the two trees of a file say.

    Args:
        contigs: The number and the length of each contig.
        blocks: Blocks of values: first and last contig's number, address and bytes.
        uncompressed: The bytes of the largest block once uncompressed; 0 where none is compressed.
    """

    path: Path
    order: Literal["<", ">"]
    contigs: dict[str, tuple[int, int]]
    blocks: npt.NDArray[np.void]
    uncompressed: int


def read_layout(path: Path) -> Layout:
    """Return where a bigWig file keeps what.

    Raises:
        DataError: The file is missing, no bigWig, or cut.
    """
    try:
        with path.open("rb") as file:
            size = file.seek(0, 2)
            order = _read_order(file, path)
            header = struct.unpack(order + _HEADER, _read(file, 0, 64, path))
            version, contig_tree, index, uncompressed = header[1], header[3], header[5], header[10]
            (end,) = struct.unpack(f"{order}I", _read(file, size - 4, 4, path))
            if version >= _TRAILER_VERSION and end != _MAGIC:
                raise DataError(f"{path}: the file is cut: its end marker is missing; copy it again")
            if uncompressed > _BLOCK_LIMIT:
                raise _damaged(path, f"blocks of {uncompressed} bytes")
            contigs = _read_contigs(file, order, contig_tree, size, path)
            blocks = _read_blocks(file, order, index, size, path)
    except OSError as error:
        raise DataError(f"{path}: can't be read: {error.strerror or error}") from error
    return Layout(path, order, contigs, blocks, uncompressed)


def check_blocks(layout: Layout, number: int) -> None:
    """Check every block of values of the contig of that number.

    Raises:
        DataError: A block is damaged; the message names its address.
    """
    blocks = layout.blocks
    with layout.path.open("rb") as file:
        for block in blocks[(blocks["first"] <= number) & (number <= blocks["last"])]:
            address, count = int(block["address"]), int(block["bytes"])
            content = _read(file, address, count, layout.path)
            if layout.uncompressed:
                content = _uncompress(content, layout, address)
            where = f"the block at byte {address}"
            if len(content) < _SECTION_BYTES:
                raise _damaged(layout.path, where)
            kind, items = struct.unpack(f"{layout.order}BxH", content[20:_SECTION_BYTES])
            if len(content) != _SECTION_BYTES + _ITEM_BYTES.get(kind, 0) * items or kind not in _ITEM_BYTES:
                raise _damaged(layout.path, where)


def _read_order(file: IO[bytes], path: Path) -> Literal["<", ">"]:
    file.seek(0)
    magic = file.read(4)
    if magic == struct.pack("<I", _MAGIC):
        return "<"
    if magic == struct.pack(">I", _MAGIC):
        return ">"
    found = repr(magic.decode("ascii", "replace")) if magic else "an empty file"
    raise DataError(f"{path}: expected a bigWig file, found {found}")


def _read_contigs(file: IO[bytes], order: str, address: int, size: int, path: Path) -> dict[str, tuple[int, int]]:
    magic, _, key_bytes, value_bytes, count = struct.unpack(f"{order}IIIIQ", _read(file, address, 24, path))
    if magic != _CONTIG_MAGIC or not 0 < key_bytes < 1 << 16 or value_bytes != 8 or count > size:
        raise _damaged(path, "its list of contigs")
    leaf = np.dtype([("name", f"S{key_bytes}"), ("number", f"{order}u4"), ("length", f"{order}u4")])
    inner = np.dtype([("key", f"S{key_bytes}"), ("address", f"{order}u8")])
    contigs = {}
    for items in _walk(file, order, address + 32, leaf, inner, path):
        for name, number, length in items:
            contigs[bytes(name).decode("utf-8", "replace")] = (int(number), int(length))
    if not contigs:
        raise DataError(f"{path}: expected a bigWig file with values, found no contig in it")
    return contigs


def _read_blocks(file: IO[bytes], order: str, address: int, size: int, path: Path) -> npt.NDArray[np.void]:
    (magic,) = struct.unpack(f"{order}I", _read(file, address, 4, path))
    if magic != _INDEX_MAGIC:
        raise _damaged(path, "its index")
    bounds = [(name, f"{order}u4") for name in ("first", "first_base", "last", "last_base")]
    leaf = np.dtype([*bounds, ("address", f"{order}u8"), ("bytes", f"{order}u8")])
    inner = np.dtype([*bounds, ("address", f"{order}u8")])
    blocks = np.concatenate([np.empty(0, dtype=leaf), *_walk(file, order, address + 48, leaf, inner, path)])
    addresses, lengths = blocks["address"], blocks["bytes"]
    if ((addresses > size) | (lengths > size) | (lengths > _BLOCK_LIMIT) | (addresses + lengths > size)).any():
        raise _damaged(path, "blocks beyond its end")
    return blocks


def _walk(
    file: IO[bytes], order: str, root: int, leaf: np.dtype[np.void], inner: np.dtype[np.void], path: Path
) -> Iterator[npt.NDArray[np.void]]:
    """Yield the items of each leaf below a node, in order."""
    waiting, seen = [root], set()
    while waiting:
        address = waiting.pop()
        if address in seen:
            raise _damaged(path, "an index that runs in a circle")
        seen.add(address)
        is_leaf, count = struct.unpack(f"{order}BxH", _read(file, address, 4, path))
        if is_leaf not in {0, 1}:
            raise _damaged(path, "its index")
        kind = leaf if is_leaf else inner
        items = np.frombuffer(_read(file, address + 4, count * kind.itemsize, path), dtype=kind)
        if is_leaf:
            yield items
        else:
            waiting.extend(reversed(items["address"].tolist()))


def _uncompress(content: bytes, layout: Layout, address: int) -> bytes:
    try:
        unpacker = zlib.decompressobj()
        found = unpacker.decompress(content, layout.uncompressed)
    except zlib.error as error:
        raise _damaged(layout.path, f"the block at byte {address}") from error
    if not unpacker.eof:
        raise _damaged(layout.path, f"the block at byte {address}")
    return found


def _read(file: IO[bytes], address: int, count: int, path: Path) -> bytes:
    try:
        file.seek(address)
        content = file.read(count)
    except (OSError, ValueError, OverflowError) as error:
        raise _damaged(path, f"an address of {address}") from error
    if len(content) != count:
        raise DataError(f"{path}: the file is cut: {count} bytes were expected at byte {address}; copy it again")
    return content


def _damaged(path: Path, what: str) -> DataError:
    return DataError(f"{path}: the file is damaged: {what} can't be right; copy or make it again")
