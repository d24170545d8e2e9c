"""Windows that stand around their allele.

Both alleles' windows start at the same base; the first REF base of the normal form stands at ``anchor`` (0-based). A
deletion draws bases in on the right, an insertion pushes them out; what lies beyond the contig is unknown.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from zoo.genome.codes import Codes
from zoo.genome.reference import Reference, fetch_window
from zoo.genome.variant import Reason
from zoo.prediction.alleles.batch import AlleleBatch, Integers
from zoo.prediction.windows.placement import Placement, Reasons, WindowBatch


@dataclass(frozen=True, slots=True)
class CentredPlacer:
    """Windows of ``length`` bases, the allele at ``anchor``, or up to as many bases beside it as ``shifts`` say."""

    length: int
    anchor: int
    shifts: tuple[int, ...] = (0,)
    averages: bool = False

    def place(self, alleles: AlleleBatch, reason: Reasons) -> Placement:
        """Return one window an allele; TOO_LONG where REF or ALT reaches beyond it, or beyond a shifted one."""
        room = self.length - self.anchor + min(0, *self.shifts)
        too_long = (alleles.ref_length > room) | (alleles.alt_length > room)
        reason[(reason == Reason.OK) & too_long] = Reason.TOO_LONG
        chosen = np.flatnonzero(reason == Reason.OK)
        return Placement(chosen, np.full(len(chosen), -1, dtype=np.int64))

    def build(self, alleles: AlleleBatch, placement: Placement, reference: Reference, shift: int = 0) -> WindowBatch:
        """Return the windows of some alleles, sorted by contig; what reaches beyond a window is cut off."""
        return build_centred(alleles, placement.allele, reference, self.length, self.anchor - shift)


def build_centred(
    alleles: AlleleBatch, chosen: Integers, reference: Reference, length: int, anchor: int
) -> WindowBatch:
    """Return the windows of the alleles at ``chosen``, sorted by contig, REF's first base at ``anchor``."""
    contigs = alleles.contig[chosen]
    parts = [
        _windows_of_contig(alleles, chosen[contigs == contig], reference.codes(alleles.contigs[contig]), length, anchor)
        for contig in np.unique(contigs)
    ]
    return WindowBatch.join(parts)


def gather_windows(genome: Codes, starts: Integers, length: int) -> Codes:
    """Return a copy of the windows of a contig from ``starts`` on, shape (n, length); beyond its ends unknown."""
    if len(starts) and starts.min() >= 0 and starts.max() + length <= len(genome):
        return np.lib.stride_tricks.sliding_window_view(genome, length)[starts]
    windows = np.empty((len(starts), length), dtype=np.uint8)
    for row, start in enumerate(starts.tolist()):
        windows[row] = fetch_window(genome, start, length)
    return windows


def _windows_of_contig(alleles: AlleleBatch, chosen: Integers, genome: Codes, length: int, anchor: int) -> WindowBatch:
    starts, ref_of = np.unique(alleles.start[chosen] - anchor, return_inverse=True)
    ref = gather_windows(genome, starts, length)
    alt = ref[ref_of]
    ref_length, alt_length = alleles.ref_length[chosen], alleles.alt_length[chosen]
    single = (ref_length == 1) & (alt_length == 1)
    rows = np.flatnonzero(single)
    alt[rows, anchor] = alleles.alt[alleles.alt_start[chosen[rows]]]
    for row in np.flatnonzero(~single):
        allele = chosen[row]
        first, count = int(alleles.alt_start[allele]), min(int(alt_length[row]), length - anchor)
        alt[row, anchor : anchor + count] = alleles.alt[first : first + count]
        after = int(alleles.start[allele] + ref_length[row])
        alt[row, anchor + count :] = fetch_window(genome, after, length - anchor - count)
    place = np.full(len(chosen), anchor, dtype=np.int64)
    return WindowBatch(ref, ref_of, alt, place, place, ref_length, alt_length)
