"""Networks in Keras files, ``.keras`` and HDF5, of Keras 2 and 3.

Keras builds the network from a description that was checked before, and fills it from a file of nothing but arrays; it
is never handed the file as it came.
"""

from __future__ import annotations

import itertools
import json
import tempfile
import warnings
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from zoo.components import InputSpec, OutputSpec
from zoo.conversion.frameworks import import_frameworks, telling_of_failures
from zoo.conversion.keras_config import bring_up_to_date, is_old, list_layers, parse_config, refuse_old_meanings
from zoo.conversion.source import Array, Port
from zoo.errors import ConversionError, MissingExtra, UnsafeModel
from zoo.model.limits import NETWORK_BYTES

if TYPE_CHECKING:
    import h5py
    import onnx

_MAX_DESCRIPTION = 64 << 20
_MAX_LEVELS = 100
_MEMBERS = ("config.json", "metadata.json", "model.weights.h5")


class KerasSource:
    """A network that Keras has built.

    Args:
        path: The file, for messages.
        config: Its description, checked.
        version: Of the Keras that wrote it.
        weights: A file of arrays, under a name that Keras reads them by.

    Raises:
        ConversionError: Keras can't build it, or means something else by it than the Keras that wrote it.
    """

    def __init__(self, path: Path, config: Mapping[str, Any], version: str, weights: Path) -> None:
        self._path = path
        self._config = config
        self._version = version
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
            network = kind.from_config(bring_up_to_date(config, old=is_old(version))["config"])
            _compare_names(path, weights, [layer.name for layer in network.layers if layer.weights])
            network.load_weights(str(weights))
            outputs = {f"output_{number}": tensor for number, tensor in enumerate(network.outputs, start=1)}
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


def _read_port(path: Path, name: str, tensor: Any) -> Port:
    if tensor.shape[0] is not None:
        raise ConversionError(
            f"{path}: {name!r} has shape {tuple(tensor.shape)}: expected a free batch axis; build the network without "
            "batch_size and save it again"
        )
    return Port(name, tuple(tensor.shape), tensor.dtype)


def open_hdf5(path: Path) -> KerasSource:
    """Open a network in the HDF5 format of Keras 2, or of ``model.save("….h5")`` in Keras 3.

    Raises:
        ConversionError: It holds weights alone, or is damaged.
        UnsafeModel: It is made of more than listed layers and arrays of its own.
    """
    with tempfile.TemporaryDirectory(prefix="zoo-convert-") as folder:
        # Read from a copy, so that what was checked is what is loaded.
        copied = Path(folder) / "network.h5"
        _copy(path, copied)
        description, version = _check_hdf5(copied, path)
        if description is None:
            raise ConversionError(
                f"{path}: expected a network and its weights, found weights alone; save it with model.save(…), not "
                "model.save_weights(…)"
            )
        return KerasSource(path, parse_config(description, str(path)), version, copied)


def open_keras(path: Path) -> KerasSource:
    """Open a network in the ``.keras`` format of Keras 3; raises as ``open_hdf5``."""
    with tempfile.TemporaryDirectory(prefix="zoo-convert-") as folder:
        weights = Path(folder) / "network.weights.h5"
        try:
            with zipfile.ZipFile(path) as archive:
                description, metadata = _read_members(path, archive, weights)
        except (zipfile.BadZipFile, OSError, EOFError, NotImplementedError, RuntimeError) as error:
            raise ConversionError(f"{path}: can't be read as a .keras file: {error}") from error
        config = parse_config(description, str(path))
        _check_hdf5(weights, path)
        try:
            version = str(json.loads(metadata).get("keras_version", "3"))
        except (ValueError, RecursionError, AttributeError):
            version = "3"
        return KerasSource(path, config, version[:40], weights)


def _read_members(path: Path, archive: zipfile.ZipFile, weights: Path) -> tuple[bytes, bytes]:
    """Copy the weights and return description and metadata; no other member is ever unpacked."""
    members: dict[str, zipfile.ZipInfo] = {}
    for info in archive.infolist():
        if info.filename not in _MEMBERS or info.filename in members:
            raise UnsafeModel(
                f"{path}: expected {', '.join(_MEMBERS)} once each, found {info.filename[:80]!r}; a network that needs "
                "more files can't be converted"
            )
        members[info.filename] = info
    missing = [name for name in _MEMBERS if name not in members]
    if missing:
        raise ConversionError(f"{path}: expected {', '.join(_MEMBERS)}, {missing[0]} is missing")
    read = {}
    for name in _MEMBERS[:2]:
        with archive.open(members[name]) as stream:
            read[name] = stream.read(_MAX_DESCRIPTION + 1)
        if len(read[name]) > _MAX_DESCRIPTION:
            raise UnsafeModel(f"{path}: {name}: expected at most {_MAX_DESCRIPTION} bytes, found more")
    with archive.open(members[_MEMBERS[2]]) as stream, weights.open("wb") as target:
        _copy_at_most(path, stream, target)
    return read["config.json"], read["metadata.json"]


def _copy(path: Path, target: Path) -> None:
    try:
        with path.open("rb") as stream, target.open("wb") as copied:
            _copy_at_most(path, stream, copied)
    except OSError as error:
        raise ConversionError(f"{path}: can't be read: {error.strerror or error}") from error


def _copy_at_most(path: Path, stream: Any, target: Any) -> None:
    piece = 1 << 20
    total = 0
    while content := stream.read(piece):
        total += len(content)
        if total > NETWORK_BYTES:
            raise UnsafeModel(f"{path}: expected at most {NETWORK_BYTES:,} bytes of weights, found more")
        target.write(content)


def _check_hdf5(file: Path, path: Path) -> tuple[bytes | str | None, str]:
    """Check that a file holds arrays of its own and no more; return its description, if any, and Keras's version.

    Raises:
        UnsafeModel: It links to other files, or its arrays are larger than any network's.
        ConversionError: It is damaged.
    """
    try:
        import h5py
    except ModuleNotFoundError as error:
        raise MissingExtra("reading Keras files needs h5py: pip install 'assayzoo[train]'") from error
    try:
        with h5py.File(file, "r") as found:
            _check_group(found, path)
            description = found.attrs.get("model_config")
            version = _read_text(found.attrs.get("keras_version", "2"))[:40]
            backends = [
                _read_text(group.attrs["backend"])
                for group in (found, found.get("model_weights"))
                if group is not None and "backend" in group.attrs
            ]
    except (OSError, RuntimeError, KeyError, ValueError, TypeError) as error:
        raise ConversionError(f"{path}: can't be read as HDF5: {' '.join(str(error).split())[:200]}") from error
    if description is not None and not isinstance(description, bytes | str):
        raise ConversionError(f"{path}: expected a network's description as text, found {type(description).__name__}")
    other = [backend for backend in backends if backend != "tensorflow"]
    if other and is_old(version):
        raise ConversionError(
            f"{path}: expected a network that Keras {version} saved on TensorFlow, found {other[0][:40]!r}, where "
            "kernels of convolutions may stand turned around; load it in Keras 2 on TensorFlow and save it again"
        )
    return description, version


def _read_text(value: object) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)


def _compare_names(path: Path, weights: Path, expected: list[str]) -> None:
    """Refuse weights that lie in another order than the layers, since Keras hands them out by their places.

    Args:
        path: The file, for messages.
        weights: In HDF5; in the format of ``.keras`` files arrays are found by name.
        expected: Names of the layers that have weights, in Keras's order.

    Raises:
        ConversionError: The file has others, or has them in another order.
    """
    import h5py

    with h5py.File(weights, "r") as file:
        group = file if "layer_names" in file.attrs or "model_weights" not in file else file["model_weights"]
        listed = _read_names(group, "layer_names")
        if not listed:
            return
        found = [name for name in listed if name in group and _read_names(group[name], "weight_names")]
    if found == expected:
        return
    pairs = itertools.zip_longest(expected, found, fillvalue="none")
    wanted, instead = next((each, other) for each, other in pairs if each != other)
    raise ConversionError(
        f"{path}: expected weights of layer {wanted[:80]!r} next, found those of {instead[:80]!r}; export the network "
        "as ONNX or as a SavedModel where it was made"
    )


def _read_names(group: h5py.Group, key: str) -> list[str]:
    """Return a list of names, which Keras cuts into numbered attributes where it is long."""
    keys = [key] if key in group.attrs else itertools.takewhile(group.attrs.__contains__, _number(key))
    return [_read_text(name) for each in keys for name in group.attrs[each]]


def _number(key: str) -> Iterator[str]:
    return (f"{key}{number}" for number in itertools.count())


def _check_group(group: h5py.Group, path: Path) -> None:
    import h5py

    total = 0
    waiting = [(group, 0)]
    seen = set()
    while waiting:
        folder, depth = waiting.pop()
        if folder.id in seen or depth > _MAX_LEVELS:
            raise UnsafeModel(f"{path}: expected arrays in few levels of groups, found groups that lead in a circle")
        seen.add(folder.id)
        for name in folder:
            if not isinstance(folder.get(name, getlink=True), h5py.HardLink):
                raise UnsafeModel(f"{path}: {name!r} is a link; expected all arrays inside the file itself")
            item = folder[name]
            if isinstance(item, h5py.Group):
                waiting.append((item, depth + 1))
                continue
            if not isinstance(item, h5py.Dataset) or item.external or item.is_virtual:
                raise UnsafeModel(f"{path}: {name!r} lies in another file; expected all arrays inside the file itself")
            if item.dtype.hasobject and item.shape not in {(), None}:
                raise UnsafeModel(f"{path}: {name!r} holds {item.dtype}; expected arrays of numbers")
            total += item.nbytes
            if total > NETWORK_BYTES:
                raise UnsafeModel(f"{path}: expected at most {NETWORK_BYTES:,} bytes of weights, found more")
