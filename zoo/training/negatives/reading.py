"""Sequences of any lengths, from FASTA files or cut from a genome at the regions of BED files."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from zoo.errors import BedError, DataError, FastaError, UnknownContig, ZooError, near_match
from zoo.genome.bed import Peaks, read_peaks
from zoo.genome.codes import Codes, encode
from zoo.genome.fasta import open_text, read_fasta
from zoo.genome.reference import Reference
from zoo.genome.regions import Regions


@dataclass(frozen=True, slots=True)
class NamedSequences:
    """N sequences.

    Args:
        names: The first word of a FASTA header, or ``contig:start-end``.
        regions: Where each lies, by the genome's names of contigs; None where they come from FASTA.
        peaks: The regions of the file as they stand there; the same, but for windows of a given length.
        notes: What was left out, a sentence each.
    """

    names: tuple[str, ...]
    sequences: tuple[Codes, ...]
    regions: Regions | None = None
    peaks: Regions | None = None
    notes: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.names)


def read_sequences(path: Path, reference: Reference | None, length: int | None) -> NamedSequences:
    """Read a FASTA file, or the regions of a BED or narrowPeak file.

    With ``length`` a region stands for the window whose base ``length // 2`` is its summit, where the file gives one,
    else its middle, and a sequence for its middle.

    Raises:
        DataError: A sequence is shorter than ``length``, or there is no genome to cut regions from.
        BedError: A region lies beyond its contig, or every window does.
        UnknownContig: The genome lacks a contig.
    """
    if not _is_fasta(path):
        if reference is None:
            raise DataError(f"{path}: regions need the genome that they lie on; name it with -f")
        return _cut_regions(read_peaks(path), reference, length)
    names, sequences = [], []
    for number, (header, letters) in enumerate(read_fasta(path), start=1):
        name = (header.split() or [str(number)])[0]
        if length is not None and len(letters) < length:
            raise DataError(f"{path}: record {name!r} has {len(letters)} bases, expected {length} or more")
        start = 0 if length is None else (len(letters) - length) // 2
        names.append(name)
        sequences.append(encode(letters)[start : None if length is None else start + length])
    return NamedSequences(tuple(names), tuple(sequences))


def _is_fasta(path: Path) -> bool:
    try:
        with open_text(path) as lines:
            return next((line.startswith(">") for line in lines if line.strip()), False)
    except (OSError, EOFError) as error:
        raise DataError(f"{path}: can't be read: {error}") from error
    except UnicodeDecodeError as error:
        raise FastaError(f"{path}: expected FASTA or BED, found bytes that are no text") from error


def _cut_regions(peaks: Peaks, reference: Reference, length: int | None) -> NamedSequences:
    contigs = _resolve(peaks, reference)
    places = Regions(contigs, peaks.regions.starts, peaks.regions.ends)
    sizes = np.array([reference.lengths[str(contig)] for contig in contigs])
    beyond = np.flatnonzero(places.ends > sizes)
    if len(beyond):
        row = int(beyond[0])
        raise BedError(
            f"{peaks.where(row)}: expected an end of at most {sizes[row]}, the length of {contigs[row]}, found "
            f"{places.ends[row]}"
        )
    windows = places
    notes: tuple[str, ...] = ()
    if length is not None:
        middles = (places.starts + places.ends) // 2
        starts = np.where(peaks.summits >= 0, peaks.summits, middles) - length // 2
        inside = (starts >= 0) & (starts + length <= sizes)
        if not inside.any():
            raise BedError(f"{peaks.path}: every window of {length} bases leaves its contig; ask for a lower length")
        windows = Regions(contigs, starts, starts + length).take(inside)
        if not inside.all():
            notes = (f"{int((~inside).sum()):,} regions were left out: their windows leave the contig",)
    return NamedSequences(name_regions(windows), cut(reference, windows), windows, places, notes)


def name_regions(regions: Regions) -> tuple[str, ...]:
    """Return ``contig:start-end`` of each region, 0-based and half-open."""
    rows = zip(regions.contigs.tolist(), regions.starts.tolist(), regions.ends.tolist(), strict=True)
    return tuple(f"{contig}:{start}-{end}" for contig, start, end in rows)


def cut(reference: Reference, regions: Regions) -> tuple[Codes, ...]:
    """Return the codes of regions that lie inside their contigs."""
    found: list[Codes] = [np.zeros(0, dtype=np.uint8)] * len(regions)
    for contig in np.unique(regions.contigs):
        codes = reference.codes(str(contig))
        for row in np.flatnonzero(regions.contigs == contig).tolist():
            found[row] = codes[regions.starts[row] : regions.ends[row]]
    return tuple(found)


def _resolve(peaks: Peaks, reference: Reference) -> np.ndarray[tuple[int, ...], np.dtype[np.str_]]:
    names, firsts, inverse = np.unique(peaks.regions.contigs, return_index=True, return_inverse=True)
    found = [reference.resolve(str(name)) for name in names]
    for name, first, resolved in zip(names, firsts, found, strict=True):
        if resolved is None:
            raise UnknownContig(
                f"{peaks.where(int(first))}: the genome has no contig {str(name)!r}"
                f"{near_match(str(name), reference.lengths)}"
            )
    return np.array(found, dtype=np.str_)[inverse]


def check_one_length(sequences: Sequence[Codes], path: Path, error: type[ZooError] = DataError) -> int:
    """Return the length that all sequences have.

    Raises:
        ZooError: They differ; of the given kind.
    """
    lengths = {len(codes) for codes in sequences}
    if len(lengths) > 1:
        raise error(
            f"{path}: expected sequences of one length, found {min(lengths)} to {max(lengths)} bases; give --length"
        )
    return lengths.pop()
