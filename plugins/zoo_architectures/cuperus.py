"""The network of Cuperus et al. for 5' untranslated regions: convolutions without pooling, every position kept."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import Field

from zoo import Architecture, Config, InputSpec, OutputSpec
from zoo_architectures.one_sequence import EitherStrand, convolve, drop, finish, read_sequence
from zoo_architectures.sizes import Size


class CuperusConfig(Config):
    """Nothing is pooled: the dense layer reads every position, so that reading frame and distance to the start count.

    Made for the 50 bases before a start codon, and a growth rate by squared error: give it values, and train on the
    strand that is transcribed. The order of layers, the 10 empty positions beyond either end, and that only the
    convolutions behind the first keep their length, are those of the authors' code.

    Different from the paper: its sizes are what a search found, and the code does not say what that was. Three
    convolutions of 128 filters of width 13 and one dense layer are what summaries of the paper tell; the units of the
    dense layer and both shares of dropout could not be confirmed, those here are from the range that was searched (32
    to 256 units, no dropout or 0.15 behind convolutions, none to 0.5 behind dense layers).

    Args:
        layers: Convolutions, each of ``filters`` of ``width``.
        margin: Empty positions added beyond either end.
        dense: Units of each dense layer before the output.
        convolution_dropout: Share dropped behind each convolution.
        dense_dropout: Share of units dropped behind each dense layer.
        reverse_complement: ``average`` is the mean of both strands: for data that know no strand.
    """

    filters: Size = 128
    width: Size = 13
    layers: int = Field(default=3, ge=1, le=64)
    margin: int = Field(default=10, ge=0, le=1 << 20)
    dense: tuple[Size, ...] = (64,)
    convolution_dropout: float = Field(default=0.15, ge=0, lt=1)
    dense_dropout: float = Field(default=0.25, ge=0, lt=1)
    reverse_complement: EitherStrand = "none"


def build_cuperus(
    config: CuperusConfig,
    inputs: tuple[InputSpec, ...],
    outputs: tuple[OutputSpec, ...],
    frozen: Mapping[str, Any],  # noqa: ARG001 - the signature of every architecture
) -> Any:
    """Return the network; at 50 bases and one track it has 908,289 parameters by default.

    Raises:
        RecipeError: There is no sequence, or it is shorter, with its margins, than one filter.
    """
    import keras

    sequence = read_sequence("cuperus", inputs, max(1, config.width - 2 * config.margin))
    hidden = sequence
    if config.margin:
        hidden = keras.layers.ZeroPadding1D(config.margin, name="margin")(hidden)
    for number in range(1, config.layers + 1):
        padding = "valid" if number == 1 else "same"
        hidden = convolve(hidden, config.filters, config.width, f"convolution_{number}", padding=padding)
        hidden = drop(hidden, config.convolution_dropout, f"convolution_dropout_{number}")
    hidden = keras.layers.Flatten(name="flatten")(hidden)
    for number, units in enumerate(config.dense, start=1):
        hidden = keras.layers.Dense(units, activation="relu", name=f"dense_{number}")(hidden)
        hidden = drop(hidden, config.dense_dropout, f"dense_dropout_{number}")
    return finish(sequence, hidden, outputs, config.reverse_complement)


CUPERUS = Architecture(
    name="cuperus",
    summary="three convolutions without pooling and a dense layer, for 50-base 5' untranslated regions",
    config=CuperusConfig,
    build=build_cuperus,
    loss="mse",
    source="doi:10.1101/gr.224964.117",
)
