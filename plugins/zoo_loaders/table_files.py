"""Tables in pieces: TSV or CSV, plain or gzip, and Parquet."""

from __future__ import annotations

import csv
import zlib
from collections.abc import Iterator
from pathlib import Path

from zoo import DataError, open_text
from zoo_loaders.pieces import PIECE
from zoo_loaders.tables import Piece, Separator

_SEPARATORS = {"tab": "\t", "comma": ","}


def read_table(path: Path, separator: Separator = "auto", *, header: bool = True) -> Iterator[Piece]:
    """Yield a table in pieces; Parquet by its suffix, else text, whose columns are numbers where it has no header.

    Args:
        path: The file.
        separator: ``auto`` takes the comma for names that end in ``.csv`` or ``.csv.gz``, else the tab.
        header: False where the first line of a text is a row already.

    Raises:
        DataError: The file can't be read, holds no row, or rows of another number of columns.
    """
    pieces = _read_parquet(path) if path.suffix.lower() == ".parquet" else _read_text(path, separator, header=header)
    count = 0
    for piece in pieces:
        count += len(piece)
        yield piece
    if not count:
        raise DataError(f"{path}: expected rows{' below a header' if header else ''}, found none")


def _read_text(path: Path, separator: Separator, *, header: bool) -> Iterator[Piece]:
    columns: tuple[str, ...] = ()
    rows: list[list[str]] = []
    lines: list[int] = []
    for line, row in _read_lines(path, separator):
        if not columns:
            columns = tuple(row) if header else tuple(str(number + 1) for number in range(len(row)))
            if header:
                continue
        rows.append(row)
        lines.append(line)
        if len(rows) == PIECE:
            yield Piece(path, columns, rows, lines)
            rows, lines = [], []
    if rows:
        yield Piece(path, columns, rows, lines)


def _read_lines(path: Path, separator: Separator) -> Iterator[tuple[int, list[str]]]:
    """Yield the cells of each line that is not empty, with its number."""
    if separator == "auto":
        separator = "comma" if path.name.lower().removesuffix(".gz").endswith(".csv") else "tab"
    width = 0
    try:
        with open_text(path) as text:
            reader = csv.reader(text, delimiter=_SEPARATORS[separator])
            for cells in reader:
                if not cells or cells == [""]:
                    continue
                width = width or len(cells)
                if len(cells) != width:
                    raise DataError(
                        f"{path}, line {reader.line_num}: expected {width} columns, found {len(cells)}; "
                        f"the separator is the {separator}"
                    )
                yield reader.line_num, [cell.strip() for cell in cells]
    except (OSError, EOFError, zlib.error, csv.Error) as error:
        raise DataError(f"{path}: can't be read: {getattr(error, 'strerror', None) or error}") from error
    except UnicodeDecodeError as error:
        raise DataError(f"{path}: expected text, found bytes that are none ({error.reason})") from error


def _read_parquet(path: Path) -> Iterator[Piece]:
    import pyarrow as pa
    from pyarrow import parquet

    done = 0
    try:
        with parquet.ParquetFile(path) as file:
            columns = tuple(file.schema_arrow.names)
            for batch in file.iter_batches(PIECE):
                cells = [[_spell(value) for value in column.to_pylist()] for column in batch.columns]
                rows = list(zip(*cells, strict=True))
                yield Piece(path, columns, rows, range(done + 1, done + len(rows) + 1), "row")
                done += len(rows)
    except (OSError, pa.ArrowException) as error:
        raise DataError(f"{path}: can't be read: {' '.join(str(error).split())}") from error


def _spell(value: object) -> str:
    if value is None:
        return ""
    return str(int(value)) if isinstance(value, bool) else str(value).strip()
