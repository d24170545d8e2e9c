"""TensorFlow and Keras, which read the files that they wrote."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from zoo.errors import ConversionError, MissingExtra, ZooError
from zoo.model.telling import in_one_line
from zoo.training.network.backend import import_backend

_FRAMES = re.compile(r"^in user code:.*?\n\s*\w*(?:Error|Exception): ", re.DOTALL)
"""The lines of our own code, and of Keras's, that TensorFlow puts before the error of a function that it traces."""

_COLOURS = re.compile(r"\x1b\[[0-9;]*m")
_ARGUMENTS = "Arguments received by"
"""What Keras puts behind an error: the tensors that a layer was called with, which are none of the user's."""


def import_frameworks() -> tuple[Any, Any]:
    """Return the modules ``tensorflow`` and ``keras``.

    Raises:
        MissingExtra: They are not installed.
    """
    try:
        return import_backend()
    except MissingExtra as error:
        raise MissingExtra(
            "converting Keras files and SavedModels needs TensorFlow: pip install 'assayzoo[train]'; ONNX files need "
            "no extra"
        ) from error


@contextmanager
def telling_of_failures(what: str) -> Iterator[None]:
    """Turn whatever a framework raises into a ConversionError that begins with ``what``; ours go through."""
    try:
        yield
    except ZooError:
        raise
    except Exception as error:
        said = _FRAMES.sub("", _COLOURS.sub("", str(error))).partition(_ARGUMENTS)[0]
        reason = in_one_line(Exception(said)) if said.strip() else type(error).__name__
        raise ConversionError(f"{what}: {reason}") from error
