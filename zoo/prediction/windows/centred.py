"""The windows that a model reads for the alleles of a batch.

Both alleles' windows start at the same base; the first REF base of the normal form stands at ``anchor`` (0-based). A
deletion draws bases in on the right, an insertion pushes them out; what lies beyond the contig is unknown.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from zoo.genome.codes import UNKNOWN, Codes
from zoo.genome.reference import Reference, fetch_window
from zoo.genome.variant import Reason
from zoo.prediction.alleles.batch import AlleleBatch, Integers


@dataclass(frozen=True, slots=True)
class WindowBatch:
    """Windows of n alleles, of which some share REF.

    Attributes:
        ref: The distinct REF windows, codes, shape (U, L).
        ref_of: For each allele its row in ``ref``, shape (n,).
        alt: The ALT windows, codes, shape (n, L).
    """

    ref: Codes
    ref_of: Integers
    alt: Codes


def reasons_for_window(alleles: AlleleBatch, length: int, anchor: int) -> npt.NDArray[np.uint8]:
    """Return each allele's reason, with TOO_LONG where REF or ALT reaches beyond the window, uint8, shape (A,)."""
    room = length - anchor
    too_long = (alleles.ref_length > room) | (alleles.alt_length > room)
    return np.where((alleles.reason == Reason.OK) & too_long, Reason.TOO_LONG, alleles.reason).astype(np.uint8)


def build_windows(
    alleles: AlleleBatch, chosen: Integers, reference: Reference, length: int, anchor: int
) -> WindowBatch:
    """Return the windows of the alleles at ``chosen``, sorted by contig; what reaches beyond a window is cut off."""
    parts = [
        _windows_of_contig(
            alleles, chosen[alleles.contig[chosen] == contig], reference.codes(alleles.contigs[contig]), length, anchor
        )
        for contig in np.unique(alleles.contig[chosen])
    ]
    if len(parts) == 1:
        return parts[0]
    before = np.cumsum([0, *(len(part.ref) for part in parts)])
    return WindowBatch(
        ref=np.concatenate([part.ref for part in parts]),
        ref_of=np.concatenate([part.ref_of + rows for part, rows in zip(parts, before, strict=False)]),
        alt=np.concatenate([part.alt for part in parts]),
    )


def mostly_unknown(windows: Codes) -> npt.NDArray[np.bool_]:
    """Return which windows have more unknown bases than known ones, shape (n,)."""
    unknown: Integers = np.count_nonzero(windows == UNKNOWN, axis=1)
    return np.greater(unknown * 2, windows.shape[1])


def _windows_of_contig(alleles: AlleleBatch, chosen: Integers, genome: Codes, length: int, anchor: int) -> WindowBatch:
    starts, ref_of = np.unique(alleles.start[chosen] - anchor, return_inverse=True)
    ref = _gather(genome, starts, length)
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
    return WindowBatch(ref, ref_of, alt)


def _gather(genome: Codes, starts: Integers, length: int) -> Codes:
    inside = (starts >= 0) & (starts + length <= len(genome))
    if inside.all():
        return np.lib.stride_tricks.sliding_window_view(genome, length)[starts]
    windows = np.empty((len(starts), length), dtype=np.uint8)
    for row, start in enumerate(starts):
        windows[row] = fetch_window(genome, int(start), length)
    return windows
