"""Mutation maps as files: tables, arrays and pictures, each under its name only when it is whole."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, BinaryIO, TypeAlias

import numpy as np

from zoo.errors import OutputError
from zoo.genome.bgzf import BgzfSink
from zoo.genome.codes import decode
from zoo.genome.output import STANDARD_OUTPUT, OutputFile, resolve_output
from zoo.interpretation.heat_map import PICTURES, Theme, check_plotting, draw_maps
from zoo.interpretation.mutation_map import LETTERS, MutationMap
from zoo.prediction.output.cells import MISSING
from zoo.prediction.output.columns import ParquetFile, make_column, make_text

AnyPath: TypeAlias = str | Path

TABLES = (".tsv", ".tsv.gz", ".tsv.bgz", ".parquet")
ARRAYS = ".npz"
SUFFIXES = (*TABLES, ARRAYS, *PICTURES)

_Add = Callable[[MutationMap], None]


def write_maps(maps: Iterable[MutationMap], outputs: Sequence[AnyPath] | AnyPath, *, theme: Theme = "light") -> None:
    """Write maps of the same columns to one file or several: ``.tsv``, ``.tsv.gz``, ``.parquet``, ``.npz``, or drawn.

    Pictures are ``.png``, ``.svg`` and ``.pdf``, the last with a page a map.

    Raises:
        MissingExtra: A picture is asked for, and the extra ``plot`` is not installed.
        OutputError: A file can't be written, there is no map, or too much to draw; nothing stands under any of the
            names.
    """
    listed = [outputs] if isinstance(outputs, str | Path) else list(outputs)
    check_outputs(listed)
    with open_outputs(listed, theme) as add:
        for found in maps:
            add(found)


def check_outputs(outputs: Sequence[AnyPath]) -> None:
    """Refuse names that can't be written, before anything is predicted.

    Raises:
        OutputError: A name ends otherwise than those of the formats, or stands there twice, or there is none.
        MissingExtra: A picture is asked for, and the extra ``plot`` is not installed.
    """
    if not outputs:
        raise OutputError("expected at least one file to write, found none")
    seen = set()
    for output in outputs:
        if str(output) != STANDARD_OUTPUT and not str(output).endswith(SUFFIXES):
            raise OutputError(
                f"{output}: expected a name that ends with {', '.join(SUFFIXES[:-1])} or {SUFFIXES[-1]}, "
                "or - for a table on standard output"
            )
        target = output if str(output) == STANDARD_OUTPUT else resolve_output(output).absolute()
        if target in seen:
            raise OutputError(f"{output}: is named twice; name it once")
        seen.add(target)
        if str(output).endswith(PICTURES):
            check_plotting()


@contextlib.contextmanager
def open_outputs(outputs: Sequence[AnyPath], theme: Theme) -> Iterator[_Add]:
    """Give a function that adds a map to all files; at the end they get their names, all or none of them.

    Raises:
        OutputError: A file can't be written.
    """
    with ExitStack() as files:
        opened = [files.enter_context(OutputFile(output)) for output in outputs]
        with ExitStack() as writers:
            adds: list[_Add] = []
            added = 0
            for file in opened:
                writers.enter_context(file.writing())
                adds.append(writers.enter_context(_choose_writer(file.path)(file.file, file.path, theme)))

            def add(found: MutationMap) -> None:
                nonlocal added
                added += 1
                for file, add_one in zip(opened, adds, strict=True):
                    with file.writing():
                        add_one(found)

            yield add
            if not added:
                raise OutputError(f"{opened[0].path}: expected at least one map to write, found none")
        for file in opened:
            file.commit()


def _choose_writer(path: str) -> Callable[[BinaryIO, str, Theme], contextlib.AbstractContextManager[_Add]]:
    if path.endswith(PICTURES):
        return _write_picture
    if path.endswith(ARRAYS):
        return _write_arrays
    return _write_parquet if path.endswith(".parquet") else _write_tsv


@contextlib.contextmanager
def _write_tsv(file: BinaryIO, path: str, _: Theme) -> Iterator[_Add]:
    sink = BgzfSink(file) if path.endswith((".gz", ".bgz")) else file
    began = False

    def add(found: MutationMap) -> None:
        nonlocal began
        if not began:
            names = [*found.labels, "position", "ref", "alt", *found.value_names]
            sink.write(("\t".join(names) + "\n").encode())
            began = True
        index, alt = found.changes
        where = tuple(found.labels.values())
        columns = [_spell(values) for values in found.list_values().T]
        rows = zip(found.positions[index].tolist(), decode(found.codes[index]), decode(alt), *columns, strict=True)
        sink.write("".join("\t".join((*where, *map(str, row))) + "\n" for row in rows).encode())

    yield add
    if isinstance(sink, BgzfSink):
        sink.finish()


def _spell(values: np.ndarray[Any, np.dtype[np.float32]]) -> list[str]:
    return [MISSING if value != value else f"{value:.9g}" for value in values.tolist()]  # noqa: PLR0124 - NaN


@contextlib.contextmanager
def _write_parquet(file: BinaryIO, _path: str, _theme: Theme) -> Iterator[_Add]:
    import pyarrow as pa

    with ExitStack() as opened:
        table_file: ParquetFile | None = None

        def add(found: MutationMap) -> None:
            nonlocal table_file
            index, alt = found.changes
            columns = {
                **{name: pa.repeat(label, len(index)) for name, label in found.labels.items()},
                "position": make_column(found.positions[index]),
                "ref": make_text(decode(found.codes[index])),
                "alt": make_text(decode(alt)),
            }
            # Column by column in memory; what has no score is null.
            values = np.ascontiguousarray(found.list_values().T)
            columns |= {name: make_column(column) for name, column in zip(found.value_names, values, strict=True)}
            table = pa.table(columns)
            if table_file is None:
                table_file = opened.enter_context(ParquetFile(file, table.schema))
            table_file.add(table)

        yield add


@contextlib.contextmanager
def _write_arrays(file: BinaryIO, _path: str, _theme: Theme) -> Iterator[_Add]:
    """Write arrays in which the positions of all maps follow one another; the last axes are A C G T and the columns."""
    maps: list[MutationMap] = []
    yield maps.append
    arrays: dict[str, Any] = {
        "scores": np.concatenate([found.scores for found in maps]),
        "columns": np.array([column.key for column in maps[0].columns]),
        "models": np.array([column.model for column in maps[0].columns]),
        "tracks": np.array([column.track for column in maps[0].columns]),
        "scorers": np.array([column.scorer for column in maps[0].columns]),
        "alleles": np.array(list(LETTERS)),
        "ref": np.array([letter for found in maps for letter in found.sequence]),
        "position": np.concatenate([found.positions for found in maps]),
        "names": np.array([found.name for found in maps]),
        "contigs": np.array([found.contig for found in maps]),
        "offsets": np.cumsum([0, *map(len, maps)]),
    }
    if maps[0].predictions is not None:
        arrays["predictions"] = np.concatenate([found.predictions for found in maps if found.predictions is not None])
    content = io.BytesIO()
    np.savez_compressed(content, **arrays)
    file.write(content.getvalue())


@contextlib.contextmanager
def _write_picture(file: BinaryIO, path: str, theme: Theme) -> Iterator[_Add]:
    maps: list[MutationMap] = []
    yield maps.append
    file.write(draw_maps(maps, path, theme))
