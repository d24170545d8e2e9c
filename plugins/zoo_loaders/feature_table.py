"""Rows of numbers in place of a sequence: CSV, TSV or Parquet, for networks on features."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt
from pydantic import Field, model_validator

from zoo import Config, DataError, DataLoader, ExampleSet, GenomeSource, InputName
from zoo_loaders.pieces import end_with_notes
from zoo_loaders.table_files import read_table
from zoo_loaders.tables import MISSING, Column, Piece, Separator, check_columns, spells_number


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
    name: InputName = "features"
    missing: tuple[str, ...] = MISSING
    missing_features: Literal["error", "zero"] = "error"

    @model_validator(mode="after")
    def _columns_can_be_found(self) -> FeatureTableConfig:
        check_columns((*self.other_columns, *(self.feature_columns or ())), header=self.header)
        if self.tracks is not None and len(self.tracks) != len(self.target_columns):
            raise ValueError(f"{len(self.target_columns)} target columns need as many tracks, found {len(self.tracks)}")
        return self

    @property
    def other_columns(self) -> tuple[Column, ...]:
        """The columns that are no features."""
        named = () if self.id_column is None else (self.id_column,)
        return (*(column for columns in self.list_parts().values() for column in columns), *named)

    def list_parts(self) -> dict[str, tuple[Column, ...]]:
        """Return the columns that no feature may be, by what they are."""
        single = {"the group": self.group_column, "the weight": self.weight_column}
        parts: dict[str, tuple[Column, ...]] = {
            part: (column,) for part, column in single.items() if column is not None
        }
        return parts | {"a target": self.target_columns}


def load_feature_table(
    config: FeatureTableConfig, reference: GenomeSource | None, seed: int, base_folder: Path
) -> ExampleSet:
    """Read all rows.

    Raises:
        DataError: The file, a column or a value is missing or wrong; the message names file, line and column.
    """
    return ExampleSet.join(stream_feature_table(config, reference, seed, base_folder))


def stream_feature_table(
    config: FeatureTableConfig,
    reference: GenomeSource | None,  # noqa: ARG001 - the signature of every loader
    seed: int,  # noqa: ARG001 - likewise
    base_folder: Path,
) -> Iterator[ExampleSet]:
    """Yield the rows a few thousand at a time."""
    left_out: list[str] = []
    zeros = 0

    def read_pieces() -> Iterator[ExampleSet]:
        nonlocal left_out, zeros
        columns = config.feature_columns
        for piece in read_table(base_folder / config.path, config.separator, header=config.header):
            if columns is None:
                columns, left_out = _choose_features(config, piece)
            piece.check_inputs(columns, config.list_parts())
            features, unknown = _read_features(config, piece, columns)
            zeros += unknown
            yield _make_examples(config, piece, features)

    def list_notes() -> tuple[str, ...]:
        left = f"columns that hold no numbers were left out: {', '.join(left_out)}" if left_out else ""
        return tuple(filter(None, (left, f"{zeros} missing features were set to 0" if zeros else "")))

    return end_with_notes(read_pieces(), list_notes)


def _choose_features(config: FeatureTableConfig, piece: Piece) -> tuple[tuple[Column, ...], list[str]]:
    """Return the columns of numbers that have no other part, by number, and the names of those that hold none."""
    others = {piece.find(column) for column in config.other_columns}
    chosen: list[Column] = []
    left_out = []
    for index, name in enumerate(piece.columns):
        if index in others:
            continue
        if all(row[index] in config.missing or spells_number(row[index]) for row in piece.rows):
            chosen.append(index + 1)
        else:
            left_out.append(name)
    if not chosen:
        raise DataError(f"{piece.path}: expected columns of numbers beside the targets, found none")
    return tuple(chosen), left_out


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
        tracks=piece.name_tracks(config.target_columns, config.tracks),
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
