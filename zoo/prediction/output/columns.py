"""Columns of Parquet files, as all tables of this package write them.

pyarrow's own way to make an array of a list, or of one of NumPy's, imports pandas; here they are made of their bytes.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from zoo.prediction.output.cells import MISSING
from zoo.prediction.output.formats import ColumnType
from zoo.prediction.output.rows import Column


def open_parquet(target: Any, schema: Any) -> Any:
    """Return pyarrow's writer of a table into a path or an open file.

    Numbers hardly repeat: a dictionary of them makes the file half as large again, takes four times as long, and a
    megabyte of memory for each of hundreds of columns.
    """
    import pyarrow as pa
    from pyarrow import parquet

    text = [field.name for field in schema if pa.types.is_string(field.type)]
    return parquet.ParquetWriter(target, schema, compression="zstd", use_dictionary=text or False)


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
        return _join_buffers(
            "bool_", missing, _pack(np.fromiter((text == "1" for text in column), np.bool_, len(column)))
        )
    number = int if kind == "integer" else float
    values = [0 if text == MISSING else number(text) for text in column]
    name, dtype = ("int64", np.int64) if kind == "integer" else ("float32", np.float32)
    return _join_buffers(name, missing, np.array(values, dtype=dtype))


def make_column(values: npt.NDArray[np.float32] | npt.NDArray[np.int64]) -> Any:
    """Return an array of pyarrow's of numbers, shape (n,); NaN is null."""
    return _join_buffers(values.dtype.name, np.isnan(values), np.ascontiguousarray(values))


def make_text(texts: Column) -> Any:
    """Return an array of pyarrow's of texts, ``.`` null."""
    content = "".join(texts).encode()
    lengths = list(map(len, texts))
    if sum(lengths) < len(content):
        lengths = [len(text.encode()) for text in texts]
    ends = np.zeros(len(lengths) + 1, dtype=np.int32)
    np.cumsum(lengths, out=ends[1:])
    missing = np.fromiter((text == MISSING for text in texts), np.bool_, len(lengths))
    return _join_buffers("string", missing, ends, content)


def make_letters(letters: str) -> Any:
    """Return an array of pyarrow's of one letter each, which are ASCII."""
    ends = np.arange(len(letters) + 1, dtype=np.int32)
    return _join_buffers("string", np.zeros(len(letters), np.bool_), ends, letters.encode("ascii"))


def _join_buffers(name: str, missing: npt.NDArray[np.bool_], *buffers: npt.NDArray[Any] | bytes) -> Any:
    import pyarrow as pa

    valid = pa.py_buffer(_pack(~missing)) if missing.any() else None
    return pa.Array.from_buffers(getattr(pa, name)(), len(missing), [valid, *map(pa.py_buffer, buffers)])


def _pack(bits: npt.NDArray[np.bool_]) -> npt.NDArray[np.uint8]:
    return np.packbits(bits, bitorder="little")
