"""Where adding a difference to REF's numbers would lose ALT's digits: behind and before operators such as Exp.

REF + (ALT - REF) keeps the rounding error of the largest of these numbers. Networks of the usual activations do not
mind: their numbers are of one size, and what is lost of one is what the whole network loses of another. Exp and its
like make sizes differ without bounds, make of an absolute error a relative one, and Log the other way round.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from zoo.network.network import SEQUENCE, Network
from zoo.network.operators import Apply, Convolve, Frame, Join, Operator, Pick, Pool

Channels: TypeAlias = npt.NDArray[np.bool_]
"""Sets of a map's C channels, shape (n, C)."""

_GROWING = {"Exp", "Reciprocal", "Pow"}
_SCALES = 256.0  # times as large as another channel's, a factor of one channel makes numbers of two sizes
_BOUNDED = {"Erf", "HardSigmoid", "Log", "Sigmoid", "Sign", "Softsign", "Tanh"}
_READING_RATIOS = {"Log", "Reciprocal", "Sqrt"}


def find_uneven_maps(network: Network) -> Mapping[str, Channels]:
    """Return the maps whose numbers may be of very different sizes, and which of their channels are added up together.

    A filter that reads small numbers alone may be all that is left of them, however large their neighbours are.
    """
    uneven: set[str] = set()
    bounded = {SEQUENCE}
    for operator in network.trunk:
        if isinstance(operator, Apply):
            if operator.op_type in _BOUNDED:
                bounded.add(operator.output)
                continue
            if _makes_uneven(operator, bounded):
                uneven.add(operator.output)
        if not isinstance(operator, Convolve) and bounded.issuperset(operator.sources):
            bounded.add(operator.output)
        if any(source in uneven for source in operator.sources):
            uneven.add(operator.output)
    read: dict[str, Channels] = {}
    # From the end, so that what a map is passed on to is known before itself.
    for name in reversed([SEQUENCE, *(operator.output for operator in network.trunk)]):
        if name in uneven:
            read[name] = _find_channels_read(network, name, read)
    return read


def _makes_uneven(operator: Apply, bounded: set[str]) -> bool:
    """Return whether an operator makes numbers of one size numbers of very different ones."""
    match operator.op_type:
        case kind if kind in _GROWING:
            return True
        case "Div" if isinstance(operator.operands[1], str):
            return True
        case "Mul" if len(operator.sources) > 1:  # a square, but no gate, whose factor is bounded
            return sum(source not in bounded for source in operator.sources) > 1
        case "Mul" | "Div":
            factors = [np.abs(operand) for operand in operator.operands if not isinstance(operand, str)]
            sizes = np.concatenate([factor[factor > 0] for factor in factors])
            return sizes.size > 0 and float(sizes.max() / sizes.min()) > _SCALES
    return False


def _find_channels_read(network: Network, name: str, known: Mapping[str, Channels]) -> Channels:
    """Return which channels of a map are read by one filter, or one channel of a pool, or may be further on.

    Args:
        known: The same of the maps that follow.
    """
    whole = np.ones((1, network.maps[name].channels), dtype=np.bool_)
    readers = [operator for operator in network.trunk if name in operator.sources]
    found = [rows for operator in readers for rows in _list_reads(network, name, operator, known)]
    return np.unique(np.concatenate([whole, *found]), axis=0)


def _list_reads(network: Network, name: str, operator: Operator, known: Mapping[str, Channels]) -> Iterator[Channels]:
    """Yield which channels of a map an operator adds up, or passes on to what does."""
    count = network.maps[name].channels
    match operator:
        case Pool():
            yield np.eye(count, dtype=np.bool_)
        case Convolve():
            yield _list_filters(operator, count)
        case Frame():
            yield known[operator.output]
        case Pick():
            rows = np.zeros((len(known[operator.output]), count), dtype=np.bool_)
            rows[:, operator.start : operator.end] = known[operator.output]
            yield rows
        case Join():
            ends = np.cumsum([network.maps[source].channels for source in operator.sources])
            for source, end in zip(operator.sources, ends.tolist(), strict=True):
                if source == name:
                    yield known[operator.output][:, end - count : end]
        case Apply(op_type="Add" | "Sub") if len(operator.sources) == 2:
            yield known[operator.output]


def _list_filters(convolution: Convolve, channels: int) -> Channels:
    """Return which of the channels each filter multiplies with anything but 0."""
    read = (convolution.weights != 0).any(axis=2)
    filters, width = read.shape
    rows = np.zeros((filters, convolution.groups, width), dtype=np.bool_)
    rows[np.arange(filters), np.arange(filters) * convolution.groups // filters] = read
    return rows.reshape(filters, channels)


def find_exponents(network: Network) -> Mapping[str, float]:
    """Return the maps that an Exp reads, by themselves or by what stays on their numbers.

    Their values say by how much an error is multiplied on its way there.
    """
    factors: dict[str, float] = {}
    for operator in reversed(network.trunk):
        factor = factors.get(operator.output, 0.0)
        if isinstance(operator, Convolve):
            continue
        if isinstance(operator, Apply):
            if operator.op_type in _BOUNDED:
                continue
            if operator.op_type == "Exp":
                factor = max(factor, 1.0)
            elif operator.op_type == "Pow" and not isinstance(operator.operands[0], str):
                factor = max(factor, 1.0, float(np.abs(np.log(operator.operands[0])).max()))
            elif operator.op_type == "Mul":
                constants = [operand for operand in operator.operands if not isinstance(operand, str)]
                factor *= float(np.abs(constants[0]).max()) if constants else 1.0
        if factor:
            for source in operator.sources:
                factors[source] = max(factor, factors.get(source, 0.0))
    return factors


def find_ratios(network: Network) -> set[str]:
    """Return the maps whose smallest numbers count: those that a Log reads, or that something is divided by."""
    found: set[str] = set()
    for operator in network.trunk:
        if not isinstance(operator, Apply):
            continue
        if operator.op_type in _READING_RATIOS:
            found.update(operator.sources)
        elif operator.op_type in {"Div", "Pow"}:
            first, second = operator.operands
            whole_power = not isinstance(second, str) and bool(((second >= 0) & (second == np.round(second))).all())
            if operator.op_type == "Div" and isinstance(second, str):
                found.add(second)
            elif operator.op_type == "Pow" and isinstance(first, str) and not whole_power:
                found.add(first)
    return found
