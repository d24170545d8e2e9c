"""Layers whose output is added to their input, so that what they learn is a change."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


def residual(hidden: Any, branch: Callable[[Any], Any], name: str) -> Any:
    """Return x + F(x), where ``branch`` makes F(x) of x; the addition is the layer of that name.

    Raises:
        ValueError: F(x) has another shape than x, which Keras would stretch where an axis is 1.

    Source: He, Zhang, Ren and Sun 2015, arXiv:1512.03385.
    """
    import keras

    changed = branch(hidden)
    if changed.shape != hidden.shape:
        raise ValueError(f"{name}: expected a branch that keeps the shape {hidden.shape}, found {changed.shape}")
    return keras.layers.Add(name=name)([hidden, changed])
