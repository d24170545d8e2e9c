"""Columns and groups of rows of Parquet files, as all tables of this package write them.

pyarrow's own way to make an array of a list, or of one of NumPy's, imports pandas; here they are made of their bytes.
"""

from __future__ import annotations

from types import TracebackType
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from zoo.prediction.output.cells import MISSING
from zoo.prediction.output.formats import ColumnType
from zoo.prediction.output.rows import Column

_BYTES_OF_A_GROUP = 4 << 20  # what is added at once stays together


class ParquetFile:
    """Writes a table into a path or an open file, some rows after the other.

    Numbers hardly repeat: a dictionary of them makes the file half as large again, takes four times as long, and a
    megabyte of memory for each of hundreds of columns.

    Args:
        schema: pyarrow's, of all that is added.
    """

    def __init__(self, target: Any, schema: Any) -> None:
        import pyarrow as pa
        from pyarrow import parquet

        text = [field.name for field in schema if pa.types.is_string(field.type)]
        self._writer = parquet.ParquetWriter(target, schema, compression="zstd", use_dictionary=text or False)
        self._waiting: list[Any] = []
        self._size = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, value: object, trace: TracebackType | None) -> None:
        try:
            if kind is None:
                self._flush()
        finally:
            self._writer.close()

    def add(self, table: Any) -> None:
        """Add the rows of a table; they are written once there are enough for a group."""
        self._waiting.append(table)
        self._size += table.nbytes
        if self._size >= _BYTES_OF_A_GROUP:
            self._flush()

    def _flush(self) -> None:
        import pyarrow as pa

        if self._waiting:
            self._writer.write_table(pa.concat_tables(self._waiting).combine_chunks())
            self._waiting.clear()
            self._size = 0


def make_typed(column: Column, kind: ColumnType) -> Any:
    """Return an array of pyarrow's of a column's type; ``.`` and NaN are null.

    Raises:
        ValueError: A text is not of that type, or no Unicode.
    """
    if isinstance(column, np.ndarray):
        return make_column(column + np.float32(0))  # -0 would only puzzle
    if kind == "text":
        return make_text(column)
    missing = np.fromiter((text == MISSING for text in column), np.bool_, len(column))
    if kind == "flag":
        wrong = next((text for text in column if text not in {MISSING, "0", "1"}), None)
        if wrong is not None:
            raise ValueError(f"expected 0 or 1, found {wrong!r}")
        return _join_buffers("bool_", missing, _pack(np.array([text == "1" for text in column], dtype=np.bool_)))
    if kind == "integer":
        whole = np.array([0 if text == MISSING else _read_number(text, int) for text in column], dtype=np.int64)
        return _join_buffers("int64", missing, whole)
    numbers = np.array([np.nan if text == MISSING else _read_number(text, float) for text in column])
    with np.errstate(over="ignore"):
        return make_column(numbers.astype(np.float32))


def _read_number(text: str, kind: type[int | float]) -> float:
    if "_" in text or text != text.strip():  # Python's own licence
        raise ValueError(f"expected a number, found {text!r}")
    return kind(text)


def make_column(values: npt.NDArray[np.float32] | npt.NDArray[np.int64], *, nulls: bool = True) -> Any:
    """Return an array of pyarrow's of numbers, shape (n,); NaN is null unless there are to be no nulls."""
    missing = np.isnan(values) if nulls else np.zeros(len(values), dtype=np.bool_)
    return _join_buffers(values.dtype.name, missing, np.ascontiguousarray(values))


def make_text(texts: Column, *, nulls: bool = True) -> Any:
    """Return an array of pyarrow's of texts; ``.`` is null unless there are to be no nulls."""
    content = "".join(texts).encode()
    lengths = list(map(len, texts))
    if sum(lengths) < len(content):
        lengths = [len(text.encode()) for text in texts]
    ends = np.zeros(len(lengths) + 1, dtype=np.int32)
    np.cumsum(lengths, out=ends[1:])
    missing = np.fromiter((nulls and text == MISSING for text in texts), np.bool_, len(lengths))
    return _join_buffers("string", missing, ends, content)


def _join_buffers(name: str, missing: npt.NDArray[np.bool_], *buffers: npt.NDArray[Any] | bytes) -> Any:
    import pyarrow as pa

    valid = pa.py_buffer(_pack(~missing)) if missing.any() else None
    return pa.Array.from_buffers(getattr(pa, name)(), len(missing), [valid, *map(pa.py_buffer, buffers)])


def _pack(bits: npt.NDArray[np.bool_]) -> npt.NDArray[np.uint8]:
    return np.packbits(bits, bitorder="little")
