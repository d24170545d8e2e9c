"""The plots of values and of bins."""

from __future__ import annotations

from typing import Any

import numpy as np

from zoo.training.metrics.bins import Bins
from zoo.training.metrics.bootstrap import Vector
from zoo.training.report.canvas import MUTED, NETWORK, draw
from zoo.training.report.markup import Markup

_FEW = 400
"""Up to so many examples are dots; more are counted in hexagons."""

_MOST_BINS = 128  # of a profile; each is two corners of its outline


def draw_scatter(target: Vector, prediction: Vector, what: str = "") -> Markup:
    """Draw predicted over measured values."""

    def paint(axes: Any) -> None:
        _scatter(axes, target, prediction)
        low, high = min(target.min(), prediction.min()), max(target.max(), prediction.max())
        axes.plot([low, high], [low, high], color=MUTED, linewidth=1, linestyle=":")
        axes.set(title=f"Predicted and measured{what}", xlabel="measured", ylabel="predicted")

    return draw(paint, f"Predicted over measured values{what}")


def draw_residuals(target: Vector, prediction: Vector) -> Markup:
    """Draw what is left of each value, measured less predicted, over the prediction."""

    def paint(axes: Any) -> None:
        _scatter(axes, prediction, target - prediction)
        axes.axhline(0, color=MUTED, linewidth=1, linestyle=":")
        axes.set(title="Residuals", xlabel="predicted", ylabel="measured − predicted")  # noqa: RUF001 - a minus

    return draw(paint, "Residuals over predicted values")


def draw_profile(target: Vector, prediction: Vector, title: str) -> Markup:
    """Draw one example's bins, (B,) each, measured and predicted; neighbours are averaged where there are many."""
    size = -(-len(target) // _MOST_BINS)
    starts = np.arange(0, len(target), size)

    def paint(axes: Any) -> None:
        measured, predicted = (_average(values, starts) for values in (target, prediction))
        axes.fill_between(starts, measured, step="mid", color=MUTED, alpha=0.45, linewidth=0, label="measured")
        axes.step(starts, predicted, where="mid", color=NETWORK, linewidth=1.2, label="predicted")
        axes.set(title=title, xlabel="bin")
        axes.set_ylim(bottom=min(0.0, float(np.nanmin([measured, predicted]))))
        axes.legend()

    return draw(paint, f"Measured and predicted bins: {title}", size=(4.6, 2.5))


def choose_examples(profiles: Vector) -> list[tuple[str, int]]:
    """Return a poor, a middling and a good example by the correlation of their profiles, (N,), with their rows."""
    known = np.flatnonzero(np.isfinite(profiles))
    order = known[np.argsort(profiles[known], kind="stable")]
    shares = (("one of ten is worse", 0.1), ("median", 0.5), ("one of ten is better", 0.9))
    return [(name, int(order[int(share * (len(order) - 1))])) for name, share in shares] if len(order) else []


def sum_bins(target: Bins, prediction: Bins) -> tuple[Vector, Vector]:
    """Return the totals of each example over its measured bins, shape (N,)."""
    measured = ~np.isnan(target)
    totals = (np.where(measured, values, 0).sum(axis=1, dtype=np.float64) for values in (target, prediction))
    first, second = totals
    return first, second


def _average(values: Vector, starts: Any) -> Vector:
    sizes = np.diff(np.append(starts, len(values)))
    averages: Vector = np.add.reduceat(values.astype(np.float64), starts) / sizes
    return averages


def _scatter(axes: Any, first: Vector, second: Vector) -> None:
    axes.grid(visible=False)
    if len(first) <= _FEW:
        axes.plot(first, second, ".", color=NETWORK, alpha=0.5, markersize=4, rasterized=True)
        return
    from matplotlib.colors import LinearSegmentedColormap, LogNorm

    colours = LinearSegmentedColormap.from_list("network", ["#dcecf7", NETWORK, "#00263d"])
    drawn = axes.hexbin(
        first, second, gridsize=36, mincnt=1, cmap=colours, norm=LogNorm(), linewidths=0, rasterized=True
    )
    bar = axes.figure.colorbar(drawn, ax=axes, shrink=0.75, pad=0.02)
    bar.set_label("examples")
    bar.outline.set_visible(False)
