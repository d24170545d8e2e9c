"""Sizes that a graph reckons from the shapes of its own tensors, as PyTorch writes a flatten: arrays of float64.

NaN is the number of windows, which no graph knows beforehand; what is reckoned from it is NaN too.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

Sizes: TypeAlias = npt.NDArray[np.float64]

WINDOWS = float("nan")
"""The size of the batch axis."""


def reckon_sizes(  # noqa: C901, PLR0911 - one line for each operator
    op_type: str, operands: Sequence[Sizes], attributes: Mapping[str, Any]
) -> Sizes | None:
    """Return what an operator of ONNX makes of sizes; None if it is none of those that exporters use on them."""
    first = operands[0]
    match op_type, len(operands):
        case "Cast" | "Identity", 1:
            return first
        case "Gather", 2:
            return np.asarray(first.take(operands[1].astype(np.int64), axis=attributes.get("axis", 0)))
        case "Concat", _:
            return np.concatenate(operands, axis=attributes["axis"])
        case "Unsqueeze", 2:
            return np.expand_dims(first, tuple(operands[1].astype(np.int64).tolist()))
        case "Squeeze", 2:
            return np.squeeze(first, tuple(operands[1].astype(np.int64).tolist()))
        case "Slice", 3 | 4:
            start, end = (int(one[0]) for one in operands[1:3])
            return first[start:end] if first.ndim == 1 else None
        case "Add", 2:
            return first + operands[1]
        case "Sub", 2:
            return first - operands[1]
        case "Mul", 2:
            return first * operands[1]
        case "Div", 2:
            return np.trunc(first / operands[1])
    return None


def read_target(sizes: Sizes) -> list[int] | None:
    """Return a reshape's target with 0, which copies, for the number of windows; None if that is not its first."""
    if sizes.ndim != 1 or not np.isfinite(sizes[1:]).all():
        return None
    return [0 if np.isnan(size) else int(size) for size in sizes]
