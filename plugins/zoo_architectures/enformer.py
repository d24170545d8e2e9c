"""Enformer: convolutions pooled down to bins, then a transformer in which each bin reads all others by distance."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import Field, model_validator

from zoo import Architecture, Config, InputSpec, OutputSpec
from zoo_architectures.binning import count_left_out
from zoo_architectures.one_sequence import EitherStrand, drop, finish, read_sequence
from zoo_architectures.sizes import Size

_EPSILON = 1e-5  # of all norms: that of Sonnet, which the authors built with
_KINDS = 6  # of features of a distance


class EnformerConfig(Config):
    """Pooling that learns what to keep, and attention that knows how far bins are apart, up to the whole window.

    The paper reads 196,608 bases, leaves out 320 bins at either end and predicts 896 bins of 128 bases. Its size:
    ``channels: 1536, filters_divisible_by: 128, transformer_layers: 11, heads: 8, key_size: 64,
    position_features: 192``; the default is small. The memory of a prediction grows with the square of the number of
    bins, those that are left out among them.

    Where this differs from the paper: there is one head for each output of the recipe, where the paper has one for man
    and one for mouse; the output's activation is the recipe's, softplus in the paper; first weights are drawn as Keras
    draws them; the windows that training turns round and shifts, and the optimiser, are the recipe's to choose.

    Args:
        channels: Of the transformer; the convolutions have half as many at first, and more with each pooling.
        halvings: How often two positions become one: bins have 2 to that power bases.
        filters_divisible_by: What the filters of convolutions are rounded to.
        heads: Of attention; each reads ``channels / heads`` values.
        key_size: Of the queries and keys of one head.
        position_features: Of a distance between bins: three families, each as it is and with the distance's sign.
        dropout: Share of units dropped in the transformer; an eighth of it before the heads.
        attention_dropout: Share of the weights of attention that are dropped.
        position_dropout: Share of the features of distances that are dropped.
        batch_norm_momentum: Of the moving mean and variance that predictions use.
    """

    channels: Size = 96
    stem_width: Size = 15
    tower_width: Size = 5
    halvings: int = Field(default=7, ge=3, le=16)
    filters_divisible_by: Size = 8
    transformer_layers: int = Field(default=2, ge=0, le=256)
    heads: Size = 4
    key_size: Size = 16
    position_features: Size = 24
    dropout: float = Field(default=0.4, ge=0, lt=1)
    attention_dropout: float = Field(default=0.05, ge=0, lt=1)
    position_dropout: float = Field(default=0.01, ge=0, lt=1)
    batch_norm_momentum: float = Field(default=0.9, gt=0, lt=1)
    reverse_complement: EitherStrand = "none"

    @model_validator(mode="after")
    def _shares_are_whole(self) -> EnformerConfig:
        for divisor, name in ((2 * self.filters_divisible_by, "twice filters_divisible_by"), (self.heads, "heads")):
            if self.channels % divisor:
                raise ValueError(f"channels: expected a multiple of {name}, {divisor}, found {self.channels}")
        if self.position_features % _KINDS:
            raise ValueError(f"position_features: expected a multiple of {_KINDS}, found {self.position_features}")
        return self

    @property
    def filters(self) -> tuple[int, ...]:
        """The filters of each block of the tower: from half the channels to all, each grown by the same factor."""
        count, step = self.halvings - 1, self.filters_divisible_by
        growth = 2 ** (1 / (count - 1))
        return tuple(round(self.channels / 2 * growth**number / step) * step for number in range(count))


def build_enformer(
    config: EnformerConfig,
    inputs: tuple[InputSpec, ...],
    outputs: tuple[OutputSpec, ...],
    frozen: Mapping[str, Any],  # noqa: ARG001 - the signature of every architecture
) -> Any:
    """Return the network; each bin is one position that the pooling leaves.

    Raises:
        RecipeError: There is no sequence, the window is no whole number of bins, or the output's bins are others.
    """
    import keras

    from zoo import layers

    size = 2**config.halvings
    sequence = read_sequence("enformer", inputs, size)
    left_out = count_left_out("enformer", sequence.shape[1], size, f"2 ^ halvings {config.halvings}", outputs)
    hidden = keras.layers.Conv1D(
        config.channels // 2, config.stem_width, padding="same", kernel_initializer="lecun_normal", name="stem"
    )(sequence)
    hidden = _pool(config, hidden, "stem")
    for number, filters in enumerate(config.filters, start=1):
        hidden = _convolve(config, hidden, filters, config.tower_width, f"tower_{number}")
        hidden = _pool(config, hidden, f"tower_{number}")
    for number in range(1, config.transformer_layers + 1):
        hidden = _attend(config, hidden, f"transformer_{number}")
    if left_out:
        hidden = keras.layers.Cropping1D(left_out, name="cropping")(hidden)
    hidden = _convolve(config, hidden, 2 * config.channels, 1, "final")
    hidden = drop(hidden, config.dropout / 8, "final_dropout")
    hidden = layers.sigmoid_gelu(hidden, "last_gelu")
    return finish(sequence, hidden, outputs, config.reverse_complement)


def _convolve(config: EnformerConfig, hidden: Any, filters: int, width: int, name: str) -> Any:
    """Return a convolution of what is normalised and activated first."""
    import keras

    from zoo import layers

    hidden = keras.layers.BatchNormalization(
        momentum=config.batch_norm_momentum, epsilon=_EPSILON, name=f"{name}_norm"
    )(hidden)
    hidden = layers.sigmoid_gelu(hidden, f"{name}_gelu")
    return keras.layers.Conv1D(filters, width, padding="same", kernel_initializer="lecun_normal", name=name)(hidden)


def _pool(config: EnformerConfig, hidden: Any, name: str) -> Any:
    """Return half as many positions, after a convolution of each alone was added."""
    from zoo import layers

    def change(values: Any) -> Any:
        return _convolve(config, values, values.shape[-1], 1, f"{name}_pointwise")

    hidden = layers.residual(hidden, change, f"{name}_residual")
    return layers.attention_pooling(hidden, 2, f"{name}_pooling")


def _attend(config: EnformerConfig, hidden: Any, name: str) -> Any:
    """Return a layer of the transformer: attention, then two dense layers at each position, both added."""
    import keras

    from zoo import layers

    def normalise(values: Any, part: str) -> Any:
        return keras.layers.LayerNormalization(epsilon=_EPSILON, name=f"{name}_{part}_norm")(values)

    def read_others(values: Any) -> Any:
        values = layers.relative_attention(
            normalise(values, "attention"),
            f"{name}_attention",
            heads=config.heads,
            key_size=config.key_size,
            value_size=config.channels // config.heads,
            features=config.position_features,
            dropout=config.attention_dropout,
            position_dropout=config.position_dropout,
        )
        return drop(values, config.dropout, f"{name}_attention_dropout")

    def feed_forward(values: Any) -> Any:
        values = normalise(values, "dense")
        for part, units in (("wide", 2 * config.channels), ("narrow", config.channels)):
            values = keras.layers.Dense(units, kernel_initializer="lecun_normal", name=f"{name}_{part}")(values)
            values = drop(values, config.dropout, f"{name}_{part}_dropout")
            if part == "wide":
                values = keras.layers.Activation("relu", name=f"{name}_wide_activation")(values)
        return values

    hidden = layers.residual(hidden, read_others, f"{name}_attention_residual")
    return layers.residual(hidden, feed_forward, f"{name}_dense_residual")


ENFORMER = Architecture(
    name="enformer",
    summary="convolutions with attention pooling, then a transformer with relative positions; counts in each bin",
    config=EnformerConfig,
    build=build_enformer,
    loss="poisson",
    source="doi:10.1038/s41592-021-01252-x",
    binned=True,
)
