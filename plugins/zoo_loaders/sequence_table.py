"""Sequences and their measured values from tables: TSV, CSV or Parquet, one or several, or two parallel files."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import zip_longest
from pathlib import Path

import numpy as np
import numpy.typing as npt

from zoo import Codes, DataError, DataLoader, ExampleSet, GenomeSource, encode
from zoo_loaders.pieces import end_with_notes
from zoo_loaders.sequence_table_config import LETTERS, SequenceTableConfig, TableFile
from zoo_loaders.table_files import read_table
from zoo_loaders.tables import LARGEST_WEIGHT, Piece


def load_sequence_table(
    config: SequenceTableConfig, reference: GenomeSource | None, seed: int, base_folder: Path
) -> ExampleSet:
    """Read all rows, table after table.

    Raises:
        DataError: A file, column or value is missing or wrong; the message names file, line and column.
    """
    return ExampleSet.join(stream_sequence_table(config, reference, seed, base_folder))


def stream_sequence_table(
    config: SequenceTableConfig,
    reference: GenomeSource | None,  # noqa: ARG001 - the signature of every loader
    seed: int,  # noqa: ARG001 - likewise
    base_folder: Path,
) -> Iterator[ExampleSet]:
    """Yield the rows a few thousand at a time; where sequences are padded the tables are read twice."""
    reader = _RowReader(config, base_folder)
    return end_with_notes(reader.read_all(), reader.list_notes)


def _read_rows(config: SequenceTableConfig, base_folder: Path) -> Iterator[tuple[TableFile, Piece, Piece, int]]:
    """Yield the rows of each table that are kept, beside those that hold their targets, and how many were not."""
    for file in config.list_files():
        path = base_folder / file.path
        table = read_table(path, config.separator, header=config.header)
        pairs: Iterator[tuple[Piece, Piece]]
        if file.targets_path is None:
            pairs = ((piece, piece) for piece in table)
        else:
            targets_path = base_folder / file.targets_path
            pairs = _pair(table, read_table(targets_path, config.separator, header=config.header), path, targets_path)
        for piece, values in pairs:
            chosen = piece.select(config.keep, config.drop)
            if chosen.all():
                yield file, piece, values, 0
            else:
                yield file, piece.take(chosen), values.take(chosen), int((~chosen).sum())


def _pair(
    table: Iterator[Piece], values: Iterator[Piece], path: Path, targets_path: Path
) -> Iterator[tuple[Piece, Piece]]:
    """Yield pieces of parallel tables side by side; both come in pieces of one size."""
    expected = found = 0
    for piece, other in zip_longest(table, values):
        expected += len(piece or ())
        found += len(other or ())
        if expected == found:
            yield piece, other
    if expected != found:
        raise DataError(f"{targets_path}: expected {expected} rows as in {path}, found {found}")


class _RowReader:
    """Makes examples of rows, piece by piece, all of one length."""

    def __init__(self, config: SequenceTableConfig, base_folder: Path) -> None:
        self._config, self._base_folder = config, base_folder
        files = config.list_files()
        self._several = len(files) > 1
        self._labelled = config.group_column is not None or any(file.group is not None for file in files)
        self._uniform = len({file.complete for file in files}) == 1
        self._first = ""
        self._length: int | None = None
        if config.pad != "error":
            texts = (piece.texts(config.sequence_column) for _, piece, *_ in _read_rows(config, base_folder))
            self._length = max((len(letters) for column in texts for letters in column), default=0)
        self._tracks = config.list_tracks()
        self._padded = self._left_out = 0

    def read_all(self) -> Iterator[ExampleSet]:
        """Yield the examples of all tables.

        Raises:
            DataError: There is none.
        """
        found = False
        for file, piece, values, left_out in _read_rows(self._config, self._base_folder):
            self._left_out += left_out
            if len(piece):
                found = True
                yield self._make_examples(file, piece, values)
        if not found:
            path = self._base_folder / self._config.list_files()[0].path
            raise DataError(f"{path}: expected rows that keep and drop allow, found none")

    def list_notes(self) -> tuple[str, ...]:
        """Return what was done to the rows so far."""
        notes = []
        if self._left_out:
            notes.append(f"{self._left_out} rows were left out by keep and drop")
        if self._padded:
            notes.append(f"{self._padded} sequences were padded to {self._length} bases ({self._config.pad})")
        return tuple(notes)

    def _make_examples(self, file: TableFile, piece: Piece, values: Piece) -> ExampleSet:
        """Return some rows of a table as examples; ``values`` holds their targets."""
        config = self._config
        for columns in config.extra.values():
            piece.check_inputs(columns, config.list_parts(with_targets=piece.path == values.path))
        targets = self._read_targets(file, values)
        names = piece.texts(config.id_column) if config.id_column is not None else self._name_rows(file, piece)
        if file.group is not None or config.group_column is None:
            groups = [file.group or ""] * len(piece)
        else:
            groups = piece.texts(config.group_column)
        return ExampleSet(
            sequences=self._encode(piece),
            targets=targets,
            tracks=self._tracks or (),
            ids=tuple(names),
            groups=np.array(groups, dtype=np.str_) if self._labelled else None,
            weights=self._read_weights(piece),
            extra={name: piece.numbers(columns) for name, columns in config.extra.items()},
            complete=file.complete if self._uniform else np.full(len(piece), file.complete),
        )

    def _name_rows(self, file: TableFile, piece: Piece) -> list[str]:
        names = piece.name_rows()
        return [f"{file.path} {name}" for name in names] if self._several else names

    def _read_targets(self, file: TableFile, values: Piece) -> npt.NDArray[np.float32]:
        config = self._config
        if config.target is not None:
            self._tracks = (config.target,)
            return np.ones((len(values), 1), dtype=np.float32)
        if self._tracks is None:
            self._tracks = values.name_tracks(config.target_columns, None)
        targets = values.numbers(config.target_columns, config.missing)
        if file.tracks:
            own = np.full((len(values), len(self._tracks)), np.nan, dtype=np.float32)
            own[:, [self._tracks.index(name) for name in file.tracks]] = targets
            targets = own
        if not file.complete:
            negative = np.flatnonzero(~(targets > 0).any(axis=1))
            if len(negative):
                where = values.where(int(negative[0]), values.find(config.target_columns[0]))
                raise DataError(f"{where}: expected a positive, as complete: false says, found none above 0")
        return targets

    def _read_weights(self, piece: Piece) -> npt.NDArray[np.float32] | None:
        config = self._config
        if config.weight_column is not None:
            return piece.weights(config.weight_column)
        if config.error_column is not None:
            errors = piece.numbers([config.error_column])[:, 0]
            piece.refuse(config.error_column, errors <= 0, "a standard error above 0")
            variances = errors.astype(np.float64) ** 2 + config.noise**2
            least = f"a standard error of at least {LARGEST_WEIGHT**-0.5:.2g}, or noise beside it"
            piece.refuse(config.error_column, variances * LARGEST_WEIGHT < 1, least)
            weights: npt.NDArray[np.float32] = (1 / variances).astype(np.float32)
            return weights
        return None

    def _encode(self, piece: Piece) -> Codes:
        config = self._config
        column = piece.find(config.sequence_column)
        letters = piece.texts(config.sequence_column)
        if not all(letters) or "".join(letters).encode("ascii", "replace").translate(None, LETTERS):
            row = next(row for row, text in enumerate(letters) if _is_wrong(text))
            raise DataError(f"{piece.where(row, column)}: expected nucleotide letters, found {letters[row][:20]!r}")
        if self._length is None:
            self._length = len(letters[0])
        if not self._first:
            self._first = (
                f"{piece.path}, {piece.unit} {piece.lines[0]}" if self._several else f"{piece.unit} {piece.lines[0]}"
            )
        if config.pad == "error":
            row = next((row for row, text in enumerate(letters) if len(text) != self._length), -1)
            if row >= 0:
                raise DataError(
                    f"{piece.where(row, column)}: expected {self._length} bases as in {self._first}, "
                    f"found {len(letters[row])}; all sequences must have one length, or say pad"
                )
        else:
            self._padded += sum(len(text) < self._length for text in letters)
            letters = [_pad(text, self._length, config.pad) for text in letters]
        whole = "".join(f"{config.prefix}{text}{config.suffix}" for text in letters)
        return encode(whole).reshape(len(letters), -1)


def _is_wrong(letters: str) -> bool:
    return not letters or bool(letters.encode("ascii", "replace").translate(None, LETTERS))


def _pad(letters: str, length: int, side: str) -> str:
    """Fill letters up with N; what is left of the centre gets the smaller half."""
    if side == "left":
        return letters.rjust(length, "N")
    if side == "right":
        return letters.ljust(length, "N")
    before = (length - len(letters)) // 2
    return ("N" * before + letters).ljust(length, "N")


SEQUENCE_TABLE = DataLoader(
    name="sequence_table",
    summary="sequences and one or more targets from TSV, CSV or Parquet tables, with flanks and weights",
    config=SequenceTableConfig,
    load=load_sequence_table,
    stream=stream_sequence_table,
)
