"""Which framework wrote a file, told from its first bytes rather than its name."""

from __future__ import annotations

import zipfile
from pathlib import Path

from zoo.conversion.source import Source
from zoo.errors import ConversionError

_HDF5 = b"\x89HDF\r\n\x1a\n"
_ZIP = b"PK\x03\x04"
_GZIP = b"\x1f\x8b"
_PICKLES = (b"\x80\x02", b"\x80\x03", b"\x80\x04", b"\x80\x05")
_TFLITE = b"TFL3"  # behind the first four bytes

_EXPORT_TORCH = "export the network with torch.onnx.export(model, example, 'model.onnx', dynamo=True) and convert that"


def open_source(path: Path) -> Source:
    """Open a network of another framework.

    Args:
        path: An ONNX file, a Keras file (``.keras`` or HDF5), or the folder of a TensorFlow SavedModel.

    Raises:
        ConversionError: It is none of these, or can't be read as such.
        UnsafeModel: It asks for more than a network needs.
        MissingExtra: TensorFlow is needed and not installed.
    """
    if path.is_dir():
        if (path / "saved_model.pb").is_file():
            from zoo.conversion.saved_model_source import SavedModelSource

            return SavedModelSource(path)
        raise ConversionError(
            f"{path}: expected a network's file, or a SavedModel, found a folder without saved_model.pb"
        )
    start = _read_start(path)
    if start == _HDF5:
        from zoo.conversion.keras_files import open_hdf5

        return open_hdf5(path)
    if start.startswith(_ZIP):
        return _open_zip(path)
    if start.startswith(_PICKLES):
        raise ConversionError(
            f"{path}: is a pickle, which runs code when it is read, and is never read here; {_EXPORT_TORCH}"
        )
    if start[4:] == _TFLITE:
        raise ConversionError(
            f"{path}: is a TensorFlow Lite file; convert the SavedModel or Keras file that it was made of"
        )
    if start.startswith(_GZIP):
        raise ConversionError(f"{path}: is compressed; unpack it first")
    if path.name == "saved_model.pb":
        raise ConversionError(f"{path}: belongs to a SavedModel; name its folder, {path.parent}")
    from zoo.conversion.onnx_source import OnnxSource

    return OnnxSource(path)


def _read_start(path: Path) -> bytes:
    """Return the bytes that tell what a file is."""
    if path.exists() and not path.is_file():
        raise ConversionError(f"{path}: expected a network's file, found a pipe or device, which can't be read twice")
    try:
        with path.open("rb") as stream:
            return stream.read(8)
    except OSError as error:
        raise ConversionError(f"{path}: can't be read: {error.strerror}") from error


def _open_zip(path: Path) -> Source:
    try:
        with zipfile.ZipFile(path) as archive:
            names = set(archive.namelist())
    except (zipfile.BadZipFile, OSError, ValueError) as error:
        raise ConversionError(f"{path}: can't be read as a zip file: {error}") from error
    if "config.json" in names:
        from zoo.conversion.keras_files import open_keras

        return open_keras(path)
    if any(name.endswith("data.pkl") for name in names):
        raise ConversionError(
            f"{path}: is a PyTorch file, which runs code when it is read, and is never read here; {_EXPORT_TORCH}"
        )
    raise ConversionError(f"{path}: expected a .keras file, found a zip file without config.json; unpack it first")
