"""Pieces of HTML; whatever is text is escaped here and nowhere else."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from html import escape
from typing import Any, TypeAlias


class Markup(str):
    """HTML that may stand in the page as it is."""

    __slots__ = ()


Cell: TypeAlias = Markup | str | float | int | None
"""What stands in a cell: numbers to the right, None as a dash; only ``Markup`` is not escaped."""

STYLE = """
:root { --ink: #1b2430; --soft: #5b6775; --line: #d9dee5; --wash: #f5f7fa; --network: #0072b2; --warn: #9a4a00; }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 64rem; padding: 1.5rem 1rem 4rem; color: var(--ink); background: #fff;
  font: 16px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif; }
h1 { font-size: 1.7rem; line-height: 1.2; margin: 0 0 .3rem; }
h1 small { color: var(--soft); font-weight: 400; font-size: 1.1rem; }
h2 { font-size: 1.2rem; margin: 2.4rem 0 .6rem; padding-bottom: .2rem; border-bottom: 2px solid var(--line); }
h3 { font-size: 1rem; margin: 1.4rem 0 .4rem; }
p { margin: .4rem 0 .8rem; max-width: 46rem; }
.soft, figcaption { color: var(--soft); font-size: .875rem; }
.facts { display: flex; flex-wrap: wrap; gap: .2rem 1.4rem; margin: .8rem 0 0; font-size: .875rem; }
.facts div { display: flex; gap: .4rem; }
.facts dt { color: var(--soft); }
.facts dd { margin: 0; }
.figures { display: grid; grid-template-columns: repeat(auto-fit, minmax(11rem, 1fr)); gap: .8rem; margin: 1rem 0; }
.figures > div { background: var(--wash); border-radius: .5rem; padding: .8rem 1rem; }
.figures b { display: block; font-size: 1.7rem; line-height: 1.25; font-weight: 650; }
.figures span { display: block; color: var(--soft); font-size: .8125rem; }
.figures .network b { color: var(--network); }
.warnings { border-left: .3rem solid #d55e00; background: #fdf3ec; padding: .7rem 1rem; margin: 1rem 0; }
.warnings p { margin: 0; font-weight: 600; color: var(--warn); }
.warnings ul, ul.plain { margin: .3rem 0 0; padding-left: 1.1rem; }
.fine { border-left: .3rem solid #009e73; background: #eef8f4; padding: .6rem 1rem; margin: 1rem 0; }
.scroll { overflow-x: auto; margin: .4rem 0 1rem; }
.soft:has(+ .scroll) { margin: .8rem 0 0; }
table { border-collapse: collapse; font-size: .875rem; font-variant-numeric: tabular-nums; }
th, td { padding: .28rem .7rem; border-bottom: 1px solid var(--line); text-align: left; vertical-align: middle;
  white-space: nowrap; }
td.wrap { white-space: normal; overflow-wrap: anywhere; min-width: 12rem; }
thead th { color: var(--soft); font-weight: 600; border-bottom: 2px solid var(--line); }
td.number, th.number { text-align: right; }
td .range { display: block; color: var(--soft); font-size: .75rem; }
td .shade { display: block; margin: -.1rem -.3rem; padding: .8rem 1.2rem; text-align: center; border-radius: .3rem; }
td .shade b { display: block; font-size: 1.1rem; }
.plots { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(22rem, 100%), 1fr)); gap: 1rem 1.4rem;
  margin: .8rem 0; align-items: start; }
figure { margin: 0; }
figure svg { display: block; width: 100%; height: auto; max-width: 26rem; }
figure svg * { stroke-linejoin: round; stroke-linecap: butt; }
figure svg text { font-family: system-ui, -apple-system, "Segoe UI", Roboto, Arial, sans-serif; }
pre { background: var(--wash); padding: .8rem 1rem; overflow-x: auto; font-size: .8125rem; line-height: 1.45;
  border-radius: .5rem; }
@media print { body { font-size: 11pt; max-width: none; padding: 0; } figure, tr, .figures, .warnings
  { break-inside: avoid; } h2, h3 { break-after: avoid; } pre { white-space: pre-wrap; } .scroll { overflow: visible; }
  .plots { grid-template-columns: 1fr 1fr; } }
"""


def text(value: str) -> Markup:
    """Return text as HTML, and what is HTML already as it is."""
    return value if isinstance(value, Markup) else Markup(escape(value))


def join(parts: Iterable[Markup]) -> Markup:
    """Return pieces one after the other, a line each."""
    return Markup("\n".join(part for part in parts if part))


def element(name: str, content: str, css: str = "") -> Markup:
    """Return an element around a content."""
    return Markup(f'<{name} class="{css}">{text(content)}</{name}>' if css else f"<{name}>{text(content)}</{name}>")


def section(title: str, *parts: Markup) -> Markup:
    """Return a titled section, nothing where its parts are empty."""
    content = join(parts)
    return element("section", join([element("h2", title), content])) if content else Markup("")


def paragraph(sentence: str, css: str = "") -> Markup:
    return element("p", sentence, css)


def bullets(sentences: Iterable[str]) -> Markup:
    return element("ul", join(element("li", sentence) for sentence in sentences), "plain")


def table(header: Sequence[str], rows: Iterable[Sequence[Cell]], caption: str = "") -> Markup:
    """Return a table, numbers to the right; columns without anything in them are left out."""
    rows = [list(row) for row in rows]
    kept = [column for column in range(len(header)) if any(row[column] not in {None, ""} for row in rows)]
    header, rows = [header[column] for column in kept], [[row[column] for column in kept] for row in rows]
    numeric = [any(isinstance(row[column], (int, float)) for row in rows) for column in range(len(header))]
    head = "".join(
        f'<th scope="col"{_right(is_number)}>{escape(name)}</th>'
        for name, is_number in zip(header, numeric, strict=True)
    )
    body = "\n".join(
        "<tr>" + "".join(_cell(value, is_number) for value, is_number in zip(row, numeric, strict=True)) + "</tr>"
        for row in rows
    )
    content = f"<table><thead><tr>{head}</tr></thead>\n<tbody>\n{body}\n</tbody></table>"
    # Not the table's own caption, which is as wide as the table, and scrolls out of sight with it.
    told = paragraph(caption, "soft") if caption else Markup("")
    return element("div", join([told, element("div", Markup(content), "scroll")]))


def plots(figures: Iterable[Markup]) -> Markup:
    """Return figures side by side, one below the other on a phone."""
    shown = join(figures)
    return element("div", shown, "plots") if shown else Markup("")


def figure(svg: Markup, caption: str) -> Markup:
    return element("figure", join([svg, element("figcaption", caption)]))


def show_number(value: float | None) -> str:
    """Return a number as readers want it: whole ones with their thousands, others with four digits."""
    if value is None or not math.isfinite(value):
        return "–"  # noqa: RUF001 - a dash stands for no value
    if isinstance(value, int):
        return f"{value:,}"
    return f"{value:.4f}" if abs(value) < 10 else f"{value:,.4g}"


def show_range(interval: Sequence[float | None] | None) -> str:
    """Return ``[0.91, 0.95]``, nothing for an interval that is not there."""
    if not interval or None in interval:
        return ""
    return f"[{', '.join(show_number(end) for end in interval)}]"


def with_range(metrics: dict[str, Any], name: str) -> Markup:
    """Return a metric and its interval for a cell."""
    found = show_range(metrics.get(f"{name}_interval"))
    value = escape(show_number(metrics.get(name)))
    return Markup(f'{value} <span class="range">{escape(found)}</span>' if found else value)


def _cell(value: Cell, is_number: bool) -> str:  # noqa: FBT001 - of the column
    if isinstance(value, str):
        css = ' class="wrap"' if not isinstance(value, Markup) and len(value) > 60 else _right(is_number)
        return f"<td{css}>{text(value)}</td>"
    return f"<td{_right(is_number)}>{show_number(value)}</td>"


def _right(is_number: bool) -> str:  # noqa: FBT001 - of the column
    return ' class="number"' if is_number else ""
