"""The example that goes with a model, and the test that its predictions are still the same."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from zoo.components import Predictions
from zoo.errors import DataError, ModelError
from zoo.genome.codes import UNKNOWN, Codes, decode, encode
from zoo.model.card import MIN_TOLERANCE, Card, Input
from zoo.model.examples import Example, read_example, to_array
from zoo.model.folder import EXAMPLE_FILE, NETWORK_FILE, load_folder
from zoo.model.session import Session

_SEQUENCES = 8
_MAX_BASES = 2_000_000  # a long window gets fewer sequences
_UNKNOWN_SHARE = 0.02
_NO_BASES = np.empty((_SEQUENCES, 0), dtype=np.uint8)


@dataclass(frozen=True, slots=True)
class Verification:
    """What a test of a model found. Differences are relative to the largest prediction of their output."""

    model: str
    device: str
    sequences: int
    largest_difference: float
    tolerance: float


def write_example(folder: Path, card: Card, seed: int = 0) -> None:
    """Write ``example.json``: sequences and inputs drawn from the seed, with the predictions on a CPU.

    Raises:
        ModelError: The network gives no finite prediction for any of them.
    """
    rng = np.random.default_rng(seed)
    codes = _draw_codes(rng, card.window.length) if card.window is not None else _NO_BASES
    extra = {item.name: _draw_context(rng, item, len(codes)) for item in card.inputs if item.role == "context"}
    predictions = Session(folder / NETWORK_FILE, card, "cpu").predict(codes, extra)
    for name, values in predictions.items():
        if values.size and not np.isfinite(values).any():
            raise ModelError(
                f"{folder / NETWORK_FILE}: output {name!r}: expected finite predictions, found none; "
                "an example without one would agree with any network that fails alike"
            )
    document = {
        "seed": seed,
        "sequences": [decode(row) for row in codes if len(row)],
        "extra": {name: _to_list(values) for name, values in extra.items()},
        "predictions": {name: _to_list(values) for name, values in predictions.items()},
    }
    lines = ",\n".join(f"{json.dumps(key)}: {json.dumps(value)}" for key, value in document.items())
    (folder / EXAMPLE_FILE).write_text("{\n" + lines + "\n}\n", encoding="utf-8")


def verify_folder(path: str | Path, device: str = "cpu", threads: int | None = None) -> Verification:
    """Check a model's files and recompute its example.

    Raises:
        ModelError: A file is not the published one, or a prediction differs by more than the card's tolerance; the
            message names output, sequence, expected and found.
    """
    model = load_folder(path, device, threads)
    card = model.card
    example = read_example(model.folder / EXAMPLE_FILE, card)
    path = model.folder / EXAMPLE_FILE
    codes = _encode_example(path, example, card)
    extra = {name: to_array(f"{path}: extra {name!r}", values) for name, values in example.extra.items()}
    try:
        predictions = model.session.predict(codes, extra)
    except DataError as error:
        raise ModelError(f"{path}: {error}") from error
    tolerance = max(MIN_TOLERANCE, card.tolerance)
    largest = 0.0
    for output in card.outputs:
        where = f"{path}: output {output.name!r}"
        if output.name not in example.predictions:
            raise ModelError(f"{where}: expected its predictions, found none")
        expected = to_array(where, example.predictions[output.name])
        difference = _compare(where, expected, predictions[output.name], tolerance, model.session.device)
        largest = max(largest, difference)
    count = len(next(iter(predictions.values())))
    return Verification(card.full_name, model.session.device, count, largest, tolerance)


def _compare(where: str, expected: Predictions, found: Predictions, tolerance: float, device: str) -> float:
    """Return the largest difference relative to the largest finite prediction.

    What is not finite agrees with itself alone: NaN with NaN, an infinity with the same one.
    """
    if expected.shape != found.shape:
        raise ModelError(f"{where}: expected predictions of shape {expected.shape}, found {found.shape}")
    finite = np.isfinite(expected) & np.isfinite(found)
    alike = (expected == found) | (np.isnan(expected) & np.isnan(found))
    difference = np.where(alike, 0.0, np.inf)
    difference[finite] = np.abs(expected[finite].astype(np.float64) - found[finite])
    scale = float(np.abs(expected[np.isfinite(expected)]).max(initial=0.0)) or 1.0
    worst = np.unravel_index(int(difference.argmax()), difference.shape)
    relative = float(difference[worst]) / scale
    if relative > tolerance:
        raise ModelError(
            f"{where}, sequence {worst[0] + 1}: expected {expected[worst]:.9g}, found {found[worst]:.9g} on {device}, "
            f"{relative:.2g} of the largest prediction; the card allows {tolerance:.2g}"
        )
    return relative


def _encode_example(path: Path, example: Example, card: Card) -> Codes | None:
    found = len(example.sequences)
    if card.window is None:
        if found or not example.extra:
            raise ModelError(f"{path}: expected other inputs alone, as the card says, found {found} sequences")
        return None
    if not found:
        raise ModelError(f"{path}: expected at least one sequence, found none")
    for number, sequence in enumerate(example.sequences, start=1):
        if len(sequence) != card.window.length:
            raise ModelError(f"{path}: sequence {number}: expected {card.window.length} bases, found {len(sequence)}")
    return encode("".join(example.sequences)).reshape(len(example.sequences), card.window.length)


def _draw_codes(rng: np.random.Generator, length: int) -> Codes:
    count = max(1, min(_SEQUENCES, _MAX_BASES // length))
    codes = rng.integers(0, 4, size=(count, length), dtype=np.uint8)
    codes[rng.random(codes.shape) < _UNKNOWN_SHARE] = UNKNOWN
    codes[-1, 0] = UNKNOWN  # at least one, however short the window
    return codes


def _draw_context(rng: np.random.Generator, item: Input, count: int) -> npt.NDArray[np.float32]:
    return rng.random((count, *item.shape), dtype=np.float32)


def _to_list(values: npt.NDArray[np.float32]) -> list[object]:
    """Return nested lists of the shortest decimals that give the same float32."""
    shortest = np.vectorize(lambda value: float(str(np.float32(value))), otypes=[np.float64])
    nested: list[object] = shortest(values).tolist() if values.size else values.tolist()
    return nested
