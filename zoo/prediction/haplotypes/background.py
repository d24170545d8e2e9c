"""Windows in which each allele stands on its own haplotype, among the sample's other alleles.

REF and ALT windows both carry what the haplotype carries around the allele. The first REF base of its normal form
stands at the anchor, and from there the windows follow the haplotype's sequence: an insertion in the background pushes
bases out, a deletion draws bases in. Neighbours that overlap the allele itself are left out.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from zoo.genome.codes import Codes
from zoo.genome.reference import Reference
from zoo.genome.variant import Reason
from zoo.prediction.alleles.batch import AlleleBatch, Integers
from zoo.prediction.haplotypes.genotypes import UNKNOWN_HAPLOTYPE
from zoo.prediction.haplotypes.phasing import Haplotypes
from zoo.prediction.haplotypes.surgery import list_edits, walk_left, walk_right
from zoo.prediction.windows.centred import CentredPlacer, build_centred
from zoo.prediction.windows.placement import Placement, Reasons, WindowBatch

ON_REFERENCE = 0
"""The window of an allele that the sample does not carry, or not on a haplotype that is known."""


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
class _Line:
    """One haplotype of one contig: the copies that stand on it, sorted by what they change."""

    copy: Integers
    start: Integers
    end: Integers
    reach: Integers  # how far any of them up to each one reaches


class Background:
    """A sample's haplotypes, to look up which of them carry an allele, and what else they carry.

    Attributes:
        counts: How many alleles are ``carried``, ``unphased`` or ``not carried``, and how many ``neighbours left out``
            of their windows.
    """

    def __init__(self, haplotypes: Haplotypes) -> None:
        self.haplotypes = haplotypes
        self.counts = dict.fromkeys(("carried", "unphased", "not carried", "neighbours left out"), 0)
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

    def find(self, alleles: AlleleBatch) -> Carried:
        """Return the copies of the alleles whose reason is OK."""
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
        ends = np.cumsum(counts)
        places = np.repeat(self._first_copy[found] - (ends - counts), counts) + np.arange(int(counts.sum()))
        copy = self._copies[places]
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

    def count(self, alleles: AlleleBatch) -> None:
        """Count which of the alleles the sample carries, and which neighbours overlap them."""
        found = self.find(alleles)
        phased = np.unique(found.allele[found.haplotype != UNKNOWN_HAPLOTYPE])
        unphased = np.setdiff1d(found.allele, phased)
        scorable = int(np.count_nonzero(alleles.reason == Reason.OK))
        self.counts["carried"] += len(phased)
        self.counts["unphased"] += len(unphased)
        self.counts["not carried"] += scorable - len(phased) - len(unphased)
        mine = found.copy[found.haplotype != UNKNOWN_HAPLOTYPE]
        changes, own = self.haplotypes.changes, self.haplotypes.allele[mine]
        near = self.may_have_neighbours(mine, changes.start[own] - 1, changes.end[own] + 1)
        for copy in mine[near].tolist():
            allele = self.haplotypes.allele[copy]
            _, overlapping = self.list_neighbours(copy, int(changes.start[allele]) - 1, int(changes.end[allele]) + 1)
            self.counts["neighbours left out"] += overlapping

    def list_neighbours(self, copy: int, start: int, end: int) -> tuple[Integers, int]:
        """Return the alleles beside a copy that change bases from ``start`` to ``end``, and how many overlap it.

        Returns:
            Indices of alleles of its haplotype and phase set, sorted by what they change, none of which overlaps it or
            another; and the number of those that were left out because they do.
        """
        haplotypes = self.haplotypes
        allele = int(haplotypes.allele[copy])
        line = self._lines.get((int(haplotypes.sample.contig[allele]), int(haplotypes.haplotype[copy])))
        if line is None:
            return np.empty(0, dtype=np.int64), 0
        first = np.searchsorted(line.reach, start, "right")
        last = np.searchsorted(line.start, end)
        near = line.copy[first:last]
        own = haplotypes.phase_set[copy]
        near = near[(haplotypes.phase_set[near] == own) | haplotypes.everywhere[near]]
        near = haplotypes.allele[near[near != copy]]
        changes = haplotypes.changes
        mine = changes.start[allele], changes.end[allele]
        overlaps = _overlap(changes.start[near], changes.end[near], *mine)
        # Another record of the allele itself is no neighbour.
        left_out = np.count_nonzero(overlaps & ~self._is_same(near, allele))
        return near[~overlaps], int(left_out)

    def may_have_neighbours(self, copies: Integers, start: Integers, end: Integers) -> npt.NDArray[np.bool_]:
        """Return for which copies more than one allele of their line changes bases from ``start`` to ``end``."""
        found = np.zeros(len(copies), dtype=np.bool_)
        contig, haplotype = self.haplotypes.contig[copies], self.haplotypes.haplotype[copies]
        for key in np.unique(np.stack([contig, haplotype]), axis=1).T.tolist():
            line = self._lines.get((key[0], key[1]))
            rows = np.flatnonzero((contig == key[0]) & (haplotype == key[1]))
            if line is None:
                continue
            first = np.searchsorted(line.reach, start[rows], "right")
            last = np.searchsorted(line.start, end[rows])
            itself = self.haplotypes.reason[copies[rows]] == Reason.OK
            found[rows] = last - first > itself
        return found

    def _is_same(self, near: Integers, allele: int) -> npt.NDArray[np.bool_]:
        sample = self.haplotypes.sample
        same = (sample.start[near] == sample.start[allele]) & (sample.ref_length[near] == sample.ref_length[allele])
        same &= sample.alt_length[near] == sample.alt_length[allele]
        found = np.zeros(len(near), dtype=np.bool_)
        own = sample.alt[sample.alt_start[allele] : sample.alt_start[allele] + sample.alt_length[allele]]
        for place in np.flatnonzero(same).tolist():
            first = sample.alt_start[near[place]]
            found[place] = np.array_equal(sample.alt[first : first + len(own)], own)
        return found

    def _match(self, alleles: AlleleBatch, rows: Integers, first: int, last: int) -> tuple[Integers, Integers]:
        """Return pairs of an allele of the batch and the same one among the sample's ``first`` to ``last - 1``."""
        sample = self.haplotypes.sample
        starts = sample.start[first:last]
        left = first + np.searchsorted(starts, alleles.start[rows])
        counts = first + np.searchsorted(starts, alleles.start[rows], "right") - left
        ends = np.cumsum(counts)
        mine = np.repeat(rows, counts)
        theirs = np.repeat(left - (ends - counts), counts) + np.arange(len(mine))
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


class BackgroundPlacer:
    """Windows of ``plain``'s length and anchor, each on the haplotype that carries the allele."""

    averages = True

    def __init__(self, background: Background, plain: CentredPlacer) -> None:
        self.length = plain.length
        self._background = background
        self._plain = plain

    def place(self, alleles: AlleleBatch, reason: Reasons) -> Placement:
        """Return a window for each haplotype that carries an allele, one on the reference where none is known to."""
        chosen = self._plain.place(alleles, reason).allele
        found = self._background.find(alleles)
        phased = (found.haplotype != UNKNOWN_HAPLOTYPE) & np.isin(found.allele, chosen)
        others = np.setdiff1d(chosen, found.allele[phased])
        allele = np.concatenate([found.allele[phased], others])
        window = np.concatenate([found.haplotype[phased], np.full(len(others), ON_REFERENCE, dtype=np.int64)])
        order = np.lexsort((window, allele))
        return Placement(allele[order], window[order])

    def build(self, alleles: AlleleBatch, placement: Placement, reference: Reference, shift: int = 0) -> WindowBatch:
        """Return the windows of some pairs, sorted by contig; most have no neighbour in reach, and are plain ones."""
        background = self._background
        anchor = self._plain.anchor - shift
        windows = build_centred(alleles, placement.allele, reference, self.length, anchor)
        found = background.find(alleles)
        copy = _look_up(found, placement)
        start = alleles.start[placement.allele] - anchor
        growth = np.maximum(alleles.ref_length - alleles.alt_length, 0)[placement.allele]
        rows = np.flatnonzero(copy >= 0)
        near = background.may_have_neighbours(copy[rows], start[rows], (start + self.length + growth)[rows])
        rows = rows[near]
        if not len(rows):
            return windows
        refs = np.empty((len(rows), self.length), dtype=np.uint8)
        alts = windows.alt
        ref_of = windows.ref_of.copy()
        for place, row in enumerate(rows.tolist()):
            allele = int(placement.allele[row])
            genome = reference.codes(alleles.contigs[alleles.contig[allele]])
            refs[place], alts[row] = self._cut(genome, alleles, allele, int(copy[row]), anchor)
            ref_of[row] = len(windows.ref) + place
        used, ref_of = np.unique(ref_of, return_inverse=True)
        return WindowBatch(
            ref=np.concatenate([windows.ref, refs])[used],
            ref_of=ref_of,
            alt=alts,
            ref_start=windows.ref_start,
            alt_start=windows.alt_start,
            ref_length=windows.ref_length,
            alt_length=windows.alt_length,
        )

    def _cut(self, genome: Codes, alleles: AlleleBatch, allele: int, copy: int, anchor: int) -> tuple[Codes, Codes]:
        """Return REF's and ALT's window of an allele among its neighbours."""
        background, length = self._background, self.length
        changes, alt = background.haplotypes.changes, background.haplotypes.sample.alt
        mine = background.haplotypes.allele[copy]
        begin, end = int(changes.start[mine]), int(changes.end[mine])
        # Deletions in the background draw bases in from further away: how far is known only when all are placed.
        neighbours, _ = background.list_neighbours(copy, begin - length, end + length)
        reach = length
        while True:
            missing = length + int((changes.end - changes.start)[neighbours].sum())
            if missing <= reach:
                break
            reach = missing
            neighbours, _ = background.list_neighbours(copy, begin - reach, end + reach)
        before = changes.end[neighbours] <= begin
        left = walk_left(
            genome, begin, anchor + begin - int(alleles.start[allele]), list_edits(changes, alt, neighbours[before])
        )
        own = alt[changes.alt_start[mine] : changes.alt_start[mine] + changes.alt_length[mine]]
        right = walk_right(genome, end, length, list_edits(changes, alt, neighbours[~before]))
        ref, changed = np.concatenate([left, genome[begin:end], right]), np.concatenate([left, own, right])
        return ref[:length], changed[:length]


def _look_up(found: Carried, placement: Placement) -> Integers:
    """Return the copy of each pair, -1 where it stands on the reference."""
    copy = np.full(len(placement), -1, dtype=np.int64)
    keys = found.allele * (1 << 20) + found.haplotype
    wanted = placement.allele * (1 << 20) + placement.window
    places = np.searchsorted(keys, wanted)
    inside = (places < len(keys)) & (placement.window != ON_REFERENCE)
    copy[inside] = found.copy[places[inside]]
    return copy


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
        lines[key] = _Line(copies, haplotypes.changes.start[alleles], end, np.maximum.accumulate(end))
    return lines


def _overlap(start: Integers, end: Integers, first: int, last: int) -> npt.NDArray[np.bool_]:
    """Return which changes overlap that of ``first`` to ``last``; see the module of haplotypes' phases."""
    shared = (start < last) & (first < end)
    inside = (start == end) & (first < start) & (start < last)
    around = np.full(len(start), first == last) & (start < first) & (first < end)
    twice = np.full(len(start), first == last) & (start == end) & (start == first)
    found: npt.NDArray[np.bool_] = ((start != end) & (first != last) & shared) | inside | around | twice
    return found
