"""How good the predictions of a binned track are: over all bins, of the totals, and of the profiles' shapes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from zoo.training.metrics.bootstrap import Draws, Resampled, Vector, divide, find_intervals, measure_once, rounded
from zoo.training.metrics.values import correlate_sums, weighted_pearson

Bins = npt.NDArray[np.float32]
"""The bins of one track, shape (N, B), NaN where missing."""

_ROWS = 4096  # examples at once, so that the bins never stand in memory twice


@dataclass(frozen=True, slots=True)
class Moments:
    """All that the metrics need of each example, so that bootstrap samples never touch the bins.

    Args:
        sums: Sums over measured bins of 1, x, y, x², y², xy, with targets x and predictions y standardised over all
            bins; shape (N, 6).
        squared: Sum of squared errors, shape (N,).
        totals: Sums of targets and of predictions over measured bins, shape (2, N).
        profiles: Pearson's correlation of target and prediction along the bins, shape (N,); NaN where one is flat.
    """

    sums: npt.NDArray[np.float64]
    squared: Vector
    totals: npt.NDArray[np.float64]
    profiles: Vector

    def __len__(self) -> int:
        return len(self.sums)


def evaluate_bins(target: Bins, prediction: Bins, seed: int) -> dict[str, Any]:
    """Return the metrics of a binned track.

    ``pearson`` is over all bins of all examples, ``total_pearson`` over the examples' totals, ``profile_pearson`` the
    median over examples of the correlation along their bins.
    """
    moments = take_moments(target, prediction)
    measure = measure_bins(moments)
    once, intervals = measure_once(measure, len(moments)), find_intervals(measure, len(moments), seed)
    metrics: dict[str, Any] = {"n": len(moments), "bins": target.shape[1]}
    for name, value in once.items():
        metrics[name] = rounded(value)
        metrics[f"{name}_interval"] = intervals[name]
    return metrics


def summarise_bins(target: Bins, prediction: Bins, seed: int) -> dict[str, Any]:
    """Return the correlations, the first with its interval."""
    metrics = evaluate_bins(target, prediction, seed)
    return {name: metrics[name] for name in ("n", "pearson", "pearson_interval", "total_pearson", "profile_pearson")}


def measure_bins(moments: Moments) -> Resampled:
    """Return a function from draws to the metrics of a binned track."""
    known = np.flatnonzero(np.isfinite(moments.profiles))
    order = known[np.argsort(moments.profiles[known], kind="stable")]

    def measure(draws: Draws) -> dict[str, Vector]:
        sums = draws @ moments.sums
        return {
            "pearson": correlate_sums(sums),
            "total_pearson": weighted_pearson(moments.totals[0], moments.totals[1], draws),
            "profile_pearson": _find_median(moments.profiles[order], draws[:, order]),
            "mse": divide(draws @ moments.squared, sums[:, 0]),
        }

    return measure


def take_moments(target: Bins, prediction: Bins) -> Moments:
    """Return the moments of each example."""
    scale_x, scale_y = _find_scale(target, target), _find_scale(prediction, target)
    count = len(target)
    sums, squared, totals = np.empty((count, 6)), np.empty(count), np.empty((2, count))
    for rows in _slice(count):
        x, y, measured = _read(target, prediction, rows)
        squared[rows] = ((x - y) ** 2).sum(axis=1)
        totals[:, rows] = x.sum(axis=1), y.sum(axis=1)
        x, y = ((values - mean) / spread * measured for values, (mean, spread) in ((x, scale_x), (y, scale_y)))
        columns = (measured, x, y, x * x, y * y, x * y)
        sums[rows] = np.stack([values.sum(axis=1) for values in columns], axis=1)
    return Moments(sums, squared, totals, correlate_sums(sums))


def _read(target: Bins, prediction: Bins, rows: slice) -> tuple[Draws, Draws, npt.NDArray[np.bool_]]:
    x = target[rows].astype(np.float64)
    measured = ~np.isnan(x)
    return np.where(measured, x, 0.0), np.where(measured, prediction[rows], 0.0), measured


def _find_scale(values: Bins, target: Bins) -> tuple[float, float]:
    """Return mean and standard deviation over measured bins; a spread of 0 becomes 1."""
    count = mean = squares = 0.0
    for rows in _slice(len(values)):
        part = values[rows][~np.isnan(target[rows])].astype(np.float64)
        if not len(part):
            continue
        # Chan's way to join the moments of two sets: no large squares are subtracted.
        offset, joined = part.mean() - mean, count + len(part)
        squares += ((part - part.mean()) ** 2).sum() + offset**2 * count * len(part) / joined
        mean += offset * len(part) / joined
        count = joined
    spread = float(np.sqrt(squares / count)) if count else 0.0
    return float(mean), spread if spread > 0 else 1.0


def _slice(count: int) -> list[slice]:
    return [slice(first, first + _ROWS) for first in range(0, count, _ROWS)]


def _find_median(values: Vector, draws: Draws) -> Vector:
    """Return the median of ascending values, (N,), in each row of draws, shape (D,)."""
    if not len(values):
        return np.full(len(draws), np.nan)
    reached = np.cumsum(draws, axis=1)
    half = reached[:, -1:] / 2
    low, high = (reached >= half).argmax(axis=1), (reached > half).argmax(axis=1)
    return np.where(reached[:, -1] > 0, (values[low] + values[high]) / 2, np.nan)
