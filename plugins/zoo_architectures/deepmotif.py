"""DeepMotif: convolutions, the maximum of each filter over the window, then highway dense layers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import Field

from zoo import Architecture, Config, InputSpec, OutputSpec
from zoo_architectures.one_sequence import EitherStrand, convolve, drop, finish, read_sequence
from zoo_architectures.sizes import Size


class DeepmotifConfig(Config):
    """Convolutions with pooling find motifs; highway layers combine them, each letting through what it need not change.

    Made for 101 bases around a ChIP-seq peak, and the negative log-likelihood of its class.

    Different from the paper: only its summary could be read, which says that several convolutional and highway
    layers can do better than one convolution and one dense layer. The convolutions are those of the authors'
    repository, whose code is that of their later work without highway layers (arXiv:1608.03644): 128 filters of widths
    9, 5 and 3, local maxima over 2 positions between them, the maximum over all behind them, dropout of 0.5. The number
    of highway layers and the bias that their gates start from are this zoo's. The authors' output is a softmax of two
    classes; a recipe may ask for any.

    Args:
        filters: Of each convolution, and units of each highway layer.
        widths: Of the convolutions, one after the other; each counts positions of what it reads.
        pool: Positions of a local maximum, between two convolutions.
        highways: Highway dense layers.
        dropout: Share dropped behind each convolution.
        reverse_complement: ``average`` is the mean of both strands.
    """

    filters: Size = 128
    widths: tuple[Size, ...] = Field(default=(9, 5, 3), min_length=1, max_length=64)
    pool: Size = 2
    highways: int = Field(default=2, ge=1, le=100)
    dropout: float = Field(default=0.5, ge=0, lt=1)
    reverse_complement: EitherStrand = "none"


def build_deepmotif(
    config: DeepmotifConfig,
    inputs: tuple[InputSpec, ...],
    outputs: tuple[OutputSpec, ...],
    frozen: Mapping[str, Any],  # noqa: ARG001 - the signature of every architecture
) -> Any:
    """Return the network.

    Raises:
        RecipeError: There is no sequence, or it is too short for the convolutions and their pooling.
    """
    import keras

    from zoo import layers

    sequence = read_sequence("deepmotif", inputs, _count_needed(config))
    hidden = sequence
    for number, width in enumerate(config.widths, start=1):
        hidden = convolve(hidden, config.filters, width, f"convolution_{number}")
        if number < len(config.widths) and config.pool > 1:
            hidden = keras.layers.MaxPooling1D(config.pool, name=f"pooling_{number}")(hidden)
        hidden = drop(hidden, config.dropout, f"dropout_{number}")
    hidden = keras.layers.GlobalMaxPooling1D(name="maximum")(hidden)
    for number in range(1, config.highways + 1):
        hidden = layers.highway(hidden, f"highway_{number}")
    return finish(sequence, hidden, outputs, config.reverse_complement)


def _count_needed(config: DeepmotifConfig) -> int:
    """Return the fewest bases that leave the last convolution one position."""
    needed = config.widths[-1]
    for width in config.widths[-2::-1]:
        needed = needed * config.pool + width - 1
    return needed


DEEPMOTIF = Architecture(
    name="deepmotif",
    summary="convolutions with max-pooling, then highway dense layers",
    config=DeepmotifConfig,
    build=build_deepmotif,
    loss="categorical_crossentropy",
    source="doi:10.48550/arXiv.1605.01133",
)
