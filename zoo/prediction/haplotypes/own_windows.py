"""Windows in which each allele stands on its own haplotype, among the sample's other alleles.

REF and ALT windows both carry what the haplotype carries around the allele. The first REF base of its normal form
stands at the anchor, and from there the windows follow the haplotype's sequence: an insertion in the background pushes
bases out, a deletion draws bases in. Neighbours that overlap the allele itself are left out.
"""

from __future__ import annotations

import numpy as np

from zoo.genome.codes import Codes
from zoo.genome.reference import Reference
from zoo.prediction.alleles.batch import AlleleBatch, Integers
from zoo.prediction.haplotypes.genotypes import UNKNOWN_HAPLOTYPE
from zoo.prediction.haplotypes.sample_background import Carried, SampleBackground
from zoo.prediction.haplotypes.surgery import list_edits, walk_left, walk_right
from zoo.prediction.windows.centred import CentredPlacer, build_centred
from zoo.prediction.windows.placement import Placement, Reasons, WindowBatch

ON_REFERENCE = 0
"""The window of an allele that the sample does not carry, or not on a haplotype that is known."""


class HaplotypePlacer:
    """Windows of ``plain``'s length and anchor, each on the haplotype that carries the allele."""

    averages = True

    def __init__(self, background: SampleBackground, plain: CentredPlacer) -> None:
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
        carried = np.flatnonzero(copy >= 0)
        near = background.find_neighbours(copy[carried], start[carried], (start + self.length + growth)[carried])
        beside = ~near.overlaps
        rows, of = np.unique(carried[near.row[beside]], return_inverse=True)
        if not len(rows):
            return windows
        refs, alts = windows.ref[windows.ref_of[rows]], windows.alt
        ref_of = windows.ref_of.copy()
        ref_of[rows] = len(windows.ref) + np.arange(len(rows))
        own = background.haplotypes.allele[copy[rows]]
        shifted = self._substitute(refs, alts, own, rows, of, near.allele[beside], start)
        for place in shifted.tolist():
            row = int(rows[place])
            allele = int(placement.allele[row])
            genome = reference.codes(alleles.contigs[alleles.contig[allele]])
            refs[place], alts[row] = self._cut(genome, alleles, allele, int(copy[row]), anchor)
        ref, ref_of = _share(np.concatenate([windows.ref, refs]), ref_of)
        return WindowBatch(
            ref=ref,
            ref_of=ref_of,
            alt=alts,
            ref_start=windows.ref_start,
            alt_start=windows.alt_start,
            ref_length=windows.ref_length,
            alt_length=windows.alt_length,
        )

    def _substitute(
        self,
        refs: Codes,
        alts: Codes,
        own: Integers,
        rows: Integers,
        of: Integers,
        neighbour: Integers,
        start: Integers,
    ) -> Integers:
        """Write neighbours that move no base into the windows; return which windows hold another kind, to be cut anew.

        Args:
            refs: REF windows of the rows, shape (m, L).
            alts: ALT windows of all pairs.
            own: The allele of each row, index into the sample's, shape (m,).
            rows: The rows' places in ``alts``, shape (m,).
            of: The row of each neighbour, shape (k,).
            neighbour: The neighbours, shape (k,).
            start: First base of each pair's window.
        """
        changes, sample = self._background.haplotypes.changes, self._background.haplotypes.sample
        count = changes.alt_length[neighbour]
        moves = changes.end[neighbour] - changes.start[neighbour] != count
        shifted = np.unique(of[moves])
        plain = ~np.isin(of, shifted)
        of, neighbour, count = of[plain], neighbour[plain], count[plain]
        first = changes.start[neighbour] - start[rows[of]]
        # Behind an indel, ALT's bases stand elsewhere than REF's.
        grown = (sample.alt_length - sample.ref_length)[own[of]]
        behind = np.where(changes.start[neighbour] >= changes.end[own[of]], grown, 0)
        for step in range(int(count.max(initial=0))):
            base = sample.alt[np.minimum(changes.alt_start[neighbour] + step, len(sample.alt) - 1)]
            for windows, row, place in ((refs, of, first + step), (alts, rows[of], first + behind + step)):
                inside = (step < count) & (place >= 0) & (place < self.length)
                windows[row[inside], place[inside]] = base[inside]
        return shifted

    def _cut(self, genome: Codes, alleles: AlleleBatch, allele: int, copy: int, anchor: int) -> tuple[Codes, Codes]:
        """Return REF's and ALT's window of an allele among its neighbours."""
        background, length = self._background, self.length
        changes, alt = background.haplotypes.changes, background.haplotypes.sample.alt
        mine = background.haplotypes.allele[copy]
        begin, end = int(changes.start[mine]), int(changes.end[mine])
        # Deletions in the background draw bases in from further away: how far is known only when all are placed.
        neighbours = background.find_beside(copy, begin - length, end + length)
        reach = length
        while True:
            missing = length + int((changes.end - changes.start)[neighbours].sum())
            if missing <= reach:
                break
            reach = missing
            neighbours = background.find_beside(copy, begin - reach, end + reach)
        before = changes.end[neighbours] <= begin
        left = walk_left(
            genome, begin, anchor + begin - int(alleles.start[allele]), list_edits(changes, alt, neighbours[before])
        )
        own = alt[changes.alt_start[mine] : changes.alt_start[mine] + changes.alt_length[mine]]
        right = walk_right(genome, end, length, list_edits(changes, alt, neighbours[~before]))
        ref, changed = np.concatenate([left, genome[begin:end], right]), np.concatenate([left, own, right])
        return ref[:length], changed[:length]


def _share(windows: Codes, of: Integers) -> tuple[Codes, Integers]:
    """Return each different window once, and the row of each pair: what two haplotypes carry alike is read once."""
    rows: dict[bytes, int] = {}
    place = np.array([rows.setdefault(window.tobytes(), len(rows)) for window in windows[of]], dtype=np.int64)
    _, first = np.unique(place, return_index=True)
    return windows[of[first]], place


def _look_up(found: Carried, placement: Placement) -> Integers:
    """Return the copy of each pair, -1 where it stands on the reference."""
    copy = np.full(len(placement), -1, dtype=np.int64)
    width = 1 + max(int(found.haplotype.max(initial=0)), int(placement.window.max(initial=0)))
    keys = found.allele * width + found.haplotype
    wanted = placement.allele * width + placement.window
    places = np.searchsorted(keys, wanted)
    inside = (places < len(keys)) & (placement.window != ON_REFERENCE)
    copy[inside] = found.copy[places[inside]]
    return copy
