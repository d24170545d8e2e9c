"""What a contig holds, ready to be asked about millions of stretches at once; 0-based and half-open."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from zoo.components import GenomeSource
from zoo.genome.codes import UNKNOWN, Codes
from zoo.genome.interval import Interval
from zoo.genome.regions import Positions, Regions

Mask = npt.NDArray[np.bool_]
"""One answer a base, shape (the contig's length,)."""


class BaseCounts:
    """The bases of a contig for which a mask holds, 0.2 bytes a base, to count them in any stretch."""

    def __init__(self, mask: Mask) -> None:
        bits = np.packbits(mask, bitorder="little")
        padded = np.zeros(len(mask) // 64 * 8 + 8, dtype=np.uint8)  # a word more, for the place behind the last base
        padded[: len(bits)] = bits
        self._words = padded.view(np.dtype("<u8"))
        self._before = np.concatenate([[0], np.bitwise_count(self._words).cumsum(dtype=np.int64)])

    def count(self, starts: Positions, ends: Positions) -> Positions:
        """Return how many such bases each stretch holds, shape (N,)."""
        return self._count_before(ends) - self._count_before(starts)

    def _count_before(self, places: Positions) -> Positions:
        words = places >> 6
        below = (np.uint64(1) << (places & 63).astype(np.uint64)) - np.uint64(1)
        counts: Positions = self._before[words] + np.bitwise_count(self._words[words] & below)
        return counts


class Landscape:
    """A contig: its codes, its G and C, its soft-masked bases, and where no negative may lie.

    Args:
        avoid: Regions of this contig that are forbidden; unknown bases are in any case.
    """

    def __init__(self, reference: GenomeSource, contig: str, avoid: Regions) -> None:
        self.codes: Codes = reference.codes(contig)
        masked = reference.soft_masked(Interval(contig, 0, len(self.codes)))
        self._gc = BaseCounts((self.codes == 1) | (self.codes == 2))
        self._masked = BaseCounts(masked)
        self._forbidden = self.codes == UNKNOWN
        self._known = BaseCounts(~self._forbidden)
        self.forbid(avoid.starts, avoid.ends)

    def __len__(self) -> int:
        return len(self.codes)

    def forbid(self, starts: Positions, ends: Positions) -> None:
        """Forbid further stretches; what lies beyond the contig is left out."""
        for start, end in zip(np.maximum(starts, 0).tolist(), ends.tolist(), strict=True):
            self._forbidden[start:end] = True
        self._closed = BaseCounts(self._forbidden)

    def is_free(self, starts: Positions, ends: Positions) -> Mask:
        """Return which stretches hold no forbidden base, shape (N,)."""
        free: Mask = self._closed.count(starts, ends) == 0
        return free

    def describe(self, starts: Positions, ends: Positions) -> Positions:
        """Return the G or C, and the soft-masked bases, of each stretch, shape (N, 2).

        Where bases are unknown, G and C are what they would be if these were like the rest. What lies beyond the
        contig is left out.
        """
        starts, ends = np.clip(starts, 0, len(self)), np.clip(ends, 0, len(self))
        gc, known = self._gc.count(starts, ends), self._known.count(starts, ends)
        whole = np.round(gc * (ends - starts) / np.maximum(known, 1)).astype(np.int64)
        return np.stack([whole, self._masked.count(starts, ends)], axis=1)
