"""Prints results: a table for a reader at a terminal, tab-separated lines for a program, JSON where asked."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from typing import Any

PROSE = frozenset({"summary", "source", "error"})
"""The columns that are wrapped where the terminal is narrow."""

_MANY = 1000
"""Rows from which on JSON has a line for each: laid out field by field, 100,000 take seconds."""

_SLICE = 1000
"""Rows of a table for a program that are made into text at once: a long one is never in memory as a whole."""


def print_table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print rows under their column names."""
    if sys.stdout.isatty():
        from rich.console import Console
        from rich.table import Table

        table = Table(box=None, pad_edge=False, header_style="bold")
        for column in columns:
            # What a reader copies is never cut; prose gives way.
            prose = column in PROSE
            table.add_column(column, no_wrap=not prose, overflow="fold", min_width=12 if prose else None)
        for row in rows:
            table.add_row(*map(_escape, row))
        Console(markup=False, highlight=False).print(table)
        return
    print("\t".join(_tidy_all(columns)))
    for first in range(0, len(rows), _SLICE):
        # Column by column: the cells of many rows are looked at in one go, and most of them stand in several.
        tidied = map(_tidy_all, zip(*rows[first : first + _SLICE], strict=True))
        print("\n".join(map("\t".join, zip(*tidied, strict=True))))


def print_json(document: Any) -> None:
    """Print a document as JSON, letters as they are where the output takes UTF-8, else escaped."""
    print(json.dumps(document, indent=2, ensure_ascii=_is_plain()))


def print_json_rows(rows: Sequence[dict[str, Any]]) -> None:
    """Print a list of objects as JSON, a long one with each in its line."""
    if len(rows) < _MANY:
        print_json(rows)
        return
    print("[\n" + ",\n".join([json.dumps(row, ensure_ascii=_is_plain()) for row in rows]) + "\n]")


def _is_plain() -> bool:
    return (sys.stdout.encoding or "").lower() not in {"utf-8", "utf8"}


def _escape(cell: str) -> str:
    """Return a cell in which nothing moves the cursor or changes colours: a stranger may have written it."""
    if cell.isprintable():
        return cell
    return "".join([letter if letter.isprintable() or letter in " \n" else ascii(letter)[1:-1] for letter in cell])


def _tidy_all(cells: Sequence[str]) -> Sequence[str]:
    """Return each cell in one line, single spaces between its words."""
    kinds = set(cells)
    whole = f"|{'|'.join(kinds)}|"
    if whole.isprintable() and not any(beside in whole for beside in ("  ", " |", "| ")):
        return cells
    tidied = {cell: tidy(cell) for cell in kinds}
    return [tidied[cell] for cell in cells]


def tidy(cell: str) -> str:
    """Return a cell in one line, single spaces between its words, none of whose letters moves the cursor."""
    if cell.isprintable() and "  " not in cell and cell == cell.strip():
        return cell
    return _escape(" ".join(cell.split()))
