"""Parquet, made from rows that were kept column by column, part after part: memory does not grow with the file."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

from zoo.errors import OutputError
from zoo.genome.output import OutputFile
from zoo.prediction.output.columns import ParquetFile, make_typed
from zoo.prediction.output.formats import ColumnType, ColumnTypes
from zoo.prediction.output.rows import Rows

_LENGTH_BYTES = 8  # in front of what was kept at once

ORIGIN_KEY = "zoo"
"""The key of the file's metadata under which stands what its rows were made of."""


def pack_rows(rows: Rows, types: ColumnTypes, name: str) -> bytes:
    """Return rows as they are kept, with their length in front, in Arrow's format of streams.

    Floats are of 32 bits, integers of 64; flags are 0 and 1.

    Args:
        name: The output's, for messages.

    Raises:
        OutputError: A cell is not of its column's type.
    """
    import pyarrow as pa

    kinds = [types.get(column, "text") for column in rows.columns]
    try:
        arrays = [make_typed(column, kind) for column, kind in zip(rows.columns.values(), kinds, strict=True)]
    except (ValueError, OverflowError) as error:
        reason = " ".join(str(error).split())
        raise OutputError(f"{name}: these rows can't be written as Parquet ({reason}); write .tsv") from error
    batch = pa.record_batch(arrays, schema=_make_schema(list(rows.columns), types))
    stream = pa.BufferOutputStream()
    with pa.ipc.new_stream(stream, batch.schema, options=pa.ipc.IpcWriteOptions(compression="lz4")) as writer:
        writer.write_batch(batch)
    content: bytes = stream.getvalue().to_pybytes()
    return len(content).to_bytes(_LENGTH_BYTES, "little") + content


def convert_to_parquet(kept: Path, output: OutputFile, types: ColumnTypes, origin: str = "") -> None:
    """Write ``output.whole`` from a line of names and rows behind it that ``pack_rows`` packed.

    Raises:
        OutputError: What was kept can't be read, or the disk is full.
    """
    with output.writing(), kept.open("rb") as packed, output.whole.open("xb") as target:
        names = packed.readline().decode("utf-8", "surrogateescape").rstrip("\n").split("\t")
        schema = _make_schema(names, types, {ORIGIN_KEY: origin.encode("utf-8", "surrogateescape")} if origin else None)
        with ParquetFile(target, schema) as file:
            for table in _read_tables(packed, output.name):
                file.add(table.replace_schema_metadata(schema.metadata))


def _make_schema(names: list[str], types: ColumnTypes, metadata: dict[str, bytes] | None = None) -> Any:
    import pyarrow as pa

    arrow: dict[ColumnType, Any] = {
        "text": pa.string(),
        "integer": pa.int64(),
        "float": pa.float32(),
        "flag": pa.bool_(),
    }
    return pa.schema([(name, arrow[types.get(name, "text")]) for name in names], metadata)


def _read_tables(packed: BinaryIO, name: str) -> Iterator[Any]:
    import pyarrow as pa

    size = os.fstat(packed.fileno()).st_size
    try:
        while head := packed.read(_LENGTH_BYTES):
            # No more than there is: a length that is damaged may be any number.
            with pa.ipc.open_stream(packed.read(min(int.from_bytes(head, "little"), size))) as reader:
                yield reader.read_all()
    except (ValueError, OSError, pa.ArrowException) as error:
        reason = " ".join(str(error).split())
        raise OutputError(
            f"{name}: the rows that were kept till the end can't be read ({reason}); run again"
        ) from error
