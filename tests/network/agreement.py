"""Pairs of windows for graphs of pairs, and how far two predictions are apart."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from zoo.network.operators import Span

Codes = npt.NDArray[np.uint8]

TOLERANCE = 1e-5
"""Of the largest prediction."""


@dataclass(frozen=True)
class Pairs:
    """REF's windows, and for each kind of change the windows of ALT with the rows of their REF."""

    ref: Codes
    changes: tuple[Span, ...]
    rows: tuple[npt.NDArray[np.int64], ...]
    alts: tuple[Codes, ...]

    @property
    def windows(self) -> Codes:
        """All windows, in the order of the outputs."""
        return np.concatenate([self.ref, *self.alts])

    @property
    def feed(self) -> dict[str, npt.NDArray[np.generic]]:
        """What the graph of pairs reads."""
        found: dict[str, npt.NDArray[np.generic]] = {"zoo_codes": self.ref}
        for kind, (change, rows, alts) in enumerate(zip(self.changes, self.rows, self.alts, strict=True)):
            found[f"zoo_row_{kind}"] = rows
            found[f"zoo_alt_{kind}"] = np.ascontiguousarray(alts[:, change.start : change.end])
        return found


def draw_codes(rng: np.random.Generator, *shape: int) -> Codes:
    """Return bases, unknown ones among them."""
    return rng.integers(0, 5, shape).astype(np.uint8)


def draw_pairs(rng: np.random.Generator, ref: Codes, changes: Sequence[Span], counts: Sequence[int]) -> Pairs:
    """Return so many ALTs of each kind; several of one REF, in no order."""
    rows = tuple(rng.integers(0, len(ref), count).astype(np.int64) for count in counts)
    alts = []
    for change, chosen in zip(changes, rows, strict=True):
        windows = ref[chosen].copy()
        windows[:, change.start : change.end] = draw_codes(rng, len(chosen), len(change))
        alts.append(windows)
    return Pairs(ref, tuple(changes), rows, tuple(alts))


def differ(expected: Sequence[npt.NDArray[np.float32]], found: Sequence[npt.NDArray[np.float32]]) -> float:
    """Return the largest difference of any output, relative to its largest prediction."""
    assert [one.shape for one in found] == [one.shape for one in expected]
    largest = 0.0
    for wanted, seen in zip(expected, found, strict=True):
        assert np.isfinite(wanted).all()
        difference = np.abs(seen.astype(np.float64) - wanted)
        assert np.isfinite(difference).all()
        largest = max(largest, float(difference.max() / np.abs(wanted).max()))
    return largest
