"""Draws mutation maps: for each column the largest change of each position, the bases that matter, and a heat map."""

from __future__ import annotations

import importlib.util
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import numpy as np

from zoo.errors import MissingExtra, OutputError
from zoo.genome.codes import UNKNOWN
from zoo.interpretation.mutation_map import LETTERS, MutationMap

Theme: TypeAlias = Literal["light", "dark"]

PICTURES = (".png", ".svg", ".pdf")

MINUS = "\N{MINUS SIGN}"
_DPI = 150

# Inches.
_LEFT, _RIGHT, _TOP, _BOTTOM = 0.95, 1.15, 0.42, 0.12
_WIDEST_ROW, _WIDEST_CELL, _NARROWEST_FIGURE = 10.2, 0.24, 8.0
_LINE, _LOGO, _CELL_HEIGHT, _GAP = 0.7, 0.9, 0.19, 0.13
_BETWEEN_ROWS, _TITLE = 0.5, 0.34

_LONGEST_ROW = 220
"""Positions of a row in which a letter can still be read."""
_MOST_ROWS = 12
"""Rows of a longer map; beyond as many, rows get longer and bases lose their letters."""
_MOST_POSITIONS = 24_000
"""Of one map: a pixel each, in as many rows."""
_MOST_PANELS = 24
"""Maps of a column in one picture."""
_LEAST_HEIGHT = 0.005
"""Share of the height of all letters below which one can't be seen."""
_BORDERS_APART = 0.5
"""Inches between the borders of windows, below which they are not drawn."""


@dataclass(frozen=True, slots=True)
class Palette:
    """Colours of one background; the letters' are those that sequence logos have."""

    background: str
    text: str
    muted: str
    faint: str
    unknown: str
    gain: str
    loss: str
    effect: str
    letters: dict[str, str]


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


def draw_maps(maps: Sequence[MutationMap], path: str, theme: Theme = "light") -> bytes:
    """Return a picture of maps of the same columns in the format that the path's suffix names; the same for the same.

    Raises:
        OutputError: There is too much to draw in one picture.
    """
    import matplotlib as mpl

    _refuse_too_much(maps, path)
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
                    pages.savefig(make_figure([found], palette))
        else:
            metadata = {"Date": None} if path.endswith(".svg") else {}
            figure = make_figure(maps, palette)
            figure.savefig(file, format=path.rpartition(".")[2], dpi=_DPI, metadata=metadata)
    return file.getvalue()


def make_figure(maps: Sequence[MutationMap], palette: Palette) -> Any:
    """Return a figure with the maps one below the other, a panel for each of their columns."""
    from matplotlib.figure import Figure

    panels = [(found, column, _Rows.of(len(found))) for found in maps for column in range(len(found.columns))]
    width = max(_NARROWEST_FIGURE, _LEFT + _RIGHT + max(rows.length * rows.cell for _, _, rows in panels))
    height = _BOTTOM + sum(_panel_height(rows) for _, _, rows in panels)
    figure = Figure(figsize=(width, height))
    top = height
    for found, column, rows in panels:
        _Panel(figure, found, column, rows, palette, width, height).draw(top)
        top -= _panel_height(rows)
    return figure


@dataclass(frozen=True, slots=True)
class _Rows:
    """How the positions of a map are broken into rows.

    Attributes:
        length: Positions of each row but the last, which may have fewer.
        count: Rows.
        cell: Inches of a position.
        lettered: Whether bases are wide enough to be read.
    """

    length: int
    count: int
    cell: float
    lettered: bool

    @classmethod
    def of(cls, positions: int) -> _Rows:
        count = 1 if positions <= _LONGEST_ROW else min(-(-positions // _LONGEST_ROW), _MOST_ROWS)
        length = -(-positions // count)
        lettered = length <= _LONGEST_ROW
        return cls(length, count, min(_WIDEST_CELL, _WIDEST_ROW / length), lettered)

    @property
    def height(self) -> float:
        """Inches of one row, with what is below it."""
        return _LINE + _GAP + (_LOGO + _GAP) * self.lettered + 4 * _CELL_HEIGHT + _BETWEEN_ROWS

    def slices(self, positions: int) -> Iterator[slice]:
        for first in range(0, positions, self.length):
            yield slice(first, min(first + self.length, positions))


def _panel_height(rows: _Rows) -> float:
    return _TOP + _TITLE + rows.count * rows.height


class _Panel:
    """One column of one map."""

    def __init__(
        self, figure: Any, found: MutationMap, column: int, rows: _Rows, palette: Palette, width: float, height: float
    ) -> None:
        self._figure = figure
        self._map = found
        self._rows = rows
        self._palette = palette
        self._size = width, height
        self._column = found.columns[column]
        self._scores = found.scores[:, :, column]
        self._effects = found.effects(column)
        borders = found.borders[column] if found.borders else ()
        self._borders = borders if len(found) * rows.cell >= len(borders) * _BORDERS_APART else ()
        largest = float(np.nanmax(np.abs(self._effects), initial=0)) if np.isfinite(self._effects).any() else 0.0
        self._largest = largest or 1.0
        finite = np.isfinite(self._effects)
        self._least = np.where(finite, self._effects, 0).min(axis=1)
        self._most = np.where(finite, self._effects, 0).max(axis=1)
        self._mean = np.where(finite, self._effects, 0).mean(axis=1)

    def draw(self, top: float) -> None:
        """Draw the title and all rows, from ``top`` inches downwards."""
        found, column = self._map, self._column
        name = "" if found.name in {"", found.place} or ":" in found.name else f"{found.name}, "
        strand = f" (models read the {MINUS} strand)" if found.minus else ""
        self._write(top - _TOP + 0.08, f"{column.track}: {name}{found.place}{strand}", size=12, weight="bold")
        formula = column.formula.replace(" - ", f" {MINUS} ")
        about = f"{column.model} · {column.about} ({column.unit}) · score {column.scorer}: {formula}"
        self._write(top - _TOP - 0.12, about, size=9, colour=self._palette.muted)
        top -= _TOP + _TITLE
        for part in self._rows.slices(len(found)):
            self._draw_row(part, top)
            top -= self._rows.height

    def _write(self, bottom: float, text: str, *, size: float, weight: str = "normal", colour: str = "") -> None:
        width, height = self._size
        self._figure.text(
            _LEFT / width, bottom / height, text, fontsize=size, fontweight=weight, color=colour or self._palette.text
        )

    def _draw_row(self, part: slice, top: float) -> None:
        line = self._add_axes(part, top, _LINE)
        self._draw_extremes(line, part)
        top -= _LINE + _GAP
        if self._rows.lettered:
            self._draw_letters(self._add_axes(part, top, _LOGO), part)
            top -= _LOGO + _GAP
        heat = self._add_axes(part, top, 4 * _CELL_HEIGHT)
        mesh = self._draw_heat(heat, part)
        if part.start == 0:
            self._draw_scale(mesh, top)
        if part.stop == len(self._map):
            where = self._map.contig or self._map.name
            borders = "; dotted: from here on in the next window" if self._borders else ""
            heat.set_xlabel(f"{where}, position{borders}", fontsize=9, loc="left")

    def _add_axes(self, part: slice, top: float, tall: float) -> Any:
        width, height = self._size
        axes = self._figure.add_axes(
            (_LEFT / width, (top - tall) / height, (part.stop - part.start) * self._rows.cell / width, tall / height)
        )
        axes.set_xlim(part.start - 0.5, part.stop - 0.5)
        axes.tick_params(labelsize=8.5, length=2.5)
        for border in self._borders:
            if part.start < border < part.stop:
                axes.axvline(border - 0.5, color=self._palette.faint, linewidth=0.7, linestyle=(0, (2, 2)))
        return axes

    def _draw_extremes(self, axes: Any, part: slice) -> None:
        """Draw the largest gain of each position above zero, and the largest loss below."""
        edges = np.arange(part.start, part.stop + 1) - 0.5
        signed = self._column.signed
        up = self._palette.gain if signed else self._palette.effect
        for values, colour in ((np.minimum(self._least, 0), self._palette.loss), (np.maximum(self._most, 0), up)):
            axes.stairs(values[part], edges, baseline=0, fill=True, color=colour, linewidth=0)
        axes.axhline(0, color=self._palette.faint, linewidth=0.6)
        low, high = min(float(self._least.min()), 0), max(float(self._most.max()), 0)
        room = (high - low or 1) * 0.06
        axes.set_ylim(low - room * (low < 0), high + room)
        _set_ticks(axes, low, high)
        axes.tick_params(labelbottom=False, bottom=False)
        axes.spines["bottom"].set_visible(False)
        axes.set_ylabel("largest\nchange" if signed else "largest\neffect", fontsize=8.5)

    def _draw_letters(self, axes: Any, part: slice) -> None:
        """Draw each base as high as its change costs, on average over the other three."""
        import logomaker

        heights = -self._mean if self._column.signed else self._mean
        low, high = min(float(heights.min()), 0), max(float(heights.max()), 0)
        for base, letter in enumerate(self._map.sequence[part], start=part.start):
            height = float(heights[base])
            if letter in LETTERS and abs(height) > _LEAST_HEIGHT * (high - low):
                logomaker.Glyph(
                    base, letter, ax=axes, floor=min(height, 0), ceiling=max(height, 0),
                    color=self._palette.letters[letter],
                )  # fmt: skip
        axes.axhline(0, color=self._palette.faint, linewidth=0.6)
        axes.set_ylim(low, high if high > low else low + 1)
        _set_ticks(axes, low, high)
        axes.set_xlim(part.start - 0.5, part.stop - 0.5)
        axes.set_xticks([])
        axes.spines["bottom"].set_visible(False)
        axes.set_ylabel("mean loss\nif changed" if self._column.signed else "mean\neffect", fontsize=8.5)

    def _draw_heat(self, axes: Any, part: slice) -> Any:
        """Draw four rows of cells, A above, with a dot on the base that stands there."""
        from matplotlib.colors import LinearSegmentedColormap

        palette = self._palette
        middle = palette.background
        if self._column.signed:
            colours, low = [palette.loss, middle, palette.gain], -self._largest
        else:
            colours, low = [middle, palette.effect], 0.0
        shades = LinearSegmentedColormap.from_list("zoo", colours).with_extremes(bad=palette.unknown)
        codes = self._map.codes[part]
        known = np.flatnonzero(codes != UNKNOWN)
        scores = self._scores[part].T.copy()
        # No change is no effect, whatever a level says of it.
        scores[codes[known], known] = np.where(np.isnan(scores[codes[known], known]), np.nan, 0)
        edges = np.arange(part.start, part.stop + 1) - 0.5
        mesh = axes.pcolormesh(
            edges, np.arange(5) - 0.5, np.ma.masked_invalid(scores), cmap=shades, vmin=low, vmax=self._largest,
            antialiased=False, linewidth=0, rasterized=not self._rows.lettered,
        )  # fmt: skip
        if self._rows.lettered:
            area = (self._rows.cell * 72 * 0.42) ** 2
            axes.scatter(known + part.start, codes[known], s=min(area, 8), color=palette.faint, linewidth=0)
        axes.set_ylim(3.5, -0.5)
        axes.set_yticks(range(4), list(LETTERS), fontfamily="DejaVu Sans Mono", fontsize=9)
        for letter, label in zip(LETTERS, axes.get_yticklabels(), strict=True):
            label.set(color=palette.letters[letter], fontweight="bold")
        axes.tick_params(axis="y", length=0)
        for side in ("top", "right", "left", "bottom"):
            axes.spines[side].set(visible=True, linewidth=0.6)
        axes.set_xticks(*_place_ticks(self._map, part, self._rows.cell))
        return mesh

    def _draw_scale(self, mesh: Any, top: float) -> None:
        width, height = self._size
        tall = 4 * _CELL_HEIGHT + (_LOGO + _GAP) * self._rows.lettered
        bottom = top - 4 * _CELL_HEIGHT
        left = _LEFT + (min(len(self._map), self._rows.length)) * self._rows.cell + 0.18
        axes = self._figure.add_axes((left / width, bottom / height, 0.11 / width, tall / height))
        bar = self._figure.colorbar(mesh, cax=axes)
        bar.outline.set(linewidth=0.6, edgecolor=self._palette.faint)
        axes.tick_params(labelsize=8.5, length=2.5)
        low = -self._largest if self._column.signed else 0.0
        ticks = [low, 0, self._largest] if self._column.signed else [0, self._largest]
        bar.set_ticks(ticks, labels=[_spell(tick) for tick in ticks])
        bar.minorticks_off()
        bar.set_label(self._column.scorer, fontsize=9)


def _spell(value: float) -> str:
    return f"{value:.2g}".replace("-", MINUS) if value else "0"


def _set_ticks(axes: Any, low: float, high: float) -> None:
    """Mark zero, and the ends that stand far enough from it."""
    ticks = [tick for tick in (low, 0.0, high) if tick == 0 or abs(tick) > (high - low) * 0.3]
    axes.set_yticks(ticks, [_spell(tick) for tick in ticks])


def _place_ticks(found: MutationMap, part: slice, cell: float) -> tuple[list[int], list[str]]:
    """Return where round positions stand in a row, and what they are called."""
    first, last = found.start + 1 + part.start, found.start + part.stop
    apart = (len(f"{last:,}") + 3) * 0.07 / cell
    step = next(size for power in range(12) for size in (10**power, 2 * 10**power, 5 * 10**power) if size >= apart)
    places = list(range(-(-first // step) * step, last + 1, step)) or [first]
    return [place - found.start - 1 for place in places], [f"{place:,}" for place in places]


def _refuse_too_much(maps: Sequence[MutationMap], path: str) -> None:
    longest = max(maps, key=len)
    if len(longest) > _MOST_POSITIONS:
        raise OutputError(
            f"{path}: {longest.place} has {len(longest):,} positions, a picture shows at most {_MOST_POSITIONS:,}; "
            "write a table or .npz, or draw a shorter region"
        )
    panels = len(longest.columns) * (1 if path.endswith(".pdf") else len(maps))
    if panels > _MOST_PANELS:
        raise OutputError(
            f"{path}: {panels} maps are too many for one picture, which shows {_MOST_PANELS}; choose tracks with "
            "--track, or write a .pdf, which has a page for each region or sequence"
        )
