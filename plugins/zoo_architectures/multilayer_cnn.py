"""A convolutional network of any depth: convolutions with pooling, a summary along the sequence, dense layers.

Beside the convolutions a branch may read the composition of the sequence, and the whole may stand there several times
as an ensemble whose members learn apart.
"""

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


class Composition(Config):
    """One wide convolution on the sequence itself, averaged over all positions: how much of each word there is.

    Maxima alone lose the composition that open chromatin lives on; an exponential counts strong matches.
    """

    filters: int = Field(gt=0)
    width: int = Field(gt=0)
    activation: Activation = "exponential"


class MultilayerCnnConfig(Config):
    """The layers, from the sequence to the last dense one.

    Args:
        padding: ``valid`` lets neighbouring windows of a genome share their convolutions exactly.
        activation: Of every hidden layer that names none itself.
        batch_norm: Normalise between a layer and its activation; the export folds it into the layer.
        batch_norm_momentum: Of the moving mean and variance that predictions use.
        summary: What stands at the end of the sequence: every position (``flatten``), or over all positions the
            maximum, the average (the composition), or both side by side.
        composition: A branch beside the convolutions, joined to their summary; none by default.
        dense: Units of each dense layer before the output.
        dense_dropout: Share of units dropped after the summary and after each dense layer.
        l2: Penalty on the squares of all kernels.
        members: Networks of one ensemble, whose predictions are averaged; each learns as if it were alone.
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
    batch_norm_momentum: float = Field(default=0.99, gt=0, lt=1)
    summary: Literal["flatten", "max", "average", "max_average"] = "max_average"
    composition: Composition | None = None
    dense: tuple[int, ...] = (64,)
    dense_dropout: float = Field(default=0.3, ge=0, lt=1)
    l2: float = Field(default=0.0, ge=0)
    members: int = Field(default=1, ge=1)


def build_multilayer_cnn(
    config: MultilayerCnnConfig,
    inputs: tuple[InputSpec, ...],
    outputs: tuple[OutputSpec, ...],
    frozen: Mapping[str, Any],  # noqa: ARG001 - the signature of every architecture
) -> Any:
    """Return the network; an output of several members has shape (N, members, T).

    Raises:
        RecipeError: The window is too short for the convolutions.
    """
    import keras

    _check_lengths(config, inputs[0].shape[0])
    sequence = keras.Input(inputs[0].shape, name=inputs[0].name)
    if config.members == 1:
        return keras.Model(sequence, _add_member(config, sequence, outputs, ""))
    members = [_add_member(config, sequence, outputs, f"member_{number}_") for number in range(1, config.members + 1)]
    heads = {}
    for spec in outputs:
        rows = [
            keras.layers.Reshape((1, len(spec.tracks)), name=f"{spec.name}_row_{number}")(member[spec.name])
            for number, member in enumerate(members, start=1)
        ]
        heads[spec.name] = keras.layers.Concatenate(axis=1, name=f"{spec.name}_members")(rows)
    return keras.Model(sequence, heads)


def _add_member(config: MultilayerCnnConfig, sequence: Any, outputs: tuple[OutputSpec, ...], prefix: str) -> Any:
    """Return the outputs by name of one network on ``sequence``; its layers' names start with ``prefix``."""
    import keras

    penalty = keras.regularizers.L2(config.l2) if config.l2 else None
    hidden = sequence
    for number, layer in enumerate(config.convolutions, start=1):
        name = f"{prefix}convolution_{number}"
        hidden = _convolve(config, layer.filters, layer.width, layer.dilation, penalty, name, hidden)
        hidden = _activate(config, layer.activation or config.activation, name, hidden)
        if layer.pool > 1:
            kind = keras.layers.MaxPooling1D if layer.pooling == "max" else keras.layers.AveragePooling1D
            hidden = kind(layer.pool, name=f"{prefix}pooling_{number}")(hidden)
        if layer.dropout:
            hidden = keras.layers.Dropout(layer.dropout, name=f"{prefix}dropout_{number}")(hidden)
    hidden = _summarise(config.summary, prefix, hidden)
    if config.composition is not None:
        words = _compose(config, config.composition, penalty, prefix, sequence)
        hidden = keras.layers.Concatenate(name=f"{prefix}with_composition")([hidden, words])
    for number, units in enumerate(config.dense, start=1):
        if config.dense_dropout:
            hidden = keras.layers.Dropout(config.dense_dropout, name=f"{prefix}dense_dropout_{number}")(hidden)
        name = f"{prefix}dense_{number}"
        hidden = keras.layers.Dense(units, use_bias=not config.batch_norm, kernel_regularizer=penalty, name=name)(
            hidden
        )
        hidden = _activate(config, config.activation, name, hidden)
    if config.dense_dropout:
        hidden = keras.layers.Dropout(config.dense_dropout, name=f"{prefix}head_dropout")(hidden)
    return {
        spec.name: keras.layers.Dense(
            len(spec.tracks), activation=spec.activation, kernel_regularizer=penalty, name=f"{prefix}head_{spec.name}"
        )(hidden)
        for spec in outputs
    }


def _convolve(
    config: MultilayerCnnConfig, filters: int, width: int, dilation: int, penalty: Any, name: str, hidden: Any
) -> Any:
    import keras

    return keras.layers.Conv1D(
        filters,
        width,
        dilation_rate=dilation,
        padding=config.padding,
        use_bias=not config.batch_norm,
        kernel_regularizer=penalty,
        name=name,
    )(hidden)


def _compose(config: MultilayerCnnConfig, branch: Composition, penalty: Any, prefix: str, sequence: Any) -> Any:
    import keras

    name = f"{prefix}composition"
    hidden = _convolve(config, branch.filters, branch.width, 1, penalty, name, sequence)
    hidden = _activate(config, branch.activation, name, hidden)
    hidden = keras.layers.GlobalAveragePooling1D(name=f"{name}_average")(hidden)
    if config.batch_norm:
        # Averages of exponentials differ by orders of magnitude from filter to filter.
        hidden = keras.layers.BatchNormalization(momentum=config.batch_norm_momentum, name=f"{name}_scale")(hidden)
    return hidden


def _activate(config: MultilayerCnnConfig, activation: Activation, name: str, hidden: Any) -> Any:
    import keras

    if config.batch_norm:
        hidden = keras.layers.BatchNormalization(momentum=config.batch_norm_momentum, name=f"{name}_norm")(hidden)
    return keras.layers.Activation(activation, name=f"{name}_activation")(hidden)


def _summarise(summary: str, prefix: str, hidden: Any) -> Any:
    import keras

    if summary == "flatten":
        return keras.layers.Flatten(name=f"{prefix}flatten")(hidden)
    parts = []
    if summary in {"max", "max_average"}:
        parts.append(keras.layers.GlobalMaxPooling1D(name=f"{prefix}maximum")(hidden))
    if summary in {"average", "max_average"}:
        parts.append(keras.layers.GlobalAveragePooling1D(name=f"{prefix}average")(hidden))
    return parts[0] if len(parts) == 1 else keras.layers.Concatenate(name=f"{prefix}summary")(parts)


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
