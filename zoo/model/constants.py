"""Constants that are small enough to be followed: those of which exporters reckon shapes."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy.typing as npt

if TYPE_CHECKING:
    import onnx

Constant: TypeAlias = npt.NDArray[Any]
"""The elements of a small tensor, of any shape and type."""

SMALL = 1024
"""Elements of a tensor that is followed; shapes have a few."""

_FEW = 16  # numbers that are no integers, such as the factors of Resize

_INTEGERS = frozenset({2, 3, 4, 5, 6, 7, 9, 12, 13})  # and booleans, of onnx.TensorProto.DataType


def read_small(tensor: onnx.TensorProto) -> Constant | None:
    """Return the elements of a tensor, None where it has too many, or some that are no plain numbers."""
    import onnx

    count = math.prod(tensor.dims)
    if count > (SMALL if tensor.data_type in _INTEGERS else _FEW) or count < 0:
        return None
    try:
        return onnx.numpy_helper.to_array(tensor)
    except Exception:  # noqa: BLE001 - what is wrong with it is for ONNX's own checks to say
        return None
