"""Rows of a table, column by column: numbers stay numbers until a format asks for text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from zoo.prediction.output.cells import format_floats

Column: TypeAlias = "Sequence[str] | npt.NDArray[np.float32]"
"""Texts, ``.`` where there is none, or numbers, NaN where there is none."""


@dataclass(frozen=True, slots=True)
class Rows:
    """Some rows of a table.

    Attributes:
        columns: By name, in their order, an entry for each row.
    """

    columns: Mapping[str, Column]

    def spell(self) -> str:
        """Return them as lines, between tabs."""
        texts = [spell_column(column) for column in self.columns.values()]
        return "".join(map("%s\n".__mod__, map("\t".join, zip(*texts, strict=True))))

    @classmethod
    def split(cls, text: str, names: Sequence[str]) -> Rows:
        """Return the rows that lines spell."""
        cells = [line.split("\t") for line in text.removesuffix("\n").split("\n")] if text else []
        return cls(dict(zip(names, zip(*cells, strict=True), strict=True)) if cells else dict.fromkeys(names, ()))


def spell_column(column: Column) -> Sequence[str]:
    """Return a column's texts."""
    return format_floats(column) if isinstance(column, np.ndarray) else column
