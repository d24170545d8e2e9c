"""Many regions as arrays: 0-based and half-open, as in BED."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt

from zoo.genome.interval import Interval

Positions = npt.NDArray[np.int64]
"""One 0-based position a region, shape (N,)."""


@dataclass(frozen=True, slots=True)
class Regions:
    """N regions, each array of shape (N,): the bases ``starts`` to ``ends - 1`` of ``contigs``."""

    contigs: npt.NDArray[np.str_]
    starts: Positions
    ends: Positions

    def __len__(self) -> int:
        return len(self.contigs)

    def take(self, rows: Positions | npt.NDArray[np.bool_]) -> Regions:
        """Return the regions of these row numbers, or where the mask holds."""
        return Regions(self.contigs[rows], self.starts[rows], self.ends[rows])

    @classmethod
    def of(cls, intervals: Iterable[Interval]) -> Self:
        """Return intervals as arrays, in their order."""
        rows = [(interval.contig, interval.start, interval.end) for interval in intervals]
        contigs, starts, ends = zip(*rows, strict=True) if rows else ((), (), ())
        return cls(
            np.array(contigs, dtype=np.str_), np.array(starts, dtype=np.int64), np.array(ends, dtype=np.int64)
        )  # fmt: skip

    @classmethod
    def join(cls, parts: Iterable[Regions]) -> Self:
        """Return the regions of all parts, one part after the other."""
        found: list[Regions] = [cls.of(()), *parts]
        return cls(
            np.concatenate([part.contigs for part in found]),
            np.concatenate([part.starts for part in found]),
            np.concatenate([part.ends for part in found]),
        )


def merge(regions: Regions) -> Regions:
    """Return the union: ascending by contig and start, those that overlap or touch made one."""
    order = np.lexsort((regions.starts, regions.contigs))
    parts = regions.take(order)
    contigs, starts, ends = [], [], []
    for contig in np.unique(parts.contigs):
        rows = parts.contigs == contig
        reach = np.maximum.accumulate(parts.ends[rows])
        first = np.concatenate([[True], parts.starts[rows][1:] > reach[:-1]])
        starts.append(parts.starts[rows][first])
        ends.append(reach[np.concatenate([first[1:], [True]])])
        contigs.append(np.repeat(contig, int(first.sum())))
    if not contigs:
        return regions
    return Regions(np.concatenate(contigs), np.concatenate(starts), np.concatenate(ends))


class RegionIndex:
    """The union of regions, made ready to be asked how much of a region it covers."""

    def __init__(self, regions: Regions) -> None:
        merged = merge(regions)
        self._by_contig: dict[str, tuple[Positions, Positions, Positions]] = {}
        for contig in np.unique(merged.contigs):
            rows = merged.contigs == contig
            starts, ends = merged.starts[rows], merged.ends[rows]
            before = np.concatenate([[0], np.cumsum(ends - starts)])
            self._by_contig[str(contig)] = (starts, ends, before)

    def count_covered(self, contig: str, starts: Positions, ends: Positions) -> Positions:
        """Return how many bases of each region of one contig the union covers, shape (N,)."""
        found = self._by_contig.get(contig)
        if found is None:
            return np.zeros(len(starts), dtype=np.int64)
        return _covered_before(found, ends) - _covered_before(found, starts)


def _covered_before(union: tuple[Positions, Positions, Positions], places: Positions) -> Positions:
    """Return how many bases of the union lie left of each place."""
    starts, ends, before = union
    index = np.searchsorted(starts, places, side="right") - 1
    inside = np.minimum(places, ends[index]) - starts[index]
    counts: Positions = np.where(index < 0, 0, before[index] + np.maximum(inside, 0))
    return counts
