"""Which positions of each map are computed anew where some bases change, and which are cut out of REF's."""

from __future__ import annotations

from collections.abc import Mapping

from zoo.network.network import SEQUENCE, Network
from zoo.network.operators import Convolve, Operator, Span

MOVED = 40
"""Multiply-adds in the time of one number that is written and read again: measured on two cores with AVX-512, on
networks of 1 to 550 million multiply-adds a window."""


def recompute(network: Network, change: Span, *, joins: bool = False) -> dict[str, Span]:
    """Return which positions of each map to compute anew where some bases change.

    What a change reaches, and what else it would have to be given, where that costs less to make than to fetch: the few
    more before a pool or another operator that costs next to nothing, and what a convolution reads of the first one,
    which is made of single bases.

    Args:
        joins: As of ``Network.reach``.
    """
    spans = network.reach(change, joins=joins)
    producers = {operator.output: operator for operator in network.trunk}
    for operator in reversed(network.trunk):
        source = operator.sources[0]
        if len(operator.sources) > 1 or source == SEQUENCE or not len(spans[operator.output]):
            continue
        wanted = operator.slide.reads(spans[operator.output]).clip(network.maps[source].length)
        more = len(wanted) - len(spans[source])
        if not isinstance(operator, Convolve) or _is_made_fast(network, source, more, producers):
            spans[source] = spans[source].cover(wanted)
    return spans


def _is_made_fast(network: Network, source: str, more: int, producers: Mapping[str, Operator]) -> bool:
    """Return whether so many more positions of a map cost less to make, of the bases, than to cut out of REF's."""
    positions = more
    operator = producers[source]
    while not isinstance(operator, Convolve):
        if len(operator.sources) > 1 or operator.sources[0] == SEQUENCE:
            return False
        positions *= operator.slide.stride
        operator = producers[operator.sources[0]]
    if operator.source != SEQUENCE:
        return False
    shape = network.maps[source]
    # All of REF's map is laid out anew to be cut, what is cut out is chosen by row and joined.
    fetched = shape.channels * (shape.length + 3 * positions)
    return operator.multiply_adds * positions <= MOVED * fetched
