"""Which layers a Keras file may be made of, checked in its text before Keras sees any of it.

Loading a Keras file makes objects of whatever class it names: a Lambda holds code, and names of modules have been
imported. So the description is read as JSON, every class is looked up in a list, and Keras is handed only what passed.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator, Mapping
from typing import Any

from zoo.errors import ConversionError, UnsafeModel

NETWORKS = frozenset({"Sequential", "Functional", "Model"})

_LAYERS = frozenset(
    {
        "InputLayer", "Dense", "EinsumDense", "Embedding", "Identity", "Masking", "Activation", "ReLU", "LeakyReLU",
        "PReLU", "ELU", "Softmax", "Conv1D", "Conv2D", "SeparableConv1D", "SeparableConv2D", "DepthwiseConv1D",
        "DepthwiseConv2D", "Conv1DTranspose", "Conv2DTranspose", "MaxPooling1D", "MaxPooling2D", "AveragePooling1D",
        "AveragePooling2D", "GlobalMaxPooling1D", "GlobalMaxPooling2D", "GlobalAveragePooling1D",
        "GlobalAveragePooling2D", "BatchNormalization", "LayerNormalization", "GroupNormalization",
        "UnitNormalization", "RMSNormalization", "Normalization", "Rescaling", "Dropout", "SpatialDropout1D",
        "SpatialDropout2D", "GaussianDropout", "GaussianNoise", "AlphaDropout", "ActivityRegularization", "Flatten",
        "Reshape", "Permute", "RepeatVector", "Cropping1D", "Cropping2D", "ZeroPadding1D", "ZeroPadding2D",
        "UpSampling1D", "UpSampling2D", "Add", "Subtract", "Multiply", "Average", "Maximum", "Minimum", "Concatenate",
        "Dot", "LSTM", "GRU", "SimpleRNN", "RNN", "LSTMCell", "GRUCell", "SimpleRNNCell", "StackedRNNCells",
        "Bidirectional", "TimeDistributed", "MultiHeadAttention", "GroupedQueryAttention", "Attention",
        "AdditiveAttention",
    }
)  # fmt: skip
_PARTS = frozenset(
    {
        "GlorotUniform", "GlorotNormal", "HeUniform", "HeNormal", "LecunUniform", "LecunNormal", "RandomNormal",
        "RandomUniform", "TruncatedNormal", "VarianceScaling", "Orthogonal", "Identity", "IdentityInitializer", "Zeros",
        "Ones", "Constant", "L1", "L2", "L1L2", "OrthogonalRegularizer", "MaxNorm", "NonNeg", "NonNegative", "UnitNorm",
        "MinMaxNorm", "DTypePolicy", "Policy", "FloatDTypePolicy", "TensorShape", "__tuple__", "__keras_tensor__",
        "ListWrapper",
    }
)  # fmt: skip
_OPERATIONS = frozenset(
    {
        "Add", "Subtract", "Multiply", "Divide", "TrueDivide", "Negative", "Absolute", "Maximum", "Minimum", "Exp",
        "Log", "Log1p", "Sqrt", "Square", "Power", "Sum", "Mean", "Max", "Min", "Concatenate", "Stack", "Reshape",
        "Transpose", "Squeeze", "ExpandDims", "Flip", "GetItem", "Matmul", "Relu", "Sigmoid", "Softmax", "Softplus",
        "Tanh", "Gelu", "Silu",
    }
)  # fmt: skip
"""What Keras 3 writes for arithmetic on the tensors of a network."""

_ACTIVATIONS = frozenset(
    {
        "linear", "relu", "relu6", "elu", "selu", "celu", "gelu", "glu", "silu", "swish", "mish", "sigmoid",
        "hard_sigmoid", "hard_silu", "hard_swish", "hard_tanh", "log_sigmoid", "log_softmax", "softmax", "softplus",
        "softsign", "soft_shrink", "sparse_plus", "squareplus", "tanh", "tanh_shrink", "exponential", "exp",
        "leaky_relu",
    }
)  # fmt: skip

_MODULES = {
    "keras": _PARTS | NETWORKS,
    "keras.layers": _LAYERS,
    "keras.models": NETWORKS,
    "keras.src.models.functional": NETWORKS,
    "keras.src.models.sequential": NETWORKS,
    "keras.initializers": _PARTS,
    "keras.regularizers": _PARTS,
    "keras.constraints": _PARTS,
    "keras.dtype_policies": _PARTS,
    "keras.src.ops.numpy": _OPERATIONS,
    "keras.src.ops.nn": _OPERATIONS,
    "keras.ops.numpy": _OPERATIONS,
    "keras.ops.nn": _OPERATIONS,
    "keras.activations": frozenset({"function"}),
    "builtins": frozenset({"function", "__tuple__"}),
}
"""Module that a class says it is of → the classes that it may be."""

_CODE = frozenset({"Lambda", "TFOpLambda", "SlicingOpLambda", "TensorFlowOpLayer", "__lambda__"})

_MAX_DEPTH = 100
_NEW_MEANINGS = 3  # the version of Keras since which functions and settings are those of the installed one
_HARD_SIGMOID = "hard_sigmoid"  # 0.2 x + 0.5 within 0 and 1 before Keras 3, x / 6 + 0.5 since
_ACTIVATION_SETTINGS = ("activation", "recurrent_activation")
_GATED = frozenset({"LSTM", "GRU", "LSTMCell", "GRUCell"})
_GONE: Mapping[str, frozenset[object]] = {"time_major": frozenset({False}), "implementation": frozenset({0, 1, 2})}
"""Settings of Keras 2 that Keras 3 has no name for, and the values at which they change no prediction."""


def parse_config(text: str | bytes, where: str) -> dict[str, Any]:
    """Return a network's description that is made of listed classes alone.

    Args:
        text: JSON.
        where: What errors call the file.

    Raises:
        ConversionError: It is no JSON, or describes no network.
        UnsafeModel: It names a class that is not in the list.
    """
    try:
        config = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ConversionError(f"{where}: expected a network's description as JSON: {error}") from error
    if not isinstance(config, dict) or not isinstance(config.get("config"), dict | list):
        raise ConversionError(f"{where}: expected a network's description, found none; were only the weights saved?")
    if str(config.get("class_name")) not in NETWORKS:
        raise UnsafeModel(
            f"{where}: expected a Sequential or Functional network, found {config.get('class_name')!r}, whose code is "
            "its own; convert its SavedModel, or an ONNX file"
        )
    inner = config["config"]
    # Of what stands beside the description, optimizers and shapes that it was built for, nothing is needed.
    settings = {"name": "network", "layers": inner} if isinstance(inner, list) else inner  # a list before Keras 2.2.3
    kept = {"class_name": config["class_name"], "config": settings}
    _check(kept, where)
    return kept


def list_layers(config: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Return the layers of a description, those of networks inside it in their places."""
    found: list[Mapping[str, Any]] = []
    for layer in config["config"].get("layers", []):
        if layer.get("class_name") in NETWORKS:
            found.extend(list_layers(layer))
        else:
            found.append(layer)
    return found


def is_old(version: str) -> bool:
    """Return whether a Keras before 3 wrote a file; so it is taken to be where its version is no number."""
    major = version.partition(".")[0]
    return not major.isdecimal() or int(major) < _NEW_MEANINGS


def refuse_old_meanings(config: Mapping[str, Any], where: str) -> None:
    """Refuse what a Keras before 3 computed otherwise than Keras 3 does under the same name.

    Args:
        config: Of a Keras before 3, checked.
        where: What errors call the file.

    Raises:
        ConversionError: It has a hard sigmoid, or a gate whose activation is not said and may be one.
    """
    for each in _iter_objects(config):
        settings = each["config"]
        gated = each["class_name"] in _GATED and "recurrent_activation" not in settings
        if gated or _HARD_SIGMOID in (_name_function(settings.get(key)) for key in _ACTIVATION_SETTINGS):
            found = "a recurrent_activation that is not said" if gated else _HARD_SIGMOID
            raise ConversionError(
                f"{where}: {_name_layer(each, 'the network')}: expected activations that Keras 3 computes as the Keras "
                f"before it did, found {found}; export the network as ONNX or as a SavedModel where it was made"
            )


def refuse_state(config: Mapping[str, Any], where: str) -> None:
    """Refuse layers that keep what they read, so that the next batch is predicted otherwise.

    Args:
        config: Checked.
        where: What errors call the file.

    Raises:
        ConversionError: It has one.
    """
    for each in _iter_objects(config):
        if each["config"].get("stateful"):
            raise ConversionError(
                f"{where}: {_name_layer(each, 'the network')}: expected predictions of one window each, found "
                "stateful=True, by which they depend on the batch before; build the network without and save it again"
            )


def _name_function(value: object) -> object:
    """Return the name of a function, which stands as such or within a description."""
    return value.get("config") if isinstance(value, dict) else value


def _iter_objects(config: Any) -> Iterator[dict[str, Any]]:
    """Yield whatever has a class and settings, at whatever depth."""
    waiting = [config]
    while waiting:
        value = waiting.pop()
        if isinstance(value, list):
            waiting.extend(value)
        elif isinstance(value, dict):
            if isinstance(value.get("class_name"), str) and isinstance(value.get("config"), dict):
                yield value
            waiting.extend(value.values())


def bring_up_to_date(config: Mapping[str, Any], *, old: bool = False) -> dict[str, Any]:
    """Return a description as Keras 3 reads it, the batch axis free.

    Args:
        config: Checked.
        old: Whether a Keras before 3 wrote it, in which a GRU reset its state before the product unless it said so.
    """
    changed: dict[str, Any] = copy.deepcopy(dict(config))
    _update_network(changed)
    for each in _iter_objects(changed) if old else ():
        if each["class_name"] in {"GRU", "GRUCell"}:
            each["config"].setdefault("reset_after", False)
    return changed


def _update_network(network: dict[str, Any]) -> None:
    layers = network["config"].get("layers", [])
    if network["class_name"] == "Sequential" and layers and layers[0]["class_name"] != "InputLayer":
        shape = layers[0]["config"].get("batch_input_shape") or network["config"].get("build_input_shape")
        if shape and layers[0]["class_name"] not in NETWORKS:
            first = {"batch_shape": [None, *shape[1:]], "dtype": "float32", "name": "sequence_input"}
            layers.insert(0, {"class_name": "InputLayer", "config": first})
    for layer in layers:
        settings = layer["config"]
        if layer["class_name"] in NETWORKS:
            _update_network(layer)
            continue
        shape = settings.pop("batch_input_shape", settings.get("batch_shape"))
        if layer["class_name"] == "InputLayer" and shape is not None:
            settings["batch_shape"] = [None, *shape[1:]]  # a batch of a fixed size is none that a layer asks for
        if layer["class_name"] == "BatchNormalization" and isinstance(settings.get("axis"), list):
            (settings["axis"],) = settings["axis"]
        for inner in (settings, *_inner_settings(settings)):
            inner.pop("batch_input_shape", None)
            for name, harmless in _GONE.items():
                if name in inner and inner[name] in harmless:
                    del inner[name]


def _inner_settings(settings: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the settings of layers that a layer wraps."""
    for value in settings.values():
        if isinstance(value, dict) and isinstance(value.get("config"), dict):
            yield value["config"]
            yield from _inner_settings(value["config"])


def _check(config: Any, where: str) -> None:
    """Refuse every class that is not listed, at whatever depth."""
    waiting: list[tuple[Any, str, int]] = [(config, "", 0)]
    while waiting:
        value, layer, depth = waiting.pop()
        if depth > _MAX_DEPTH:
            raise UnsafeModel(f"{where}: expected a description of few levels, found one nested too deep")
        if isinstance(value, list):
            waiting.extend((each, layer, depth + 1) for each in value)
        if not isinstance(value, dict):
            continue
        if "class_name" in value:
            layer = _name_layer(value, layer)
            _check_class(value, where, layer)
        elif "module" in value or "registered_name" in value:
            raise UnsafeModel(f"{where}: {layer}: expected a class that is named, found {sorted(value)}")
        for name, each in value.items():
            if name in _ACTIVATION_SETTINGS and isinstance(each, str) and each not in _ACTIVATIONS:
                raise UnsafeModel(
                    f"{where}: {layer}: activation {each!r} is none of Keras's own; write the network with those"
                )
            waiting.append((each, layer, depth + 1))


def _check_class(value: Mapping[str, Any], where: str, layer: str) -> None:
    name, module, registered = (value.get(each) for each in ("class_name", "module", "registered_name"))
    if not isinstance(name, str) or not all(each is None or isinstance(each, str) for each in (module, registered)):
        raise UnsafeModel(f"{where}: {layer}: expected a class that is named, found {str(name)[:40]}")
    if name in _CODE:
        raise UnsafeModel(
            f"{where}: {layer} is a {name}, which holds code, and no code of a file is ever run here; write it with "
            "Keras's own layers, or convert an ONNX file of the network"
        )
    listed = _LAYERS | _PARTS | NETWORKS | {"function"} if module is None else _MODULES.get(module, frozenset())
    settings = value.get("config")
    if name == "function":
        own = isinstance(settings, str) and settings in _ACTIVATIONS
    else:
        own = registered in {None, "", name}
    if name not in listed or not own:
        full = ".".join(each for each in (module, registered or name) if each)
        raise UnsafeModel(
            f"{where}: {layer} is of class {full}, which is not among the layers of Keras that are read here; convert "
            "an ONNX file or a SavedModel of the network"
        )


def _name_layer(value: Mapping[str, Any], outer: str) -> str:
    """Return what a message calls a layer, by its own name where it has one."""
    settings = value.get("config")
    name = settings.get("name") if isinstance(settings, dict) else None
    return f"layer {name!r}" if isinstance(name, str) else outer or "the network"
