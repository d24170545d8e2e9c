"""A sample's haplotypes, to look up which of them carry an allele, and what else they carry beside it."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
import numpy.typing as npt

from zoo.errors import VcfError
from zoo.genome.runs import concatenate_runs
from zoo.genome.variant import Reason
from zoo.genome.vcf import STANDARD_INPUT
from zoo.prediction.alleles.agreement import GenomeAgreement
from zoo.prediction.alleles.batch import AlleleBatch, Integers
from zoo.prediction.haplotypes.genotypes import UNKNOWN_HAPLOTYPE
from zoo.prediction.haplotypes.phasing import Haplotypes, place_on_haplotypes
from zoo.prediction.haplotypes.sample import Spell, read_sample


@dataclass(frozen=True, slots=True)
class Carried:
    """The copies that a sample has of the alleles of a batch.

    Attributes:
        allele: Index into the batch, shape (n,), ascending; an allele on two haplotypes stands there twice.
        haplotype: Counted from 1, 0 where the phase is unknown, ascending within an allele, shape (n,).
        copy: Index into the ``Haplotypes``, shape (n,).
    """

    allele: Integers
    haplotype: Integers
    copy: Integers


@dataclass(frozen=True, slots=True)
class Neighbours:
    """What else is on the haplotypes of some copies.

    Attributes:
        row: Which of the copies, ascending, shape (n,).
        allele: Index of the neighbour into the sample's alleles, sorted within a copy by what it changes, shape (n,).
        overlaps: Whether it overlaps the copy's allele; of the others none overlaps another, shape (n,).
    """

    row: Integers
    allele: Integers
    overlaps: npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class _Line:
    """One haplotype of one contig: the copies that stand on it, sorted by what they change."""

    copy: Integers
    start: Integers
    reach: Integers  # how far any of them up to each one reaches


class SampleBackground:
    """A sample's haplotypes, to look up which of them carry an allele, and what else they carry."""

    def __init__(self, haplotypes: Haplotypes) -> None:
        self.haplotypes = haplotypes
        sample = haplotypes.sample
        self._bounds = np.searchsorted(sample.contig, np.arange(len(sample.contigs) + 1))
        self._contigs: dict[str, list[int]] = {}
        for number, name in enumerate(sample.found):
            if name is not None:
                self._contigs.setdefault(name, []).append(number)
        # The copies of each allele, one after the other.
        order = np.lexsort((haplotypes.haplotype, haplotypes.allele))
        self._copies = order
        self._first_copy = np.searchsorted(haplotypes.allele[order], np.arange(len(sample) + 1))
        self._lines = _find_lines(haplotypes)
        self._last: tuple[AlleleBatch, Carried] | None = None

    def find(self, alleles: AlleleBatch) -> Carried:
        """Return the copies of the alleles whose reason is OK; of one batch after the other, each looked up once."""
        last = self._last
        if last is None or last[0] is not alleles:  # the thread that writes may ask for an earlier batch meanwhile
            last = self._last = alleles, self._find(alleles)
        return last[1]

    def _find(self, alleles: AlleleBatch) -> Carried:
        batch: list[Integers] = []
        theirs: list[Integers] = []
        for contig, name in enumerate(alleles.contigs):
            rows = np.flatnonzero((alleles.contig == contig) & (alleles.reason == Reason.OK))
            for number in self._contigs.get(name, []):
                mine, other = self._match(alleles, rows, int(self._bounds[number]), int(self._bounds[number + 1]))
                batch.append(mine)
                theirs.append(other)
        if not batch:
            nothing = np.empty(0, dtype=np.int64)
            return Carried(nothing, nothing, nothing)
        allele, found = np.concatenate(batch), np.concatenate(theirs)
        counts = self._first_copy[found + 1] - self._first_copy[found]
        copy = self._copies[concatenate_runs(self._first_copy[found], counts)]
        allele, haplotype = np.repeat(allele, counts), self.haplotypes.haplotype[copy]
        order = np.lexsort((copy, haplotype, allele))
        allele, haplotype, copy = allele[order], haplotype[order], copy[order]
        # A record that stands in the file twice is still one allele of one haplotype.
        fresh = np.ones(len(allele), dtype=np.bool_)
        fresh[1:] = (np.diff(allele) != 0) | (np.diff(haplotype) != 0)
        return Carried(allele[fresh], haplotype[fresh], copy[fresh])

    def name_haplotypes(self, alleles: AlleleBatch) -> list[str]:
        """Return for each allele of a batch on which haplotypes it is scored: ``1``, ``1|2``, ``.`` for the reference.

        An allele that is not scored at all has ``.`` too.
        """
        texts = ["."] * len(alleles)
        found = self.find(alleles)
        known = found.haplotype != UNKNOWN_HAPLOTYPE
        for allele, haplotype in zip(found.allele[known].tolist(), found.haplotype[known].tolist(), strict=True):
            texts[allele] = str(haplotype) if texts[allele] == "." else f"{texts[allele]}|{haplotype}"
        return texts

    def count(self, alleles: AlleleBatch) -> dict[str, int]:
        """Return how many alleles are ``carried``, ``unphased`` or ``not carried``; and how many neighbours overlap."""
        found = self.find(alleles)
        phased = np.unique(found.allele[found.haplotype != UNKNOWN_HAPLOTYPE])
        unphased = np.setdiff1d(found.allele, phased)
        scorable = int(np.count_nonzero(alleles.reason == Reason.OK))
        mine = found.copy[found.haplotype != UNKNOWN_HAPLOTYPE]
        changes, own = self.haplotypes.changes, self.haplotypes.allele[mine]
        near = self.find_neighbours(mine, changes.start[own] - 1, changes.end[own] + 1)
        return {
            "carried": len(phased),
            "unphased": len(unphased),
            "not carried": scorable - len(phased) - len(unphased),
            "neighbours left out": int(np.count_nonzero(near.overlaps)),
        }

    def digest(self) -> str:
        """Return a checksum of what the sample carries."""
        sample = self.haplotypes.sample
        digest = hashlib.sha256("\0".join((sample.sample, *sample.contigs, *sample.phase_sets)).encode())
        for values in (sample.contig, sample.start, sample.ref_length, sample.alt, sample.alt_length, sample.reason,
                       sample.phase_set, sample.copy_allele, sample.copy_haplotype):  # fmt: skip
            digest.update(np.ascontiguousarray(values).tobytes())
        return digest.hexdigest()

    def find_neighbours(self, copies: Integers, start: Integers, end: Integers) -> Neighbours:
        """Return what else is on the haplotypes and in the phase sets of copies, between two bases for each.

        Args:
            copies: Indices into the ``Haplotypes``, shape (m,).
            start: Alleles that change nothing right of this base are left out, shape (m,).
            end: Likewise, left of this base.
        """
        haplotypes = self.haplotypes
        contig, haplotype = haplotypes.contig[copies], haplotypes.haplotype[copies]
        found: list[tuple[Integers, Integers]] = []
        for key in np.unique(np.stack([contig, haplotype]), axis=1).T.tolist():
            line = self._lines.get((key[0], key[1]))
            if line is None:
                continue
            rows = np.flatnonzero((contig == key[0]) & (haplotype == key[1]))
            first = np.searchsorted(line.reach, start[rows], "right")
            counts = np.maximum(np.searchsorted(line.start, end[rows]) - first, 0)
            found.append((np.repeat(rows, counts), line.copy[concatenate_runs(first, counts)]))
        if not found:
            nothing = np.empty(0, dtype=np.int64)
            return Neighbours(nothing, nothing, nothing.astype(np.bool_))
        row, near = (np.concatenate(part) for part in zip(*found, strict=True))
        mine = copies[row]
        together = (haplotypes.phase_set[near] == haplotypes.phase_set[mine]) | haplotypes.everywhere[near]
        kept = np.flatnonzero(together & (near != mine))
        kept = kept[np.argsort(row[kept], kind="stable")]
        allele, own = haplotypes.allele[near[kept]], haplotypes.allele[mine[kept]]
        changes = haplotypes.changes
        overlaps = _overlap(changes.start[allele], changes.end[allele], changes.start[own], changes.end[own])
        return Neighbours(row[kept], allele, overlaps)

    def find_beside(self, copy: int, start: int, end: int) -> Integers:
        """Return the neighbours of one copy that don't overlap it."""
        near = self.find_neighbours(*(np.array([value]) for value in (copy, start, end)))
        return near.allele[~near.overlaps]

    def _match(self, alleles: AlleleBatch, rows: Integers, first: int, last: int) -> tuple[Integers, Integers]:
        """Return pairs of an allele of the batch and the same one among the sample's ``first`` to ``last - 1``."""
        sample = self.haplotypes.sample
        starts = sample.start[first:last]
        left = first + np.searchsorted(starts, alleles.start[rows])
        counts = first + np.searchsorted(starts, alleles.start[rows], "right") - left
        mine = np.repeat(rows, counts)
        theirs = concatenate_runs(left, counts)
        same = (
            (sample.reason[theirs] == Reason.OK)
            & (sample.ref_length[theirs] == alleles.ref_length[mine])
            & (sample.alt_length[theirs] == alleles.alt_length[mine])
        )
        mine, theirs = mine[same], theirs[same]
        lengths = alleles.alt_length[mine]
        agree = np.ones(len(mine), dtype=np.bool_)
        for step in range(int(lengths.max(initial=0))):
            there = np.flatnonzero(agree & (step < lengths))
            if not len(there):
                break
            ours = alleles.alt[alleles.alt_start[mine[there]] + step]
            agree[there] = ours == sample.alt[sample.alt_start[theirs[there]] + step]
        return mine[agree], theirs[agree]


def read_sample_background(
    vcf: str | Path, sample: str, agreement: GenomeAgreement, spell: Spell | None = None
) -> SampleBackground:
    """Read the haplotypes of a sample; see ``read_sample``.

    Raises:
        VcfError: Standard input and pipes can't be read once for the sample and once for the alleles.
    """
    if str(vcf) == STANDARD_INPUT or Path(vcf).is_fifo():
        raise VcfError(f"{vcf}: a background asks for the file twice, and a pipe is read once; name a file")
    return SampleBackground(place_on_haplotypes(read_sample(vcf, sample, agreement, spell), agreement.reference))


def _find_lines(haplotypes: Haplotypes) -> dict[tuple[int, int], _Line]:
    kept = np.flatnonzero(haplotypes.reason == Reason.OK)
    contig, haplotype = haplotypes.contig[kept], haplotypes.haplotype[kept]
    begins = np.flatnonzero(np.diff(contig, prepend=-1).astype(bool) | np.diff(haplotype, prepend=-1).astype(bool))
    lines = {}
    for first, last in pairwise([*begins.tolist(), len(kept)]):
        copies = kept[first:last]
        alleles = haplotypes.allele[copies]
        end = haplotypes.changes.end[alleles]
        key = (int(contig[first]), int(haplotype[first]))
        lines[key] = _Line(copies, haplotypes.changes.start[alleles], np.maximum.accumulate(end))
    return lines


def _overlap(start: Integers, end: Integers, first: Integers, last: Integers) -> npt.NDArray[np.bool_]:
    """Return which changes overlap those of ``first`` to ``last``; ``phasing`` says what that means."""
    inserts, inserted = start == end, first == last
    both_change = ~inserts & ~inserted & (start < last) & (first < end)
    inside = inserts & ~inserted & (first < start) & (start < last)
    around = ~inserts & inserted & (start < first) & (first < end)
    found: npt.NDArray[np.bool_] = both_change | inside | around | (inserts & inserted & (start == first))
    return found
