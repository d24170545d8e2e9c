"""Which positions of each map one base of the window can change."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from zoo.network.network import SEQUENCE, Average, Network, Project
from zoo.network.operators import Convolve, Slide

Places = npt.NDArray[np.int64]
"""Positions counted from 0, one an item."""

_FEW = 8  # bases that are worth widths of their own


@dataclass(frozen=True, slots=True)
class Reaches:
    """For every base of the window, what it reaches.

    Attributes:
        starts: By map, the first position that each base changes, shape (L,).
        widths: For each group, by map, how many positions its bases change at most, at least 1.
        group: Which group each base is in, shape (L,): bases of a group reach equally far.
    """

    starts: Mapping[str, Places]
    widths: tuple[Mapping[str, int], ...]
    group: Places


def find_reaches(network: Network) -> Reaches:
    """Return what each base of a network's window reaches."""
    bases = np.arange(network.length)
    spans = {SEQUENCE: (bases, bases + 1)}
    for operator in network.trunk:
        outputs = network.maps[operator.output].length
        starts, ends = np.full(network.length, outputs), np.zeros(network.length, dtype=np.int64)
        for source in operator.sources:
            reached = _find_outputs(operator.slide, *spans[source], outputs)
            starts, ends = np.minimum(starts, reached[0]), np.maximum(ends, reached[1])
        spans[operator.output] = (np.where(starts < ends, starts, outputs), ends)
    names = list(spans)
    widths = np.stack([np.maximum(ends - starts, 1) for starts, ends in spans.values()])
    kinds, group, counts = np.unique(widths, axis=1, return_inverse=True, return_counts=True)
    # Windows' ends have widths of their own, base by base: they go with the widest.
    few = counts < _FEW
    widest = np.flatnonzero(~few).size
    order = np.concatenate([np.flatnonzero(~few), np.flatnonzero(few)])
    number = np.minimum(np.argsort(order), widest)
    kept = [kinds[:, kind] for kind in order[:widest]]
    if few.any():
        kept.append(kinds.max(axis=1))
    return Reaches(
        {name: starts for name, (starts, _) in spans.items()},
        tuple(dict(zip(names, map(int, one), strict=True)) for one in kept),
        number[group.ravel()],
    )


def _find_outputs(slide: Slide, starts: Places, ends: Places, outputs: int) -> tuple[Places, Places]:
    """Return the outputs that read any of some positions; where there are none, the start is not before the end."""
    first = -((slide.extent - 1 - slide.before - starts) // slide.stride)
    last = (ends - 1 + slide.before) // slide.stride
    empty = starts >= ends
    return (
        np.where(empty, outputs, np.clip(first, 0, outputs)),
        np.where(empty, 0, np.clip(last + 1, 0, outputs)),
    )


def count_alternative(network: Network, reaches: Reaches | None = None) -> float:
    """Return the multiplications that one substitution takes by difference, averaged over the bases of a window.

    The first layer multiplies nothing: what it adds stands in a table.
    """
    reaches = reaches or find_reaches(network)
    shares = np.bincount(reaches.group, minlength=len(reaches.widths)) / len(reaches.group)
    total = float(network.tail.multiply_adds)
    for share, widths in zip(shares, reaches.widths, strict=True):
        for operator in network.trunk:
            if isinstance(operator, Convolve) and operator.source != SEQUENCE:
                total += share * widths[operator.source] * operator.multiply_adds
        for leaving in network.exits:
            if isinstance(leaving, Project):
                total += share * widths[leaving.source] * leaving.weights[0].size
            elif not isinstance(leaving, Average):
                total += share * _count_map(network, leaving.source)
    return total


def count_reference(network: Network) -> float:
    """Return the multiplications that a whole window takes."""
    convolutions = sum(
        operator.multiply_adds * network.maps[operator.output].length
        for operator in network.trunk
        if isinstance(operator, Convolve)
    )
    return float(convolutions + network.tail_weights)


def _count_map(network: Network, name: str) -> int:
    return network.maps[name].channels * network.maps[name].length
