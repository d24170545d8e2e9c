"""What contract tests are made of."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt


def expect(holds: object, message: str) -> None:
    """Raise ``AssertionError`` with the message where something does not hold."""
    if not holds:
        raise AssertionError(message)


def check_array(where: str, values: Any, dtype: npt.DTypeLike, *dimensions: int) -> None:
    """Expect an array of a type and of one of several numbers of dimensions."""
    expect(isinstance(values, np.ndarray), f"{where}: expected an array, found a {type(values).__name__}")
    expect(values.dtype == dtype, f"{where}: expected {np.dtype(dtype)}, found {values.dtype}")
    expected = " or ".join(map(str, dimensions))
    expect(values.ndim in dimensions, f"{where}: expected {expected} dimensions, found {values.ndim}")


def same_array(one: Any, other: Any) -> bool:
    """Whether two arrays, or two that are None, are the same; NaN is the same as NaN."""
    if one is None or other is None:
        return one is other
    return np.array_equal(one, other, equal_nan=one.dtype.kind == "f")
