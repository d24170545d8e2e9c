"""The layout of .tbi and .csi: by contig, which chunks of a file hold the records of each bin and window.

Positions are 0-based and half-open. An offset is a virtual one, as ``index`` has them.
Formats: the tabix and CSI specifications of samtools/hts-specs.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterable, Iterator
from typing import TypeAlias

from zoo.errors import OutputError

_SHIFT = 14  # a bin of the lowest level, and a window, holds 2^14 bases; each level above eight times as many
_TBI_DEPTH = 5
TBI_END = 1 << (_SHIFT + 3 * _TBI_DEPTH)
"""Where .tbi ends: it can't tell positions behind 2^29."""

CONTIG_LINE = re.compile(rb"^##contig=<(.*)>\s*$", re.MULTILINE)
_LENGTH = re.compile(rb"(?:^|,)length=(\d+)")

_Chunk: TypeAlias = list[int]  # where it starts and ends


class IndexedContig:
    """Where a contig's records are, by bin (its level from below, and its place there) and by window."""

    def __init__(self, name: bytes, begin: int) -> None:
        self.name = name
        self._begin = self._end = begin
        self._count = 0
        self._bins: dict[tuple[int, int], list[_Chunk]] = {}
        self._windows: list[int] = []

    def add(self, start: int, end: int, begin: int, finish: int) -> None:
        """Add a record of the bases ``start`` to ``end - 1`` that stands between two offsets."""
        first, last = start >> _SHIFT, (end - 1) >> _SHIFT
        level = 0
        while first >> (3 * level) != last >> (3 * level):
            level += 1
        chunks = self._bins.setdefault((level, first >> (3 * level)), [])
        if chunks and chunks[-1][1] == begin:
            chunks[-1][1] = finish
        else:
            chunks.append([begin, finish])
        # Windows that no record touches point at the one behind them.
        self._windows.extend([begin] * (last + 1 - len(self._windows)))
        self._end = finish
        self._count += 1

    def pack_tbi(self) -> bytes:
        """Return the contig's part of a .tbi."""
        bins = [_pack_bin(number, b"", chunks) for number, _, chunks in self._number(_TBI_DEPTH)]
        bins.append(_pack_bin(_count_bins(_TBI_DEPTH + 1) + 1, b"", self._statistics()))
        windows = struct.pack(f"<i{len(self._windows)}Q", len(self._windows), *self._windows)
        return struct.pack("<i", len(bins)) + b"".join(bins) + windows

    def pack_csi(self, depth: int) -> bytes:
        """Return the contig's part of a .csi of so many levels above the lowest."""
        bins = [
            _pack_bin(number, struct.pack("<Q", self._windows[window]), chunks)
            for number, window, chunks in self._number(depth)
        ]
        bins.append(_pack_bin(_count_bins(depth + 1) + 1, bytes(8), self._statistics()))
        return struct.pack("<i", len(bins)) + b"".join(bins)

    def _number(self, depth: int) -> Iterator[tuple[int, int, list[_Chunk]]]:
        """Yield the number of each bin in an index of that depth, its first window, and its chunks."""
        for (level, place), chunks in sorted(self._bins.items(), reverse=True):
            yield _count_bins(depth - level) + place, place << (3 * level), chunks

    def _statistics(self) -> list[_Chunk]:
        return [[self._begin, self._end], [self._count, 0]]


class Index:
    """The contigs of a sorted file, in order of appearance, and how far the furthest reaches."""

    def __init__(self, name: str) -> None:
        self.contigs: list[IndexedContig] = []
        self.furthest = 0
        self._name = name
        self._known: set[bytes] = set()
        self._last = 0

    def declare(self, header: bytes) -> None:
        """Take note of the contigs' lengths."""
        lengths = (_LENGTH.search(body) for body in CONTIG_LINE.findall(header))
        self.furthest = max([self.furthest, *(int(length[1]) for length in lengths if length)])

    def add(self, contig: bytes, start: int, end: int, begin: int, finish: int) -> None:
        """Add a record that stands between two offsets."""
        if not self.contigs or contig != self.contigs[-1].name:
            if contig in self._known:
                raise describe_order(self._name, contig.decode(), start + 1, f"{contig.decode()} had ended before")
            self._known.add(contig)
            self.contigs.append(IndexedContig(contig, begin))
        elif start < self._last:
            raise describe_order(self._name, contig.decode(), start + 1, f"the record before it is at {self._last + 1}")
        self._last = start
        start, end = max(0, start), max(1, end)  # POS 0 stands with the first base, as htslib has it
        self.furthest = max(self.furthest, end)
        self.contigs[-1].add(start, end, begin, finish)

    def pack_tbi(self, columns: bytes) -> bytes:
        """Return a .tbi."""
        parts = [struct.pack("<4si", b"TBI\1", len(self.contigs)), columns]
        return b"".join([*parts, *(contig.pack_tbi() for contig in self.contigs), bytes(8)])

    def pack_csi(self, columns: bytes, contigs: Iterable[IndexedContig | None]) -> bytes:
        """Return a .csi for these contigs, None where one has no record."""
        depth = 0
        while self.furthest > 1 << (_SHIFT + 3 * depth):
            depth += 1
        packed = [struct.pack("<i", 0) if contig is None else contig.pack_csi(depth) for contig in contigs]
        head = struct.pack("<4s3i", b"CSI\1", _SHIFT, depth, len(columns)) + columns
        return b"".join([head, struct.pack("<i", len(packed)), *packed, bytes(8)])


def describe_order(name: str, contig: str, position: int, reason: str) -> OutputError:
    return OutputError(
        f"{name}: can't be indexed: the record at {contig}:{position} is out of order, as {reason}; "
        "sort the input (bcftools sort), or leave --index out"
    )


def _count_bins(depth: int) -> int:
    """Return how many bins the levels above the one at that depth hold together."""
    return ((1 << (3 * depth)) - 1) // 7


def _pack_bin(number: int, offset: bytes, chunks: list[_Chunk]) -> bytes:
    flat = [place for chunk in chunks for place in chunk]
    return struct.pack("<I", number) + offset + struct.pack(f"<i{len(flat)}Q", len(chunks), *flat)
