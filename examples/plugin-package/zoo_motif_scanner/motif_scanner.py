"""The smallest network that finds motifs: the best match of each, wherever it stands, weighed and added up."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import Field

from zoo import Architecture, Config, InputSpec, OutputSpec


class MotifScannerConfig(Config):
    """How many motifs to learn, and their width in bases."""

    motifs: int = Field(default=16, gt=0)
    width: int = Field(default=19, gt=0)


def build_motif_scanner(
    config: MotifScannerConfig,
    inputs: tuple[InputSpec, ...],
    outputs: tuple[OutputSpec, ...],
    frozen: Mapping[str, Any],  # noqa: ARG001 - this architecture has no frozen parts
) -> Any:
    """Return the network; Keras is imported here, so that the zoo starts without it."""
    import keras

    sequence = keras.Input(inputs[0].shape, name=inputs[0].name)
    matches = keras.layers.Conv1D(config.motifs, config.width, activation="relu", name="motifs")(sequence)
    best = keras.layers.GlobalMaxPooling1D(name="best_match")(matches)
    return keras.Model(
        sequence,
        {
            output.name: keras.layers.Dense(len(output.tracks), activation=output.activation, name=output.name)(best)
            for output in outputs
        },
    )


MOTIF_SCANNER = Architecture(
    name="motif_scanner",
    summary="the best match of each motif, weighed and added up",
    config=MotifScannerConfig,
    build=build_motif_scanner,
    source="after DeepBind, doi:10.1038/nbt.3300",
)
