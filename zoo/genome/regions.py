"""Many regions as arrays: 0-based and half-open, as in BED."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator
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
        places = np.array([starts, ends], dtype=np.int64)
        return cls(np.array(contigs, dtype=np.str_), places[0], places[1])

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
    if not len(regions):
        return regions
    names, numbers = np.unique(regions.contigs, return_inverse=True)
    order = np.lexsort((regions.starts, numbers))
    numbers = numbers[order]
    # One axis for all contigs, with a gap between them that no region can bridge.
    offsets = numbers * (int(regions.ends.max()) + 1)
    starts, ends = regions.starts[order] + offsets, regions.ends[order] + offsets
    reach = np.maximum.accumulate(ends)
    first = np.concatenate([[True], starts[1:] > reach[:-1]])
    last = np.concatenate([first[1:], [True]])
    return Regions(names[numbers[first]], (starts - offsets)[first], (reach - offsets)[last])


class RegionIndex:
    """The union of regions, made ready to be asked how much of a region it covers."""

    def __init__(self, regions: Regions) -> None:
        merged = merge(regions)
        self._by_contig: dict[str, tuple[Positions, Positions, Positions]] = {}
        for contig, rows in rows_by_contig(merged.contigs):
            starts, ends = merged.starts[rows], merged.ends[rows]
            before = np.concatenate([[0], np.cumsum(ends - starts)])
            self._by_contig[contig] = (starts, ends, before)

    def count_covered(self, contig: str, starts: Positions, ends: Positions) -> Positions:
        """Return how many bases of each region of one contig the union covers, shape (N,)."""
        found = self._by_contig.get(contig)
        if found is None:
            return np.zeros(len(starts), dtype=np.int64)
        return _covered_before(found, ends) - _covered_before(found, starts)


def rows_by_contig(contigs: npt.NDArray[np.str_]) -> Iterator[tuple[str, Positions]]:
    """Yield each contig, in the alphabet's order, with its row numbers in theirs."""
    names, numbers = np.unique(contigs, return_inverse=True)
    order = np.argsort(numbers, kind="stable")
    bounds = np.searchsorted(numbers[order], np.arange(len(names) + 1))
    for name, first, last in zip(names, bounds[:-1], bounds[1:], strict=True):
        yield str(name), order[first:last]


def list_runs(starts: Positions, length: int, gap: int = 10_000, span: int = 1 << 22) -> list[slice]:
    """Return which windows of one contig are best read from a file together.

    Args:
        starts: Ascending, shape (N,).
        length: Bases of each window.
        gap: Bases between two windows that are cheaper to read than to skip.
        span: How far the last start of a run may lie from its first, in bases.
    """
    breaks = np.flatnonzero(np.diff(starts) > length + gap) + 1
    runs = []
    for first, last in itertools.pairwise([0, *breaks.tolist(), len(starts)]):
        begin = first
        while begin < last:
            end = min(last, int(np.searchsorted(starts, starts[begin] + span, side="right")))
            runs.append(slice(begin, end))
            begin = end
    return runs


def _covered_before(union: tuple[Positions, Positions, Positions], places: Positions) -> Positions:
    """Return how many bases of the union lie left of each place."""
    starts, ends, before = union
    index = np.searchsorted(starts, places, side="right") - 1
    inside = np.minimum(places, ends[index]) - starts[index]
    counts: Positions = np.where(index < 0, 0, before[index] + np.maximum(inside, 0))
    return counts
