"""Prints results: a table for a reader at a terminal, tab-separated lines for a program, JSON where asked."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from typing import Any

PROSE = frozenset({"summary", "source", "error"})
"""The columns that are wrapped where the terminal is narrow."""


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
            table.add_row(*row)
        Console(markup=False, highlight=False).print(table)
        return
    for row in (columns, *rows):
        print("\t".join(" ".join(cell.split()) for cell in row))


def print_json(document: Any) -> None:
    """Print a document as JSON, letters as they are where the output takes UTF-8, else escaped."""
    plain = (sys.stdout.encoding or "").lower() not in {"utf-8", "utf8"}
    print(json.dumps(document, indent=2, ensure_ascii=plain))
