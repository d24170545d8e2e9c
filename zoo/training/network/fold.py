"""Takes BatchNorm out of a trained network: its scale and shift go into the layer before it.

ONNX Runtime can't do that in an exported network, where a Squeeze stands between the two.
"""

from __future__ import annotations

from typing import Any

import numpy as np


def fold_batch_norm(model: Any) -> Any:
    """Return a network that predicts the same without the BatchNorm layers that directly follow a convolution.

    Folded are those that are the only reader of a Conv1D or Dense layer without activation; others stay. The model
    itself is left as it is.
    """
    import keras

    folds = _find_folds(model)
    norms = set(folds.values())
    if not folds:
        return model

    def clone_layer(layer: Any) -> Any:
        if layer.name in norms:
            return keras.layers.Identity(name=layer.name)
        settings = layer.get_config()
        if layer.name in folds:
            settings["use_bias"] = True
        return layer.__class__.from_config(settings)

    def call_layer(layer: Any, *tensors: Any, **options: Any) -> Any:
        # BatchNorm was called with a mask, which Identity does not know.
        return layer(*tensors, **({} if layer.name in norms else options))

    clone = keras.models.clone_model(model, clone_function=clone_layer, call_function=call_layer)
    for layer in model.layers:
        if layer.name in folds:
            weights = _fold(layer, model.get_layer(folds[layer.name]))
            clone.get_layer(layer.name).set_weights(weights)
        elif layer.name not in norms:
            clone.get_layer(layer.name).set_weights(layer.get_weights())
    return clone


def _find_folds(model: Any) -> dict[str, str]:
    """Return the names of layers to fold into, each with its BatchNorm."""
    import keras

    if not hasattr(model, "operations"):
        return {}  # a subclassed network has no graph to look at
    makers = {id(tensor): layer for layer in model.layers for tensor in _tensors(layer, "output")}
    readers: dict[int, int] = {}
    for layer in model.layers:
        for tensor in _tensors(layer, "input"):
            readers[id(tensor)] = readers.get(id(tensor), 0) + 1
    folds = {}
    for layer in model.layers:
        if not isinstance(layer, keras.layers.BatchNormalization):
            continue
        tensors = _tensors(layer, "input")
        before = makers.get(id(tensors[0])) if len(tensors) == 1 else None
        if (
            isinstance(before, keras.layers.Conv1D | keras.layers.Dense)
            and before.activation is keras.activations.linear
            and readers[id(tensors[0])] == 1
            and not any(tensors[0] is output for output in keras.tree.flatten(model.output))
            and layer.axis in {-1, len(tensors[0].shape) - 1}
        ):
            folds[before.name] = layer.name
    return folds


def _tensors(layer: Any, side: str) -> list[Any]:
    import keras

    try:
        return list(keras.tree.flatten(getattr(layer, side)))
    except (AttributeError, ValueError):
        return []  # used twice, or never: Keras names no one tensor


def _fold(layer: Any, norm: Any) -> list[Any]:
    kernel = layer.get_weights()[0].astype(np.float64)
    bias = layer.get_weights()[1].astype(np.float64) if layer.use_bias else 0.0
    mean = norm.moving_mean.numpy().astype(np.float64)
    variance = norm.moving_variance.numpy().astype(np.float64)
    gamma = norm.gamma.numpy().astype(np.float64) if norm.scale else 1.0
    beta = norm.beta.numpy().astype(np.float64) if norm.center else 0.0
    scale = gamma / np.sqrt(variance + norm.epsilon)
    return [(kernel * scale).astype(np.float32), ((bias - mean) * scale + beta).astype(np.float32)]
