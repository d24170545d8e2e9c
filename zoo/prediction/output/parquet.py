"""Parquet, made from a finished table of text, a part after the other: memory does not grow with the file."""

from __future__ import annotations

import gzip
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

from zoo.errors import OutputError
from zoo.genome.output import OutputFile
from zoo.prediction.output.cells import MISSING
from zoo.prediction.output.formats import ColumnTypes

_BYTES_OF_A_GROUP = 32 << 20  # of text; a longer row makes a group of its own


ORIGIN_KEY = "zoo"
"""The key of the file's metadata under which stands what its rows were made of."""


def convert_to_parquet(text: Path, output: OutputFile, types: ColumnTypes, origin: str = "") -> None:
    """Write ``output.whole`` from rows between tabs under a line of names; ``.`` is a missing value.

    Floats are of 32 bits and exact, as nine digits tell them; integers of 64; flags are 0 and 1.

    Raises:
        OutputError: A cell is not of its column's type, or the disk is full.
    """
    import pyarrow as pa
    from pyarrow import parquet

    arrow = {"text": pa.string(), "integer": pa.int64(), "float": pa.float32(), "flag": pa.bool_()}
    with output.writing(), gzip.open(text) as rows, output.whole.open("xb") as target:
        names = rows.readline().decode("utf-8", "surrogateescape").rstrip("\n").split("\t")
        metadata = {ORIGIN_KEY: origin} if origin else None
        schema = pa.schema([(name, arrow[types.get(name, "text")]) for name in names], metadata)
        try:
            with parquet.ParquetWriter(target, schema, compression="zstd") as writer:
                for group in _read_groups(rows):
                    writer.write_table(_parse(group, schema))
        except pa.ArrowInvalid as error:
            reason = " ".join(str(error).split())
            raise OutputError(
                f"{output.name}: these rows can't be written as Parquet ({reason}); write .tsv"
            ) from error


def _read_groups(rows: BinaryIO | gzip.GzipFile) -> Iterator[bytes]:
    while group := rows.read(_BYTES_OF_A_GROUP):
        yield group + rows.readline()


def _parse(group: bytes, schema: Any) -> Any:
    from pyarrow import csv

    return csv.read_csv(
        io.BytesIO(group),
        # One block, whatever its length: rows never straddle two.
        read_options=csv.ReadOptions(column_names=schema.names, block_size=len(group) + 1, use_threads=False),
        parse_options=csv.ParseOptions(delimiter="\t", quote_char=False, newlines_in_values=False),
        convert_options=csv.ConvertOptions(
            column_types=schema, null_values=[MISSING], strings_can_be_null=True, true_values=["1"], false_values=["0"]
        ),
    )
