"""Where each key stands: the keys' first halves, sorted, 12 bytes a key. Who reads the place compares the whole key."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from zoo.prediction.cache.keys import Prefixes

MOST_KEYS = 32_000_000
"""Keys that an index holds, 384 MB."""

Places: TypeAlias = npt.NDArray[np.int64]
"""Numbers of kept predictions, counted over everything that an index knows; -1 where there is none."""


@dataclass(frozen=True, slots=True)
class _Level:
    """Prefixes, ascending, and where they stand."""

    prefixes: Prefixes
    places: npt.NDArray[np.uint32]

    def __len__(self) -> int:
        return len(self.places)

    def find(self, prefixes: Prefixes) -> Places:
        if not len(self):
            return np.full(len(prefixes), -1, dtype=np.int64)
        rows = np.searchsorted(self.prefixes, prefixes).clip(max=len(self) - 1)
        return np.where(self.prefixes[rows] == prefixes, self.places[rows].astype(np.int64), -1)

    def insert(self, other: _Level) -> _Level:
        """Return both; of equal keys this one's come first. Sorting all anew would take twice the memory."""
        rows = np.searchsorted(self.prefixes, other.prefixes, side="right")
        return _Level(np.insert(self.prefixes, rows, other.prefixes), np.insert(self.places, rows, other.places))

    def drop(self, first: int, end: int) -> _Level:
        kept = (self.places < first) | (self.places >= end)
        return _Level(self.prefixes[kept], self.places[kept])


_EMPTY = _Level(np.empty(0, dtype=np.uint64), np.empty(0, dtype=np.uint32))


def _merge(levels: list[_Level]) -> _Level:
    """Return all of a list, which is emptied: what is sorted need not lie there twice."""
    prefixes = np.concatenate([level.prefixes for level in levels])
    places = np.concatenate([level.places for level in levels])
    levels.clear()
    order = np.argsort(prefixes, kind="stable")  # of equal keys the first one counts, whoever kept the others
    return _Level(prefixes[order], places[order])


class KeyIndex:
    """Finds places by keys. What was added lately is apart, as it is sorted anew whenever more is added.

    Args:
        most: Keys that it holds; those beyond are not found.
    """

    def __init__(self, most: int = MOST_KEYS) -> None:
        self._most = most
        self._settled = _EMPTY
        self._recent = _EMPTY
        self._added: list[_Level] = []

    def __len__(self) -> int:
        return sum(map(len, (self._settled, self._recent, *self._added)))

    def add(self, prefixes: Prefixes, first: int) -> None:
        """Add keys at places ``first`` and following."""
        prefixes = prefixes[: max(self._most - len(self), 0)]
        self._added.append(_Level(prefixes, np.arange(first, first + len(prefixes), dtype=np.uint32)))

    def settle(self) -> None:
        """Put what was added with what was there."""
        self._gather()
        self._settled = self._settled.insert(self._recent) if len(self._settled) else self._recent
        self._recent = _EMPTY

    def find(self, prefixes: Prefixes) -> Places:
        """Return the place of each key, shape (n,)."""
        self._gather()
        places = self._settled.find(prefixes)
        return np.where(places >= 0, places, self._recent.find(prefixes))

    def drop(self, first: int, end: int) -> None:
        """Forget the places ``first`` to ``end - 1``."""
        self._settled = self._settled.drop(first, end)
        self._recent = self._recent.drop(first, end)
        self._added = [level.drop(first, end) for level in self._added]

    def _gather(self) -> None:
        """Sort what was added."""
        if self._added:
            self._added.insert(0, self._recent)
            self._recent = _EMPTY
            self._recent = _merge(self._added)
