"""A sample's haplotypes: what each allele changes, which alleles can stand together, and in which phase set.

An allele *changes* the bases of its normal form without the padding base. Two alleles of one haplotype overlap where
they change a base in common, where an insertion falls between two bases that the other changes, or where both insert
at one place; alleles that only touch do not: an insertion right before or after a changed base has one place to go.
Of two that overlap, the one stays that changes something further left, or at one place the earlier record.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from zoo.genome.reference import Reference
from zoo.genome.variant import Reason
from zoo.prediction.alleles.batch import Integers
from zoo.prediction.alleles.changes import Changes, find_changes
from zoo.prediction.haplotypes.genotypes import UNKNOWN_HAPLOTYPE
from zoo.prediction.haplotypes.reasons import LeftOut
from zoo.prediction.haplotypes.sample import EVERY_PHASE_SET, SampleAlleles


@dataclass(frozen=True, slots=True)
class Haplotypes:
    """The copies of a sample's alleles, sorted by contig, haplotype and what they change.

    Attributes:
        sample: The alleles.
        changes: What each allele changes, shape (A,).
        allele: Index of each copy's allele, shape (C,).
        haplotype: Counted from 1; 0 where the phase is unknown, shape (C,).
        phase_set: Index into the sample's phase sets, shape (C,). An allele of every haplotype belongs to the phase set
            of the nearest heterozygous one (the left one of two, the earlier record of one place), to the whole contig
            where there is none.
        everywhere: Whether every haplotype carries the allele, so that it goes with any phase set, shape (C,).
        reason: A ``Reason`` or ``LeftOut`` each, uint8, shape (C,).
    """

    sample: SampleAlleles
    changes: Changes
    allele: Integers
    haplotype: Integers
    phase_set: Integers
    everywhere: npt.NDArray[np.bool_]
    reason: npt.NDArray[np.uint8]

    def __len__(self) -> int:
        return len(self.allele)

    @property
    def contig(self) -> Integers:
        """The contig of each copy, index into the sample's contigs, shape (C,)."""
        return self.sample.contig[self.allele]


def place_on_haplotypes(sample: SampleAlleles, reference: Reference) -> Haplotypes:
    """Return the copies of a sample's alleles on its haplotypes, those without a place with the reason why."""
    changes = _changes_of_sample(sample, reference)
    allele, haplotype = sample.copy_allele, sample.copy_haplotype
    order = np.lexsort(
        (
            sample.number[allele],
            sample.record[allele],
            changes.end[allele] > changes.start[allele],  # an insertion goes before what changes the base behind it
            changes.start[allele],
            haplotype,
            sample.contig[allele],
        )
    )
    allele, haplotype = allele[order], haplotype[order]
    reason = sample.reason[allele].copy()
    reason[(reason == Reason.OK) & (haplotype == UNKNOWN_HAPLOTYPE)] = LeftOut.UNPHASED
    everywhere = sample.phase_set[allele] == EVERY_PHASE_SET
    phase_set = _settle_phase_sets(sample, changes, allele, haplotype, reason)
    _leave_out_overlaps(sample.contig[allele], haplotype, phase_set, everywhere, allele, changes, reason)
    return Haplotypes(sample, changes, allele, haplotype, phase_set, everywhere, reason)


def _changes_of_sample(sample: SampleAlleles, reference: Reference) -> Changes:
    changes = Changes(
        sample.start.copy(), sample.start + sample.ref_length, sample.alt_start.copy(), sample.alt_length.copy()
    )
    bounds = np.searchsorted(sample.contig, np.arange(len(sample.contigs) + 1))
    for name, (first, last) in zip(sample.found, pairwise(bounds.tolist()), strict=True):
        rows = first + np.flatnonzero(sample.reason[first:last] == Reason.OK)
        if name is None or not len(rows):
            continue
        found = find_changes(
            reference.codes(name),
            sample.start[rows],
            sample.ref_length[rows],
            sample.alt,
            sample.alt_start[rows],
            sample.alt_length[rows],
        )
        changes.put(rows, found)
    return changes


def _settle_phase_sets(
    sample: SampleAlleles, changes: Changes, allele: Integers, haplotype: Integers, reason: npt.NDArray[np.uint8]
) -> Integers:
    """Return the phase set of each copy; alleles of every haplotype take that of the nearest heterozygous one."""
    phase_set = sample.phase_set[allele]
    known = (reason == Reason.OK) & (haplotype != UNKNOWN_HAPLOTYPE)
    start = changes.start[allele]
    bounds = np.searchsorted(sample.contig[allele], np.arange(len(sample.contigs) + 1))
    for first, last in pairwise(bounds.tolist()):
        own = phase_set[first:last] != EVERY_PHASE_SET
        wanting = first + np.flatnonzero(~own)
        telling = first + np.flatnonzero(own & known[first:last])
        if not len(telling):
            phase_set[wanting] = 0
            continue
        telling = telling[np.lexsort((sample.record[allele[telling]], start[telling]))]
        places = start[telling]
        after = np.searchsorted(places, start[wanting])
        left, right = np.maximum(after - 1, 0), np.minimum(after, len(places) - 1)
        nearer = np.abs(start[wanting] - places[left]) <= np.abs(places[right] - start[wanting])
        nearest = np.searchsorted(places, places[np.where(nearer, left, right)])  # the first of several at one place
        phase_set[wanting] = phase_set[telling[nearest]]
    return phase_set


def _leave_out_overlaps(
    contig: Integers,
    haplotype: Integers,
    phase_set: Integers,
    everywhere: npt.NDArray[np.bool_],
    allele: Integers,
    changes: Changes,
    reason: npt.NDArray[np.uint8],
) -> None:
    """Write OVERLAPS over the reason of copies that overlap one to the left, on the same haplotype."""
    kept = np.flatnonzero(reason == Reason.OK)
    if not len(kept):
        return
    start, end = changes.start[allele[kept]], changes.end[allele[kept]]
    line = np.cumsum(np.diff(contig[kept], prepend=0).astype(bool) | np.diff(haplotype[kept], prepend=0).astype(bool))
    # One running maximum for all lines: each is lifted above the one before.
    lift = line * (int(end.max()) + 2)
    reach = np.maximum.accumulate(end + lift) - lift
    touches = np.zeros(len(kept), dtype=np.bool_)
    same = line[1:] == line[:-1]
    touches[1:] = same & ((start[1:] < reach[:-1]) | ((start[1:] == end[1:]) & (start[1:] == start[:-1])))
    first = 0
    for row in np.flatnonzero(touches).tolist():
        # A run of copies of which each may overlap one before; outside of runs nothing does.
        if row < first:
            continue
        last = row + 1
        while last < len(kept) and touches[last]:
            last += 1
        _settle_run(kept[row - 1 : last], start[row - 1 : last], end[row - 1 : last], phase_set, everywhere, reason)
        first = last


def _settle_run(
    copies: Integers,
    start: Integers,
    end: Integers,
    phase_set: Integers,
    everywhere: npt.NDArray[np.bool_],
    reason: npt.NDArray[np.uint8],
) -> None:
    # By phase set, how far the copies that were kept reach, and where the last insertion stands. What every haplotype
    # carries counts for all phase sets, and all count for it.
    reached: dict[int, tuple[int, int]] = {}
    of_all = (-1, -1)
    of_everywhere = (-1, -1)
    for copy, first, last in zip(copies.tolist(), start.tolist(), end.tolist(), strict=True):
        own = int(phase_set[copy])
        anywhere = bool(everywhere[copy])
        against = [of_all] if anywhere else [reached.get(own, (-1, -1)), of_everywhere]
        if any(first < reach or (first == last == insertion) for reach, insertion in against):
            reason[copy] = LeftOut.OVERLAPS
            continue
        now = (last, first if first == last else -1)
        if anywhere:
            of_everywhere = _further(of_everywhere, now)
        else:
            reached[own] = _further(reached.get(own, (-1, -1)), now)
        of_all = _further(of_all, now)


def _further(one: tuple[int, int], other: tuple[int, int]) -> tuple[int, int]:
    return max(one[0], other[0]), max(one[1], other[1])
