"""Opens Keras files, ``.keras`` and HDF5, of Keras 2 and 3, of which no more is unpacked than what a network needs."""

from __future__ import annotations

import json
import tempfile
import zipfile
from pathlib import Path
from typing import Any

from zoo.conversion.keras_config import parse_config
from zoo.conversion.keras_source import KerasSource
from zoo.conversion.keras_weights import check_weights
from zoo.errors import ConversionError, UnsafeModel
from zoo.model.limits import NETWORK_BYTES

_MAX_DESCRIPTION = 64 << 20
_MEMBERS = ("config.json", "metadata.json", "model.weights.h5")


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
        weights = check_weights(copied, path)
        if weights.description is None:
            raise ConversionError(
                f"{path}: expected a network and its weights, found weights alone; save it with model.save(…), not "
                "model.save_weights(…)"
            )
        return KerasSource(path, parse_config(weights.description, str(path)), weights.version, weights)


def open_keras(path: Path) -> KerasSource:
    """Open a network in the ``.keras`` format of Keras 3; raises as ``open_hdf5``."""
    with tempfile.TemporaryDirectory(prefix="zoo-convert-") as folder:
        copied = Path(folder) / "network.weights.h5"
        try:
            with zipfile.ZipFile(path) as archive:
                description, metadata = _read_members(path, archive, copied)
        except (zipfile.BadZipFile, OSError, EOFError, NotImplementedError, RuntimeError) as error:
            raise ConversionError(f"{path}: can't be read as a .keras file: {error}") from error
        config = parse_config(description, str(path))
        weights = check_weights(copied, path)
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
            raise UnsafeModel(f"{path}: {name}: expected at most {_MAX_DESCRIPTION:,} bytes, found more")
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
