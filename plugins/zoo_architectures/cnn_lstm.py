"""A convolution whose pooled matches a bidirectional LSTM layer reads in order."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from zoo import Architecture, InputSpec, OutputSpec
from zoo_architectures.recurrent import RecurrentConfig, build_recurrent


class CnnLstmConfig(RecurrentConfig):
    __doc__ = RecurrentConfig.__doc__


def build_cnn_lstm(
    config: CnnLstmConfig,
    inputs: tuple[InputSpec, ...],
    outputs: tuple[OutputSpec, ...],
    frozen: Mapping[str, Any],  # noqa: ARG001 - the signature of every architecture
) -> Any:
    """Return the network.

    Raises:
        RecipeError: There is no sequence, or it is shorter than one filter and its pooling.
    """
    return build_recurrent("cnn_lstm", "LSTM", config, inputs, outputs)


CNN_LSTM = Architecture(
    name="cnn_lstm",
    summary="a convolution, max-pooling, a bidirectional LSTM layer that reads the matches in order, and a dense layer",
    config=CnnLstmConfig,
    build=build_cnn_lstm,
)
