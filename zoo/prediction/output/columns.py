"""Parquet's columns of numbers and text, as all tables of this package write them."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt


def open_parquet(target: Any, schema: Any) -> Any:
    """Return pyarrow's writer of a table into a path or an open file.

    Numbers hardly repeat: a dictionary of them makes the file half as large again, takes four times as long, and a
    megabyte of memory for each of hundreds of columns.
    """
    import pyarrow as pa
    from pyarrow import parquet

    text = [field.name for field in schema if pa.types.is_string(field.type)]
    return parquet.ParquetWriter(target, schema, compression="zstd", use_dictionary=text or False)


# pyarrow's own way to make an array of a list, or of one of NumPy's, imports pandas.


def make_column(values: npt.NDArray[np.float32] | npt.NDArray[np.int64]) -> Any:
    """Return an array of pyarrow's of numbers, shape (n,); NaN is null."""
    import pyarrow as pa

    missing = np.isnan(values)
    valid = pa.py_buffer(np.packbits(~missing, bitorder="little")) if missing.any() else None
    numbers = pa.py_buffer(np.ascontiguousarray(values))
    return pa.Array.from_buffers(pa.from_numpy_dtype(values.dtype), len(values), [valid, numbers])


def make_letters(letters: str) -> Any:
    """Return an array of pyarrow's of one letter each, which are ASCII."""
    import pyarrow as pa

    ends = np.arange(len(letters) + 1, dtype=np.int32)
    buffers = [None, pa.py_buffer(ends), pa.py_buffer(letters.encode("ascii"))]
    return pa.Array.from_buffers(pa.string(), len(letters), buffers)
