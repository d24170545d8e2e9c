"""Draws with matplotlib: one small plot at a time, as SVG that is the same for the same numbers."""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from typing import Any

import numpy as np

from zoo.training.metrics.bootstrap import Vector
from zoo.training.report.markup import Markup, text

NETWORK, BASELINE, THIRD, MUTED = "#0072b2", "#d55e00", "#009e73", "#8a94a0"
"""Colours that the colour-blind tell apart (Okabe and Ito 2008)."""

MAX_POINTS = 200
"""Of a curve: more than a plot of this size can show."""

_SETTINGS: dict[str, Any] = {
    "svg.fonttype": "none",
    "svg.hashsalt": "zoo",
    "font.family": "DejaVu Sans",
    "font.size": 9,
    "axes.edgecolor": "#5b6775",
    "axes.labelcolor": "#1b2430",
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlesize": 10,
    "axes.titleweight": "bold",
    "axes.grid": True,
    "grid.color": "#e6eaef",
    "grid.linewidth": 0.7,
    "xtick.color": "#5b6775",
    "ytick.color": "#5b6775",
    "legend.frameon": False,
    "legend.fontsize": 8.5,
    "lines.linewidth": 1.6,
    "savefig.transparent": True,
}


def draw(paint: Callable[[Any], None], label: str, size: tuple[float, float] = (4.0, 3.4)) -> Markup:
    """Return what ``paint`` draws on the axes that it is given; ``label`` tells it to those who can't see it."""
    import matplotlib as mpl
    from matplotlib.figure import Figure

    with mpl.rc_context(_SETTINGS):
        figure = Figure(figsize=size, layout="constrained")
        paint(figure.add_subplot())
        file = io.StringIO()
        figure.savefig(file, format="svg", dpi=130, metadata={"Date": None, "Creator": None})
    return Markup(_shorten(file.getvalue(), label))


def thin(first: Vector, second: Vector) -> tuple[Vector, Vector]:
    """Return at most ``MAX_POINTS`` points of a curve, evenly spread along it, its ends among them."""
    if len(first) <= MAX_POINTS:
        return first, second
    width, height = np.ptp(first) or 1.0, np.ptp(second) or 1.0
    steps = np.hypot(np.diff(first) / width, np.diff(second) / height)
    along = np.concatenate([[0], np.cumsum(steps)])
    chosen = np.searchsorted(along, np.linspace(0, along[-1], MAX_POINTS - 1))
    chosen = np.unique(np.concatenate([np.minimum(chosen, len(first) - 1), [len(first) - 1]]))
    return first[chosen], second[chosen]


def _shorten(svg: str, label: str) -> str:
    """Return the picture alone: no prologue, no names that two pictures share, no digits that nobody sees."""
    head = re.search(r'viewBox="[^"]*"', svg)
    assert head is not None  # noqa: S101 - matplotlib writes one
    svg = svg[svg.index(">", head.end()) + 1 :]
    svg = re.sub(r"<metadata>.*?</metadata>|<style.*?</style>|<!--.*?-->|<defs>\s*</defs>", "", svg, flags=re.DOTALL)
    svg = re.sub(r' id="(?:[A-Za-z0-9.]+_\d+|legend)"', "", svg)
    svg = re.sub(r" font-family: 'DejaVu Sans';| transform=\"rotate\(-0 [^\"]*\"", "", svg)
    # In tags alone: what stands between them is read.
    svg = re.sub(r"<[^>]*>", lambda tag: re.sub(r"(\d\.\d)\d+", r"\1", tag[0]), svg)
    svg = re.sub(r' d="[^"]*"', lambda path: re.sub(r"\s*([MLCQz])\s*", r"\1", path[0]), svg)
    svg = re.sub(r">\s+<", "><", svg)
    names = 'xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink"'
    return f'<svg role="img" aria-label="{text(label)}" {head[0]} {names}>{svg.strip()}'
