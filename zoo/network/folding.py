"""Takes products and sums by channel into the convolution before them, and zeros into the one behind them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from zoo.network.network import Exit
from zoo.network.operators import Apply, Convolve, Frame, Operator


def fold_affine(trunk: Sequence[Operator], exits: Sequence[Exit]) -> tuple[Operator, ...]:
    """Return a trunk that gives the same with fewer operators.

    A convolution that nobody else reads takes in what is multiplied with, or added to, each of its channels: what is
    left of a batch normalisation, and biases.
    """
    readers = _count_readers(trunk, exits)
    folded: dict[str, Operator] = {}
    for operator in trunk:
        before = folded.get(operator.sources[0]) if isinstance(operator, Apply) and operator.sources else None
        if isinstance(operator, Apply) and isinstance(before, Convolve) and readers[before.output] == 1:
            merged = _merge(before, operator)
            if merged is not None:
                del folded[before.output]
                folded[merged.output] = merged
                continue
        folded[operator.output] = operator
    return tuple(folded.values())


def fold_zeros(trunk: Sequence[Operator], exits: Sequence[Exit]) -> tuple[Operator, ...]:
    """Return a trunk whose convolutions add the zeros themselves that were added for them alone."""
    readers = _count_readers(trunk, exits)
    folded: dict[str, Operator] = {}
    for operator in trunk:
        before = folded.get(operator.source) if isinstance(operator, Convolve) else None
        found = operator
        if isinstance(before, Frame) and isinstance(operator, Convolve) and readers[before.output] == 1:
            added = before.slide
            if before.value == 0 and min(added.before, added.after) >= 0:
                slide = operator.slide
                slide = replace(slide, before=slide.before + added.before, after=slide.after + added.after)
                del folded[before.output]
                found = replace(operator, source=before.source, slide=slide)
        folded[found.output] = found
    return tuple(folded.values())


def _count_readers(trunk: Sequence[Operator], exits: Sequence[Exit]) -> Counter[str]:
    readers = Counter(source for operator in trunk for source in operator.sources)
    readers.update(one.source for one in exits)
    return readers


def _merge(convolution: Convolve, operator: Apply) -> Convolve | None:
    constants = [operand for operand in operator.operands if isinstance(operand, np.ndarray)]
    if len(operator.operands) != 2 or len(constants) != 1:
        return None
    first = isinstance(operator.operands[0], str)
    value = np.broadcast_to(constants[0].astype(np.float64).ravel(), convolution.bias.shape)
    weights, bias = convolution.weights.astype(np.float64), convolution.bias.astype(np.float64)
    match operator.op_type, first:
        case "Add", _:
            bias = bias + value
        case "Sub", True:
            bias = bias - value
        case "Sub", False:
            weights, bias = -weights, value - bias
        case "Mul", _:
            weights, bias = weights * value[:, np.newaxis, np.newaxis], bias * value
        case "Div", True:
            weights, bias = weights / value[:, np.newaxis, np.newaxis], bias / value
        case _:
            return None
    return replace(
        convolution, output=operator.output, weights=weights.astype(np.float32), bias=bias.astype(np.float32)
    )
