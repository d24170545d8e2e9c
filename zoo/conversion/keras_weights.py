"""Arrays that Keras keeps in HDF5: that they lie in the file itself, how many they are, and of which layers."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from zoo.conversion.keras_config import is_old
from zoo.errors import ConversionError, MissingExtra, UnsafeModel
from zoo.model.limits import NETWORK_BYTES

if TYPE_CHECKING:
    import h5py

_MAX_LEVELS = 100


@dataclass(frozen=True, slots=True)
class Weights:
    """A file of arrays that was checked.

    Attributes:
        file: Under a name that Keras reads it by.
        description: Of the network, where it stands there, too.
        version: Of the Keras that wrote it, if it says so.
        numbers: In all arrays together.
    """

    file: Path
    description: bytes | str | None
    version: str
    numbers: int


def check_weights(file: Path, path: Path) -> Weights:
    """Check that a file holds arrays of its own and no more.

    Args:
        file: What is read, and loaded later.
        path: What messages call it.

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
            numbers = _check_group(found, path)
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
    return Weights(file, description, version, numbers)


def compare_names(path: Path, weights: Path, expected: list[str]) -> None:
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


def _read_text(value: object) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)


def _read_names(group: h5py.Group, key: str) -> list[str]:
    """Return a list of names, which Keras cuts into numbered attributes where it is long."""
    keys = [key] if key in group.attrs else itertools.takewhile(group.attrs.__contains__, _number(key))
    return [_read_text(name) for each in keys for name in group.attrs[each]]


def _number(key: str) -> Iterator[str]:
    return (f"{key}{number}" for number in itertools.count())


def _check_group(group: h5py.Group, path: Path) -> int:
    """Return how many numbers all arrays have."""
    import h5py

    total = numbers = 0
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
            numbers += item.size or 0
            if total > NETWORK_BYTES:
                raise UnsafeModel(f"{path}: expected at most {NETWORK_BYTES:,} bytes of weights, found more")
    return numbers
