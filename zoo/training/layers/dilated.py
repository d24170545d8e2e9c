"""Convolutions that skip positions, so that a few of them see far; all keep the positions (N, L, C)."""

from __future__ import annotations

from typing import Any

from zoo.training.layers.gelu import sigmoid_gelu
from zoo.training.layers.residual import residual


def dilated_residual(
    hidden: Any,
    filters: int,
    dilation: int,
    name: str,
    *,
    width: int = 3,
    dropout: float = 0.0,
    momentum: float = 0.9,
) -> Any:
    """Return the input and what a dilated convolution, and one of width 1 back to its channels, make of it.

    Before each convolution stands a GELU, behind each BatchNorm; the second one's scale begins at 0, so that the block
    lets its input through at first.

    Args:
        filters: Of the dilated convolution.
        dilation: From one position that it reads to the next.
        name: The layers are called so, with what each of them is behind it.
        momentum: Of the moving mean and variance that predictions use.

    Source: Basenji2, Kelley 2020, doi:10.1371/journal.pcbi.1008050.
    """
    import keras

    def change(values: Any) -> Any:
        options = {"use_bias": False, "kernel_initializer": "he_normal", "padding": "same"}
        values = sigmoid_gelu(values, f"{name}_gelu")
        values = keras.layers.Conv1D(filters, width, dilation_rate=dilation, name=f"{name}_dilated", **options)(values)
        values = keras.layers.BatchNormalization(momentum=momentum, name=f"{name}_norm")(values)
        values = sigmoid_gelu(values, f"{name}_return_gelu")
        values = keras.layers.Conv1D(hidden.shape[-1], 1, name=f"{name}_return", **options)(values)
        values = keras.layers.BatchNormalization(
            momentum=momentum, gamma_initializer="zeros", name=f"{name}_return_norm"
        )(values)
        return keras.layers.Dropout(dropout, name=f"{name}_dropout")(values) if dropout else values

    return residual(hidden, change, f"{name}_residual")


def gated_dilation(
    hidden: Any, filters: int, dilation: int, name: str, *, width: int = 3, regulariser: Any = None
) -> Any:
    """Return tanh(A x) · sigmoid(B x) of two dilated convolutions A and B, (N, L, ``filters``).

    Args:
        dilation: From one position that they read to the next.
        name: The layers are called so, with what each of them is behind it.
        regulariser: Of Keras, on both kernels.

    Source: WaveNet, van den Oord et al. 2016, arXiv:1609.03499.
    """
    import keras

    parts = [
        keras.layers.Conv1D(
            filters,
            width,
            dilation_rate=dilation,
            padding="same",
            activation=activation,
            kernel_regularizer=regulariser,
            name=f"{name}_{part}",
        )(hidden)
        for part, activation in (("signal", "tanh"), ("gate", "sigmoid"))
    ]
    return keras.layers.Multiply(name=f"{name}_gated")(parts)


def grow_dilations(count: int, growth: float) -> tuple[int, ...]:
    """Return dilations from 1 on, each ``growth`` times the one before, rounded to an integer before it grows on.

    1.5 gives 1, 2, 3, 4, 6, 9, 14, …: half-way cases go to the even number.
    """
    found: list[int] = []
    for _ in range(count):
        found.append(round(found[-1] * growth) if found else 1)
    return tuple(found)
