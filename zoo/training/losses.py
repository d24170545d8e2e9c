"""Losses that leave missing targets out and honour weights."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

_EPSILON = 1e-7  # keeps the logarithm of a saturated probability finite

Loss = Callable[[Any, Any, Any], Any]


def make_loss(name: str, label_smoothing: float = 0.0) -> Loss:
    """Return ``loss(targets, predictions, weights)``: a mean over the values that were measured.

    Targets and predictions have shape (N, T), weights (N,). NaN among the targets is a value that was not measured;
    for ``categorical_crossentropy`` it takes its whole row with it.
    """
    from keras import ops

    pointwise = _POINTWISE[name]

    def loss(targets: Any, predictions: Any, weights: Any) -> Any:
        measured = ops.logical_not(ops.isnan(targets))
        # Zeros first: a NaN times 0 is NaN, in the gradient too.
        known = ops.where(measured, targets, ops.zeros_like(targets))
        losses = pointwise(ops, known, predictions, label_smoothing)
        if name == "categorical_crossentropy":
            measured = ops.all(measured, axis=-1, keepdims=True)
            losses = ops.sum(losses, axis=-1, keepdims=True)
        shares = ops.cast(measured, "float32") * ops.expand_dims(weights, -1)
        return ops.sum(shares * losses) / ops.maximum(ops.sum(shares), _EPSILON)

    return loss


def _binary_crossentropy(ops: Any, targets: Any, predictions: Any, smoothing: float) -> Any:
    smooth = targets * (1 - smoothing) + smoothing / 2
    predictions = ops.clip(predictions, _EPSILON, 1 - _EPSILON)
    return -(smooth * ops.log(predictions) + (1 - smooth) * ops.log(1 - predictions))


def _categorical_crossentropy(ops: Any, targets: Any, predictions: Any, smoothing: float) -> Any:
    smooth = targets * (1 - smoothing) + smoothing / targets.shape[-1]
    return -smooth * ops.log(ops.clip(predictions, _EPSILON, 1.0))


def _squared_error(ops: Any, targets: Any, predictions: Any, _: float) -> Any:
    return ops.square(targets - predictions)


_POINTWISE = {
    "binary_crossentropy": _binary_crossentropy,
    "categorical_crossentropy": _categorical_crossentropy,
    "mse": _squared_error,
}
