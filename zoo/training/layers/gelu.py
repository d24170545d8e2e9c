"""The Gaussian error linear unit as the networks of long sequences have it: x · sigmoid(1.702 x)."""

from __future__ import annotations

from functools import cache
from typing import Any

_SLOPE = 1.702  # section 2 of the source


def sigmoid_gelu(hidden: Any, name: str) -> Any:
    """Return x · sigmoid(1.702 x), which is within 0.021 of the exact GELU.

    Source: Hendrycks and Gimpel 2016, arXiv:1606.08415.
    """
    return _make_layer()(name=name)(hidden)


@cache
def _make_layer() -> Any:
    import keras

    class SigmoidGelu(keras.layers.Layer):  # type: ignore[misc]
        def call(self, values: Any) -> Any:
            return values * keras.ops.sigmoid(values * _SLOPE)

    return SigmoidGelu
