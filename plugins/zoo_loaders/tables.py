"""Rows of a table, every cell as text, and what is read of their columns.

Columns are addressed by name, or by number from 1 as in ``cut -f``.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal, TypeAlias

import numpy as np
import numpy.typing as npt

from zoo import DataError, near_match

Column: TypeAlias = str | int
"""The name of a column, or its number from 1."""

Separator: TypeAlias = Literal["auto", "tab", "comma"]

MISSING = ("", "NA", "NaN", "nan", "null", "None", ".")
"""Spellings of a value that was not measured, unless a config says otherwise."""

LARGEST_WEIGHT = 1e15
"""Of an example; the squares of gradients overflow from 1e19 on."""

_LARGEST = float(np.finfo(np.float32).max)


@dataclass(frozen=True, slots=True)
class Piece:
    """Some rows of a table, in order.

    Args:
        lines: What each row is to be found by: its line in a text, its number from 1 in Parquet.
        unit: ``line`` or ``row``, accordingly.
    """

    path: Path
    columns: tuple[str, ...]
    rows: Sequence[Sequence[str]]
    lines: Sequence[int]
    unit: str = "line"

    def __len__(self) -> int:
        return len(self.rows)

    def find(self, column: Column) -> int:
        """Return the index of a column.

        Raises:
            DataError: There is none such, or more than one.
        """
        if isinstance(column, int):
            if column > len(self.columns):
                raise DataError(f"{self.path}: expected a column {column}, found {len(self.columns)} columns")
            return column - 1
        if column not in self.columns:
            line = ", line 1" if self.unit == "line" else ""
            raise DataError(f"{self.path}{line}: expected a column {column!r}{near_match(column, self.columns)}")
        if self.columns.count(column) > 1:
            raise DataError(f"{self.path}: expected one column {column!r}, found {self.columns.count(column)}")
        return self.columns.index(column)

    def where(self, row: int, index: int) -> str:
        """Return the words that lead to one cell."""
        return f"{self.path}, {self.unit} {self.lines[row]}, column {self.columns[index]!r}"

    def texts(self, column: Column) -> list[str]:
        """Return the cells of a column."""
        index = self.find(column)
        return [row[index] for row in self.rows]

    def numbers(self, columns: Sequence[Column], missing: Sequence[str] = ()) -> npt.NDArray[np.float32]:
        """Return the cells of these columns, shape (n, C), NaN for the spellings of ``missing``.

        Raises:
            DataError: A cell is no finite number.
        """
        found = np.empty((len(self), len(columns)), dtype=np.float32)
        for place, column in enumerate(columns):
            index = self.find(column)
            found[:, place] = [self._number(row, index, missing) for row in range(len(self))]
        return found

    def name_tracks(self, columns: Sequence[Column], names: Sequence[str] | None) -> tuple[str, ...]:
        """Return the names of tracks, by default those of their columns.

        Raises:
            DataError: Two have one name.
        """
        chosen = tuple(names or (self.columns[self.find(column)] for column in columns))
        for name in chosen:
            if chosen.count(name) > 1:
                raise DataError(f"{self.path}: expected tracks of names that differ, found {name!r} twice")
        return chosen

    def weights(self, column: Column) -> npt.NDArray[np.float32]:
        """Return the cells of a column of weights, shape (n,).

        Raises:
            DataError: One is no number, less than 0, or more than gradients bear.
        """
        weights = self.numbers([column])[:, 0]
        self.refuse(column, weights < 0, "a weight of 0 or more")
        self.refuse(column, weights > LARGEST_WEIGHT, f"a weight of at most {LARGEST_WEIGHT:g}")
        return weights

    def refuse(self, column: Column, wrong: npt.NDArray[np.bool_], expected: str) -> None:
        """Raise ``DataError`` for the first row where ``wrong`` holds, if there is one."""
        if wrong.any():
            row, index = int(np.argmax(wrong)), self.find(column)
            raise DataError(f"{self.where(row, index)}: expected {expected}, found {self.rows[row][index]!r}")

    def check_inputs(self, columns: Sequence[Column], others: Mapping[str, Sequence[Column]]) -> None:
        """Check that no column is read twice, by its name or its number, or is one of ``others``, by what they are.

        Raises:
            DataError: One is.
        """
        places = [self.find(column) for column in columns]
        for place in places:
            if places.count(place) > 1:
                raise DataError(f"{self.path}: column {self.columns[place]!r} is named twice as an input")
            for part, taken in others.items():
                if place in map(self.find, taken):
                    raise DataError(
                        f"{self.path}: column {self.columns[place]!r} is an input and {part}: leave it out of one"
                    )

    def name_rows(self) -> list[str]:
        """Return a name for each row: what it is to be found by."""
        return [f"{self.unit} {line}" for line in self.lines]

    def _number(self, row: int, index: int, missing: Sequence[str]) -> float:
        text = self.rows[row][index]
        if text in missing:
            return math.nan
        number = read_number(text)
        if math.isnan(number):
            raise DataError(f"{self.where(row, index)}: expected a number, found {text!r}")
        return number

    def select(
        self, keep: Mapping[Column, Sequence[str]], drop: Mapping[Column, Sequence[str]]
    ) -> npt.NDArray[np.bool_]:
        """Return which rows hold one of the values of each column of ``keep``, and none of those of ``drop``."""
        chosen = np.ones(len(self), dtype=np.bool_)
        for values, wanted in ((keep, True), (drop, False)):
            for column, allowed in values.items():
                chosen &= np.array([(text in allowed) == wanted for text in self.texts(column)], dtype=np.bool_)
        return chosen

    def take(self, chosen: npt.NDArray[np.bool_]) -> Piece:
        """Return the rows where ``chosen`` holds."""
        rows = np.flatnonzero(chosen).tolist()
        return replace(self, rows=[self.rows[row] for row in rows], lines=[self.lines[row] for row in rows])


def check_columns(columns: Iterable[Column], *, header: bool) -> None:
    """Check that columns can be found in a table with, or without, a header.

    Raises:
        ValueError: A name needs a header that is not there, or a number is less than 1.
    """
    for column in columns:
        if isinstance(column, str) and not header:
            raise ValueError(f"column {column!r} needs a header; without one columns are numbers from 1")
        if isinstance(column, int) and column < 1:
            raise ValueError(f"columns are counted from 1, found {column}")


def read_number(text: str) -> float:
    """Return the number that a text spells, NaN where it spells none that a float32 holds."""
    number = float(text) if spells_number(text) else math.nan
    return number if abs(number) <= _LARGEST else math.nan


def spells_number(text: str) -> bool:
    """Return whether a text spells a number, of any size, infinite or none at all (``nan``) too."""
    if "_" in text or not text.isascii():  # float takes 1_0, and the digits of other scripts
        return False
    try:
        float(text)
    except ValueError:
        return False
    return True
