"""How like two sets of scores are: what a network of lower precision has to prove before its scores are used.

Compared are scores, differences between ALT and REF, not predictions: both alleles' predictions may agree to three
digits, and still leave nothing of a difference in the fourth.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from zoo.components import Scores
from zoo.errors import ModelError
from zoo.model.precision import Precision

MIN_RANK_CORRELATION = 0.99
"""Scores are ranked, among one another and among common variants'. At 0.99 a list keeps its order but for neighbours:
ranks are off by 4% of the list as a root mean square, sqrt((1 - 0.99) / 6), a tenth of what chance would give."""

MIN_SIGNS = 0.99
"""Of a hundred effects that are not small at most one may point the other way."""

MAX_DIFFERENCE = 0.05
"""No score may move by more, as a share of the largest. Correlations don't see one variant in a thousand."""

SMALL = 0.01
"""Scores below this share of the largest count as no effect, whose sign says nothing."""


@dataclass(frozen=True, slots=True)
class Parity:
    """How scores of lower precision compare with those of float32, by the worst of the tracks.

    Attributes:
        variants: How many were compared.
        correlation: Pearson's.
        rank_correlation: Spearman's.
        signs: The share of equal signs among scores that are not small; 1 where all are.
        difference: The largest, as a share of the largest score.
    """

    precision: Precision
    variants: int
    correlation: float
    rank_correlation: float
    signs: float
    difference: float

    @property
    def holds(self) -> bool:
        """Whether the scores may stand for those of float32."""
        return (
            self.rank_correlation >= MIN_RANK_CORRELATION
            and self.signs >= MIN_SIGNS
            and self.difference <= MAX_DIFFERENCE
        )

    def __str__(self) -> str:
        return (
            f"{self.precision} against float32 on {self.variants:,} background variants: "
            f"rank correlation {self.rank_correlation:.4f}, correlation {self.correlation:.4f}, "
            f"equal signs {self.signs:.2%}, largest difference {self.difference:.2%} of the largest score"
        )


def compare_scores(precision: Precision, expected: Scores, found: Scores) -> Parity:
    """Return how scores of lower precision, shape (n, T), compare with those of float32.

    A track whose scores are all alike agrees only where each is the same.
    """
    tracks = [
        _compare_track(known, other)
        for known, other in zip(expected.T.astype(np.float64), found.T.astype(np.float64), strict=True)
    ]
    correlation, rank_correlation, signs, difference = np.array(tracks).T
    return Parity(
        precision,
        len(expected),
        float(correlation.min()),
        float(rank_correlation.min()),
        float(signs.min()),
        float(difference.max()),
    )


def refuse_loss(model: str, parity: Parity) -> None:
    """Raise ModelError where scores may not stand for those of float32.

    Args:
        model: What the message calls it.
    """
    if parity.holds:
        return
    other = "leave out precision" if parity.precision == "float16" else "choose float16, or leave out precision"
    raise ModelError(
        f"{model}: {parity}; expected at least {MIN_RANK_CORRELATION}, {MIN_SIGNS:.0%} of signs and at most "
        f"{MAX_DIFFERENCE:.0%}; {other}"
    )


def _compare_track(expected: npt.NDArray[np.float64], found: npt.NDArray[np.float64]) -> tuple[float, ...]:
    largest = float(np.abs(expected).max(initial=0.0))
    difference = float(np.abs(expected - found).max(initial=0.0))
    shown = np.abs(expected) > SMALL * largest
    signs = float((np.sign(expected) == np.sign(found))[shown].mean()) if shown.any() else 1.0
    return (
        _correlate(expected, found),
        _correlate(_rank(expected), _rank(found)),
        signs,
        difference / largest if largest else float(difference > 0),
    )


def _correlate(first: npt.NDArray[np.float64], second: npt.NDArray[np.float64]) -> float:
    first, second = first - first.mean(), second - second.mean()
    scale = float(np.sqrt((first @ first) * (second @ second)))
    return float(first @ second) / scale if scale else float(np.array_equal(first, second))


def _rank(values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Return ranks from 0 on; equals share the mean of theirs."""
    ordered = np.sort(values)
    return (ordered.searchsorted(values, "left") + ordered.searchsorted(values, "right") - 1) / 2
