"""Indexes of BGZF VCF (.tbi, or .csi for long contigs) and of BCF (.csi): which blocks hold the records of a region.

Positions are 0-based and half-open here. An offset is a virtual one: the block's place in the file, times 65,536, plus
the place in the block's text. Formats: the tabix and CSI specifications of samtools/hts-specs.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import BinaryIO

from zoo.errors import OutputError
from zoo.genome.bgzf import EOF_MARKER, pack, read_blocks
from zoo.genome.output import OutputFile

INDEX_SUFFIXES = (".tbi", ".csi")

_SHIFT = 14  # a bin of the lowest level, and a window, holds 2^14 bases; each level above eight times as many
_TBI_DEPTH = 5
TBI_END = 1 << (_SHIFT + 3 * _TBI_DEPTH)
"""Where .tbi ends: it can't tell positions behind 2^29."""
_VCF_COLUMNS = struct.pack("<6i", 2, 1, 2, 0, ord("#"), 0)  # tabix' preset for VCF

_END = re.compile(rb"(?:^|;)END=(\d+)")
_SVLEN = re.compile(rb"(?:^|;)SVLEN=([-\d,.]+)")
_SPANNING = re.compile(rb"<(?:DEL|DUP|INV|CNV)")
_CONTIG = re.compile(rb"^##contig=<(.*)>\s*$", re.MULTILINE)
_ID = re.compile(rb"(?:^|,)ID=([^,]+)")
_LENGTH = re.compile(rb"(?:^|,)length=(\d+)")
_IDX = re.compile(rb"(?:^|,)IDX=(\d+)")

_Chunk = list[int]  # where it starts and ends


class OrderCheck:
    """Looks while records are written whether they can be indexed: sorted by position, each contig in one piece.

    Attributes:
        suffix: What the index is called, once it is made.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._contig = ""
        self._position = 0
        self._seen: set[str] = set()
        self.suffix = ""

    def check(self, body: str) -> None:
        """Take note of lines, none or all of which are the header's.

        Raises:
            OutputError: A record stands behind one that it should stand before.
        """
        if body.startswith("#"):
            return
        start = 0
        while start < len(body):
            contig, position, _ = body[start : start + 300].split("\t", 2)
            self._place(contig, int(position))
            start = body.index("\n", start) + 1

    def _place(self, contig: str, position: int) -> None:
        if contig != self._contig:
            if contig in self._seen:
                raise _unsorted(self._name, contig, position, f"{contig} had ended before")
            self._seen.add(contig)
            self._contig = contig
        elif position < self._position:
            raise _unsorted(self._name, contig, position, f"the record before it is at {self._position}")
        self._position = position


def index_vcf(path: Path, output: OutputFile) -> str:
    """Write ``output.index`` for a BGZF VCF, and return the suffix that it wants.

    Raises:
        OutputError: The records are not sorted.
    """
    with output.writing(), path.open("rb") as file:
        index = _Index(output.name)
        for begin, end, line in _read_lines(file):
            if line.startswith(b"#"):
                index.declare(line)
            else:
                index.add(*_place(line), begin, end)
        names = b"".join(contig.name + b"\0" for contig in index.contigs)
        columns = _VCF_COLUMNS + struct.pack("<i", len(names)) + names
        if index.furthest <= TBI_END:
            suffix, content = ".tbi", index.pack_tbi(columns)
        else:
            suffix, content = ".csi", index.pack_csi(columns, index.contigs)
        output.index.write_bytes(pack(content) + EOF_MARKER)
    return suffix


def index_bcf(path: Path, output: OutputFile) -> str:
    """Write ``output.index`` for a BCF, and return the suffix that it wants.

    Raises:
        OutputError: The records are not sorted.
    """
    with output.writing(), path.open("rb") as file:
        index = _Index(output.name)
        text = _Text(file)
        _, length = struct.unpack("<5si", text.read(9))
        header = text.read(length).rstrip(b"\0")
        index.declare(header)
        names = _contig_numbers(header)
        begin = text.tell()
        while head := text.read(24):
            shared, individual, number, start, span = struct.unpack_from("<2I3i", head)
            text.read(shared + individual - 16)
            end = text.tell()
            index.add(names[number], start, start + max(1, span), begin, end)
            begin = end
        found = {contig.name: contig for contig in index.contigs}
        contigs = [found.get(names.get(number, b"")) for number in range(max(names, default=-1) + 1)]
        output.index.write_bytes(pack(index.pack_csi(b"", contigs)) + EOF_MARKER)
    return ".csi"


class _IndexedContig:
    """Where a contig's records are, by bin (its level from below, and its place there) and by window."""

    def __init__(self, name: bytes, begin: int) -> None:
        self.name = name
        self._begin = self._end = begin
        self._count = 0
        self._bins: dict[tuple[int, int], list[_Chunk]] = {}
        self._windows: list[int] = []

    def add(self, start: int, end: int, begin: int, finish: int) -> None:
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
        bins = [_pack_bin(number, b"", chunks) for number, _, chunks in self._number(_TBI_DEPTH)]
        bins.append(_pack_bin(_count_bins(_TBI_DEPTH + 1) + 1, b"", self._statistics()))
        windows = struct.pack(f"<i{len(self._windows)}Q", len(self._windows), *self._windows)
        return struct.pack("<i", len(bins)) + b"".join(bins) + windows

    def pack_csi(self, depth: int) -> bytes:
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


class _Index:
    """The contigs of a sorted file, in order of appearance, and how far the furthest reaches."""

    def __init__(self, name: str) -> None:
        self.contigs: list[_IndexedContig] = []
        self.furthest = 0
        self._name = name
        self._known: set[bytes] = set()
        self._last = 0

    def declare(self, header: bytes) -> None:
        """Take note of the contigs' lengths."""
        lengths = (_LENGTH.search(body) for body in _CONTIG.findall(header))
        self.furthest = max([self.furthest, *(int(length[1]) for length in lengths if length)])

    def add(self, contig: bytes, start: int, end: int, begin: int, finish: int) -> None:
        """Add a record that stands between two offsets."""
        if not self.contigs or contig != self.contigs[-1].name:
            if contig in self._known:
                raise _unsorted(self._name, contig.decode(), start + 1, f"{contig.decode()} had ended before")
            self._known.add(contig)
            self.contigs.append(_IndexedContig(contig, begin))
        elif start < self._last:
            raise _unsorted(self._name, contig.decode(), start + 1, f"the record before it is at {self._last + 1}")
        self._last = start
        start, end = max(0, start), max(1, end)  # POS 0 stands with the first base, as htslib has it
        self.furthest = max(self.furthest, end)
        self.contigs[-1].add(start, end, begin, finish)

    def pack_tbi(self, columns: bytes) -> bytes:
        """Return a .tbi."""
        parts = [struct.pack("<4si", b"TBI\1", len(self.contigs)), columns]
        return b"".join([*parts, *(contig.pack_tbi() for contig in self.contigs), bytes(8)])

    def pack_csi(self, columns: bytes, contigs: Iterable[_IndexedContig | None]) -> bytes:
        """Return a .csi for these contigs, None where one has no record."""
        depth = 0
        while self.furthest > 1 << (_SHIFT + 3 * depth):
            depth += 1
        packed = [struct.pack("<i", 0) if contig is None else contig.pack_csi(depth) for contig in contigs]
        head = struct.pack("<4s3i", b"CSI\1", _SHIFT, depth, len(columns)) + columns
        return b"".join([head, struct.pack("<i", len(packed)), *packed, bytes(8)])


class _Text:
    """The text of a BGZF file, to be read from its start to its end."""

    def __init__(self, file: BinaryIO) -> None:
        self._blocks = read_blocks(file)
        self._block = b""
        self._offset = self._next = self._place = 0

    def read(self, length: int) -> bytes:
        """Return so many bytes, or less at the end."""
        parts = []
        while length > 0:
            if self._place == len(self._block):
                self._offset, self._next, self._block = next(self._blocks, (self._next, self._next, b""))
                self._place = 0
                if not self._block:
                    break
            part = self._block[self._place : self._place + length]
            parts.append(part)
            length -= len(part)
            self._place += len(part)
        return b"".join(parts)

    def tell(self) -> int:
        """Return the virtual offset of what comes next."""
        return self._next << 16 if self._place == len(self._block) else self._offset << 16 | self._place


def _read_lines(file: BinaryIO) -> Iterator[tuple[int, int, bytes]]:
    """Yield where each line of a BGZF file begins and ends, and the line without its end."""
    begin = 0
    waiting: list[bytes] = []
    for offset, following, text in read_blocks(file):
        place = 0
        while (newline := text.find(b"\n", place)) >= 0:
            line = b"".join([*waiting, text[place:newline]])
            waiting = []
            place = newline + 1
            end = offset << 16 | place if place < len(text) else following << 16
            yield begin, end, line
            begin = end
        if place < len(text):
            waiting.append(text[place:])


def _place(line: bytes) -> tuple[bytes, int, int]:
    """Return contig, start and end of a record: of REF, or further where INFO says so."""
    contig, position, _, ref, alt, _, _, *rest = line.split(b"\t", 8)
    start = int(position) - 1
    end = start + len(ref)
    if rest and (found := _END.search(rest[0])):
        end = max(end, int(found[1]))
    if _SPANNING.search(alt) and (found := _SVLEN.search(rest[0])):
        lengths = [abs(int(length)) for length in found[1].split(b",") if length.lstrip(b"-").isdigit()]
        end = max([end, *(start + 1 + length for length in lengths)])
    return contig, start, end


def _contig_numbers(header: bytes) -> dict[int, bytes]:
    """Return the contigs that a header of BCF declares, by the number that records call them by."""
    numbers = {}
    for place, body in enumerate(_CONTIG.findall(header)):
        name, number = _ID.search(body), _IDX.search(body)
        if name:
            numbers[int(number[1]) if number else place] = name[1]
    return numbers


def _count_bins(depth: int) -> int:
    """Return how many bins the levels above the one at that depth hold together."""
    return ((1 << (3 * depth)) - 1) // 7


def _pack_bin(number: int, offset: bytes, chunks: list[_Chunk]) -> bytes:
    flat = [place for chunk in chunks for place in chunk]
    return struct.pack("<I", number) + offset + struct.pack(f"<i{len(flat)}Q", len(chunks), *flat)


def _unsorted(name: str, contig: str, position: int, reason: str) -> OutputError:
    return OutputError(
        f"{name}: can't be indexed: the record at {contig}:{position} is out of order, as {reason}; "
        "sort the input (bcftools sort), or leave --index out"
    )
