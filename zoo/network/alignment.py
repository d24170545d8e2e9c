"""Adds filters of zeros where a processor works on several channels at a time and some would go unused.

ONNX Runtime's convolutions keep channels in blocks of 16 (8 on older processors); maps whose channels fill no blocks
are laid out anew around each convolution. The added channels are multiplied with zeros by whoever reads them, so that
the network's numbers stay the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from zoo.network.network import Exit, Map, Network, Project
from zoo.network.operators import Apply, Convolve, Frame, Operator, Pool, Weights

_BLOCK = 16
_MOST_ADDED = 1 / 16
"""What share of a map's channels may be added: beyond it the added work costs more than the layout."""

_ENDLESS_AT_ZERO = frozenset({"Log", "Reciprocal"})


def align_channels(network: Network) -> Network:
    """Return a network that gives the same, with maps whose channels fill blocks where little has to be added."""
    grown = _choose(network)
    if not grown:
        return network
    trunk = tuple(_grow(operator, grown, network) for operator in network.trunk)
    exits = tuple(_grow_exit(one, grown) for one in network.exits)
    maps = {name: Map(grown.get(name, shape.channels), shape.length) for name, shape in network.maps.items()}
    return replace(network, trunk=trunk, exits=exits, maps=maps)


def _choose(network: Network) -> dict[str, int]:
    """Return the channels of maps that grow: of convolutions, and of what works on each of their channels alone."""
    grown: dict[str, int] = {}
    for operator in network.trunk:
        if isinstance(operator, Convolve) and operator.groups == 1:
            channels = network.maps[operator.output].channels
            wanted = -(-channels // _BLOCK) * _BLOCK
            if channels < wanted <= channels * (1 + _MOST_ADDED):
                grown[operator.output] = wanted
        elif _keeps_channels(operator) and operator.sources[0] in grown:
            grown[operator.output] = grown[operator.sources[0]]
    # A map may grow only if all who read it can leave out what was added.
    refused = {one.source for one in network.exits if not isinstance(one, Project)}
    for operator in reversed(network.trunk):
        absorbs = isinstance(operator, Convolve) and operator.groups == 1
        if not absorbs and (operator.output not in grown or operator.output in refused):
            refused.update(operator.sources)
    return {name: channels for name, channels in grown.items() if name not in refused}


def _keeps_channels(operator: Operator) -> bool:
    if isinstance(operator, Apply):
        return len(operator.operands) == 1 and operator.op_type not in _ENDLESS_AT_ZERO
    return isinstance(operator, Pool | Frame)


def _grow(operator: Operator, grown: dict[str, int], network: Network) -> Operator:
    if not isinstance(operator, Convolve) or operator.groups > 1:
        return operator
    filters = grown.get(operator.output, len(operator.weights))
    channels = grown.get(operator.source, network.maps[operator.source].channels)
    weights = _pad(operator.weights, (filters, channels, operator.slide.width))
    return replace(operator, weights=weights, bias=_pad(operator.bias, (filters,)))


def _grow_exit(leaving: Exit, grown: dict[str, int]) -> Exit:
    if leaving.source not in grown or not isinstance(leaving, Project):
        return leaving
    length, _, units = leaving.weights.shape
    return replace(leaving, weights=_pad(leaving.weights, (length, grown[leaving.source], units)))


def _pad(weights: Weights, shape: Sequence[int]) -> Weights:
    """Return weights with zeros behind them along each axis."""
    if weights.shape == tuple(shape):
        return weights
    padded = np.zeros(shape, dtype=np.float32)
    padded[tuple(slice(size) for size in weights.shape)] = weights
    return padded
