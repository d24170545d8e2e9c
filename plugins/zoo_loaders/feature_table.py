"""Rows of numbers in place of a sequence: CSV, TSV or Parquet, for networks on features."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt
from pydantic import Field, model_validator

from zoo import Config, DataError, DataLoader, ExampleSet, GenomeSource
from zoo_loaders.tables import MISSING, Column, Piece, Separator, join_examples, read_table


class FeatureTableConfig(Config):
    """A table, relative to the data root. Its features are one input of shape (C,), as they stand in the table.

    Args:
        separator: ``auto`` takes the comma for names that end in ``.csv`` or ``.csv.gz``, else the tab.
        header: False where the first line is a row already; columns are then numbers.
        feature_columns: By default every column of numbers that has no other part; which ones hold numbers is seen in
            the table's first rows.
        tracks: Names of the targets; by default their columns' names.
        group_column: Contig, or a given label, to split by.
        weight_column: The weight of each row in the loss, never negative.
        name: Of the input.
        missing: Spellings of a value that was not measured; such a target is left out of the loss.
        missing_features: What becomes of such a feature: an error, or 0.
    """

    path: str
    separator: Separator = "auto"
    header: bool = True
    target_columns: tuple[Column, ...] = Field(min_length=1)
    feature_columns: tuple[Column, ...] | None = Field(default=None, min_length=1)
    tracks: tuple[str, ...] | None = None
    group_column: Column | None = None
    weight_column: Column | None = None
    id_column: Column | None = None
    name: str = Field(default="features", pattern=r"^[A-Za-z][A-Za-z0-9_]*$")
    missing: tuple[str, ...] = MISSING
    missing_features: Literal["error", "zero"] = "error"

    @model_validator(mode="after")
    def _columns_can_be_found(self) -> FeatureTableConfig:
        for column in (*self.other_columns, *(self.feature_columns or ())):
            if isinstance(column, str) and not self.header:
                raise ValueError(f"column {column!r} needs a header; without one columns are numbers from 1")
            if isinstance(column, int) and column < 1:
                raise ValueError(f"columns are counted from 1, found {column}")
        both = set(self.feature_columns or ()) & set(self.target_columns)
        if both:
            raise ValueError(f"column {min(map(str, both))!r} is a feature and a target")
        if self.tracks is not None and len(self.tracks) != len(self.target_columns):
            raise ValueError(f"{len(self.target_columns)} target columns need as many tracks, found {len(self.tracks)}")
        if self.name == "sequence":
            raise ValueError("name: 'sequence' is the name of another input")
        return self

    @property
    def other_columns(self) -> tuple[Column, ...]:
        """The columns that are no features."""
        optional = (self.group_column, self.weight_column, self.id_column)
        return (*self.target_columns, *(column for column in optional if column is not None))


def load_feature_table(
    config: FeatureTableConfig, reference: GenomeSource | None, seed: int, base_folder: Path
) -> ExampleSet:
    """Read all rows.

    Raises:
        DataError: The file, a column or a value is missing or wrong; the message names file, line and column.
    """
    return join_examples(stream_feature_table(config, reference, seed, base_folder))


def stream_feature_table(
    config: FeatureTableConfig,
    reference: GenomeSource | None,  # noqa: ARG001 - the signature of every loader
    seed: int,  # noqa: ARG001 - likewise
    base_folder: Path,
) -> Iterator[ExampleSet]:
    """Yield the rows a few thousand at a time."""
    columns = config.feature_columns
    waiting: ExampleSet | None = None
    zeros = 0
    notes: list[str] = []
    for piece in read_table(base_folder / config.path, config.separator, header=config.header):
        if waiting is not None:
            yield waiting
        if columns is None:
            columns, left_out = _choose_features(config, piece)
            if left_out:
                notes.append(f"columns that hold no numbers were left out: {', '.join(left_out)}")
        features, unknown = _read_features(config, piece, columns)
        zeros += unknown
        waiting = _make_examples(config, piece, features)
    assert waiting is not None  # noqa: S101 - a table without rows is refused
    if zeros:
        notes.append(f"{zeros} missing features were set to 0")
    yield replace(waiting, notes=tuple(notes))


def _choose_features(config: FeatureTableConfig, piece: Piece) -> tuple[tuple[Column, ...], list[str]]:
    """Return the columns of numbers that have no other part, by number, and the names of those that hold none."""
    others = {piece.find(column) for column in config.other_columns}
    chosen: list[Column] = []
    left_out = []
    for index, name in enumerate(piece.columns):
        if index in others:
            continue
        if all(row[index] in config.missing or _is_number(row[index]) for row in piece.rows):
            chosen.append(index + 1)
        else:
            left_out.append(name)
    if not chosen:
        raise DataError(f"{piece.path}: expected columns of numbers beside the targets, found none")
    return tuple(chosen), left_out


def _is_number(text: str) -> bool:
    try:
        return math.isfinite(float(text))
    except ValueError:
        return False


def _read_features(
    config: FeatureTableConfig, piece: Piece, columns: tuple[Column, ...]
) -> tuple[npt.NDArray[np.float32], int]:
    """Return the features, shape (n, C), and how many of them were missing."""
    if config.missing_features == "error":
        return piece.numbers(columns), 0
    features = piece.numbers(columns, config.missing)
    unknown = np.isnan(features)
    features[unknown] = 0
    return features, int(unknown.sum())


def _make_examples(config: FeatureTableConfig, piece: Piece, features: npt.NDArray[np.float32]) -> ExampleSet:
    groups = None if config.group_column is None else np.array(piece.texts(config.group_column), dtype=np.str_)
    ids = piece.texts(config.id_column) if config.id_column is not None else piece.name_rows()
    return ExampleSet(
        sequences=np.empty((len(piece), 0), dtype=np.uint8),
        targets=piece.numbers(config.target_columns, config.missing),
        tracks=config.tracks or tuple(piece.columns[piece.find(column)] for column in config.target_columns),
        ids=tuple(ids),
        groups=groups,
        weights=None if config.weight_column is None else piece.weights(config.weight_column),
        extra={config.name: features},
    )


FEATURE_TABLE = DataLoader(
    name="feature_table",
    summary="rows of numbers in place of a sequence, from a CSV, TSV or Parquet table",
    config=FeatureTableConfig,
    load=load_feature_table,
    stream=stream_feature_table,
)
