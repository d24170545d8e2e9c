"""A layer that brings numbers of any scale to mean 0 and variance 1."""

from __future__ import annotations

from functools import cache
from typing import Any

_SLOWEST = 0.001
"""The least share of a batch in what is known so far; until then all batches weigh the same."""

_SMALLEST_SPREAD = 1e-4
"""Of a feature, against its mean: what varies by less is taken for constant."""


def scale_features(hidden: Any, name: str) -> Any:
    """Return numbers (N, C) less the mean, over the standard deviation, of all that training has shown so far.

    BatchNorm's moving mean sets out from 0 and is still off by many standard deviations after a short training, where
    these lie far from their mean; and it shows the layers after it other numbers in training than in prediction.
    """
    return _make_layer()(name=name)(hidden)


@cache
def _make_layer() -> Any:
    import keras

    class FeatureScale(keras.layers.Layer):  # type: ignore[misc]
        def __init__(self, name: str) -> None:
            # Features may be larger than 16 bits hold.
            super().__init__(name=name, dtype="float32")

        def build(self, shape: tuple[int | None, ...]) -> None:
            def add(name: str, size: tuple[int | None, ...], value: str) -> Any:
                return self.add_weight(
                    shape=size, initializer=value, trainable=False, aggregation="mean", name=name, dtype="float32"
                )

            self.batches = add("batches", (), "zeros")
            self.mean = add("mean", shape[-1:], "zeros")
            self.variance = add("variance", shape[-1:], "ones")

        def call(self, values: Any, *, training: bool = False) -> Any:
            if training:
                self._learn(values)
            least = keras.ops.square(_SMALLEST_SPREAD * self.mean) + _SMALLEST_SPREAD**2 * 1e-4
            return (values - self.mean) / keras.ops.sqrt(self.variance + least)

        def get_config(self) -> dict[str, Any]:
            return {"name": self.name}

        def _learn(self, values: Any) -> None:
            mean, variance = keras.ops.mean(values, axis=0), keras.ops.var(values, axis=0)
            batches = self.batches + 1
            share = keras.ops.maximum(1 / batches, _SLOWEST)
            step = mean - self.mean
            # The variance of what was seen and the batch together (Chan et al. 1979): it takes the old mean.
            pooled = (1 - share) * (self.variance + share * keras.ops.square(step)) + share * variance
            self.variance.assign(pooled)
            self.mean.assign(self.mean + share * step)
            self.batches.assign(batches)

    return FeatureScale
