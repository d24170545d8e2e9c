"""A convolutional network of any depth: convolutions with pooling, a summary along the sequence, dense layers.

Beside the convolutions a branch may read the composition of the sequence, further inputs may join, and the whole may
stand there several times as an ensemble whose members learn apart.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from zoo import Architecture, InputSpec, OutputSpec
from zoo_architectures.activations import Activation, apply_activation, count_pieces
from zoo_architectures.multilayer_cnn_config import (
    Composition,
    Convolution,
    MultilayerCnnConfig,
    check_layers,
    cut_positions,
)
from zoo_architectures.scaling import scale_features


def build_multilayer_cnn(
    config: MultilayerCnnConfig,
    inputs: tuple[InputSpec, ...],
    outputs: tuple[OutputSpec, ...],
    frozen: Mapping[str, Any],  # noqa: ARG001 - the signature of every architecture
) -> Any:
    """Return the network; an output of several members has shape (N, members, T), or (N, members, B, T).

    Tracks along the sequence are read like further letters of it; vectors, brought to one scale, join its summary. The
    bins of an output share the positions that the convolutions leave; what is over is cut off at both ends. Where the
    output leaves bases out at both ends, its bins are averages of exactly the positions of their own bases.

    Raises:
        RecipeError: There is no sequence, the window is too short for the convolutions or the bins, a layer does not
            fit, or bins that leave bases out begin or end inside a position.
    """
    import keras

    check_layers(config, inputs, outputs)
    tensors = [keras.Input(spec.shape, name=spec.name) for spec in inputs]
    read = tensors[0] if len(tensors) == 1 else tensors
    if config.members == 1:
        return keras.Model(read, _Member(config, "").build(tensors, outputs))
    members = [_Member(config, f"member_{number}_").build(tensors, outputs) for number in range(1, config.members + 1)]
    heads = {}
    for output in outputs:
        rows = [
            keras.layers.Reshape((1, *member[output.name].shape[1:]), name=f"{output.name}_row_{number}")(
                member[output.name]
            )
            for number, member in enumerate(members, start=1)
        ]
        heads[output.name] = keras.layers.Concatenate(axis=1, name=f"{output.name}_members")(rows)
    return keras.Model(read, heads)


@dataclass(frozen=True, slots=True)
class _Member:
    """One network; its layers' names start with ``prefix``."""

    config: MultilayerCnnConfig
    prefix: str

    def build(self, tensors: list[Any], outputs: tuple[OutputSpec, ...]) -> dict[str, Any]:
        """Return the outputs by name; the sequence is the first of ``tensors``."""
        sequence, others = tensors[0], tensors[1:]
        along = [tensor for tensor in others if len(tensor.shape) == 3]
        vectors = [tensor for tensor in others if len(tensor.shape) == 2]
        positions = self._convolve_all(self._join([sequence, *along], "with_tracks"))
        beside = [] if self.config.composition is None else [self._compose(self.config.composition, sequence)]
        beside += [scale_features(tensor, f"{self.prefix}{tensor.name}_scale") for tensor in vectors]
        heads: dict[str, Any] = {}
        for bins, crop in dict.fromkeys((output.bins, output.crop) for output in outputs):
            # What stands before an output without bins keeps the names that published weights have.
            tag = self.prefix if bins is None else f"{self.prefix}{bins}_bins_{f'of_{crop}_' if crop else ''}"
            if bins is None:
                hidden = self._summarise(positions)
            else:
                hidden = _divide(positions, bins, cut_positions(self.config, sequence.shape[1], bins, crop), tag)
            hidden = self._join_vectors(hidden, beside, bins, tag)
            hidden = self._add_dense(hidden, tag)
            heads |= {
                output.name: self._add_head(output, hidden)
                for output in outputs
                if (output.bins, output.crop) == (bins, crop)
            }
        return heads

    def _convolve_all(self, hidden: Any) -> Any:
        import keras

        for number, layer in enumerate(self.config.convolutions, start=1):
            name = f"{self.prefix}convolution_{number}"
            source = hidden
            activation = layer.activation or self.config.activation
            hidden = self._convolve(layer, activation, name, hidden)
            hidden = self._activate(activation, name, hidden)
            if layer.residual:
                hidden = keras.layers.Add(name=f"{self.prefix}residual_{number}")([source, hidden])
            if layer.pool > 1:
                kind = keras.layers.MaxPooling1D if layer.pooling == "max" else keras.layers.AveragePooling1D
                hidden = kind(layer.pool, name=f"{self.prefix}pooling_{number}")(hidden)
            if layer.dropout:
                hidden = keras.layers.Dropout(layer.dropout, name=f"{self.prefix}dropout_{number}")(hidden)
        return hidden

    def _convolve(self, layer: Convolution | Composition, activation: Activation, name: str, hidden: Any) -> Any:
        import keras

        return keras.layers.Conv1D(
            layer.filters * count_pieces(activation),
            layer.width,
            dilation_rate=layer.dilation if isinstance(layer, Convolution) else 1,
            padding=self.config.padding,
            use_bias=not self.config.batch_norm,
            kernel_regularizer=self._penalise(),
            name=name,
        )(hidden)

    def _compose(self, branch: Composition, sequence: Any) -> Any:
        import keras

        name = f"{self.prefix}composition"
        hidden = self._convolve(branch, branch.activation, name, sequence)
        hidden = self._activate(branch.activation, name, hidden)
        hidden = keras.layers.GlobalAveragePooling1D(name=f"{name}_average")(hidden)
        if self.config.batch_norm:
            # Averages of exponentials differ by orders of magnitude from filter to filter.
            hidden = self._make_norm(f"{name}_scale")(hidden)
        return hidden

    def _summarise(self, hidden: Any) -> Any:
        import keras

        summary = self.config.summary
        if summary == "flatten":
            return keras.layers.Flatten(name=f"{self.prefix}flatten")(hidden)
        parts = []
        if summary in {"max", "max_average"}:
            parts.append(keras.layers.GlobalMaxPooling1D(name=f"{self.prefix}maximum")(hidden))
        if summary in {"average", "max_average"}:
            parts.append(keras.layers.GlobalAveragePooling1D(name=f"{self.prefix}average")(hidden))
        return self._join(parts, "summary")

    def _join_vectors(self, hidden: Any, vectors: list[Any], bins: int | None, tag: str) -> Any:
        """Return the summary, or each bin, with the vectors beside it."""
        import keras

        if not vectors:
            return hidden
        if bins is not None:
            vectors = [
                keras.layers.RepeatVector(bins, name=f"{tag}repeat_{number}")(vector)
                for number, vector in enumerate(vectors, start=1)
            ]
        return keras.layers.Concatenate(name=f"{tag}with_composition")([hidden, *vectors])

    def _add_dense(self, hidden: Any, tag: str) -> Any:
        import keras

        config = self.config
        for number, units in enumerate(config.dense, start=1):
            if config.dense_dropout:
                hidden = keras.layers.Dropout(config.dense_dropout, name=f"{tag}dense_dropout_{number}")(hidden)
            name = f"{tag}dense_{number}"
            hidden = keras.layers.Dense(
                units * count_pieces(config.activation),
                use_bias=not config.batch_norm,
                kernel_regularizer=self._penalise(),
                name=name,
            )(hidden)
            hidden = self._activate(config.activation, name, hidden)
        if config.dense_dropout:
            hidden = keras.layers.Dropout(config.dense_dropout, name=f"{tag}head_dropout")(hidden)
        return hidden

    def _add_head(self, output: OutputSpec, hidden: Any) -> Any:
        """Return the predictions; a dense layer reads each bin on its own, as a convolution of width 1 does."""
        import keras

        return keras.layers.Dense(
            len(output.tracks),
            activation=output.activation,
            kernel_regularizer=self._penalise(),
            name=f"{self.prefix}head_{output.name}",
        )(hidden)

    def _activate(self, activation: Activation, name: str, hidden: Any) -> Any:
        if self.config.batch_norm:
            hidden = self._make_norm(f"{name}_norm")(hidden)
        return apply_activation(activation, f"{name}_activation", hidden)

    def _make_norm(self, name: str) -> Any:
        import keras

        return keras.layers.BatchNormalization(momentum=self.config.batch_norm_momentum, name=name)

    def _penalise(self) -> Any:
        import keras

        config = self.config
        return keras.regularizers.L1L2(config.l1, config.l2) if config.l1 or config.l2 else None

    def _join(self, tensors: list[Any], name: str) -> Any:
        import keras

        return tensors[0] if len(tensors) == 1 else keras.layers.Concatenate(name=f"{self.prefix}{name}")(tensors)


def _divide(hidden: Any, bins: int, cut: tuple[int, int], tag: str) -> Any:
    """Return the average of each of the bins, equal shares of the positions that ``cut`` leaves."""
    import keras

    share = (hidden.shape[1] - sum(cut)) // bins
    if any(cut):
        hidden = keras.layers.Cropping1D(cut, name=f"{tag}cropping")(hidden)
    return hidden if share == 1 else keras.layers.AveragePooling1D(share, name=f"{tag}average")(hidden)


MULTILAYER_CNN = Architecture(
    name="multilayer_cnn",
    summary="convolutions with pooling, a summary along the sequence and dense layers, all by configuration",
    config=MultilayerCnnConfig,
    build=build_multilayer_cnn,
    context=True,
    binned=True,
)
