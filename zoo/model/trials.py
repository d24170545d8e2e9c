"""Tries other forms of a network before they are used: what they predict has to be what the network does."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TypeAlias

import numpy as np

from zoo.components import Predictions
from zoo.errors import ModelError
from zoo.genome.codes import UNKNOWN, Codes
from zoo.model.card import Card, Output

Example: TypeAlias = tuple[Codes, Mapping[str, Predictions] | None]
"""Windows, codes (n, L), and what the network predicts of them, averaged over members, if it is known."""

Comparison: TypeAlias = tuple[Mapping[str, Predictions], Mapping[str, Predictions], float]
"""What another form says of some windows, what the network says of them, and by how much the two may differ."""

TOLERANCE = 1e-5
"""By how much predictions of a network in another form may differ, relative to the largest."""

_LEAST_PROBABILITY = 0.1
_TRIED = 4  # windows that another form is tried on
_DRAWN = 8  # times that others are drawn where those tell nothing


class Trials:
    """The windows that other forms of a network are tried on, and what counts as the same.

    Args:
        card: What the network gives.
        example: Returns the windows to begin with, and the network's predictions for them, if it is known; by default
            windows are drawn.
    """

    def __init__(self, card: Card, example: Callable[[], Example] | None = None) -> None:
        self._card = card
        self._given = example

    @functools.cached_property
    def example(self) -> Example:
        """A few windows, and the network's predictions for them, if known."""
        if self._given is not None:
            codes, predictions = self._given()
            kept = None if predictions is None else {name: values[:_TRIED] for name, values in predictions.items()}
            return codes[:_TRIED], kept
        rng = np.random.default_rng(0)
        return rng.integers(0, UNKNOWN + 1, (_TRIED, self._card.sequence_window.length), dtype=np.uint8), None

    def walk(self) -> Iterator[Example]:
        """Yield the example, then windows to be tried too where nothing is told by it: of each base one that abounds.

        A network that says the same of all windows of a genome may say something else of these.
        """
        yield self.example
        rng = np.random.default_rng(1)
        shape = UNKNOWN, self._card.sequence_window.length
        for share in np.linspace(0, 1, _DRAWN):
            bases = rng.permutation(UNKNOWN).astype(np.uint8)[:, np.newaxis]
            yield np.where(rng.random(shape) < share, bases, rng.integers(0, UNKNOWN, shape, dtype=np.uint8)), None

    def run(self, compare: Callable[[Example], Iterable[Comparison]], form: str) -> None:
        """Try a form of the network.

        Args:
            compare: Returns what is to be compared, made of the windows of an example.
            form: What it is, for the message: ``the graph of both alleles predicts``.

        Raises:
            ModelError: It predicts otherwise than the network.
        """
        if not self.passes(compare):
            raise ModelError(f"{self._card.full_name}: {form} otherwise than the whole network; choose --engine full")

    def passes(self, compare: Callable[[Example], Iterable[Comparison]]) -> bool:
        """Return whether a form of the network predicts what the network does; ``compare`` as in ``run``."""
        for example in self.walk():
            compared = list(compare(example))
            if not all(self.agrees(*one) for one in compared):
                return False
            if all(self.tells(expected) for _, expected, _ in compared):
                break
        return True

    @property
    def tolerance(self) -> float:
        """By how much predictions may differ from those that were published, relative to the largest."""
        return max(TOLERANCE, self._card.tolerance)

    def agrees(self, found: Mapping[str, Predictions], expected: Mapping[str, Predictions], tolerance: float) -> bool:
        """Return whether predictions are the expected ones, within a tolerance of each output's largest number.

        Where all are probabilities near 0, as of windows drawn at random, the last digits of the sums behind them count
        for much: what is compared with is a tenth at least.
        """
        return all(
            _is_near(output, found[output.name], expected[output.name], tolerance) for output in self._card.outputs
        )

    def tells(self, expected: Mapping[str, Predictions]) -> bool:
        """Return whether it proves anything to agree with these predictions.

        It does not where an output is the same for all windows, as one that is saturated: any form would agree whose
        output is saturated likewise.
        """
        return not any(
            _is_near(output, expected[output.name][:1], expected[output.name], TOLERANCE)
            for output in self._card.outputs
        )


def _is_near(output: Output, found: Predictions, expected: Predictions, tolerance: float) -> bool:
    least = _LEAST_PROBABILITY if output.activation in {"sigmoid", "softmax"} else 0.0
    return largest_difference(found, expected, least) <= tolerance


def largest_difference(found: Predictions, expected: Predictions, least: float = 0.0) -> float:
    """Return the largest difference, relative to the largest expected number; NaN where one is no number, or infinite.

    Args:
        least: What is compared with where the largest is smaller.
    """
    if not expected.size:
        return 0.0
    largest = max(float(np.abs(expected).max()), least)
    with np.errstate(over="ignore", invalid="ignore"):
        return float(np.abs(found - expected).max()) / (largest or 1.0)
