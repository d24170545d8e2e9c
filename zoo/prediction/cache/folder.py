"""The folder of a cache: its format, its size, and whose segments lie where.

Several processes may use it at once, also over a network: nothing is locked or changed in place, each writes segments
of its own, and one that another has removed is as good as never kept.
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from zoo.errors import OutputError
from zoo.prediction.cache.segment import SEGMENT, WRITING

FORMAT = 1
MARKER = "zoo-cache.json"

_DAY = 86_400 * 10**9  # nanoseconds; a segment that was being written for so long was left by a killed process


@dataclass(frozen=True, slots=True)
class CacheFolder:
    """A folder that is a cache, or that can become one.

    Attributes:
        size: The most bytes that its segments may have together.
        clock: Nanoseconds, ascending: the oldest segments go first.
    """

    path: Path
    size: int
    clock: Callable[[], int] = time.time_ns

    def check(self) -> None:
        """Refuse what is no cache and can't become one.

        Raises:
            OutputError: It is no folder, holds other things, can't be written, or has a newer format.
        """
        nearest = self.path
        while not os.path.lexists(nearest) and nearest != nearest.parent:
            nearest = nearest.parent
        if not nearest.is_dir():
            raise OutputError(f"{nearest}: expected a folder for the cache, found a file; name another folder")
        if not os.access(nearest, os.R_OK | os.W_OK | os.X_OK):
            raise OutputError(f"{nearest}: the cache can't be written there; name a folder of your own")
        if nearest != self.path:
            return
        try:
            self._check_format()
        except OSError as error:
            raise OutputError(f"{self.path}: the cache can't be read: {error.strerror}; name another folder") from error

    def _check_format(self) -> None:
        try:
            text = (self.path / MARKER).read_text("utf-8", "replace")
        except FileNotFoundError:
            others = sorted(path.name for path in self.path.iterdir() if not path.name.startswith(MARKER))
            if others and not (self.path / MARKER).exists():  # unless another process has just made it one
                raise OutputError(
                    f"{self.path}: expected a cache or an empty folder, found {others[0]!r}; name another folder"
                ) from None
            return
        try:
            found = json.loads(text)["format"]
        except (ValueError, TypeError, KeyError):
            raise OutputError(f"{self.path / MARKER}: says no format; remove the folder, or name another") from None
        if found != FORMAT:
            raise OutputError(
                f"{self.path}: expected a cache of format {FORMAT}, found {found!r:.20}, made by another version of "
                "zoo; name another folder"
            )

    def list_segments(self, owner: str) -> list[Path]:
        """Return one owner's segments, the oldest first; none where the folder can't be read."""
        try:
            return sorted(path for path in (self.path / owner).iterdir() if path.suffix == SEGMENT)
        except OSError:
            return []

    def make_room(self, owner: str, incoming: int) -> Path:
        """Remove the oldest segments, whoever's, until ``incoming`` bytes more fit, and name a new segment.

        Raises:
            OSError: The folder can't be made, or so many bytes never fit.
        """
        if incoming > self.size:
            raise OSError(f"{incoming:,} bytes don't fit into a cache of {self.size:,}")
        self.path.mkdir(parents=True, exist_ok=True)
        self._mark()  # first: what holds anything else and no marker is no cache
        (self.path / owner).mkdir(exist_ok=True)
        now = self.clock()
        found = sorted(self._walk())
        total = sum(size for _, _, size in found) + incoming
        for name, path, size in found:
            left_behind = path.suffix == WRITING and _written_at(name) < now - _DAY
            if left_behind or (path.suffix == SEGMENT and total > self.size):
                with contextlib.suppress(OSError):  # another process was first, or may alone
                    path.unlink()
                    total -= size
        return self.path / owner / f"{now:020d}-{secrets.token_hex(8)}{SEGMENT}"

    def _mark(self) -> None:
        marker = self.path / MARKER
        if marker.exists():
            return
        writing = marker.with_name(f"{MARKER}.{secrets.token_hex(8)}")
        try:
            writing.write_text(json.dumps({"format": FORMAT}) + "\n", "utf-8")
            writing.replace(marker)
        except BaseException:
            with contextlib.suppress(OSError):
                writing.unlink()
            raise

    def _walk(self) -> Iterator[tuple[str, Path, int]]:
        """Yield the name, path and bytes of every segment."""
        for folder in os.scandir(self.path):
            with contextlib.suppress(OSError):
                for entry in os.scandir(folder) if folder.is_dir() else ():
                    with contextlib.suppress(FileNotFoundError):
                        if entry.name.endswith((SEGMENT, WRITING)):
                            yield entry.name, Path(entry.path), entry.stat().st_size


def _written_at(name: str) -> int:
    """Return when a segment was begun, as its name says; of a foreign name, never."""
    stamp = name.partition("-")[0]
    return int(stamp) if stamp.isascii() and stamp.isdigit() else 1 << 63
