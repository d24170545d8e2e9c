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


def make_column(values: npt.NDArray[np.float32]) -> Any:
    """Return an array of pyarrow's of numbers, shape (n,); NaN is null.

    Its own way to make one of NumPy's arrays imports pandas.
    """
    import pyarrow as pa

    values = np.ascontiguousarray(values)
    missing = np.isnan(values)
    valid = pa.py_buffer(np.packbits(~missing, bitorder="little")) if missing.any() else None
    return pa.Array.from_buffers(pa.float32(), len(values), [valid, pa.py_buffer(values)])
