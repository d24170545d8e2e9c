"""Indexes of BGZF VCF (.tbi, or .csi for long contigs) and of BCF (.csi): which blocks hold the records of a region.

Positions are 0-based and half-open here. An offset is a virtual one: the block's place in the file, times 65,536, plus
the place in the block's text. Formats: the tabix and CSI specifications of samtools/hts-specs.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from zoo.genome.bgzf import EOF_MARKER, pack, read_blocks
from zoo.genome.output import OutputFile
from zoo.prediction.output.index_layout import CONTIG_LINE, TBI_END, Index, describe_order

INDEX_SUFFIXES = (".tbi", ".csi")

_VCF_COLUMNS = struct.pack("<6i", 2, 1, 2, 0, ord("#"), 0)  # tabix' preset for VCF

_END = re.compile(rb"(?:^|;)END=(\d+)")
_SVLEN = re.compile(rb"(?:^|;)SVLEN=([-\d,.]+)")
_SPANNING = re.compile(rb"<(?:DEL|DUP|INV|CNV)")
_ID = re.compile(rb"(?:^|,)ID=([^,]+)")
_IDX = re.compile(rb"(?:^|,)IDX=(\d+)")


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
                raise describe_order(self._name, contig, position, f"{contig} had ended before")
            self._seen.add(contig)
            self._contig = contig
        elif position < self._position:
            raise describe_order(self._name, contig, position, f"the record before it is at {self._position}")
        self._position = position


def index_vcf(path: Path, output: OutputFile) -> str:
    """Write ``output.index`` for a BGZF VCF, and return the suffix that it wants.

    Raises:
        OutputError: The records are not sorted.
    """
    with output.writing(), path.open("rb") as file:
        index = Index(output.name)
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
        index = Index(output.name)
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
    for place, body in enumerate(CONTIG_LINE.findall(header)):
        name, number = _ID.search(body), _IDX.search(body)
        if name:
            numbers[int(number[1]) if number else place] = name[1]
    return numbers
