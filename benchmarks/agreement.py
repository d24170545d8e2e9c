"""How well predicted effects agree with measured ones: correlations and signs, with bootstrap intervals."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from zoo.model.benchmarks import Figure
from zoo.training.metrics.bootstrap import (
    DRAWS,
    Draws,
    Resampled,
    Vector,
    divide,
    find_intervals,
    measure_once,
    rounded,
)
from zoo.training.metrics.values import measure_correlations

SEED = 1
FEWEST = 10
"""Effects that a correlation needs: with fewer, figures are left undefined."""


def agree(
    measured: Vector, predicted: Vector, groups: npt.NDArray[np.int64], names: Sequence[str], draws: int = DRAWS
) -> dict[str, Figure]:
    """Return figures of these names with 95% intervals over resampled groups.

    Args:
        measured: ALT against REF, shape (N,).
        predicted: Scores of the same alleles, shape (N,).
        groups: Effects of one group stand or fall together in a bootstrap sample, shape (N,).
        names: Of ``pearson``, ``spearman``, ``sign``, ``concordance``.
        draws: Bootstrap samples.
    """
    if len(measured) < FEWEST:
        return {name: Figure(value=None) for name in names}
    measure = choose(measure_agreement(measured, predicted), names)
    values = measure_once(measure, len(measured))
    count = len(np.unique(groups))
    intervals = find_intervals(draw_groups(measure, groups), count, SEED, draws)
    return {name: _make_figure(values[name], intervals[name]) for name in names}


def measure_agreement(measured: Vector, predicted: Vector) -> Resampled:
    """Return a function from draws to ``pearson``, ``spearman``, ``sign`` and ``concordance``.

    ``sign``: the share of effects with the measured sign. ``concordance``: the mean of that share among the effects
    below 0 and of that among those above 0, so that one answer for all is right half the time. A predicted 0 is half
    right; a measured 0 counts in neither.
    """
    correlate = measure_correlations(measured, predicted)
    right = np.where(predicted == 0, 0.5, np.sign(predicted) == np.sign(measured))
    columns = np.stack([measured < 0, measured > 0, right * (measured < 0), right * (measured > 0)], axis=1)

    def measure(draws: Draws) -> dict[str, Vector]:
        below, above, right_below, right_above = (draws @ columns.astype(np.float64)).T
        return {
            **correlate(draws),
            "sign": divide(right_below + right_above, below + above),
            "concordance": (divide(right_below, below) + divide(right_above, above)) / 2,
        }

    return measure


def choose(measure: Resampled, names: Sequence[str]) -> Resampled:
    """Return the function with only these of its metrics."""

    def measure_chosen(draws: Draws) -> dict[str, Vector]:
        found = measure(draws)
        return {name: found[name] for name in names}

    return measure_chosen


def draw_groups(measure: Resampled, groups: npt.NDArray[np.int64]) -> Resampled:
    """Return a function from draws of groups, shape (D, G), to the metrics of the examples in them."""
    _, group_of = np.unique(groups, return_inverse=True)
    return lambda draws: measure(draws[:, group_of])


def _make_figure(value: float, interval: list[float | None]) -> Figure:
    low, high = interval
    return Figure(value=rounded(value), interval=None if low is None or high is None else (low, high))
