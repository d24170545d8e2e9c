"""Groups of alleles of one haplotype and phase set that one window holds.

From left to right, a group takes in the next allele as long as one window holds the bases that each of them changes,
before and after, alone and together. The window is centred on the group, from the first base of its first allele to
that of its last, as far as its alleles leave room; so an allele alone has the window that ``annotate`` gives it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from zoo.genome.runs import concatenate_runs
from zoo.genome.variant import Reason
from zoo.prediction.alleles.batch import Integers
from zoo.prediction.haplotypes.phasing import Haplotypes

_ROWS_A_PART = 1 << 16


@dataclass(frozen=True, slots=True)
class Groups:
    """The groups of windows of one length and anchor, sorted by contig, window, haplotype and phase set.

    Attributes:
        length: Bases of a window.
        contig: Index into the sample's contigs, shape (G,).
        start: First base of the window, 0-based; negative where it reaches beyond the contig, shape (G,).
        haplotype: Shape (G,).
        phase_set: Shape (G,).
        first: Group i holds ``copies[first[i]:first[i + 1]]``, shape (G + 1,).
        copies: Indices into the ``Haplotypes``, sorted by what they change within a group.
        reason: Of every copy, with TOO_LONG where it has no room beside the anchor, uint8, shape (C,).
    """

    length: int
    contig: Integers
    start: Integers
    haplotype: Integers
    phase_set: Integers
    first: Integers
    copies: Integers
    reason: npt.NDArray[np.uint8]

    def __len__(self) -> int:
        return len(self.start)


def group_alleles(
    haplotypes: Haplotypes, length: int, anchor: int, shifts: Sequence[int] = (0,), max_indel: int | None = None
) -> Groups:
    """Return the groups of all copies whose reason is OK; every one of them is in exactly one.

    Args:
        haplotypes: The copies.
        length: Bases of a window.
        anchor: The base of a window, 0-based, that stands at a group's centre.
        shifts: Bases that the windows will be moved to the right; a group is in all of them.
        max_indel: The most bases that one allele may add or take away.
    """
    sample, allele = haplotypes.sample, haplotypes.allele
    further, nearer = max(0, *shifts), min(0, *shifts)
    ref_length, alt_length = sample.ref_length[allele], sample.alt_length[allele]
    room = length - anchor + nearer
    too_long = (ref_length > room) | (alt_length > room)
    if max_indel is not None:
        too_long |= np.abs(ref_length - alt_length) > max_indel
    reason = np.where((haplotypes.reason == Reason.OK) & too_long, Reason.TOO_LONG, haplotypes.reason).astype(np.uint8)
    copies = np.flatnonzero(reason == Reason.OK)
    contig, haplotype = haplotypes.contig[copies], haplotypes.haplotype[copies]
    # Stable: within a phase set the copies keep their order.
    order = np.lexsort((haplotypes.phase_set[copies], haplotype, contig))
    copies, contig, haplotype = copies[order], contig[order], haplotype[order]
    phase_set = haplotypes.phase_set[copies]
    lines = np.stack([contig, haplotype, phase_set])
    begins = np.ones(len(copies), dtype=np.bool_)
    begins[1:] = (lines[:, 1:] != lines[:, :-1]).any(axis=0)
    first, start = _walk(haplotypes, copies, begins, length + nearer - further, anchor - further)
    start -= further
    counts = np.diff(np.append(first, len(copies)))
    by_place = np.lexsort((phase_set[first], haplotype[first], start, contig[first]))
    counts = counts[by_place]
    members = concatenate_runs(first[by_place], counts)
    return Groups(
        length=length,
        contig=contig[first][by_place],
        start=start[by_place],
        haplotype=haplotype[first][by_place],
        phase_set=phase_set[first][by_place],
        first=np.concatenate([[0], np.cumsum(counts)]).astype(np.int64),
        copies=copies[members],
        reason=reason,
    )


def _iterate(*columns: npt.NDArray[Any]) -> Iterator[tuple[int, ...]]:
    """Yield the rows of columns as Python's numbers, a part at a time: a whole genome's would fill a gigabyte."""
    for first in range(0, len(columns[0]), _ROWS_A_PART):
        yield from zip(*(column[first : first + _ROWS_A_PART].tolist() for column in columns), strict=True)


def _walk(
    haplotypes: Haplotypes, copies: Integers, begins: npt.NDArray[np.bool_], length: int, anchor: int
) -> tuple[Integers, Integers]:
    """Return the first copy of each group, and where the part of its window that no shift leaves starts."""
    sample, allele = haplotypes.sample, haplotypes.allele[copies]
    firsts: list[int] = []
    starts: list[int] = []
    left = right = 0  # first bases of the group's first and last allele
    ref_end = single_end = 0  # where the group ends on the reference, and the furthest allele on its own
    shift = 0  # bases that its alleles add together
    columns = (begins, sample.start[allele], sample.ref_length[allele], sample.alt_length[allele])
    for place, (begin, start, ref_length, alt_length) in enumerate(_iterate(*columns)):
        new_left, new_right = min(left, start), max(right, start)
        new_ref_end, new_single_end = max(ref_end, start + ref_length), max(single_end, start + alt_length)
        new_shift = shift + alt_length - ref_length
        if begin or max(new_ref_end, new_ref_end + new_shift, new_single_end) - new_left > length:
            firsts.append(place)
            starts.append(0)
            new_left = new_right = start
            new_ref_end, new_single_end = start + ref_length, start + alt_length
            new_shift = alt_length - ref_length
        left, right, ref_end, single_end, shift = new_left, new_right, new_ref_end, new_single_end, new_shift
        reach = max(ref_end, ref_end + shift, single_end)
        starts[-1] = min(max((left + right) // 2 - anchor, reach - length), left)
    return np.array(firsts, dtype=np.int64), np.array(starts, dtype=np.int64)
