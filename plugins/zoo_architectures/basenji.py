"""Basenji: a tower of convolutions down to bins, then dilated residual blocks that see a large part of the window."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import Field

from zoo import Architecture, Config, InputSpec, OutputSpec
from zoo_architectures.binning import count_left_out
from zoo_architectures.one_sequence import EitherStrand, drop, finish, read_sequence
from zoo_architectures.sizes import Size


class BasenjiConfig(Config):
    """Pooling brings the window down to one position for each bin; convolutions whose dilation grows join the bins.

    The layers are those of Basenji2 (Kelley 2020), which reads 131,072 bases, leaves out 64 bins at either end and
    predicts 896 bins of 128 bases. The default is the small network of the authors' tutorial, for the same bins. The
    paper's size: ``stem_filters: 288, stem_pool: 2, tower_filters: 339, tower_growth: 1.1776, tower_pool: 2,
    tower_layers: 6, dilated_filters: 384, dilation_growth: 1.5, dilated_layers: 11, dilated_dropout: 0.3,
    final_filters: 1536``. The first Basenji (Kelley et al. 2018, doi:10.1101/gr.227819.117) hands what each dilated
    layer makes on to all later ones instead of adding it, has rectified units and other widths; it is not made here.

    Where this differs from the paper: the GELU that its code puts on the one-hot letters, a factor of 0.85 that the
    first kernel takes up, is left out; there is one head for each output of the recipe, where the paper has one for man
    and one for mouse; the output's activation is the recipe's, softplus in the paper; the windows that training turns
    round and shifts, and the optimiser, are the recipe's to choose.

    Args:
        stem_pool: Bases that the first layer's maximum is taken over.
        tower_growth: Filters of a tower layer over those of the one before.
        dilated_filters: Of each dilated convolution; the block ends with as many channels as the tower.
        dilation_growth: Of each block's dilation over the one before, rounded; the first is 1.
        final_filters: Of the last convolution, which reads each bin alone.
        batch_norm_momentum: Of the moving mean and variance that predictions use.
    """

    stem_filters: Size = 64
    stem_width: Size = 15
    stem_pool: Size = 8
    tower_filters: Size = 64
    tower_growth: float = Field(default=1.125, gt=0, le=8)
    tower_width: Size = 5
    tower_pool: Size = 4
    tower_layers: int = Field(default=2, ge=0, le=16)
    dilated_filters: Size = 32
    dilated_width: Size = 3
    dilation_growth: float = Field(default=2.0, ge=1, le=8)
    dilated_layers: int = Field(default=6, ge=0, le=64)
    dilated_dropout: float = Field(default=0.25, ge=0, lt=1)
    final_filters: Size = 64
    final_dropout: float = Field(default=0.05, ge=0, lt=1)
    batch_norm_momentum: float = Field(default=0.9, gt=0, lt=1)
    reverse_complement: EitherStrand = "none"

    @property
    def bin_size(self) -> int:
        """The bases of a bin."""
        size: int = self.stem_pool * self.tower_pool**self.tower_layers
        return size


def build_basenji(
    config: BasenjiConfig,
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

    size = config.bin_size
    sequence = read_sequence("basenji", inputs, size)
    pooled_by = f"stem_pool {config.stem_pool} · tower_pool {config.tower_pool} ^ tower_layers {config.tower_layers}"
    left_out = count_left_out("basenji", sequence.shape[1], size, pooled_by, outputs)
    hidden = _convolve(config, sequence, config.stem_filters, config.stem_width, config.stem_pool, "stem")
    filters = float(config.tower_filters)
    for number in range(1, config.tower_layers + 1):
        name = f"tower_{number}"
        hidden = layers.sigmoid_gelu(hidden, f"{name}_gelu")
        hidden = _convolve(config, hidden, round(filters), config.tower_width, config.tower_pool, name)
        filters = max(filters * config.tower_growth, 1.0)
    dilations = layers.grow_dilations(config.dilated_layers, config.dilation_growth)
    for number, dilation in enumerate(dilations, start=1):
        hidden = layers.dilated_residual(
            hidden,
            config.dilated_filters,
            dilation,
            f"dilated_{number}",
            width=config.dilated_width,
            dropout=config.dilated_dropout,
            momentum=config.batch_norm_momentum,
        )
    if left_out:
        hidden = keras.layers.Cropping1D(left_out, name="cropping")(hidden)
    hidden = layers.sigmoid_gelu(hidden, "final_gelu")
    hidden = _convolve(config, hidden, config.final_filters, 1, 1, "final")
    hidden = drop(hidden, config.final_dropout, "final_dropout")
    hidden = layers.sigmoid_gelu(hidden, "last_gelu")
    return finish(sequence, hidden, outputs, config.reverse_complement)


def _convolve(config: BasenjiConfig, hidden: Any, filters: int, width: int, pool: int, name: str) -> Any:
    """Return a convolution, normalised and pooled."""
    import keras

    hidden = keras.layers.Conv1D(
        filters, width, padding="same", use_bias=False, kernel_initializer="he_normal", name=name
    )(hidden)
    hidden = keras.layers.BatchNormalization(momentum=config.batch_norm_momentum, name=f"{name}_norm")(hidden)
    return keras.layers.MaxPooling1D(pool, name=f"{name}_pooling")(hidden) if pool > 1 else hidden


BASENJI = Architecture(
    name="basenji",
    summary="convolutions pooled down to bins, then dilated residual blocks along 131,072 bases; counts in each bin",
    config=BasenjiConfig,
    build=build_basenji,
    loss="poisson",
    source="doi:10.1371/journal.pcbi.1008050",
    binned=True,
)
