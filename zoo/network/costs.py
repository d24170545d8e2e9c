"""What a network costs, and what is left of it where only some positions are computed anew.

Time is counted in multiply-adds: those of the operators, and what a processor would have done of them while it moved
the numbers that go in and out.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from zoo.network.network import Average, Network, Project
from zoo.network.operators import Apply, Convolve, Operator, Pool, Span
from zoo.network.recomputing import MOVED, recompute
from zoo.network.stretches import find_ends, is_shared

NODE = 900_000
"""Multiply-adds in the time that a node takes to start and to lay out what it reads: small networks are mostly that."""

MIN_PAIR_GAIN = 1.1
"""How many times as fast a pair has to be expected for its own graph to be worth it."""

CHUNK_WORTH = 0.8
"""What share of the time of its windows a chunk may take."""

HANDLED = 150_000
"""Multiply-adds in the time that a window's rows take to be sorted, cut out and put back where they belong."""

NODES_AROUND_A_SLICE = 5
WINDOWS_A_RUN = 32


@dataclass(frozen=True, slots=True)
class Cost:
    """The work for one window.

    Attributes:
        multiply_adds: Of convolutions and dense layers.
        moved: Numbers that are written by one operator and read by another.
    """

    multiply_adds: int = 0
    moved: int = 0

    def __add__(self, other: Cost) -> Cost:
        return Cost(self.multiply_adds + other.multiply_adds, self.moved + other.moved)

    @property
    def time(self) -> int:
        """Multiply-adds that take as long."""
        return self.multiply_adds + MOVED * self.moved


def cost_of_operator(network: Network, operator: Operator, positions: int) -> Cost:
    """Return what so many positions of an operator's output cost."""
    numbers = network.maps[operator.output].channels * positions
    if isinstance(operator, Convolve):
        return Cost(operator.multiply_adds * positions, numbers)
    # What stands behind a convolution is mostly done with it in one pass.
    return Cost(0, numbers if isinstance(operator, Pool | Apply) else 2 * numbers)


def cost_of_window(network: Network) -> Cost:
    """Return what a whole window costs."""
    total = _cost_of_exits(network, None) + Cost(network.tail.multiply_adds)
    for operator in network.trunk:
        total += cost_of_operator(network, operator, network.maps[operator.output].length)
    return total


def cost_of_change(network: Network, change: Span) -> Cost:
    """Return what a window costs of which only some bases changed, and all maps of the unchanged one are there."""
    reach = recompute(network, change)
    total = _cost_of_exits(network, reach) + Cost(network.tail.multiply_adds)
    for operator in network.trunk:
        changed = reach[operator.output]
        if len(changed):
            total += _cost_of_part(network, operator, changed)
    return total


def pair_gain(network: Network, anchor: int) -> float:
    """Return how many times as fast a pair goes whose alleles differ in one base, beside two whole windows."""
    whole = cost_of_window(network).time
    # Each slice of REF's maps, and what joins it to ALT's, is a node that has to be started for every run.
    nodes = NODES_AROUND_A_SLICE * len(network.trunk) * NODE // WINDOWS_A_RUN + HANDLED
    return 2 * whole / (whole + cost_of_change(network, Span(anchor, anchor + 1)).time + nodes)


def cost_of_base(network: Network) -> Cost:
    """Return what a base of a chunk costs, with all phases of the pools."""
    ends = find_ends(network)
    total = Cost()
    for operator in network.trunk:
        if not is_shared(ends, operator.output):
            continue
        total += cost_of_operator(network, operator, 1)
        channels = sum(network.maps[source].channels for source in operator.sources)
        # Phases are cut out of the map before, and windows are cut out of one that lies position by position.
        copies = operator.slide.stride if operator.slide.stride > 1 else 2 * isinstance(operator, Convolve)
        total += Cost(0, copies * channels)
    return total


def cost_in_chunk(network: Network) -> Cost:
    """Return what each window of a chunk costs beside the chunk: its ends, where positions are added, and the tail."""
    ends = find_ends(network)
    exits = _cost_of_exits(network, None)
    total = Cost(exits.multiply_adds + network.tail.multiply_adds, 3 * exits.moved)
    for operator in network.trunk:
        for end in ends[operator.output]:
            if len(end):
                total += _cost_of_part(network, operator, end)
    return total


def bases_worth_a_window(network: Network) -> float:
    """Return how far apart windows may begin for a chunk of them to be cheaper than each on its own; 0 for never."""
    base = cost_of_base(network).time
    left = CHUNK_WORTH * cost_of_window(network).time - cost_in_chunk(network).time - 2 * HANDLED
    return max(0.0, left / base) if base else 0.0


def _cost_of_part(network: Network, operator: Operator, span: Span) -> Cost:
    """Return what some positions of an operator's output cost, with what they read put together first."""
    wanted = len(operator.slide.reads(span).clip(network.maps[operator.sources[0]].length))
    channels = sum(network.maps[source].channels for source in operator.sources)
    return cost_of_operator(network, operator, len(span)) + Cost(0, 2 * wanted * channels)


def _cost_of_exits(network: Network, reach: Mapping[str, Span] | None) -> Cost:
    total = Cost()
    for leaving in network.exits:
        shape = network.maps[leaving.source]
        changed = shape.length if reach is None else len(reach[leaving.source])
        if isinstance(leaving, Project):
            channels, units = leaving.weights.shape[1:]
            total += Cost(changed * channels * units, units)
        elif isinstance(leaving, Average):
            total += Cost(0, shape.channels * changed)
        else:
            total += Cost(0, 2 * shape.channels * shape.length)
    return total
