"""What ``sequence_table`` reads, from which files and columns."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field, field_validator, model_validator

from zoo import IUPAC, Config, InputName
from zoo_loaders.tables import MISSING, Column, Separator, check_columns

LETTERS = "".join([*IUPAC, *map(str.lower, IUPAC)]).encode()
"""What may stand in a sequence."""


class TableFile(Config):
    """One table of several.

    Args:
        targets_path: A table that is row by row parallel to it and holds the target columns.
        group: The group of all its rows, to split by.
        complete: False where it holds positives only, so that negatives are to be drawn for its rows.
        tracks: Names of its targets, where tables measure different things in columns of one name. Its rows have no
            value for the tracks of other tables; all files name theirs, or none does.
    """

    path: str
    targets_path: str | None = None
    group: str | None = None
    complete: bool = True
    tracks: tuple[str, ...] = ()


class SequenceTableConfig(Config):
    """Tables, relative to the data root: one at ``path``, or several ``files`` of the same columns.

    Args:
        files: Tables whose rows follow each other.
        targets_path: A second table, row by row parallel to the first, that holds the target columns.
        complete: False where the table holds positives only, so that negatives are to be drawn.
        separator: ``auto`` takes the comma for names that end in ``.csv`` or ``.csv.gz``, else the tab.
        header: False where the first line is a row already; columns are then numbers.
        target_columns: May be left out where ``target`` is given.
        target: The one track of tables of positives only that have no column for it: 1 in every row.
        tracks: Names of the targets; by default their columns' names.
        group_column: Contig, or a given label, to split by.
        weight_column: The weight of each row in the loss, never negative: a number of replicates or barcodes, say.
        error_column: The standard error of each row's value, above 0; the row weighs 1 / (error² + noise²).
        noise: A standard deviation that all rows share, on top of ``error_column``, which alone would let the few rows
            of the smallest errors outweigh all others.
        keep: Only rows that have one of the given values in each of these columns.
        drop: No rows that have one of the given values in one of these columns.
        prefix: Bases that every sequence gets before its own, such as a vector's.
        suffix: Bases that it gets after them.
        pad: Where a sequence shorter than the longest stands among the unknown bases that fill it up, inside the
            flanks: ``left`` puts the unknown ones to its left.
        extra: Further inputs by name, each a vector of these columns, in their order.
        missing: Spellings of a target that was not measured; it becomes NaN and is left out of the loss.
    """

    path: str | None = None
    files: tuple[TableFile, ...] = ()
    targets_path: str | None = None
    complete: bool = True
    separator: Separator = "auto"
    header: bool = True
    sequence_column: Column = "sequence"
    target_columns: tuple[Column, ...] = ()
    target: str | None = Field(default=None, min_length=1)
    tracks: tuple[str, ...] | None = None
    group_column: Column | None = None
    weight_column: Column | None = None
    error_column: Column | None = None
    noise: float = Field(default=0.0, ge=0, allow_inf_nan=False)
    id_column: Column | None = None
    keep: dict[Column, tuple[str, ...]] = Field(default_factory=dict)
    drop: dict[Column, tuple[str, ...]] = Field(default_factory=dict)
    prefix: str = ""
    suffix: str = ""
    pad: Literal["error", "centre", "left", "right"] = "error"
    extra: dict[InputName, tuple[Column, ...]] = Field(default_factory=dict)
    missing: tuple[str, ...] = MISSING

    @field_validator("prefix", "suffix")
    @classmethod
    def _holds_letters(cls, letters: str) -> str:
        if letters.encode("ascii", "replace").translate(None, LETTERS):
            raise ValueError(f"expected nucleotide letters, found {letters[:20]!r}")
        return letters

    @field_validator("keep", "drop", mode="before")
    @classmethod
    def _spell_values(cls, columns: Any) -> Any:
        """Take numbers as the text that they are in the table, and one value for a list of one."""
        if not isinstance(columns, dict):
            return columns
        lists = {name: values if isinstance(values, list | tuple) else [values] for name, values in columns.items()}
        return {name: [str(value) for value in values] for name, values in lists.items()}

    @model_validator(mode="after")
    def _columns_can_be_found(self) -> SequenceTableConfig:
        optional = (self.group_column, self.weight_column, self.error_column, self.id_column)
        single = (self.sequence_column, *(column for column in optional if column is not None))
        extra = (column for columns in self.extra.values() for column in columns)
        check_columns((*single, *self.target_columns, *self.keep, *self.drop, *extra), header=self.header)
        if self.weight_column is not None and self.error_column is not None:
            raise ValueError("weight_column and error_column: only one can weigh the rows")
        if not all(self.extra.values()):
            raise ValueError("extra: expected at least one column for each input")
        return self

    @model_validator(mode="after")
    def _files_and_targets_fit(self) -> SequenceTableConfig:
        if (self.path is None) == (not self.files):
            raise ValueError("either path, or files, must be given")
        if self.files and (self.targets_path is not None or not self.complete):
            raise ValueError("targets_path and complete belong to each of the files")
        if (self.target is None) == (not self.target_columns):
            raise ValueError("either target_columns, or target, must be given")
        if self.target is not None and (self.tracks or any(file.complete for file in self.list_files())):
            raise ValueError("target names the one track of positives: say complete: false, and leave tracks out")
        odd = any(len(file.tracks) != len(self.target_columns) for file in self.files)
        if any(file.tracks for file in self.files) and (odd or self.tracks is not None):
            raise ValueError("tracks of files: expected a name for each target column in every file, and none above")
        for names in (self.tracks or (), *(file.tracks for file in self.files)):
            if len(set(names)) < len(names):
                raise ValueError(f"tracks: expected names that differ, found {', '.join(names)}")
        if self.tracks is not None and len(self.tracks) != len(self.target_columns):
            raise ValueError(f"{len(self.target_columns)} target columns need as many tracks, found {len(self.tracks)}")
        return self

    def list_files(self) -> tuple[TableFile, ...]:
        """Return the tables, one where it stands alone."""
        if self.path is None:
            return self.files
        return (TableFile(path=self.path, targets_path=self.targets_path, complete=self.complete),)

    def list_parts(self, *, with_targets: bool) -> dict[str, tuple[Column, ...]]:
        """Return the columns that no input may be, by what they are; targets may stand in a table of their own."""
        single = {
            "the group": self.group_column,
            "the weight": self.weight_column,
            "the standard error": self.error_column,
        }
        parts: dict[str, tuple[Column, ...]] = {
            part: (column,) for part, column in single.items() if column is not None
        }
        return parts | {"a target": self.target_columns} if with_targets else parts

    def list_tracks(self) -> tuple[str, ...] | None:
        """Return the names of all tracks, None where they are those of the columns."""
        if self.files and self.files[0].tracks:
            return tuple(dict.fromkeys(name for file in self.files for name in file.tracks))
        return self.tracks
