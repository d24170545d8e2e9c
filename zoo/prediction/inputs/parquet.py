"""Rows of a Parquet file."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

from zoo.errors import DataError
from zoo.prediction.inputs.columns import Layout
from zoo.prediction.inputs.content import Content
from zoo.prediction.inputs.rows import Rows, take_cells


class ParquetReader:
    """The rows of a Parquet file; nulls are missing cells, numbers are read as their text."""

    def __init__(self, content: Content, layout: Layout) -> None:
        self._content = content
        self._layout = layout

    def text_length(self) -> int | None:
        """Return None: there is no text."""
        return None

    def blocks(self, size: int) -> Iterator[Rows]:
        """Yield all rows in order.

        Raises:
            DataError: The file is damaged.
        """
        layout = self._layout
        wanted = [name for place, name in enumerate(layout.names) if place in layout.needed]
        before = 0
        with _open(self._content) as file:
            batches = file.iter_batches(batch_size=size, columns=wanted)
            while (batch := _next(batches, self._content)) is not None:
                cells = {name: list(map(_text, batch.column(name).to_pylist())) for name in wanted}
                numbers = range(before + 1, before + batch.num_rows + 1)
                before += batch.num_rows
                columns = [cells.get(name, []) for name in layout.names]
                if numbers:
                    yield take_cells(layout, columns, f"{self._content.name}, row", numbers, 0)


def parquet_columns(content: Content) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the names of a file's columns, and the cells of its first row, where there is one.

    Raises:
        DataError: The file is damaged.
    """
    with _open(content) as file:
        first = _next(file.iter_batches(batch_size=1), content)
        cells = () if first is None else tuple(_text(column.to_pylist()[0]) for column in first.columns if len(column))
        return tuple(file.schema_arrow.names), cells


@contextlib.contextmanager
def _open(content: Content) -> Iterator[Any]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        file = pq.ParquetFile(content.path)
    except (OSError, pa.ArrowException) as error:
        raise _describe(content, error) from error
    with file:
        yield file


def _next(batches: Iterator[Any], content: Content) -> Any:
    import pyarrow as pa

    try:
        return next(batches, None)
    except (OSError, pa.ArrowException) as error:
        raise _describe(content, error) from error


def _describe(content: Content, error: Exception) -> DataError:
    return DataError(f"{content.name}: can't be read as Parquet: {' '.join(str(error).split())[:120]}")


def _text(cell: object) -> str:
    return "" if cell is None else cell if isinstance(cell, str) else str(cell)
