"""How good the predictions of a binary track are: areas, accuracy, calibration."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from zoo.training.metrics.bootstrap import Draws, Resampled, Vector, divide, find_intervals, measure_once, rounded

CALIBRATION_BINS = 10


@dataclass(frozen=True, slots=True)
class Reliability:
    """Mean prediction and share of positives in bins that hold as many examples each; ties stay together.

    Args:
        predicted: Mean prediction of each bin, ascending; at most ``CALIBRATION_BINS`` of them.
        observed: Share of positives of each bin.
        counts: Examples of each bin.
    """

    predicted: Vector
    observed: Vector
    counts: npt.NDArray[np.int64]

    @property
    def error(self) -> float:
        """The expected calibration error (ECE): the mean distance of the two, weighed by the examples of a bin.

        It holds for the class ratio of these examples alone.
        """
        if not self.counts.sum():
            return float("nan")
        return float(np.average(np.abs(self.predicted - self.observed), weights=self.counts))


def evaluate_classes(target: Vector, prediction: Vector, threshold: float, seed: int) -> dict[str, Any]:
    """Return the metrics of a binary track; a prediction at the threshold or above it counts as positive.

    ``calibration_error`` holds for the ``prevalence`` beside it. Areas are None where a class is missing.
    """
    from sklearn.metrics import average_precision_score, confusion_matrix, roc_auc_score

    called = prediction >= threshold
    right = (called == (target > 0.5)).astype(np.float64)
    (tn, fp), (fn, tp) = confusion_matrix(target > 0.5, called, labels=[False, True]).tolist()
    areas = measure_areas(target, prediction)
    intervals = find_intervals(
        lambda draws: {**areas(draws), "accuracy": draws @ right / draws.sum(axis=1)}, len(target), seed
    )
    both = 0 < target.sum() < len(target)
    return {
        "n": len(target),
        "prevalence": rounded(target.mean()),
        "auroc": rounded(roc_auc_score(target, prediction)) if both else None,
        "auroc_interval": intervals["auroc"],
        "auprc": rounded(average_precision_score(target, prediction)) if both else None,
        "auprc_interval": intervals["auprc"],
        "threshold": threshold,
        "accuracy": rounded(right.mean()),
        "accuracy_interval": intervals["accuracy"],
        "confusion": {"true_negative": tn, "false_positive": fp, "false_negative": fn, "true_positive": tp},
        "calibration_error": rounded(find_reliability(target, prediction).error),
    }


def summarise_classes(target: Vector, prediction: Vector, seed: int) -> dict[str, Any]:
    """Return the areas under both curves, the first with its interval."""
    areas = measure_areas(target, prediction)
    once = measure_once(areas, len(target))
    return {
        "n": len(target),
        "prevalence": rounded(target.mean()),
        "auroc": rounded(once["auroc"]),
        "auroc_interval": find_intervals(areas, len(target), seed)["auroc"],
        "auprc": rounded(once["auprc"]),
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


def find_reliability(target: Vector, prediction: Vector) -> Reliability:
    """Return the reliability curve of a binary track."""
    levels, groups, counts = np.unique(prediction, return_inverse=True, return_counts=True)
    # An example's bin follows from the middle rank of all that share its prediction: no order decides among ties.
    middles = np.cumsum(counts) - counts / 2
    bins = np.minimum(CALIBRATION_BINS * middles // max(len(target), 1), CALIBRATION_BINS - 1).astype(np.int64)[groups]
    sizes = np.bincount(bins, minlength=CALIBRATION_BINS)
    held = sizes > 0
    predicted = np.bincount(bins, weights=levels[groups], minlength=CALIBRATION_BINS)[held] / sizes[held]
    observed = np.bincount(bins, weights=target, minlength=CALIBRATION_BINS)[held] / sizes[held]
    return Reliability(predicted, observed, sizes[held])


def measure_areas(target: Vector, prediction: Vector) -> Resampled:
    """Return a function from draws to ``auroc``, in which ties count half, and ``auprc``, the average precision."""
    order = np.argsort(prediction, kind="stable")
    positive = target[order]
    firsts = np.flatnonzero(np.diff(prediction[order], prepend=-np.inf))

    def measure(draws: Draws) -> dict[str, Vector]:
        drawn = np.take(draws, order, axis=1)  # much faster than an index here
        positives = drawn * positive
        if len(firsts) < len(order):
            drawn, positives = (np.add.reduceat(counts, firsts, axis=1) for counts in (drawn, positives))
        return {"auroc": _auroc(positives, drawn), "auprc": _auprc(positives, drawn)}

    return measure


def weighted_auroc(target: Vector, prediction: Vector, draws: Draws) -> Vector:
    """Return the area under the ROC curve of each row of draws, shape (D,)."""
    return measure_areas(target, prediction)(draws)["auroc"]


def weighted_auprc(target: Vector, prediction: Vector, draws: Draws) -> Vector:
    """Return the average precision of each row of draws, shape (D,)."""
    return measure_areas(target, prediction)(draws)["auprc"]


def _auroc(positives: Draws, drawn: Draws) -> Vector:
    """From the positives, and all, drawn at each distinct prediction, ascending."""
    negatives = drawn - positives
    below = np.cumsum(negatives, axis=1) - negatives / 2
    won = np.einsum("dn,dn->d", positives, below)
    return divide(won, positives.sum(axis=1) * negatives.sum(axis=1))


def _auprc(positives: Draws, drawn: Draws) -> Vector:
    above = np.cumsum(drawn[:, ::-1], axis=1)
    precision = np.cumsum(positives[:, ::-1], axis=1)
    precision /= np.maximum(above, 1.0)
    return divide(np.einsum("dn,dn->d", precision, positives[:, ::-1]), positives.sum(axis=1))
