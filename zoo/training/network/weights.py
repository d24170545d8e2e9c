"""Weights as plain arrays in a file, ``weights.npz``: for another training to start from. Nothing is pickled."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from zoo.errors import TrainingError

WEIGHTS_FILE = "weights.npz"

_FOLD = "fold_{number}/"


def save_weights(models: Sequence[Any], path: Path) -> None:
    """Write the weights of a network, or of each network of an ensemble, by their paths in it."""
    arrays: dict[str, npt.NDArray[Any]] = {}
    for number, model in enumerate(models, start=1):
        prefix = _FOLD.format(number=number) if len(models) > 1 else ""
        arrays |= {f"{prefix}{weight.path}": weight.numpy() for weight in model.weights}
    np.savez(path, allow_pickle=False, **arrays)


def read_weights(folder: Path) -> dict[str, npt.NDArray[Any]]:
    """Return the weights in a model's folder by their names.

    Raises:
        TrainingError: There are none, or the file is no archive of plain arrays.
    """
    path = folder / WEIGHTS_FILE
    if not path.is_file():
        raise TrainingError(
            f"{path}: is missing: training.start_from needs a model that was published with its weights"
        )
    try:
        # Opened here: numpy leaves the file open when it is no archive.
        with path.open("rb") as file, np.load(file, allow_pickle=False) as archive:
            found = {name: archive[name] for name in archive.files}
    except Exception as error:  # numpy and zipfile raise a dozen kinds for what is damaged, encrypted or too large
        raise TrainingError(f"{path}: expected an archive of plain arrays: {' '.join(str(error).split())}") from error
    for name, values in found.items():
        if values.dtype.kind not in "fiu":
            raise TrainingError(f"{path}: {name}: expected numbers, found {values.dtype}")
    with np.errstate(over="ignore"):  # what is too large becomes infinite, and is left out with a word
        return {name: values.astype(np.float32) for name, values in found.items()}


def start_from(model: Any, weights: Mapping[str, npt.NDArray[Any]], number: int = 1) -> str:
    """Set the weights that have the same path and shape, and say which did not fit.

    Of an ensemble the ``number``th network starts the ``number``th, or the first one where there are fewer.

    Raises:
        TrainingError: None fits.
    """
    for candidate in (_FOLD.format(number=number), _FOLD.format(number=1)):
        own = {name.removeprefix(candidate): values for name, values in weights.items() if name.startswith(candidate)}
        if own:
            weights = own
            break
    left, taken = [], 0
    for weight in model.weights:
        found = weights.get(weight.path)
        if found is None:
            left.append(f"{weight.path} is new")
        elif found.shape != tuple(weight.shape):
            left.append(f"{weight.path} has shape {tuple(weight.shape)} here and {found.shape} there")
        elif not np.isfinite(found).all():
            left.append(f"{weight.path} is not finite there")
        else:
            weight.assign(found)
            taken += 1
    if not taken:
        raise TrainingError(f"no weight fits: {left[0] if left else 'the network has none'}")
    told = f"; left as drawn: {', '.join(left)}" if left else ""
    return f"{taken} of {len(model.weights)} weights were taken over{told}"
