"""The network of the deep-learning primer for genomics: one convolution, one pooling, two dense layers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from zoo import Architecture, Config, InputSpec, OutputSpec, RecipeError
from zoo_architectures.sizes import Size


class PrimerCnnConfig(Config):
    """The paper's sizes; widths and pooling in bases."""

    filters: Size = 32
    width: Size = 12
    pool: Size = 4
    dense: Size = 16


def build_primer_cnn(
    config: PrimerCnnConfig,
    inputs: tuple[InputSpec, ...],
    outputs: tuple[OutputSpec, ...],
    frozen: Mapping[str, Any],  # noqa: ARG001 - the signature of every architecture
) -> Any:
    """Return the network; at 50 bases and two tracks it has 6,226 parameters.

    Raises:
        RecipeError: The window is shorter than one filter and its pooling.
    """
    import keras

    length, needed = inputs[0].shape[0], config.width + config.pool - 1
    if length < needed:
        raise RecipeError(
            f"primer_cnn with width {config.width} and pool {config.pool} needs at least {needed} bases, "
            f"the sequences have {length}"
        )
    sequence = keras.Input(inputs[0].shape, name=inputs[0].name)
    hidden = keras.layers.Conv1D(config.filters, config.width, activation="relu", name="convolution")(sequence)
    hidden = keras.layers.MaxPooling1D(config.pool, name="pooling")(hidden)
    hidden = keras.layers.Flatten(name="flatten")(hidden)
    hidden = keras.layers.Dense(config.dense, activation="relu", name="dense")(hidden)
    heads = {
        spec.name: keras.layers.Dense(len(spec.tracks), activation=spec.activation, name=f"head_{spec.name}")(hidden)
        for spec in outputs
    }
    return keras.Model(sequence, heads)


PRIMER_CNN = Architecture(
    name="primer_cnn",
    summary="one convolution, max-pooling and two dense layers, for 50-base sequences",
    config=PrimerCnnConfig,
    build=build_primer_cnn,
    loss="categorical_crossentropy",
    source="doi:10.1038/s41588-018-0295-5",
)
