"""Activations of hidden layers: a name, or a name with its parameter."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Annotated, Any, Literal, TypeAlias, get_args

from pydantic import Discriminator, Field, Tag

from zoo import Config


class LeakyRelu(Config):
    """``slope`` is that below 0."""

    name: Literal["leaky_relu"]
    slope: float = Field(default=0.1, ge=0, lt=1)


class Softplus(Config):
    """log(1 + exp(βx)) / β: the larger ``beta``, the nearer to ReLU."""

    name: Literal["softplus"]
    beta: float = Field(default=1.0, gt=0, allow_inf_nan=False)


class Maxout(Config):
    """The largest of several linear ``pieces``; the layer before it gets as many times its units (Goodfellow 2013)."""

    name: Literal["maxout"]
    pieces: int = Field(default=2, ge=2, le=1000)


ActivationName: TypeAlias = Literal[
    "relu", "leaky_relu", "elu", "gelu", "silu", "softplus", "exponential", "tanh", "maxout"
]

_ALONE = "alone"
_NAMES: tuple[str, ...] = get_args(ActivationName)
_PARAMETERS: dict[str, str] = {"leaky_relu": "slope", "softplus": "beta", "maxout": "pieces"}


def _choose_form(value: Any) -> str | None:
    """Return which member of the union a value is meant to be, so that only that one's faults are told."""
    if isinstance(value, str):
        return _ALONE if value in _NAMES else None
    name = value.get("name") if isinstance(value, Mapping) else getattr(value, "name", None)
    return name if isinstance(name, str) else None


Activation: TypeAlias = Annotated[
    Annotated[ActivationName, Tag(_ALONE)]
    | Annotated[LeakyRelu, Tag("leaky_relu")]
    | Annotated[Softplus, Tag("softplus")]
    | Annotated[Maxout, Tag("maxout")],
    Discriminator(
        _choose_form,
        custom_error_type="activation",
        custom_error_message=(
            f"expected one of {', '.join(_NAMES)}; only "
            f"{', '.join(f'{name} ({field})' for name, field in _PARAMETERS.items())} can be a mapping of name and "
            "parameter"
        ),
    ),
]
"""``relu``, or ``{name: softplus, beta: 2}``; a name alone takes the parameter's default."""


def count_pieces(activation: Activation) -> int:
    """Return how many times its units the layer before an activation needs."""
    choice = _with_parameter(activation)
    return choice.pieces if isinstance(choice, Maxout) else 1


def apply_activation(activation: Activation, name: str, hidden: Any) -> Any:
    """Return the activation of a tensor (…, units), as a layer of that name."""
    import keras

    choice = _with_parameter(activation)
    if isinstance(choice, LeakyRelu):
        return keras.layers.LeakyReLU(choice.slope, name=name)(hidden)
    if isinstance(choice, Softplus) and choice.beta != 1:
        return _make_layers()[0](choice.beta, name=name)(hidden)
    if isinstance(choice, Maxout):
        return _make_layers()[1](choice.pieces, name=name)(hidden)
    return keras.layers.Activation(choice if isinstance(choice, str) else choice.name, name=name)(hidden)


def _with_parameter(activation: Activation) -> Activation:
    match activation:
        case "leaky_relu":
            return LeakyRelu(name="leaky_relu")
        case "maxout":
            return Maxout(name="maxout")
    return activation


@cache
def _make_layers() -> tuple[Any, Any]:
    """Return the classes of the layers that Keras has not; made here, as Keras is imported late."""
    import keras

    class ScaledSoftplus(keras.layers.Layer):  # type: ignore[misc]
        def __init__(self, beta: float, **options: Any) -> None:
            super().__init__(**options)
            self.beta = beta

        def call(self, values: Any) -> Any:
            return keras.ops.softplus(values * self.beta) / self.beta

        def get_config(self) -> dict[str, Any]:
            return {**super().get_config(), "beta": self.beta}

    class LargestPiece(keras.layers.Layer):  # type: ignore[misc]
        def __init__(self, pieces: int, **options: Any) -> None:
            super().__init__(**options)
            self.pieces = pieces

        def call(self, values: Any) -> Any:
            shape = values.shape[1:-1]
            split = keras.ops.reshape(values, (-1, *shape, values.shape[-1] // self.pieces, self.pieces))
            return keras.ops.max(split, axis=-1)

        def get_config(self) -> dict[str, Any]:
            return {**super().get_config(), "pieces": self.pieces}

    return ScaledSoftplus, LargestPiece
