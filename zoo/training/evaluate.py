"""How good predictions are: metrics of one track, with bootstrap confidence intervals."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from zoo.components import Predictions
from zoo.training.targets import Targets, Task

Vector: TypeAlias = npt.NDArray[np.float64]
"""One value an example, shape (N,)."""

Draws: TypeAlias = npt.NDArray[np.float64]
"""How often each example stands in each bootstrap sample, shape (D, N)."""

DRAWS = 1000
CONFIDENCE = 0.95
_BLOCK = 20_000_000  # numbers at once, so that a large test set needs little memory


def evaluate(task: Task, targets: Targets, predictions: Predictions, thresholds: dict[str, float], seed: int) -> Any:
    """Return the metrics of each evaluated track by its name, plain numbers for the card.

    Targets and predictions have shape (N, T); rows without a target are left out of its track. ``thresholds`` come
    from ``choose_thresholds`` on the validation part; the seed is the bootstrap's.
    """
    metrics = {}
    for index in task.evaluated:
        name = task.tracks[index].name
        target, prediction = _observed(targets[:, index], predictions[:, index])
        if task.classes:
            metrics[name] = evaluate_classes(target, prediction, thresholds[name], seed)
        else:
            metrics[name] = evaluate_values(target, prediction, seed)
    return metrics


def choose_thresholds(task: Task, targets: Targets, predictions: Predictions) -> dict[str, float]:
    """Return, by track, the threshold of the validation part that ``choose_threshold`` finds."""
    if not task.classes:
        return {}
    return {
        task.tracks[index].name: choose_threshold(*_observed(targets[:, index], predictions[:, index]))
        for index in task.evaluated
    }


def choose_threshold(target: Vector, prediction: Vector) -> float:
    """Return the threshold with the largest Youden index (sensitivity + specificity - 1).

    It lies half-way between two predictions; of several equally good ones the nearest to 0.5 is taken. Youden's index
    does not depend on how many positives the set happens to hold (Youden 1950).
    """
    levels, groups = np.unique(prediction, return_inverse=True)
    if len(levels) == 1:
        return float(levels[0])
    positives = np.bincount(groups, weights=target)
    negatives = np.bincount(groups, weights=1 - target)
    sensitivity = 1 - np.cumsum(positives)[:-1] / positives.sum()
    specificity = np.cumsum(negatives)[:-1] / negatives.sum()
    index = sensitivity + specificity
    middles = (levels[:-1] + levels[1:]) / 2
    best = middles[np.isclose(index, index.max(), rtol=0, atol=1e-12)]
    # Six digits, as on the card: the metrics there are those of the threshold there.
    return float(f"{best[np.argmin(np.abs(best - 0.5))]:.6g}")


def evaluate_classes(target: Vector, prediction: Vector, threshold: float, seed: int) -> dict[str, Any]:
    """Return the metrics of a binary track; a prediction at the threshold or above it counts as positive."""
    from sklearn.metrics import average_precision_score, confusion_matrix, roc_auc_score

    called = prediction >= threshold
    right = (called == (target > 0.5)).astype(np.float64)
    (tn, fp), (fn, tp) = confusion_matrix(target > 0.5, called, labels=[False, True]).tolist()
    intervals = bootstrap(
        {
            "auroc": lambda draws: weighted_auroc(target, prediction, draws),
            "auprc": lambda draws: weighted_auprc(target, prediction, draws),
            "accuracy": lambda draws: draws @ right / draws.sum(axis=1),
        },
        len(target),
        seed,
    )
    return {
        "n": len(target),
        "prevalence": _rounded(target.mean()),
        "auroc": _rounded(roc_auc_score(target, prediction)),
        "auroc_interval": intervals["auroc"],
        "auprc": _rounded(average_precision_score(target, prediction)),
        "auprc_interval": intervals["auprc"],
        "threshold": threshold,
        "accuracy": _rounded(right.mean()),
        "accuracy_interval": intervals["accuracy"],
        "confusion": {"true_negative": tn, "false_positive": fp, "false_negative": fn, "true_positive": tp},
    }


def evaluate_values(target: Vector, prediction: Vector, seed: int) -> dict[str, Any]:
    """Return the metrics of a regression track; a correlation with a constant is None."""
    from sklearn.metrics import mean_squared_error

    once = np.ones((1, len(target)))
    squared = (target - prediction) ** 2
    functions: dict[str, Callable[[Draws], Vector]] = {
        "pearson": lambda draws: weighted_pearson(target, prediction, draws),
        "spearman": lambda draws: weighted_spearman(target, prediction, draws),
        "mse": lambda draws: draws @ squared / draws.sum(axis=1),
    }
    intervals = bootstrap(functions, len(target), seed)
    values = {name: function(once)[0] for name, function in functions.items()} | {
        "mse": mean_squared_error(target, prediction)
    }
    metrics: dict[str, Any] = {"n": len(target)}
    for name, value in values.items():
        metrics[name] = _rounded(value)
        metrics[f"{name}_interval"] = intervals[name]
    return metrics


def bootstrap(
    functions: dict[str, Callable[[Draws], Vector]], count: int, seed: int, draws: int = DRAWS
) -> dict[str, list[float | None]]:
    """Return the 95% percentile interval of each function over resampled examples.

    A function gets how often each example was drawn, shape (D, N), and returns (D,) values; NaN, of a sample that
    holds one class only, is left out.
    """
    generator = np.random.default_rng(seed)
    block = max(1, min(draws, _BLOCK // max(count, 1)))
    values: dict[str, list[Vector]] = {name: [] for name in functions}
    for first in range(0, draws, block):
        drawn = generator.multinomial(count, np.full(count, 1 / count), size=min(block, draws - first))
        for name, function in functions.items():
            values[name].append(function(drawn.astype(np.float64)))
    tails = (100 * (1 - CONFIDENCE) / 2, 100 * (1 + CONFIDENCE) / 2)
    intervals: dict[str, list[float | None]] = {}
    for name, parts in values.items():
        found = np.concatenate(parts)
        found = found[np.isfinite(found)]
        intervals[name] = [_rounded(value) for value in np.percentile(found, tails)] if len(found) else [None, None]
    return intervals


def weighted_auroc(target: Vector, prediction: Vector, draws: Draws) -> Vector:
    """Return the area under the ROC curve of each row of draws, shape (D,); ties count half."""
    positives, negatives = _count_by_level(target, prediction, draws)
    below = np.cumsum(negatives, axis=1) - negatives
    won = (positives * (below + negatives / 2)).sum(axis=1)
    return _divide(won, positives.sum(axis=1) * negatives.sum(axis=1))


def weighted_auprc(target: Vector, prediction: Vector, draws: Draws) -> Vector:
    """Return the average precision of each row of draws, shape (D,)."""
    positives, negatives = (counts[:, ::-1] for counts in _count_by_level(target, prediction, draws))
    found = np.cumsum(positives, axis=1)
    precision = found / np.maximum(found + np.cumsum(negatives, axis=1), 1e-300)
    return _divide((precision * positives).sum(axis=1), positives.sum(axis=1))


def weighted_pearson(target: Vector, prediction: Vector, draws: Draws) -> Vector:
    """Return Pearson's correlation of each row of draws, shape (D,)."""
    return _correlate(np.broadcast_to(target, draws.shape), np.broadcast_to(prediction, draws.shape), draws)


def weighted_spearman(target: Vector, prediction: Vector, draws: Draws) -> Vector:
    """Return Spearman's correlation of each row of draws, shape (D,); ties share their mean rank."""
    return _correlate(_rank(target, draws), _rank(prediction, draws), draws)


def measure_monitor(monitor: str, targets: Targets, predictions: Predictions, loss: float) -> float:
    """Return the loss, or a metric averaged over the tracks for which it is defined (minus infinity if for none)."""
    if monitor == "loss":
        return loss
    function = {"auroc": weighted_auroc, "auprc": weighted_auprc, "pearson": weighted_pearson}[monitor]
    values = []
    for index in range(targets.shape[1]):
        target, prediction = _observed(targets[:, index], predictions[:, index])
        if len(target):
            values.append(function(target, prediction, np.ones((1, len(target))))[0])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # the mean of nothing
        mean = float(np.nanmean(values)) if values else float("nan")
    return mean if np.isfinite(mean) else float("-inf")


def _observed(target: npt.NDArray[np.float32], prediction: npt.NDArray[np.float32]) -> tuple[Vector, Vector]:
    measured = ~np.isnan(target)
    return target[measured].astype(np.float64), prediction[measured].astype(np.float64)


def _count_by_level(target: Vector, prediction: Vector, draws: Draws) -> tuple[Draws, Draws]:
    """Count the positives and negatives drawn at each distinct prediction, ascending."""
    order = np.argsort(prediction, kind="stable")
    firsts = np.flatnonzero(np.diff(prediction[order], prepend=-np.inf))
    drawn = draws[:, order]
    positives = np.add.reduceat(drawn * target[order], firsts, axis=1)
    return positives, np.add.reduceat(drawn, firsts, axis=1) - positives


def _rank(values: Vector, draws: Draws) -> Draws:
    levels, groups = np.unique(values, return_inverse=True)
    order = np.argsort(groups, kind="stable")
    firsts = np.searchsorted(groups[order], np.arange(len(levels)))
    counts = np.add.reduceat(draws[:, order], firsts, axis=1)
    ranks: Draws = (np.cumsum(counts, axis=1) - (counts - 1) / 2)[:, groups]
    return ranks


def _correlate(first: Draws, second: Draws, draws: Draws) -> Vector:
    total = draws.sum(axis=1, keepdims=True)
    first = first - (draws * first).sum(axis=1, keepdims=True) / total
    second = second - (draws * second).sum(axis=1, keepdims=True) / total
    spread = (draws * first**2).sum(axis=1) * (draws * second**2).sum(axis=1)
    return _divide((draws * first * second).sum(axis=1), np.sqrt(spread))


def _divide(numerator: Vector, denominator: Vector) -> Vector:
    result = np.full(len(numerator), np.nan)
    np.divide(numerator, denominator, out=result, where=denominator > 1e-12)
    return result


def _rounded(value: float) -> float | None:
    """Round to six digits, which is more than the interval leaves; None for what is not defined."""
    return round(float(value), 6) if np.isfinite(value) else None
