"""Trained networks made into what is exported: several as one with an axis of members, and the model's tracks alone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from zoo.components import InputSpec, OutputSpec
from zoo.training.data.targets import Task
from zoo.training.network.fold import fold_batch_norm


def join_members(models: Sequence[Any], inputs: tuple[InputSpec, ...], output: OutputSpec) -> Any:
    """Return one network on the same inputs whose output stacks those of ``models`` after the batch axis.

    A model that is an ensemble itself adds each of its members. BatchNorm is folded away first, so the result is for
    predictions, not for training.
    """
    import keras

    if len(models) == 1:
        return models[0]
    tensors = [keras.Input(spec.shape, name=spec.name) for spec in inputs]
    by_name = {spec.name: tensor for spec, tensor in zip(inputs, tensors, strict=True)}
    rank = 2 if output.bins is None else 3
    members = []
    for model in models:
        folded = fold_batch_norm(model)
        own = [by_name[tensor.name] for tensor in folded.inputs]
        prediction = folded(keras.tree.pack_sequence_as(folded.input, own))[output.name]
        if len(prediction.shape) == rank:
            prediction = keras.layers.Reshape((1, *prediction.shape[1:]))(prediction)
        members.append(prediction)
    stacked = keras.layers.Concatenate(axis=1, name=f"{output.name}_members")(members)
    return keras.Model(tensors[0] if len(tensors) == 1 else tensors, {output.name: stacked})


def finish(model: Any, task: Task) -> Any:
    """Return the network as it is exported: in the unit of the targets, without the tracks that only training saw."""
    import keras

    name, prediction = task.output.name, model.output[task.output.name]
    if task.mean is not None and task.deviation is not None:
        prediction = keras.layers.Rescaling(task.deviation, task.mean, name=f"{name}_unit")(prediction)
    if len(task.kept) < prediction.shape[-1]:
        prediction = keras.ops.take(prediction, list(task.kept), axis=-1)
    return model if prediction is model.output[name] else keras.Model(model.input, {name: prediction})


def count_members(model: Any, output: OutputSpec) -> int:
    """Return the size of the axis of members, 1 where there is none."""
    shape = model.output[output.name].shape
    return int(shape[1]) if len(shape) > (2 if output.bins is None else 3) else 1
