"""Draws mutation maps: for each column the largest change of each position, the bases that matter, and a heat map."""

from __future__ import annotations

import importlib.util
import io
import itertools
from collections.abc import Iterable, Sequence
from typing import Any, Literal, TypeAlias

from zoo.errors import MissingExtra, OutputError
from zoo.interpretation.mutation_map import MutationMap
from zoo.interpretation.panel import BOTTOM, Palette, Panel, Rows, find_width

Theme: TypeAlias = Literal["light", "dark"]

PICTURES = (".png", ".svg", ".pdf")

_DPI = 150

_MOST_POSITIONS = 24_000
"""Of one map: a pixel each, in as many rows."""
_ROWS_OF_A_PAGE = 6
"""So many can be read where the whole picture is looked at; a map that has more is a page of its own."""
PALETTES: dict[Theme, Palette] = {
    "light": Palette(
        "#ffffff", "#1f2328", "#59636e", "#8b949e", "#e7eaee", "#1f6fd0", "#c8322b", "#7a3db8",
        {"A": "#2f9e44", "C": "#1c6dd0", "G": "#e08700", "T": "#c8322b"},
    ),
    "dark": Palette(
        "#0d1117", "#e6edf3", "#9198a1", "#8b949e", "#262c36", "#58a6ff", "#ff7b72", "#c297ff",
        {"A": "#56d364", "C": "#58a6ff", "G": "#e3b341", "T": "#ff7b72"},
    ),
}  # fmt: skip


def check_plotting() -> None:
    """Raise MissingExtra where a library of the extra ``plot`` is not installed."""
    for name in ("matplotlib", "logomaker"):
        if importlib.util.find_spec(name) is None:
            raise MissingExtra(f"pictures need {name}, which is not installed: pip install 'assayzoo[plot]'")


def check_picture(path: str, maps: Sequence[tuple[str, int]], columns: int) -> None:
    """Refuse what a picture can't show so that a person can read it.

    Args:
        path: The picture; only a PDF has pages.
        maps: What messages call each map, and its bases.
        columns: Of each.

    Raises:
        OutputError: There is too much to draw in one picture.
    """
    longest, length = max(maps, key=lambda each: each[1])
    if length > _MOST_POSITIONS:
        raise OutputError(
            f"{path}: {longest} has {length:,} positions, a picture shows at most {_MOST_POSITIONS:,}; "
            "write a table or .npz, or draw a shorter region"
        )
    found = len(maps) * columns
    fit = _count_fitting(Rows.of(bases).count for _, bases in maps for _ in range(columns))
    if fit < found and not path.endswith(".pdf"):
        raise OutputError(
            f"{path}: expected at most {fit} maps, as many as can be read in one picture, found {found:,}, one for "
            "each track of each region or sequence; write a .pdf, which has pages, or choose regions or tracks"
        )


def draw_maps(maps: Sequence[MutationMap], path: str, theme: Theme = "light") -> bytes:
    """Return a picture of maps of the same columns in the format that the path's suffix names; the same for the same.

    Raises:
        OutputError: There is too much to draw in one picture.
    """
    import matplotlib as mpl

    check_picture(path, [(found.place, len(found)) for found in maps], len(maps[0].columns))
    palette = PALETTES[theme]
    style = {
        "font.family": "DejaVu Sans", "font.size": 9, "svg.hashsalt": "assayzoo", "text.color": palette.text,
        "axes.labelcolor": palette.text, "axes.edgecolor": palette.faint, "axes.linewidth": 0.8,
        "axes.facecolor": "none", "xtick.color": palette.text, "ytick.color": palette.text,
        "axes.spines.top": False, "axes.spines.right": False, "axes.unicode_minus": True,
        "figure.facecolor": palette.background, "savefig.facecolor": palette.background,
    }  # fmt: skip
    file = io.BytesIO()
    with mpl.rc_context(style):
        if path.endswith(".pdf"):
            from matplotlib.backends.backend_pdf import PdfPages

            with PdfPages(file, metadata={"CreationDate": None}) as pages:
                for found in maps:
                    fit = _count_fitting(Rows.of(len(found)).count for _ in found.columns)
                    for first in range(0, len(found.columns), fit):
                        columns = range(first, min(first + fit, len(found.columns)))
                        pages.savefig(make_figure([found], palette, columns))
        else:
            metadata = {"Date": None} if path.endswith(".svg") else {}
            figure = make_figure(maps, palette)
            figure.savefig(file, format=path.rpartition(".")[2], dpi=_DPI, metadata=metadata)
    return file.getvalue()


def make_figure(maps: Sequence[MutationMap], palette: Palette, columns: Sequence[int] | None = None) -> Any:
    """Return a figure with the maps one below the other, a panel for each of their columns, or for some."""
    from matplotlib.figure import Figure

    rows = {id(found): Rows.of(len(found)) for found in maps}
    width = find_width(rows.values())
    panels = [
        Panel(found, column, rows[id(found)], palette, width)
        for found in maps
        for column in (range(len(found.columns)) if columns is None else columns)
    ]
    height = BOTTOM + sum(panel.height for panel in panels)
    figure = Figure(figsize=(width, height))
    top = height
    for panel in panels:
        panel.draw(figure, top)
        top -= panel.height
    return figure


def _count_fitting(rows: Iterable[int]) -> int:
    """Return how many maps of so many rows each, from the first on, fit on a page; one always does."""
    return max(1, sum(total <= _ROWS_OF_A_PAGE for total in itertools.accumulate(rows)))
