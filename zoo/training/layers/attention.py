"""Attention between positions that knows how far apart they are, and pooling that weighs what it pools.

Distances are those of the position that is looked at from the one that looks, in positions: -(L - 1) to L - 1.
"""

from __future__ import annotations

from functools import cache
from math import lgamma
from typing import Any

import numpy as np
import numpy.typing as npt

_SHORTEST_HALF_LIFE = 8.0  # positions: 2 to the power of 3, as in Enformer's own code
_LEAST_DENSITY = 1e-8  # likewise: keeps the features of a short sequence finite
_KINDS = 6  # three bases, each as it is and with the sign of the distance


def relative_attention(
    hidden: Any,
    name: str,
    *,
    heads: int,
    key_size: int,
    value_size: int,
    features: int,
    dropout: float = 0.0,
    position_dropout: float = 0.0,
) -> Any:
    """Return what each position reads from all others, (N, L, heads · ``value_size``).

    The weight of a position is the softmax of q · k + u · k + q · r + v · r: q is the query, over the root of
    ``key_size``; k is the key, and r the key of the distance between the two; u and v are learned for each head. Of
    ``value_size`` values from each head a last projection, which begins at 0, makes the output.

    Args:
        hidden: (N, L, C), L fixed.
        features: Of a distance, see ``relative_positions``.
        dropout: Of the weights.
        position_dropout: Of the features of distances.

    Raises:
        ValueError: L is not fixed, or ``features`` is no multiple of 6.

    Source: Enformer, Avsec et al. 2021, doi:10.1038/s41592-021-01252-x, after Dai et al. 2019, arXiv:1901.02860.
    """
    layer = _make_attention()
    return layer(heads, key_size, value_size, features, dropout, position_dropout, name=name)(hidden)


def attention_pooling(hidden: Any, pool: int, name: str, *, gain: float = 2.0) -> Any:
    """Return averages of each ``pool`` positions, (N, L / pool, C), weighted channel by channel.

    The weights are a softmax, over the positions that are pooled, of a projection of the channels. It begins as
    ``gain`` times the identity: 0 is average pooling, and the larger it is, the nearer to max-pooling.

    Raises:
        ValueError: L is not fixed, or no multiple of ``pool``.

    Source: Enformer, Avsec et al. 2021, doi:10.1038/s41592-021-01252-x.
    """
    length = hidden.shape[1]
    if length is None or length % pool:
        raise ValueError(f"{name}: expected a multiple of {pool} positions, found {length}")
    return _make_pooling()(pool, gain, name=name)(hidden)


def relative_positions(length: int, features: int) -> npt.NDArray[np.float32]:
    """Return the features of each distance, shape (2 · ``length`` - 1, ``features``), that of -(length - 1) first.

    A sixth of them each fall off exponentially, with half-lives from 8 positions to ``length``; are 1 within 2^i - 1
    positions; and are densities of gamma distributions whose means are spread up to ``length``, over the largest of
    them all. The other half is the same with the sign of the distance, 0 for that of 0.

    Raises:
        ValueError: ``features`` is no positive multiple of 6.

    Source: Enformer, Avsec et al. 2021, doi:10.1038/s41592-021-01252-x, its supplementary methods and code.
    """
    count, odd = divmod(features, _KINDS)
    if odd or count < 1:
        raise ValueError(f"expected a positive multiple of {_KINDS} features of distances, found {features}")
    signed = np.arange(1 - length, length, dtype=np.float64)[:, np.newaxis]
    distance = np.abs(signed)
    half_lives = np.logspace(np.log2(_SHORTEST_HALF_LIFE), np.log2(length), count, base=2)
    exponential = np.exp2(-distance / half_lives)
    central = distance < 2.0 ** np.arange(1, count + 1) - 1
    symmetric = np.concatenate([exponential, central, _gamma_densities(distance, length, count)], axis=1)
    return np.concatenate([symmetric, np.sign(signed) * symmetric], axis=1).astype(np.float32)


def _gamma_densities(distance: npt.NDArray[np.float64], length: int, count: int) -> npt.NDArray[np.float64]:
    """Return densities at distances (D, 1) over the largest of them, shape (D, ``count``)."""
    mean = np.linspace(length / count, length, count)
    deviation = length / (2 * count)
    shape, rate = (mean / deviation) ** 2, mean / deviation**2
    # Shapes are 4 at least, so that the density at 0 is 0.
    with np.errstate(divide="ignore"):
        logarithm = (shape - 1) * np.log(distance) - rate * distance
    total = np.array([lgamma(value) for value in shape]) - shape * np.log(rate)
    density = np.exp(logarithm - total) + _LEAST_DENSITY
    found: npt.NDArray[np.float64] = density / density.max()
    return found


@cache
def _make_attention() -> Any:
    import keras
    from keras import ops

    class RelativeAttention(keras.layers.Layer):  # type: ignore[misc]
        def __init__(
            self,
            heads: int,
            key_size: int,
            value_size: int,
            features: int,
            dropout: float,
            position_dropout: float,
            **options: Any,
        ) -> None:
            super().__init__(**options)
            self.heads, self.key_size, self.value_size, self.features = heads, key_size, value_size, features
            self.dropout, self.position_dropout = dropout, position_dropout
            self._drop_weights = keras.layers.Dropout(dropout, dtype=self.dtype_policy)
            self._drop_positions = keras.layers.Dropout(position_dropout, dtype=self.dtype_policy)

        def build(self, shape: tuple[int | None, ...]) -> None:
            length, channels = shape[1:]
            if length is None:
                raise ValueError(f"{self.name}: expected a fixed number of positions, found any")
            self._positions = relative_positions(length, self.features)
            keys, values = self.heads * self.key_size, self.heads * self.value_size

            def add(name: str, size: tuple[int | None, ...], start: Any = None) -> Any:
                # Of its own: one that is shared draws the same numbers again.
                start = start or keras.initializers.VarianceScaling(2.0)
                return self.add_weight(shape=size, initializer=start, name=name)

            self.query_kernel = add("query_kernel", (channels, keys))
            self.key_kernel = add("key_kernel", (channels, keys))
            self.value_kernel = add("value_kernel", (channels, values))
            self.position_kernel = add("position_kernel", (self.features, keys))
            self.content_bias = add("content_bias", (self.heads, 1, self.key_size))
            self.position_bias = add("position_bias", (self.heads, 1, self.key_size))
            self.output_kernel = add("output_kernel", (values, values), "zeros")
            self.output_bias = add("output_bias", (values,), "zeros")

        def call(self, hidden: Any, *, training: bool = False) -> Any:
            length = hidden.shape[1]
            query = self._split(ops.matmul(hidden, self.query_kernel), length) * self.key_size**-0.5
            key = self._split(ops.matmul(hidden, self.key_kernel), length)
            value = self._split(ops.matmul(hidden, self.value_kernel), length)
            positions = ops.convert_to_tensor(self._positions, dtype=self.compute_dtype)
            positions = self._drop_positions(positions, training=training)
            # (2 L - 1, heads · K) to (heads, K, 2 L - 1).
            distance = ops.reshape(ops.matmul(positions, self.position_kernel), (-1, self.heads, self.key_size))
            distance = ops.transpose(distance, (1, 2, 0))
            content = ops.matmul(query + self.content_bias, ops.transpose(key, (0, 1, 3, 2)))
            apart = self._align(ops.matmul(query + self.position_bias, distance), length)
            weights = self._drop_weights(ops.softmax(content + apart), training=training)
            read = ops.transpose(ops.matmul(weights, value), (0, 2, 1, 3))
            read = ops.reshape(read, (-1, length, self.heads * self.value_size))
            return ops.matmul(read, self.output_kernel) + self.output_bias

        def get_config(self) -> dict[str, Any]:
            names = ("heads", "key_size", "value_size", "features", "dropout", "position_dropout")
            return {**super().get_config(), **{name: getattr(self, name) for name in names}}

        def _split(self, values: Any, length: int) -> Any:
            """Return (N, heads, L, C) of (N, L, heads · C)."""
            values = ops.reshape(values, (-1, length, self.heads, values.shape[-1] // self.heads))
            return ops.transpose(values, (0, 2, 1, 3))

        def _align(self, by_distance: Any, length: int) -> Any:
            """Return (N, heads, L, L) by the position that is looked at, of (N, heads, L, 2 L - 1) by its distance.

            In rows that are one column longer, what is read in rows one column shorter moves on by one with each row.
            """
            padded = ops.pad(by_distance, ((0, 0), (0, 0), (0, 0), (1, 0)))
            shifted = ops.reshape(padded, (-1, self.heads, 2 * length, length))[:, :, 1:]
            return ops.reshape(shifted, (-1, self.heads, length, 2 * length - 1))[..., :length]

    return RelativeAttention


@cache
def _make_pooling() -> Any:
    import keras
    from keras import ops

    class AttentionPooling(keras.layers.Layer):  # type: ignore[misc]
        def __init__(self, pool: int, gain: float, **options: Any) -> None:
            super().__init__(**options)
            self.pool, self.gain = pool, gain

        def build(self, shape: tuple[int | None, ...]) -> None:
            start = keras.initializers.Identity(self.gain)
            self.kernel = self.add_weight(shape=(shape[-1], shape[-1]), initializer=start, name="kernel")

        def call(self, hidden: Any) -> Any:
            _, length, channels = hidden.shape
            grouped = (-1, length // self.pool, self.pool, channels)
            weights = ops.softmax(ops.reshape(ops.matmul(hidden, self.kernel), grouped), axis=-2)
            return ops.sum(ops.reshape(hidden, grouped) * weights, axis=-2)

        def get_config(self) -> dict[str, Any]:
            return {**super().get_config(), "pool": self.pool, "gain": self.gain}

    return AttentionPooling
