"""How good predictions are, track by track: metrics with confidence intervals, alone and beside a baseline's."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from zoo.components import Predictions
from zoo.training.data.targets import Targets, Task
from zoo.training.metrics.bins import evaluate_bins, measure_bins, summarise_bins, take_moments
from zoo.training.metrics.bootstrap import Draws, Resampled, Vector, find_interval, measure_once, resample, rounded
from zoo.training.metrics.classes import (
    choose_threshold,
    evaluate_classes,
    measure_areas,
    summarise_classes,
    weighted_auprc,
    weighted_auroc,
)
from zoo.training.metrics.values import evaluate_values, measure_correlations, summarise_values, weighted_pearson

COMPARED = {"classes": ("auroc", "auprc"), "values": ("pearson", "spearman"), "bins": ("pearson", "total_pearson")}
"""The metrics that ``compare`` gives, by kind of target, the headline first."""


def evaluate(
    task: Task, targets: Targets, predictions: Predictions, thresholds: dict[str, float], seed: int
) -> dict[str, dict[str, Any]]:
    """Return the metrics of each evaluated track by its name, plain numbers for the card.

    Targets and predictions have shape (N, T) or (N, B, T); examples without a target are left out of its track, and a
    track without any gets ``{"n": 0}``. ``thresholds`` come from ``choose_thresholds`` on the validation part; the seed
    is the bootstrap's.
    """
    metrics: dict[str, dict[str, Any]] = {}
    for name, target, prediction in _observe(task, targets, predictions):
        if not len(target):
            metrics[name] = {"n": 0}
        elif target.ndim == 2:
            metrics[name] = evaluate_bins(target, prediction, seed)
        elif task.classes:
            metrics[name] = evaluate_classes(_widen(target), _widen(prediction), thresholds[name], seed)
        else:
            metrics[name] = evaluate_values(_widen(target), _widen(prediction), seed)
    return metrics


def evaluate_without(
    task: Task, targets: Targets, predictions: Predictions, left_out: npt.NDArray[np.bool_], seed: int
) -> dict[str, dict[str, Any]]:
    """Return the headline metrics of each evaluated track without the examples of a mask, shape (N,).

    A metric that the rest does not define, the area under a curve of one class say, is None.
    """
    metrics: dict[str, dict[str, Any]] = {}
    for name, target, prediction in _observe(task, targets[~left_out], predictions[~left_out]):
        if not len(target):
            metrics[name] = {"n": 0}
        elif target.ndim == 2:
            metrics[name] = summarise_bins(target, prediction, seed)
        else:
            summarise = summarise_classes if task.classes else summarise_values
            metrics[name] = summarise(_widen(target), _widen(prediction), seed)
    return metrics


def compare(
    task: Task, targets: Targets, predictions: Predictions, baseline_predictions: Predictions, seed: int
) -> dict[str, dict[str, dict[str, Any]]]:
    """Return, by evaluated track and metric, the baseline's value and what the network is ahead of it.

    ``{"auroc": {"baseline": 0.91, "difference": 0.04, "difference_interval": [0.03, 0.05]}, …}``: the interval is the
    95% of a paired bootstrap, whose samples are the same for both.
    """
    differences: dict[str, dict[str, dict[str, Any]]] = {}
    pairs = zip(
        _observe(task, targets, predictions), _observe(task, targets, baseline_predictions), strict=True
    )  # fmt: skip
    for (name, target, prediction), (_, _, other) in pairs:
        differences[name] = _compare_track(task, target, prediction, other, seed) if len(target) else {}
    return differences


def choose_thresholds(task: Task, targets: Targets, predictions: Predictions) -> dict[str, float]:
    """Return, by track, the threshold of the validation part that ``choose_threshold`` finds."""
    if not task.classes:
        return {}
    return {
        name: choose_threshold(_widen(target), _widen(prediction)) if len(target) else 0.5
        for name, target, prediction in _observe(task, targets, predictions)
    }


def measure_monitor(monitor: str, targets: Targets, predictions: Predictions, loss: float) -> float:
    """Return the loss, or a metric averaged over the tracks for which it is defined (minus infinity if for none).

    Of binned targets it is over all bins of all examples.
    """
    if monitor == "loss":
        return loss
    functions: dict[str, Callable[[Vector, Vector, Draws], Vector]] = {
        "auroc": weighted_auroc,
        "auprc": weighted_auprc,
        "pearson": weighted_pearson,
    }
    flat, predicted = (values.reshape(-1, targets.shape[-1]) for values in (targets, predictions))
    values = []
    for index in range(flat.shape[1]):
        target, prediction = _drop_missing(flat[:, index], predicted[:, index])
        if len(target):
            values.append(functions[monitor](_widen(target), _widen(prediction), np.ones((1, len(target))))[0])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # the mean of nothing
        mean = float(np.nanmean(values)) if values else float("nan")
    return mean if np.isfinite(mean) else float("-inf")


def _compare_track(
    task: Task, target: Targets, prediction: Predictions, baseline: Predictions, seed: int
) -> dict[str, dict[str, Any]]:
    names = COMPARED["bins" if target.ndim == 2 else "classes" if task.classes else "values"]
    ours, theirs = (_measure_headlines(task, target, values) for values in (prediction, baseline))

    def subtract(draws: Draws) -> dict[str, Vector]:
        first, second = ours(draws), theirs(draws)
        return {name: first[name] - second[name] for name in names}

    once, differences = measure_once(theirs, len(target)), measure_once(subtract, len(target))
    samples = resample(subtract, len(target), seed)
    return {
        name: {
            "baseline": rounded(once[name]),
            "difference": rounded(differences[name]),
            "difference_interval": find_interval(samples[name]),
        }
        for name in names
    }


def _measure_headlines(task: Task, target: Targets, prediction: Predictions) -> Resampled:
    if target.ndim == 2:
        return measure_bins(take_moments(target, prediction))
    measure = measure_areas if task.classes else measure_correlations
    return measure(_widen(target), _widen(prediction))


def _observe(task: Task, targets: Targets, predictions: Predictions) -> Iterator[tuple[str, Targets, Predictions]]:
    """Yield name, targets and predictions of each evaluated track, (N,) or (N, B), without examples that have none."""
    for index in task.evaluated:
        yield task.tracks[index].name, *_drop_missing(targets[..., index], predictions[..., index])


def _drop_missing(target: Targets, prediction: Predictions) -> tuple[Targets, Predictions]:
    missing = np.isnan(target) if target.ndim == 1 else np.isnan(target).all(axis=1)
    return target[~missing], prediction[~missing]


def _widen(values: npt.NDArray[np.float32]) -> Vector:
    return values.astype(np.float64)
