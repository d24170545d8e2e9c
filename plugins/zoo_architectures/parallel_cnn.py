"""Convolutions of several widths side by side on the sequence itself: short and long motifs in one network."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import Field

from zoo import Architecture, Config, InputSpec, OutputSpec
from zoo_architectures.one_sequence import AnyStrand, convolve, drop, finish, read_sequence
from zoo_architectures.sizes import Size


class ParallelCnnConfig(Config):
    """Each branch is one convolution of its own width, and the best match of each filter; a dense layer joins them.

    A motif finds a filter as wide as itself, and none has to learn empty flanks. The order of layers is that of a
    text network (Kim 2014, doi:10.3115/v1/D14-1181); it is of no paper on regulation, and the sizes are the zoo's own.
    Made for windows of 50 to 500 bases around one site; the number of its parameters does not depend on their length.

    Args:
        widths: Of the filters of each branch, in bases; one branch a width.
        filters: Of each branch.
        dense: Units of the layer between the matches and the output.
        dropout: Share of units dropped behind it.
        reverse_complement: ``average`` is the mean of both strands, ``share`` takes each filter's better strand.
    """

    widths: tuple[Size, ...] = Field(default=(6, 10, 16, 24), min_length=1, max_length=64)
    filters: Size = 32
    dense: Size = 64
    dropout: float = Field(default=0.2, ge=0, lt=1)
    reverse_complement: AnyStrand = "none"


def build_parallel_cnn(
    config: ParallelCnnConfig,
    inputs: tuple[InputSpec, ...],
    outputs: tuple[OutputSpec, ...],
    frozen: Mapping[str, Any],  # noqa: ARG001 - the signature of every architecture
) -> Any:
    """Return the network.

    Raises:
        RecipeError: There is no sequence, or it is shorter than the widest filter.
    """
    import keras

    sequence = read_sequence("parallel_cnn", inputs, max(config.widths))
    share = config.reverse_complement == "share"
    matches = []
    # Two branches may have one width, and layers may not have one name.
    for number, width in enumerate(config.widths, start=1):
        hidden = convolve(sequence, config.filters, width, f"convolution_{number}", share=share)
        matches.append(keras.layers.GlobalMaxPooling1D(name=f"best_match_{number}")(hidden))
    hidden = matches[0] if len(matches) == 1 else keras.layers.Concatenate(name="best_matches")(matches)
    hidden = keras.layers.Dense(config.dense, activation="relu", name="dense")(hidden)
    hidden = drop(hidden, config.dropout, "dropout")
    return finish(sequence, hidden, outputs, config.reverse_complement)


PARALLEL_CNN = Architecture(
    name="parallel_cnn",
    summary="convolutions of several widths side by side, the best match of each filter, and a dense layer",
    config=ParallelCnnConfig,
    build=build_parallel_cnn,
)
