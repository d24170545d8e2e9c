"""Sequences and their measured values from a table: TSV or CSV, plain or gzip, or two parallel files.

Columns are addressed by name, or by number from 1 as in ``cut -f``.
"""

from __future__ import annotations

import csv
import math
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from pydantic import Field, model_validator

from zoo import IUPAC, Codes, Config, DataError, DataLoader, ExampleSet, GenomeSource, encode, near_match, open_text

_LETTERS = frozenset([*IUPAC, *map(str.lower, IUPAC)])
_SEPARATORS = {"tab": "\t", "comma": ","}


class SequenceTableConfig(Config):
    """A table, relative to the data root.

    Args:
        targets_path: A second table, row by row parallel to the first, that holds the target columns.
        separator: ``auto`` takes the comma for names that end in ``.csv`` or ``.csv.gz``, else the tab.
        header: False where the first line is a row already; columns are then numbers.
        tracks: Names of the targets; by default their columns' names.
        group_column: Contig, or a given label, to split by.
        weight_column: The weight of each row in the loss, never negative.
        missing: Spellings of a target that was not measured; it becomes NaN and is left out of the loss.
    """

    path: str
    targets_path: str | None = None
    separator: Literal["auto", "tab", "comma"] = "auto"
    header: bool = True
    sequence_column: str | int = "sequence"
    target_columns: tuple[str | int, ...] = Field(min_length=1)
    tracks: tuple[str, ...] | None = None
    group_column: str | int | None = None
    weight_column: str | int | None = None
    id_column: str | int | None = None
    missing: tuple[str, ...] = ("", "NA", "NaN", "nan", "null", "None", ".")

    @model_validator(mode="after")
    def _columns_can_be_found(self) -> SequenceTableConfig:
        single = (self.sequence_column, self.group_column, self.weight_column, self.id_column)
        for column in (*single, *self.target_columns):
            if isinstance(column, str) and not self.header:
                raise ValueError(f"column {column!r} needs a header; without one columns are numbers from 1")
            if isinstance(column, int) and column < 1:
                raise ValueError(f"columns are counted from 1, found {column}")
        if self.tracks is not None and len(self.tracks) != len(self.target_columns):
            raise ValueError(f"{len(self.target_columns)} target columns need as many tracks, found {len(self.tracks)}")
        return self


@dataclass(frozen=True, slots=True)
class _Table:
    path: Path
    columns: tuple[str, ...]
    rows: list[list[str]]
    lines: list[int]

    def find(self, column: str | int) -> int:
        if isinstance(column, int):
            if column > len(self.columns):
                raise DataError(f"{self.path}: expected a column {column}, found {len(self.columns)} columns")
            return column - 1
        if column not in self.columns:
            raise DataError(f"{self.path}, line 1: expected a column {column!r}{near_match(column, self.columns)}")
        return self.columns.index(column)

    def where(self, row: int, column: int) -> str:
        return f"{self.path}, line {self.lines[row]}, column {self.columns[column]!r}"


def load_sequence_table(
    config: SequenceTableConfig,
    reference: GenomeSource | None,  # noqa: ARG001 - the signature of every loader
    seed: int,  # noqa: ARG001 - likewise
    base_folder: Path,
) -> ExampleSet:
    """Read the table, row by row.

    Raises:
        DataError: A file, column or value is missing or wrong; the message names file, line and column.
    """
    table = _read_table(base_folder / config.path, config)
    values = table if config.targets_path is None else _read_table(base_folder / config.targets_path, config)
    if len(values.rows) != len(table.rows):
        raise DataError(f"{values.path}: expected {len(table.rows)} rows as in {table.path}, found {len(values.rows)}")
    columns = [values.find(column) for column in config.target_columns]
    targets = np.array(
        [[_to_number(values, row, column, config.missing) for column in columns] for row in range(len(values.rows))],
        dtype=np.float32,
    )
    return ExampleSet(
        sequences=_encode_column(table, table.find(config.sequence_column)),
        targets=targets,
        tracks=config.tracks or tuple(values.columns[column] for column in columns),
        ids=_read_ids(table, config.id_column),
        groups=None if config.group_column is None else np.array(_read_column(table, config.group_column)),
        weights=None if config.weight_column is None else _read_weights(table, config.weight_column),
    )


def _read_table(path: Path, config: SequenceTableConfig) -> _Table:
    separator = config.separator
    if separator == "auto":
        separator = "comma" if path.name.lower().removesuffix(".gz").endswith(".csv") else "tab"
    rows: list[list[str]] = []
    lines: list[int] = []
    try:
        with open_text(path) as text:
            reader = csv.reader(text, delimiter=_SEPARATORS[separator])
            for row in reader:
                if not row or row == [""]:
                    continue
                if rows and len(row) != len(rows[0]):
                    raise DataError(
                        f"{path}, line {reader.line_num}: expected {len(rows[0])} columns, found {len(row)}; "
                        f"the separator is the {separator}"
                    )
                rows.append([cell.strip() for cell in row])
                lines.append(reader.line_num)
    except (OSError, EOFError, zlib.error, csv.Error) as error:
        raise DataError(f"{path}: can't be read: {error}") from error
    except UnicodeDecodeError as error:
        raise DataError(f"{path}: expected text, found bytes that are none ({error.reason})") from error
    columns: tuple[str, ...] = ()
    if rows:
        columns = tuple(rows[0]) if config.header else tuple(str(number + 1) for number in range(len(rows[0])))
    first = 1 if config.header else 0
    if len(rows) <= first:
        raise DataError(f"{path}: expected rows{' below a header' if config.header else ''}, found none")
    return _Table(path, columns, rows[first:], lines[first:])


def _encode_column(table: _Table, column: int) -> Codes:
    sequences: list[Codes] = []
    for row, cells in enumerate(table.rows):
        letters = cells[column]
        if not letters or not _LETTERS.issuperset(letters):
            raise DataError(f"{table.where(row, column)}: expected nucleotide letters, found {letters[:20]!r}")
        if sequences and len(letters) != len(sequences[0]):
            raise DataError(
                f"{table.where(row, column)}: expected {len(sequences[0])} bases as in line {table.lines[0]}, "
                f"found {len(letters)}; all sequences must have one length"
            )
        sequences.append(encode(letters))
    return np.stack(sequences)


def _to_number(table: _Table, row: int, column: int, missing: Sequence[str]) -> float:
    text = table.rows[row][column]
    if text in missing:
        return math.nan
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise DataError(f"{table.where(row, column)}: expected a number, found {text!r}")
    return number


def _read_column(table: _Table, column: str | int) -> list[str]:
    index = table.find(column)
    return [row[index] for row in table.rows]


def _read_ids(table: _Table, column: str | int | None) -> tuple[str, ...]:
    if column is None:
        return tuple(f"line {line}" for line in table.lines)
    return tuple(_read_column(table, column))


def _read_weights(table: _Table, column: str | int) -> np.ndarray[tuple[int], np.dtype[np.float32]]:
    index = table.find(column)
    weights = np.array([_to_number(table, row, index, ()) for row in range(len(table.rows))], dtype=np.float32)
    if (weights < 0).any():
        row = int(np.argmax(weights < 0))
        raise DataError(f"{table.where(row, index)}: expected a weight of 0 or more, found {table.rows[row][index]!r}")
    return weights


SEQUENCE_TABLE = DataLoader(
    name="sequence_table",
    summary="sequences and one or more targets from a TSV or CSV table, or from two parallel files",
    config=SequenceTableConfig,
    load=load_sequence_table,
)
