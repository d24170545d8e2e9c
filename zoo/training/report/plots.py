"""The plots of learning and of classes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from zoo.training.metrics.bootstrap import Vector
from zoo.training.metrics.classes import Reliability
from zoo.training.network.history import Epoch
from zoo.training.report.canvas import BASELINE, MUTED, NETWORK, draw, thin
from zoo.training.report.markup import Markup

Predicted = Sequence[tuple[str, Vector]]
"""The network's predictions and, where there is one, the baseline's, each under its name."""

_COLOURS = (NETWORK, BASELINE)
_SQUARE = (3.6, 3.5)


def draw_losses(history: Sequence[tuple[str, Sequence[Epoch]]]) -> Markup:
    """Draw the loss of each epoch in training and on the validation part."""

    def paint(axes: Any) -> None:
        many = len(history) > 1
        for number, (_, epochs) in enumerate(history):
            numbers = [epoch.number for epoch in epochs]
            style = {"alpha": 0.6, "linewidth": 1.0} if many else {}
            told = ("training", "validation") if number == 0 else (None, None)
            lines = ([epoch.loss for epoch in epochs], [epoch.validation_loss for epoch in epochs])
            for values, colour, label in zip(lines, (MUTED, NETWORK), told, strict=True):
                axes.plot(numbers, values, color=colour, label=label, marker="." if len(epochs) < 3 else None, **style)
        axes.set(title="Loss", xlabel="epoch")
        _count_whole(axes)
        axes.legend()

    return draw(paint, "Loss by epoch, in training and on the validation part")


def draw_monitor(history: Sequence[tuple[str, Sequence[Epoch]]], monitor: str) -> Markup:
    """Draw what early stopping looked at."""

    def paint(axes: Any) -> None:
        for _, epochs in history:
            numbers, values = [epoch.number for epoch in epochs], [epoch.monitored for epoch in epochs]
            axes.plot(numbers, values, color=NETWORK, marker="." if len(epochs) < 3 else None)
        axes.set(title=f"{monitor} on the validation part", xlabel="epoch")
        _count_whole(axes)

    return draw(paint, f"{monitor} on the validation part by epoch")


def draw_roc(target: Vector, predicted: Predicted) -> Markup:
    """Draw the ROC curves."""
    from sklearn.metrics import roc_curve

    def paint(axes: Any) -> None:
        axes.plot([0, 1], [0, 1], color=MUTED, linewidth=1, linestyle=":", label="chance")
        for (name, prediction), colour in _behind_first(predicted):
            false_positive, true_positive, _ = roc_curve(target, prediction)
            axes.plot(*thin(false_positive, true_positive), color=colour, label=name)
        axes.set(title="ROC", xlabel="false positive rate", ylabel="true positive rate")
        _square(axes, "lower right")

    return draw(paint, "ROC curve", _SQUARE)


def draw_precision_recall(target: Vector, predicted: Predicted) -> Markup:
    """Draw precision over recall, and the share of positives, which a guess would have."""
    from sklearn.metrics import precision_recall_curve

    def paint(axes: Any) -> None:
        axes.axhline(target.mean(), color=MUTED, linewidth=1, linestyle=":", label=f"prevalence {target.mean():.2f}")
        for (name, prediction), colour in _behind_first(predicted):
            precision, recall, _ = precision_recall_curve(target, prediction, drop_intermediate=True)
            axes.plot(*thin(recall, precision), color=colour, label=name)
        axes.set(title="Precision and recall", xlabel="recall", ylabel="precision")
        _square(axes, "lower left")

    return draw(paint, "Precision over recall", _SQUARE)


def draw_reliability(curves: Sequence[tuple[str, Reliability]]) -> Markup:
    """Draw how often the class occurs where it is predicted with some probability."""

    def paint(axes: Any) -> None:
        axes.plot([0, 1], [0, 1], color=MUTED, linewidth=1, linestyle=":", label="calibrated")
        for (name, curve), colour in _behind_first(curves):
            axes.plot(curve.predicted, curve.observed, color=colour, marker="o", markersize=4, label=name)
        axes.set(title="Calibration", xlabel="mean prediction", ylabel="share of positives")
        _square(axes, "lower right")

    return draw(paint, "Share of positives over mean prediction", _SQUARE)


def _behind_first(items: Sequence[Any]) -> list[tuple[Any, str]]:
    """The baseline is drawn first, so that the network lies above it."""
    return list(zip(items, _COLOURS, strict=False))[::-1]


def _square(axes: Any, place: str) -> None:
    axes.set(xlim=(-0.02, 1.02), ylim=(-0.02, 1.02), aspect="equal", xticks=np.linspace(0, 1, 6))
    handles, labels = axes.get_legend_handles_labels()
    axes.legend(handles[::-1], labels[::-1], loc=place)


def _count_whole(axes: Any) -> None:
    from matplotlib.ticker import MaxNLocator

    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
