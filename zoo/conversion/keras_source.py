"""Networks that Keras builds from a description that was checked before, and fills from a file of nothing but arrays.

It is never handed a file as it came.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from zoo.components import InputSpec, OutputSpec
from zoo.conversion.frameworks import import_frameworks, telling_of_failures
from zoo.conversion.keras_config import bring_up_to_date, is_old, list_layers, refuse_old_meanings, refuse_state
from zoo.conversion.keras_weights import Weights, compare_names
from zoo.conversion.names import choose_name
from zoo.conversion.source import Array, Port
from zoo.errors import ConversionError, UnsafeModel

if TYPE_CHECKING:
    import onnx

_COPIES = 4  # of a layer that Keras may make: of one that reads both ways it makes three
_FEW = 1 << 24  # numbers that may be made in any case: what does not fit them Keras tells better


class KerasSource:
    """A network that Keras has built.

    Args:
        path: The file, for messages.
        config: Its description, checked.
        version: Of the Keras that wrote it.
        weights: Its arrays, checked.

    Raises:
        ConversionError: Keras can't build it, or means something else by it than the Keras that wrote it, or a
            prediction depends on those before it.
        UnsafeModel: It is described with more weights than there are.
    """

    def __init__(self, path: Path, config: Mapping[str, Any], version: str, weights: Weights) -> None:
        self._path = path
        self._config = config
        self._version = version
        refuse_state(config, str(path))
        if is_old(version):
            refuse_old_meanings(config, str(path))
        _, keras = import_frameworks()
        kind = keras.Sequential if config["class_name"] == "Sequential" else keras.Model
        what = (
            f"{path}: Keras {keras.__version__} can't build the network that Keras {version} saved, export it as ONNX "
            "or as a SavedModel where it was made"
        )
        with telling_of_failures(what), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of how layers would be written today
            with _bounding_weights(keras, weights.numbers, path):
                network = kind.from_config(bring_up_to_date(config, old=is_old(version))["config"])
            compare_names(path, weights.file, [layer.name for layer in network.layers if layer.weights])
            network.load_weights(str(weights.file))
            outputs = _name_outputs(network, sequential=kind is keras.Sequential)
            # A Sequential network has no one input tensor that the exporter could pack, and outputs no names.
            self._network = keras.Model(network.inputs, outputs)
        self.inputs = tuple(_read_port(path, tensor.name, tensor) for tensor in network.inputs)
        self.outputs = tuple(_read_port(path, name, tensor) for name, tensor in outputs.items())

    @property
    def framework(self) -> str:
        """Who wrote the file."""
        return f"Keras {self._version}"

    @property
    def runtime(self) -> str:
        """Who runs it here."""
        return "Keras"

    @property
    def summary(self) -> str:
        """What it holds."""
        kind = self._config["class_name"].replace("Model", "Functional")
        count = sum(layer["class_name"] != "InputLayer" for layer in list_layers(self._config))
        return f"{kind}, {count} layers"

    def predict(self, feed: Mapping[str, Array]) -> dict[str, Array]:
        """Return what Keras predicts; see ``Source.predict``."""
        import keras

        values = [feed[port.name] for port in self.inputs]
        with telling_of_failures(f"{self._path}: Keras can't run the network"):
            found = self._network(keras.tree.pack_sequence_as(self._network.input, values), training=False)
        return {port.name: np.asarray(found[port.name]) for port in self.outputs}

    def write_onnx(self, shapes: Mapping[str, tuple[int, ...]]) -> onnx.ModelProto:
        """Return the network in ONNX; see ``Source.write_onnx``."""
        from zoo.training.network.export import export

        inputs = tuple(InputSpec(port.name, shapes[port.name]) for port in self.inputs)
        outputs = tuple(OutputSpec(port.name, (), "linear") for port in self.outputs)
        with telling_of_failures(f"{self._path}: the network can't be written as ONNX"):
            return export(self._network, inputs, outputs)


def _name_outputs(network: Any, *, sequential: bool) -> dict[str, Any]:
    """Return the outputs of a network by name, in the order that its author wrote them in.

    Keras keeps the names of a mapping, whose tensors it lists in the order of the alphabet; others have no names.
    """
    found = None if sequential else network.output
    if isinstance(found, Mapping) and all(hasattr(tensor, "dtype") for tensor in found.values()):
        taken = {tensor.name for tensor in network.inputs}
        return {
            choose_name(str(name), f"output_{number}", taken): tensor
            for number, (name, tensor) in enumerate(found.items(), start=1)
        }
    return {f"output_{number}": tensor for number, tensor in enumerate(network.outputs, start=1)}


def _read_port(path: Path, name: str, tensor: Any) -> Port:
    if tensor.shape[0] is not None:
        raise ConversionError(
            f"{path}: {name!r} has shape {tuple(tensor.shape)}: expected a free batch axis; build the network without "
            "batch_size and save it again"
        )
    return Port(name, tuple(tensor.shape), tensor.dtype)


@contextmanager
def _bounding_weights(keras: Any, most: int, path: Path) -> Iterator[None]:
    """Let layers make hardly more weights than a file holds: Keras draws them all before it reads what was saved.

    Args:
        keras: The module.
        most: Numbers.
        path: The file, for messages.

    Raises:
        UnsafeModel: They would be far more.
    """
    layer, made = keras.layers.Layer, 0
    add_weight = layer.add_weight

    def add_bounded(self: Any, shape: Any = None, *arguments: Any, **options: Any) -> Any:
        nonlocal made
        made += math.prod(() if shape is None else (shape,) if isinstance(shape, int) else shape)
        if made > max(_COPIES * most, _FEW):
            raise UnsafeModel(f"{path}: expected layers of the {most:,} weights that were saved, found {made:,}")
        return add_weight(self, shape, *arguments, **options)

    layer.add_weight = add_bounded
    try:
        yield
    finally:
        layer.add_weight = add_weight
