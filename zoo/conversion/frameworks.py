"""TensorFlow and Keras, which read the files that they wrote."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from zoo.errors import ConversionError, MissingExtra, ZooError
from zoo.model.telling import in_one_line
from zoo.training.network.backend import import_backend


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
        raise ConversionError(f"{what}: {in_one_line(error)}") from error
