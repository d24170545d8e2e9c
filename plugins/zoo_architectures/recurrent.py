"""A convolution whose pooled matches a recurrent layer reads in order: what ``cnn_lstm`` and ``cnn_gru`` share."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from zoo import Config, InputSpec, OutputSpec
from zoo_architectures.one_sequence import EitherStrand, convolve, drop, finish, read_sequence
from zoo_architectures.sizes import Size


class RecurrentConfig(Config):
    """The layers, from the sequence to the last dense one; widths and pooling in bases.

    The recurrent layer reads which filters match, from one end to the other, and so can learn the order and spacing of
    motifs; what it knows at its end is all that the output sees. The order of layers is DanQ's; it is of no paper
    itself, and the sizes are the zoo's own. Made for windows of 100 to 1,000 bases; the number of its parameters does
    not depend on their length.

    Args:
        pool: Positions of which the best match is read as one step: fewer steps are faster, and know spacing less well.
        units: Of the recurrent layer, in each direction.
        bidirectional: Read from both ends.
        dense: Units of the layer between the recurrent one and the output.
        dropout: Share of units dropped before and behind the recurrent layer.
        reverse_complement: ``average`` is the mean of both strands.
    """

    filters: Size = 64
    width: Size = 16
    pool: Size = 4
    units: Size = 32
    bidirectional: bool = True
    dense: Size = 32
    dropout: float = Field(default=0.2, ge=0, lt=1)
    reverse_complement: EitherStrand = "none"


def build_recurrent(
    name: str,
    kind: Literal["LSTM", "GRU"],
    config: RecurrentConfig,
    inputs: tuple[InputSpec, ...],
    outputs: tuple[OutputSpec, ...],
) -> Any:
    """Return the network of an architecture of that name.

    Raises:
        RecipeError: There is no sequence, or it is shorter than one filter and its pooling.
    """
    import keras

    sequence = read_sequence(name, inputs, config.width + config.pool - 1)
    hidden = convolve(sequence, config.filters, config.width, "convolution")
    if config.pool > 1:
        hidden = keras.layers.MaxPooling1D(config.pool, name="pooling")(hidden)
    hidden = drop(hidden, config.dropout, "convolution_dropout")
    recurrent = getattr(keras.layers, kind)(config.units, name="recurrent")
    if config.bidirectional:
        recurrent = keras.layers.Bidirectional(recurrent, name="both_directions")
    hidden = drop(recurrent(hidden), config.dropout, "recurrent_dropout")
    hidden = keras.layers.Dense(config.dense, activation="relu", name="dense")(hidden)
    return finish(sequence, hidden, outputs, config.reverse_complement)
