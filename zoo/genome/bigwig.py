"""Signal along the genome from bigWig files, read through pybigtools: positions are 0-based and half-open."""

from __future__ import annotations

import importlib
import math
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Self

import numpy as np
import numpy.typing as npt

from zoo.errors import DataError, MissingExtra, UnknownContig, near_match
from zoo.genome.bbi import check_blocks, read_layout
from zoo.genome.build import ContigIndex, contig_key
from zoo.genome.regions import Positions, list_runs

Signal = npt.NDArray[np.float32]
"""Values along the genome, shape (L,), or summaries of bins, shape (N, B); NaN where nothing is stated."""

Summary = Literal["sum", "mean", "max"]


class BigWig:
    """The signal of a bigWig file.

    Each contig is checked once, before it is first read, which takes as long as to uncompress it.

    Args:
        path: A file whose name ends in ``.bw`` or ``.bigWig``.
        genome: The contigs and lengths of the genome that the signal lies on. Contigs are then asked for by the
            genome's names; they are those of the file, or aliases whose lengths agree. Writers leave out contigs
            without signal, so that a contig of the genome that the file does not know holds nothing.

    Raises:
        DataError: The file is missing, cut, damaged or no bigWig, or holds none of the genome's contigs.
        MissingExtra: pybigtools is not installed.
    """

    def __init__(self, path: str | Path, genome: Mapping[str, int] | None = None) -> None:
        self.path = Path(path)
        library = _import_library(self.path)
        self._layout = read_layout(self.path)
        self.lengths: dict[str, int] = {name: length for name, (_, length) in self._layout.contigs.items()}
        self._genome = self.lengths if genome is None else genome
        index = ContigIndex(self.lengths)
        self._names = {name: index.find(name, length) for name, length in self._genome.items()}
        if not any(self._names.values()):
            raise DataError(
                f"{self.path}: none of its contigs is one of the genome's, by name and length; "
                f"it has {_show_contigs(self.lengths)}, the genome {_show_contigs(self._genome)}"
            )
        self._checked: set[str] = set()
        self._reader = self._guard(lambda: library.open(str(self.path)))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, value: object, trace: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Close the file."""
        self._guard(self._reader.close)

    def values(self, contig: str, start: int, end: int, fill: float = math.nan) -> Signal:
        """Return the signal of each base, shape (end - start,), ``fill`` where none is stated or beyond the contig.

        Raises:
            UnknownContig: Neither the genome nor, without one, the file has a contig of that name.
            DataError: The contig is damaged, or has another length in the genome.
        """
        values = np.full(max(end - start, 0), math.nan, dtype=np.float32)
        name = self._find(contig)
        first, last = max(start, 0), min(end, self._genome[contig])
        if name is not None and first < last:
            found = self._guard(lambda: self._reader.values(name, first, last, fillna=None))
            values[first - start : last - start] = found
        if not math.isnan(fill):
            values[np.isnan(values)] = fill
        return values

    def summarise(
        self,
        contig: str,
        starts: Positions,
        length: int,
        bins: int = 1,
        how: Summary = "mean",
        fill: float = math.nan,
    ) -> Signal:
        """Return one number for each bin of windows of one contig, shape (N, bins).

        Args:
            starts: Where each window starts, in any order; windows may overlap and reach beyond the contig.
            length: Bases of each window, a multiple of ``bins``.
            how: Over the bases of a bin. Those that are NaN are left out, a bin of nothing else is NaN.
            fill: What bases have of which nothing is stated, or that lie beyond the contig.

        Raises:
            UnknownContig, DataError: As in ``values``.
        """
        if length % bins:
            raise ValueError(f"{length} bases can't be cut into {bins} equal bins")
        summaries = np.empty((len(starts), bins), dtype=np.float32)
        order = np.argsort(starts, kind="stable")
        ascending = starts[order]
        for run in list_runs(ascending, length):
            begin = int(ascending[run.start])
            values = self.values(contig, begin, int(ascending[run.stop - 1]) + length, fill)
            windows = np.lib.stride_tricks.sliding_window_view(values, length)
            for first in range(run.start, run.stop, _ROWS):
                rows = slice(first, min(first + _ROWS, run.stop))
                summaries[order[rows]] = _summarise(
                    windows[ascending[rows] - begin].reshape(-1, bins, length // bins), how
                )
        return summaries

    def _find(self, contig: str) -> str | None:
        """Return the file's name of a contig, checked, or None where the file states nothing of it."""
        if contig not in self._names:
            raise UnknownContig(f"{self.path}: no contig {contig!r}{near_match(contig, self._names)}")
        name = self._names[contig]
        if name is None:
            same = [other for other in self.lengths if contig_key(other) == contig_key(contig)]
            if same:
                raise DataError(
                    f"{self.path}: contig {same[0]!r} has {self.lengths[same[0]]} bases, in the genome "
                    f"{self._genome[contig]}; give a file of the same build"
                )
        elif name not in self._checked:
            check_blocks(self._layout, self._layout.contigs[name][0])
            self._checked.add(name)
        return name

    def _guard(self, call: Any) -> Any:
        """Return what a call into the library returns; what it raises, a panic included, is a ``DataError``."""
        try:
            return call()
        except (KeyboardInterrupt, SystemExit, MemoryError):
            raise
        except BaseException as error:  # a panic of Rust's is no Exception
            raise DataError(f"{self.path}: can't be read: {' '.join(str(error).split())}") from error


_ROWS = 4096
"""Windows that are summarised at a time: their values are copied."""


def _summarise(values: Signal, how: Summary) -> Signal:
    """Return shape (N, B) of values (N, B, bases)."""
    if values.shape[-1] == 1:
        return values[..., 0]
    stated = ~np.isnan(values)
    whole = bool(stated.all())
    summary: Signal
    if how == "max":
        summary = (values if whole else np.where(stated, values, -np.inf)).max(axis=-1)
    else:
        # float32 sums lose a read in ten million; widening the numbers that are added costs little.
        summary = (values if whole else np.where(stated, values, 0)).sum(axis=-1, dtype=np.float64)
        if how == "mean":
            summary = summary / (values.shape[-1] if whole else np.maximum(stated.sum(axis=-1), 1))
    if not whole:
        summary = np.where(stated.any(axis=-1), summary, math.nan)
    return summary.astype(np.float32)


def _import_library(path: Path) -> Any:
    if path.suffix not in {".bw", ".bigWig", ".bigwig"}:
        raise DataError(f"{path}: expected a bigWig file whose name ends in .bw or .bigWig; rename it")
    try:
        return importlib.import_module("pybigtools")
    except ImportError as error:
        raise MissingExtra(
            f"{path}: reading bigWig files needs pybigtools, which is not installed: pip install 'assayzoo[train]'"
        ) from error


def _show_contigs(lengths: Mapping[str, int]) -> str:
    shown = ", ".join(f"{name} ({length})" for name, length in list(lengths.items())[:3])
    return shown + (", …" if len(lengths) > 3 else "")
