"""The network of DeeperBind: a convolution that keeps every position, read by two LSTM layers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import Field

from zoo import Architecture, Config, InputSpec, OutputSpec
from zoo_architectures.one_sequence import EitherStrand, drop, finish, read_sequence
from zoo_architectures.sizes import Size


class DeeperbindConfig(Config):
    """The sizes of the authors' code, made for the 35 bases of a probe on a protein binding microarray.

    What is special about it: there is no pooling between the convolution and the LSTM layers, so that where on the
    probe a motif lies counts as well as that it is there. At 35 bases and one track it has 8,646 parameters, a number
    that does not depend on the length.

    Different from the paper: it reads sequences of one length, where the authors say that theirs may differ. The sizes
    are the defaults of their code, whose search compares one or two LSTM layers of 10 to 30 units. They learned
    standardised intensities (``output.standardise`` with ``activation: linear``) with RMSprop; here that, and all else
    of the training, is the recipe's.

    Args:
        width: Of each filter, in bases.
        units: Of each LSTM layer, from the convolution to the output.
        dropout: Share of values dropped after each LSTM layer.
        reverse_complement: ``average`` is the mean of both strands.
    """

    filters: Size = 5
    width: Size = 11
    units: Annotated[tuple[Size, ...], Field(min_length=1)] = (30, 20)
    dropout: float = Field(default=0.2, ge=0, lt=1)
    reverse_complement: EitherStrand = "none"


def build_deeperbind(
    config: DeeperbindConfig,
    inputs: tuple[InputSpec, ...],
    outputs: tuple[OutputSpec, ...],
    frozen: Mapping[str, Any],  # noqa: ARG001 - the signature of every architecture
) -> Any:
    """Return the network.

    Raises:
        RecipeError: There is no sequence, or it is shorter than one filter.
    """
    import keras

    sequence = read_sequence("deeperbind", inputs, config.width)
    hidden = keras.layers.Conv1D(config.filters, config.width, activation="relu", name="convolution")(sequence)
    for number, units in enumerate(config.units, start=1):
        more = number < len(config.units)
        hidden = keras.layers.LSTM(units, return_sequences=more, name=f"recurrent_{number}")(hidden)
        hidden = drop(hidden, config.dropout, f"dropout_{number}")
    return finish(sequence, hidden, outputs, config.reverse_complement)


DEEPERBIND = Architecture(
    name="deeperbind",
    summary="a convolution without pooling and two LSTM layers, for the probes of protein binding microarrays",
    config=DeeperbindConfig,
    build=build_deeperbind,
    loss="mse",
    source="doi:10.48550/arXiv.1611.05777",
)
