"""A convolutional network of any depth: convolutions with pooling, a summary along the sequence, dense layers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, TypeAlias

from pydantic import Field

from zoo import Architecture, Config, InputSpec, OutputSpec, RecipeError

Activation: TypeAlias = Literal["relu", "gelu", "elu", "silu", "exponential"]


class Convolution(Config):
    """One convolution and what follows it; ``width``, ``dilation`` and ``pool`` count positions of its input."""

    filters: int = Field(gt=0)
    width: int = Field(gt=0)
    dilation: int = Field(default=1, gt=0)
    pool: int = Field(default=1, gt=0)
    pooling: Literal["max", "average"] = "max"
    activation: Activation | None = None
    dropout: float = Field(default=0.0, ge=0, lt=1)


class MultilayerCnnConfig(Config):
    """The layers, from the sequence to the last dense one.

    Args:
        padding: ``valid`` lets neighbouring windows of a genome share their convolutions exactly.
        activation: Of every hidden layer that names none itself.
        batch_norm: Normalise between a layer and its activation; the export folds it into the layer.
        summary: What stands at the end of the sequence: every position (``flatten``), or over all positions the
            maximum, the average (the composition), or both side by side.
        dense: Units of each dense layer before the output.
        dense_dropout: Share of units dropped after the summary and after each dense layer.
        l2: Penalty on the squares of all kernels.
    """

    convolutions: tuple[Convolution, ...] = Field(
        default=(
            Convolution(filters=64, width=15, pool=2),
            Convolution(filters=64, width=7, pool=2),
            Convolution(filters=64, width=5),
        ),
        min_length=1,
    )
    padding: Literal["valid", "same"] = "valid"
    activation: Activation = "relu"
    batch_norm: bool = True
    summary: Literal["flatten", "max", "average", "max_average"] = "max_average"
    dense: tuple[int, ...] = (64,)
    dense_dropout: float = Field(default=0.3, ge=0, lt=1)
    l2: float = Field(default=0.0, ge=0)


def build_multilayer_cnn(
    config: MultilayerCnnConfig,
    inputs: tuple[InputSpec, ...],
    outputs: tuple[OutputSpec, ...],
    frozen: Mapping[str, Any],  # noqa: ARG001 - the signature of every architecture
) -> Any:
    """Return the network.

    Raises:
        RecipeError: The window is too short for the convolutions.
    """
    import keras

    _check_lengths(config, inputs[0].shape[0])
    penalty = keras.regularizers.L2(config.l2) if config.l2 else None
    sequence = keras.Input(inputs[0].shape, name=inputs[0].name)
    hidden = sequence
    for number, layer in enumerate(config.convolutions, start=1):
        hidden = keras.layers.Conv1D(
            layer.filters,
            layer.width,
            dilation_rate=layer.dilation,
            padding=config.padding,
            use_bias=not config.batch_norm,
            kernel_regularizer=penalty,
            name=f"convolution_{number}",
        )(hidden)
        hidden = _activate(config, layer.activation or config.activation, f"convolution_{number}", hidden)
        if layer.pool > 1:
            kind = keras.layers.MaxPooling1D if layer.pooling == "max" else keras.layers.AveragePooling1D
            hidden = kind(layer.pool, name=f"pooling_{number}")(hidden)
        if layer.dropout:
            hidden = keras.layers.Dropout(layer.dropout, name=f"dropout_{number}")(hidden)
    hidden = _summarise(config.summary, hidden)
    for number, units in enumerate(config.dense, start=1):
        if config.dense_dropout:
            hidden = keras.layers.Dropout(config.dense_dropout, name=f"dense_dropout_{number}")(hidden)
        hidden = keras.layers.Dense(
            units, use_bias=not config.batch_norm, kernel_regularizer=penalty, name=f"dense_{number}"
        )(hidden)
        hidden = _activate(config, config.activation, f"dense_{number}", hidden)
    if config.dense_dropout:
        hidden = keras.layers.Dropout(config.dense_dropout, name="head_dropout")(hidden)
    heads = {
        spec.name: keras.layers.Dense(
            len(spec.tracks), activation=spec.activation, kernel_regularizer=penalty, name=f"head_{spec.name}"
        )(hidden)
        for spec in outputs
    }
    return keras.Model(sequence, heads)


def _activate(config: MultilayerCnnConfig, activation: Activation, name: str, hidden: Any) -> Any:
    import keras

    if config.batch_norm:
        hidden = keras.layers.BatchNormalization(name=f"{name}_norm")(hidden)
    return keras.layers.Activation(activation, name=f"{name}_activation")(hidden)


def _summarise(summary: str, hidden: Any) -> Any:
    import keras

    if summary == "flatten":
        return keras.layers.Flatten(name="flatten")(hidden)
    parts = []
    if summary in {"max", "max_average"}:
        parts.append(keras.layers.GlobalMaxPooling1D(name="maximum")(hidden))
    if summary in {"average", "max_average"}:
        parts.append(keras.layers.GlobalAveragePooling1D(name="average")(hidden))
    return parts[0] if len(parts) == 1 else keras.layers.Concatenate(name="summary")(parts)


def _check_lengths(config: MultilayerCnnConfig, length: int) -> None:
    left = length
    for number, layer in enumerate(config.convolutions, start=1):
        reach = (layer.width - 1) * layer.dilation + 1
        found = left
        left = (left - reach + 1 if config.padding == "valid" else left) // layer.pool
        if left < 1:
            raise RecipeError(
                f"multilayer_cnn: convolution {number} (width {layer.width}, dilation {layer.dilation}, "
                f"pool {layer.pool}) finds {found} positions left of {length} bases, too few; "
                "use fewer or narrower convolutions"
            )


MULTILAYER_CNN = Architecture(
    name="multilayer_cnn",
    summary="convolutions with pooling, a summary along the sequence and dense layers, all by configuration",
    config=MultilayerCnnConfig,
    build=build_multilayer_cnn,
)
