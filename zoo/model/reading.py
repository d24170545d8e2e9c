"""Reads an ONNX file that may be anybody's: its kind, its bytes and its parts, before anything is built of them."""

from __future__ import annotations

import stat
from pathlib import Path
from typing import TYPE_CHECKING

from zoo.errors import ModelError, UnsafeModel
from zoo.model.limits import MIB, NETWORK_BYTES, PARTS
from zoo.model.telling import in_one_line
from zoo.model.wire import has_more_parts

if TYPE_CHECKING:
    import onnx

_SMALL_FILE = 4 * MIB  # that can't have parts enough to fill a memory


def read_network(path: Path, error_class: type[ModelError] = UnsafeModel) -> onnx.ModelProto:
    """Return what an ONNX file holds, of which nothing is checked but that there is room for it.

    Raises:
        ModelError: The file is missing or can't be read.
        UnsafeModel: It is no plain file, or has more bytes or parts than any network.
        ModelError: As ``error_class``: it is no ONNX file, or holds no network.
    """
    import onnx

    content = read_plain(path, NETWORK_BYTES)
    if len(content) > _SMALL_FILE and has_more_parts(content, onnx.ModelProto, PARTS):
        raise UnsafeModel(f"{path}: expected at most {PARTS:,} parts and no groups, found more")
    try:
        model = onnx.load_model_from_string(content)
    except Exception as error:
        raise error_class(f"{path}: expected an ONNX model, found something else ({in_one_line(error)})") from error
    if not model.graph.ListFields():
        raise error_class(f"{path}: expected an ONNX model, found something else (no graph)")
    return model


def read_plain(path: Path, limit: int) -> bytes:
    """Return the bytes of a plain file: a pipe or a device may wait, or go on, for ever.

    Raises:
        ModelError: The file is missing or can't be read.
        UnsafeModel: It is no plain file, or has more than ``limit`` bytes.
    """
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):
            raise UnsafeModel(f"{path}: expected a plain file, found a folder, pipe or device")
        if status.st_size > limit:
            raise UnsafeModel(f"{path}: expected at most {limit:,} bytes, found {status.st_size:,}")
        with path.open("rb") as stream:
            return stream.read(status.st_size)
    except OSError as error:
        raise ModelError(f"{path}: can't be read: {error.strerror}") from error
