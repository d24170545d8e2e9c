"""String surgery: windows of a contig that carry alleles."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

import numpy as np

from zoo.genome.codes import Codes
from zoo.genome.reference import fetch_window
from zoo.prediction.alleles.batch import Integers
from zoo.prediction.alleles.changes import Changes
from zoo.prediction.windows.centred import gather_windows

Edit: TypeAlias = tuple[int, int, Codes]
"""Start and end of the bases that give way, 0-based half-open on the contig, and what takes their place."""


def walk_right(genome: Codes, start: int, length: int, edits: Sequence[Edit]) -> Codes:
    """Return the first ``length`` bases of a haplotype from a base of the contig on.

    Args:
        genome: The whole contig; beyond its ends bases are unknown.
        start: The first base, 0-based; an insertion right before it counts.
        length: How many bases.
        edits: What the haplotype carries from ``start`` on, sorted, none overlapping another.
    """
    pieces: list[Codes] = []
    for first, last, alt in edits:
        if length <= first - start:
            break
        pieces += [fetch_window(genome, start, first - start), alt]
        length -= first - start + len(alt)
        start = last
        if length < 0:
            pieces[-1] = alt[: len(alt) + length]
            length = 0
    pieces.append(fetch_window(genome, start, length))
    return np.concatenate(pieces)


def walk_left(genome: Codes, end: int, length: int, edits: Sequence[Edit]) -> Codes:
    """Return the last ``length`` bases of a haplotype before base ``end`` of the contig; an insertion there counts."""
    pieces: list[Codes] = []
    for first, last, alt in reversed(edits):
        if length <= end - last:
            break
        pieces += [fetch_window(genome, last, end - last), alt]
        length -= end - last + len(alt)
        end = first
        if length < 0:
            pieces[-1] = alt[-length:]
            length = 0
    pieces.append(fetch_window(genome, end - length, length))
    return np.concatenate(pieces[::-1])


def carry_alleles(
    genome: Codes, starts: Integers, length: int, row: Integers, allele: Integers, changes: Changes, alt: Codes
) -> Codes:
    """Return windows that carry alleles, shape (n, length); each starts at a base of the contig and is cut at its end.

    Args:
        genome: The whole contig.
        starts: Where the windows start, 0-based, shape (n,).
        length: Bases of a window.
        row: The window that each allele goes into, ascending, shape (k,).
        allele: Index into ``changes`` of these alleles, sorted within a window, none overlapping, none before its
            start.
        changes: What the alleles change.
        alt: The buffer of codes of ``changes``.
    """
    windows = gather_windows(genome, starts, length)
    first, count = changes.start[allele], changes.alt_length[allele]
    kept_length = changes.end[allele] - first == count
    shifts = np.zeros(len(starts), dtype=np.bool_)
    shifts[row[~kept_length]] = True
    for step in range(int(count.max(initial=0))):
        here = np.flatnonzero(~shifts[row] & (step < count))
        offset = first[here] - starts[row[here]] + step
        inside = offset < length
        windows[row[here[inside]], offset[inside]] = alt[changes.alt_start[allele[here[inside]]] + step]
    bounds = np.searchsorted(row, np.arange(len(starts) + 1))
    for window in np.flatnonzero(shifts).tolist():
        edits = list_edits(changes, alt, allele[bounds[window] : bounds[window + 1]])
        windows[window] = walk_right(genome, int(starts[window]), length, edits)
    return windows


def list_edits(changes: Changes, alt: Codes, alleles: Integers) -> list[Edit]:
    """Return what alleles change, one after the other."""
    return [
        (first, last, alt[begin : begin + count])
        for first, last, begin, count in zip(
            changes.start[alleles].tolist(),
            changes.end[alleles].tolist(),
            changes.alt_start[alleles].tolist(),
            changes.alt_length[alleles].tolist(),
            strict=True,
        )
    ]
