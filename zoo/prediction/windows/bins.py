"""Bins of two alleles, brought side by side: an indel moves everything behind it along the sequence."""

from __future__ import annotations

import numpy as np

from zoo.components import Predictions
from zoo.prediction.windows.placement import WindowBatch


def align_bins(
    ref: Predictions, alt: Predictions, windows: WindowBatch, length: int, crop: int
) -> tuple[Predictions, Predictions]:
    """Return predictions of both alleles in which bin b of the one stands for the same bases as bin b of the other.

    ALT's bins are moved to REF's: those before the allele by what the window's fixed end makes of an indel (nothing,
    where windows start at one base), those behind it by that and the bases that it adds or takes. Where that is no
    whole number of bins, the nearest is taken. Bins without a partner, because REF's bases are deleted or the window
    ends, are NaN in both; the bins of inserted bases are left out.

    Args:
        ref: Predictions, shape (n, B, T), one row a pair.
        alt: Likewise.
        length: Bases of a window.
        crop: Bases at either end of the window that the bins leave out.
    """
    moved_before = windows.alt_start - windows.ref_start
    moved_after = moved_before + windows.alt_length - windows.ref_length
    rows = np.flatnonzero((moved_before != 0) | (moved_after != 0))
    if not len(rows):
        return ref, alt
    bins = ref.shape[1]
    width = (length - 2 * crop) / bins
    first = crop + np.arange(bins) * width
    middle = first + width / 2
    common = np.minimum(windows.ref_length, windows.alt_length)
    # Bases of REF that ALT lacks, behind those that both have.
    gone_from = (windows.ref_start + common)[rows, np.newaxis]
    gone_to = (windows.ref_start + windows.ref_length)[rows, np.newaxis]
    moved = np.where(middle < gone_from, moved_before[rows, np.newaxis], moved_after[rows, np.newaxis])
    partner = np.arange(bins) + np.floor(moved / width + 0.5).astype(np.int64)
    lost = (first >= gone_from) & (first + width <= gone_to)
    lost |= (partner < 0) | (partner >= bins)
    ref, alt = ref.copy(), alt.copy()
    aligned = np.take_along_axis(alt[rows], np.clip(partner, 0, bins - 1)[:, :, np.newaxis], axis=1)
    mine = ref[rows]
    aligned[lost] = np.nan
    mine[lost] = np.nan
    ref[rows], alt[rows] = mine, aligned
    return ref, alt
