"""Stretches of bases that are mutated: a region, the regions of a BED file, FASTA records, or given sequences."""

from __future__ import annotations

import re
from collections.abc import Iterable
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path

from zoo.errors import BedError, DataError, UnknownContig, near_match
from zoo.genome.bed import read_bed
from zoo.genome.codes import Codes, encode
from zoo.genome.fasta import open_text, read_fasta
from zoo.genome.interval import Interval
from zoo.genome.reference import Reference, fetch_window
from zoo.prediction.support import refuse_variants

_REGION = re.compile(r"(?P<contig>.+):(?P<first>[0-9][0-9,]{0,14})-(?P<last>[0-9][0-9,]{0,14})")
_FORM = "contig:first-last, counted from 1, as in chr1:1000-1200"


@dataclass(frozen=True, slots=True)
class Stretch:
    """The bases ``start`` to ``end - 1`` of a contig or of a sequence, counted from 0, and what stands around them.

    Attributes:
        name: What a file calls it; empty for a region that was written out.
        contig: Where it lies, empty for a sequence.
        minus: Whether models read the other strand.
        source: The genome; or the whole sequence, beyond whose ends nothing is known.
        where: What messages about it start with.
    """

    name: str
    contig: str
    start: int
    end: int
    source: Reference | Codes
    where: str
    minus: bool = False

    def __len__(self) -> int:
        return self.end - self.start

    @property
    def whole(self) -> int:
        """Bases that a window may lie on: those of a sequence, or of a contig, beyond which it may reach."""
        return self.source.lengths[self.contig] if isinstance(self.source, Reference) else len(self.source)

    @property
    def codes(self) -> Codes:
        """The bases themselves, of the strand that the contig is written in, shape (its length,)."""
        return self.fetch(self.start, len(self))

    def leave_out(self, before: int, after: int) -> Stretch:
        """Return the stretch without so many bases at its ends; what stands around it stays."""
        return replace(self, start=self.start + before, end=self.end - after)

    def fetch(self, start: int, length: int) -> Codes:
        """Return ``length`` bases from ``start`` on; those beyond the contig or the sequence are unknown."""
        if isinstance(self.source, Reference):
            return self.source.fetch(Interval(self.contig, start, start + length))
        return fetch_window(self.source, start, length)


def open_stretches(
    sequences: str | Path | Iterable[str], genome: str | Path | None, opened: ExitStack
) -> list[Stretch]:
    """Return what is to be mutated, in its order.

    Args:
        sequences: A FASTA or BED file, a region such as ``chr1:1000-1200`` (1-based, both ends included), or the
            sequences themselves.
        genome: The FASTA file that regions lie on.
        opened: Closes the genome.

    Raises:
        DataError: It is neither a file nor a region, or a region reaches beyond its contig, or no genome is given.
        BedError: A region of a file does.
        UnknownContig: The genome has no such contig.
    """
    if not isinstance(sequences, str | Path):
        given = ((str(number), letters) for number, letters in enumerate(sequences, start=1))
        return [_of_sequence(name, letters, f"sequence {name}") for name, letters in given]
    path = Path(sequences)
    if path.is_file():
        refuse_variants(path)
    if path.is_file() and _is_fasta(path):
        return [
            _of_sequence(header.split()[0] if header else str(number), letters, f"{path}, sequence {number}")
            for number, (header, letters) in enumerate(read_fasta(path), start=1)
        ]
    written = None if path.is_file() else _REGION.fullmatch(str(sequences))
    if not path.is_file() and written is None:
        raise DataError(f"{sequences}: expected a region ({_FORM}), or a FASTA or BED file; found no file of that name")
    if genome is None:
        raise DataError(f"{sequences}: regions need the genome that they lie on: name its FASTA file as genome")
    reference = opened.enter_context(Reference(genome))
    if written is not None:
        return [_of_written(written, reference)]
    return [_of_bed(path, number, region, reference) for number, region in enumerate(read_bed(path), start=1)]


def _of_sequence(name: str, letters: str, where: str) -> Stretch:
    return Stretch(name, "", 0, len(letters), encode(letters), f"{where} ({name})")


def _of_written(written: re.Match[str], reference: Reference) -> Stretch:
    first, last = (int(written[end].replace(",", "")) for end in ("first", "last"))
    if first < 1:
        raise DataError(f"{written[0]}: expected {_FORM}, found a first position of {first}")
    if first > last:
        raise DataError(f"{written[0]}: expected {_FORM}, found a first position behind the last")
    contig = _find_contig(written["contig"], reference, written[0])
    length = reference.lengths[contig]
    if last > length:
        raise DataError(f"{written[0]}: {contig} of {reference.path} ends at {length:,}; choose positions on it")
    return Stretch("", contig, first - 1, last, reference, written[0])


def _of_bed(path: Path, number: int, region: Interval, reference: Reference) -> Stretch:
    where = f"{path}, region {number} ({region})"
    contig = _find_contig(region.contig, reference, where)
    if region.end > reference.lengths[contig]:
        raise BedError(
            f"{where}: {contig} of {reference.path} ends at {reference.lengths[contig]:,}; "
            "is this the genome that the regions lie on?"
        )
    return Stretch(region.name, contig, region.start, region.end, reference, where, minus=region.strand == "-")


def _find_contig(name: str, reference: Reference, where: str) -> str:
    contig = reference.resolve(name)
    if contig is None:
        raise UnknownContig(f"{where}: {reference.path} has no contig {name!r}{near_match(name, reference.lengths)}")
    return contig


def _is_fasta(path: Path) -> bool:
    try:
        with open_text(path) as lines:
            first = next((line for line in lines if line.strip()), "")
    except (OSError, EOFError, UnicodeDecodeError) as error:
        raise DataError(f"{path}: expected FASTA or BED, found a file that can't be read as text: {error}") from error
    if not first:
        raise DataError(f"{path}: expected FASTA or BED, found an empty file")
    return first.lstrip().startswith(">")
