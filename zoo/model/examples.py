"""``example.json``, the example that goes with a model: sequences, other inputs, and what was predicted for them."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
from pydantic import ValidationError

from zoo.components import Predictions
from zoo.errors import ModelError
from zoo.model.card import Card
from zoo.model.document import Document, describe_validation_error
from zoo.model.limits import EXAMPLE_BYTES, MIB, read_bounded

_ROWS = 64  # sequences; the zoo's own examples have eight
_DIGITS = 32  # bytes of a number as text, with what stands around it


class Example(Document):
    """Sequences drawn from a seed, other inputs by name, and the predictions by output.

    There are no sequences where the network reads none.
    """

    seed: int
    sequences: tuple[str, ...]
    extra: dict[str, list[object]]
    predictions: dict[str, list[object]]


def read_example(path: Path, card: Card) -> Example:
    """Read an example, which may be as large as its model's inputs and outputs ask for.

    Raises:
        ModelError: It is missing, too large, no JSON, or a field is missing, unknown or wrong.
    """
    try:
        return Example.model_validate_json(read_bounded(path, limit_example(card), ModelError))
    except ValidationError as error:
        raise ModelError(f"{path}: {describe_validation_error(error, Example)}") from error


def limit_example(card: Card) -> int:
    """Return how many bytes the example of a model may have."""
    numbers = sum(math.prod(item.shape) for item in card.inputs if item.role == "context")
    numbers += sum(output.members * (output.bins or 1) * len(output.tracks) for output in card.outputs)
    bases = card.window.length if card.window is not None else 0
    return min(MIB + _ROWS * (bases + _DIGITS * numbers), EXAMPLE_BYTES)


def to_array(where: str, values: list[object]) -> Predictions:
    """Return nested lists of numbers as float32.

    Raises:
        ModelError: They are something else, too large, or of unequal lengths; ``where`` names them.
    """
    try:
        with np.errstate(over="raise"):
            return np.array(values, dtype=np.float32)
    except FloatingPointError as error:
        raise ModelError(f"{where}: expected numbers of 32 bits, found one beyond 3.4e38") from error
    except (TypeError, ValueError, OverflowError) as error:
        raise ModelError(f"{where}: expected nested lists of numbers, of one length each") from error
