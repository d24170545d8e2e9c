"""How good the predictions of a regression track are: correlations and errors."""

from __future__ import annotations

from typing import Any

import numpy as np

from zoo.training.metrics.bootstrap import Draws, Resampled, Vector, divide, find_intervals, measure_once, rounded


def evaluate_values(target: Vector, prediction: Vector, seed: int) -> dict[str, Any]:
    """Return the metrics of a regression track; a correlation with a constant is None, and so is its ``r2``."""
    from sklearn.metrics import mean_absolute_error, mean_squared_error

    measure = measure_values(target, prediction)
    values = measure_once(measure, len(target)) | {
        "mse": mean_squared_error(target, prediction),
        "mae": mean_absolute_error(target, prediction),
    }
    intervals = find_intervals(measure, len(target), seed)
    metrics: dict[str, Any] = {"n": len(target)}
    for name, value in values.items():
        metrics[name] = rounded(value)
        metrics[f"{name}_interval"] = intervals[name]
    return metrics


def summarise_values(target: Vector, prediction: Vector, seed: int) -> dict[str, Any]:
    """Return both correlations and the squared error, the first with its interval."""
    once = measure_once(measure_values(target, prediction), len(target))
    interval = find_intervals(lambda draws: {"pearson": weighted_pearson(target, prediction, draws)}, len(target), seed)
    return {
        "n": len(target),
        "pearson": rounded(once["pearson"]),
        "pearson_interval": interval["pearson"],
        "spearman": rounded(once["spearman"]),
        "mse": rounded(once["mse"]),
    }


def measure_values(target: Vector, prediction: Vector) -> Resampled:
    """Return a function from draws to correlations and errors.

    ``r2`` is 1 less the squared error over the variance of the targets.
    """
    correlate = measure_correlations(target, prediction)
    centred = target - target.mean()
    columns = np.stack([centred, centred**2, (target - prediction) ** 2, np.abs(target - prediction)], axis=1)

    def measure(draws: Draws) -> dict[str, Vector]:
        mean, square, mse, mae = (draws @ columns / draws.sum(axis=1)[:, None]).T
        return {**correlate(draws), "mse": mse, "mae": mae, "r2": 1 - divide(mse, square - mean**2)}

    return measure


def measure_correlations(target: Vector, prediction: Vector) -> Resampled:
    """Return a function from draws to ``pearson`` and ``spearman``, in which ties share their mean rank."""
    rank_target, rank_prediction = _Ranks(target), _Ranks(prediction)

    def measure(draws: Draws) -> dict[str, Vector]:
        return {
            "pearson": weighted_pearson(target, prediction, draws),
            "spearman": _correlate_ranks(rank_target.of(draws), rank_prediction.of(draws), draws),
        }

    return measure


def weighted_pearson(target: Vector, prediction: Vector, draws: Draws) -> Vector:
    """Return Pearson's correlation of each row of draws, shape (D,)."""
    first, second = standardise(target), standardise(prediction)
    sums = draws @ np.stack([np.ones_like(first), first, second, first**2, second**2, first * second], axis=1)
    return correlate_sums(sums)


def measure_ks(first: Vector, second: Vector) -> float:
    """Return the two-sample Kolmogorov-Smirnov statistic: the largest distance of the two cumulative shares."""
    levels = np.unique(np.concatenate([first, second]))
    shares = [np.searchsorted(np.sort(values), levels, side="right") / len(values) for values in (first, second)]
    return float(np.abs(shares[0] - shares[1]).max())


def standardise(values: Vector) -> Vector:
    """Return the values with mean 0 and spread 1, or all 0: sums of their squares then lose no digits."""
    centred = values - values.mean()
    spread = centred.std()
    scaled: Vector = (
        centred / spread if spread > 1e-12 * max(1.0, float(np.abs(values).max())) else np.zeros_like(centred)
    )
    return scaled


def correlate_sums(sums: Draws) -> Vector:
    """Return Pearson's correlation, shape (D,), from sums of 1, x, y, x², y², xy of standardised values, (D, 6)."""
    count, x, y, xx, yy, xy = sums.T
    mean_x, mean_y = divide(x, count), divide(y, count)
    spread = (divide(xx, count) - mean_x**2) * (divide(yy, count) - mean_y**2)
    return divide(divide(xy, count) - mean_x * mean_y, np.sqrt(np.maximum(spread, 0)))


class _Ranks:
    """Ranks of values within bootstrap samples."""

    def __init__(self, values: Vector) -> None:
        levels, self._groups = np.unique(values, return_inverse=True)
        self._order = np.argsort(self._groups, kind="stable")
        self._firsts = np.searchsorted(self._groups[self._order], np.arange(len(levels)))

    def of(self, draws: Draws) -> Draws:
        """Return the mean rank of each example in each sample, less the mean of all ranks, shape (D, N)."""
        counts = np.take(draws, self._order, axis=1)  # much faster than an index here
        if len(self._firsts) < len(self._order):
            counts = np.add.reduceat(counts, self._firsts, axis=1)
        ranks = np.cumsum(counts, axis=1)
        ranks -= counts / 2
        ranks -= draws.sum(axis=1, keepdims=True) / 2
        return np.take(ranks, self._groups, axis=1)


def _correlate_ranks(first: Draws, second: Draws, draws: Draws) -> Vector:
    together = np.einsum("dn,dn,dn->d", draws, first, second)
    spread = np.einsum("dn,dn,dn->d", draws, first, first) * np.einsum("dn,dn,dn->d", draws, second, second)
    return divide(together, np.sqrt(spread))
