"""Kernels that are held small while they are learned: the largest norm of a filter, and a penalty on squares."""

from __future__ import annotations

from typing import Any


def limit_kernel(max_norm: float | None, l2: float = 0.0, *, axes: int = 1) -> dict[str, Any]:
    """Return the options of a layer under whose limits its kernel stays.

    Args:
        max_norm: Of all that one filter or unit reads; None for no limit.
        l2: The penalty on the sum of squares.
        axes: Of the kernel that one filter reads: 1 in a dense layer, 2 in a convolution.
    """
    import keras

    return {
        "kernel_constraint": None if max_norm is None else keras.constraints.MaxNorm(max_norm, axis=list(range(axes))),
        "kernel_regularizer": keras.regularizers.L2(l2) if l2 else None,
    }
