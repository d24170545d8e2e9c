"""Parquet, made from a finished table of text, a part after the other: memory does not grow with the file."""

from __future__ import annotations

import io
import itertools
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, BinaryIO

from zoo.errors import OutputError
from zoo.genome.bgzf import read_blocks
from zoo.genome.output import OutputFile
from zoo.prediction.output.cells import MISSING
from zoo.prediction.output.columns import open_parquet
from zoo.prediction.output.formats import ColumnTypes

_BYTES_OF_A_GROUP = 16 << 20  # of text; a longer row makes a group of its own

ORIGIN_KEY = "zoo"
"""The key of the file's metadata under which stands what its rows were made of."""


def convert_to_parquet(text: Path, output: OutputFile, types: ColumnTypes, origin: str = "") -> None:
    """Write ``output.whole`` from BGZF text, rows between tabs under a line of names; ``.`` is a missing value.

    Floats are of 32 bits and exact, as nine digits tell them; integers of 64; flags are 0 and 1.

    Raises:
        OutputError: A cell is not of its column's type, or the disk is full.
    """
    import pyarrow as pa

    arrow = {"text": pa.string(), "integer": pa.int64(), "float": pa.float32(), "flag": pa.bool_()}
    with output.writing(), text.open("rb") as packed, output.whole.open("xb") as target:
        head, groups = _read_groups(_read_text(packed, output.name))
        names = head.decode("utf-8", "surrogateescape").split("\t")
        metadata = {ORIGIN_KEY: origin} if origin else None
        schema = pa.schema([(name, arrow[types.get(name, "text")]) for name in names], metadata)
        try:
            with open_parquet(target, schema) as writer:
                for group in groups:
                    writer.write_table(_parse(group, schema))
        except pa.ArrowInvalid as error:
            reason = " ".join(str(error).split())
            raise OutputError(
                f"{output.name}: these rows can't be written as Parquet ({reason}); write .tsv"
            ) from error


def _read_text(packed: BinaryIO, name: str) -> Iterator[bytes]:
    try:
        for _, _, text in read_blocks(packed):
            yield text
    except ValueError as error:
        raise OutputError(f"{name}: the rows that were kept till the end can't be read ({error}); run again") from error


def _read_groups(blocks: Iterator[bytes]) -> tuple[bytes, Iterator[bytes]]:
    """Return the first line, without its end, and the others in groups."""
    waiting = b""
    while b"\n" not in waiting and (block := next(blocks, b"")):
        waiting += block
    head, _, rest = waiting.partition(b"\n")
    return head, _join_lines(itertools.chain([rest], blocks))


def _join_lines(blocks: Iterable[bytes]) -> Iterator[bytes]:
    waiting: list[bytes] = []
    size = 0
    for block in blocks:
        waiting.append(block)
        size += len(block)
        if size >= _BYTES_OF_A_GROUP and b"\n" in block:
            lines, _, rest = block.rpartition(b"\n")
            waiting[-1] = lines + b"\n"
            yield b"".join(waiting)
            waiting, size = [rest], len(rest)
    if size:
        yield b"".join(waiting)


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
