"""The kept predictions of one owner: found by key, kept until they fill a segment, written whole."""

from __future__ import annotations

import contextlib
import threading
import warnings
import weakref
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from zoo.prediction.cache.folder import CacheFolder
from zoo.prediction.cache.index import MOST_KEYS, KeyIndex
from zoo.prediction.cache.keys import Keys, Prefixes, take_prefixes
from zoo.prediction.cache.segment import DamagedSegment, Rows, Segment, open_segment, segment_bytes, write_segment

_WINDOWS_A_SEGMENT = 1 << 16
_BYTES_A_SEGMENT = 16 << 20
_SEGMENTS_A_CACHE = 8  # at least, so that the oldest can go without the rest
_SMALL_BYTES, _MANY = 1 << 20, 64  # so many segments below that size are written as one

_Places: TypeAlias = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class _Chunk:
    """Predictions that are still in memory."""

    keys: Keys
    values: Rows

    @property
    def records(self) -> int:
        return len(self.keys)

    def read(self, rows: _Places) -> tuple[Keys, Rows]:
        return self.keys[rows], self.values[rows]


@dataclass(slots=True)
class _Pending:
    """What is to be written as one segment, and the segments that it stands in for."""

    folder: CacheFolder
    owner: bytes
    place: str
    width: int
    chunks: list[_Chunk] = field(default_factory=list)
    replaced: list[Path] = field(default_factory=list)
    stopped: bool = False

    @property
    def records(self) -> int:
        return sum(chunk.records for chunk in self.chunks)

    @property
    def full(self) -> bool:
        most = min(_BYTES_A_SEGMENT, self.folder.size // _SEGMENTS_A_CACHE)
        return self.records >= _WINDOWS_A_SEGMENT or segment_bytes(self.records, self.width) >= most

    def write(self) -> Segment | None:
        """Write a segment; None where there is nothing to write, or no more can be: that is warned of once."""
        if self.stopped or not self.chunks:
            return None
        keys = np.concatenate([chunk.keys for chunk in self.chunks])
        values = np.concatenate([chunk.values for chunk in self.chunks])
        try:
            path = self.folder.make_room(self.place, segment_bytes(len(keys), self.width))
            write_segment(path, self.owner, keys, values)
        except OSError as error:
            self.stopped = True
            warnings.warn(
                f"{self.folder.path}: no more predictions are kept: {error.strerror or error}; the run goes on",
                stacklevel=2,
            )
            return None
        for old in self.replaced:
            with contextlib.suppress(OSError):
                old.unlink()
        self.chunks.clear()
        self.replaced.clear()
        return Segment(path, len(keys), self.width)


class Store:
    """Finds and keeps predictions of one owner in a folder. What is not written yet is, when the store goes.

    Args:
        owner: 32 bytes that pin all that decides the numbers, but for the window.
        place: The name of the owner's folder in the cache.
        width: Numbers that are kept of a window.
    """

    def __init__(self, folder: CacheFolder, owner: bytes, place: str, width: int) -> None:
        self._folder, self._owner, self._place, self._width = folder, owner, place, width
        self._lock = threading.Lock()
        self._index = KeyIndex()
        self._parts: dict[int, Segment | _Chunk] = {}  # by the place of the first record, ascending
        self._end = 0
        self._pending = _Pending(folder, owner, place, width)
        self._load()
        self._finalizer = weakref.finalize(self, self._pending.write)

    def find(self, keys: Keys) -> tuple[npt.NDArray[np.bool_], Rows]:
        """Return which of n keys are kept, and the predictions of those, shape (n, W); other rows hold anything."""
        found = np.zeros(len(keys), dtype=np.bool_)
        values = np.empty((len(keys), self._width), dtype=np.float32)
        with self._lock:
            places = self._index.find(take_prefixes(keys))
            order = np.argsort(places, kind="stable")
            order = order[np.searchsorted(places[order], 0) :]
            firsts = np.fromiter(self._parts, dtype=np.int64, count=len(self._parts))
            part = np.searchsorted(firsts, places[order], side="right") - 1
            for number in np.unique(part):
                rows = order[part == number]
                first = int(firsts[number])
                read = self._read(first, places[rows] - first)
                if read is not None:
                    found[rows] = read[0] == keys[rows]
                    values[rows] = read[1]
        return found, values

    def keep(self, keys: Keys, values: Rows) -> None:
        """Keep the predictions, shape (n, W), of n keys that were not found."""
        with self._lock:
            if self._pending.stopped or not len(keys):
                return
            self._append(_Chunk(keys, values))

    def flush(self) -> None:
        """Write what is not written yet."""
        with self._lock:
            self._write()

    def _load(self) -> None:
        """Take in what earlier runs have kept, and read small segments that are many, to be written as one."""
        opened: list[tuple[Segment, Prefixes]] = []
        room = MOST_KEYS
        for path in reversed(self._folder.list_segments(self._place)):
            try:
                segment, prefixes = open_segment(path, self._owner, self._width)
            except (DamagedSegment, OSError) as error:
                _leave_out(path, error)
                continue
            room -= segment.records
            if room < 0:
                break
            opened.insert(0, (segment, prefixes))
        small = [segment for segment, _ in opened if segment.size < _SMALL_BYTES]
        merged = small if len(small) >= _MANY else []
        while opened:
            segment, prefixes = opened.pop(0)
            if segment not in merged:
                self._add(segment, prefixes)
        for segment in merged:
            self._merge(segment)
        self._index.settle()

    def _merge(self, segment: Segment) -> None:
        try:
            chunk = _Chunk(*segment.read(np.arange(segment.records)))
        except (DamagedSegment, OSError) as error:
            _leave_out(segment.path, error)
            return
        self._pending.replaced.append(segment.path)
        self._append(chunk)

    def _append(self, chunk: _Chunk) -> None:
        """Add predictions that are to be written."""
        self._pending.chunks.append(chunk)
        self._add(chunk, take_prefixes(chunk.keys))
        if self._pending.full:
            self._write()

    def _add(self, part: Segment | _Chunk, prefixes: Prefixes) -> None:
        self._index.add(prefixes, self._end)
        self._parts[self._end] = part
        self._end += part.records

    def _read(self, first: int, rows: _Places) -> tuple[Keys, Rows] | None:
        """Return records of the part that starts at ``first``; None where it can't be read, which then is left out."""
        part = self._parts[first]
        try:
            return part.read(rows)
        except (DamagedSegment, OSError) as error:
            self._index.drop(first, first + part.records)
            if isinstance(part, Segment):
                _leave_out(part.path, error)
            return None

    def _write(self) -> None:
        first = self._end - self._pending.records
        segment = self._pending.write()
        if segment is not None:
            self._parts = {place: part for place, part in self._parts.items() if place < first} | {first: segment}
            self._index.settle()


def _leave_out(path: Path, error: Exception) -> None:
    """Tell of a segment that can't be used, but not of one that made room; a damaged one goes."""
    if isinstance(error, FileNotFoundError):
        return
    if isinstance(error, DamagedSegment):
        with contextlib.suppress(OSError):
            path.unlink()
    what = f"{path}: can't be read: {error.strerror}" if isinstance(error, OSError) else str(error)
    warnings.warn(f"{what}; it is left out of the cache, its windows are predicted again", stacklevel=2)
