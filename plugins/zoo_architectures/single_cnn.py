"""One convolution and the best match of each of its filters: the smallest network that finds motifs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import Field

from zoo import Architecture, Config, InputSpec, OutputSpec
from zoo_architectures.one_sequence import AnyStrand, convolve, drop, finish, read_sequence
from zoo_architectures.sizes import Size


class SingleCnnConfig(Config):
    """Every filter counts once, at its best match: the network sees which motifs there are, not where or how many.

    It is of no paper: the layers are those of DeepBind and of Zeng et al., the sizes the zoo's own. Made for windows
    of 50 to 500 bases around one site; the number of its parameters does not depend on their length.

    Args:
        width: Of each filter, in bases: as wide as the widest motif.
        dense: Units of the layer between the matches and the output.
        dropout: Share of units dropped behind it.
        reverse_complement: ``average`` is the mean of both strands, ``share`` takes each filter's better strand.
    """

    filters: Size = 64
    width: Size = 16
    dense: Size = 32
    dropout: float = Field(default=0.2, ge=0, lt=1)
    reverse_complement: AnyStrand = "none"


def build_single_cnn(
    config: SingleCnnConfig,
    inputs: tuple[InputSpec, ...],
    outputs: tuple[OutputSpec, ...],
    frozen: Mapping[str, Any],  # noqa: ARG001 - the signature of every architecture
) -> Any:
    """Return the network.

    Raises:
        RecipeError: There is no sequence, or it is shorter than one filter.
    """
    import keras

    sequence = read_sequence("single_cnn", inputs, config.width)
    share = config.reverse_complement == "share"
    hidden = convolve(sequence, config.filters, config.width, "convolution", share=share)
    hidden = keras.layers.GlobalMaxPooling1D(name="best_match")(hidden)
    hidden = keras.layers.Dense(config.dense, activation="relu", name="dense")(hidden)
    hidden = drop(hidden, config.dropout, "dropout")
    return finish(sequence, hidden, outputs, config.reverse_complement)


SINGLE_CNN = Architecture(
    name="single_cnn",
    summary="one convolution, the best match of each filter, and a dense layer",
    config=SingleCnnConfig,
    build=build_single_cnn,
)
