"""Dense layers that let their input through, as far as they have learned to."""

from __future__ import annotations

from typing import Any


def highway(hidden: Any, name: str, *, activation: str = "relu", carry_bias: float = -2.0) -> Any:
    """Return T · H(x) + (1 - T) · x of vectors (N, C), with a gate T of its own for each unit.

    Args:
        name: The layers are called so, with what each of them is behind it.
        activation: Of H.
        carry_bias: The bias that the gate starts from: negative, so that the input is let through at first.

    Source: Srivastava, Greff and Schmidhuber 2015, arXiv:1505.00387.
    """
    import keras

    units = hidden.shape[-1]
    changed = keras.layers.Dense(units, activation=activation, name=f"{name}_transform")(hidden)
    gate = keras.layers.Dense(
        units,
        activation="sigmoid",
        bias_initializer=keras.initializers.Constant(carry_bias),
        name=f"{name}_gate",
    )(hidden)
    # x + T (H - x): one multiplication less.
    difference = keras.layers.Subtract(name=f"{name}_difference")([changed, hidden])
    gated = keras.layers.Multiply(name=f"{name}_gated")([gate, difference])
    return keras.layers.Add(name=f"{name}_carried")([hidden, gated])
