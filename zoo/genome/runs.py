"""Runs of whole numbers, many at once: how slices of one array are picked without a loop."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt


def concatenate_runs(first: npt.NDArray[np.int64], counts: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Return ``first[i]`` to ``first[i] + counts[i] - 1`` of each run, one run after the other.

    Args:
        first: Where each run begins, shape (n,).
        counts: Its length, 0 or more, shape (n,).
    """
    numbers: npt.NDArray[np.int64] = np.repeat(first - (np.cumsum(counts) - counts), counts) + np.arange(counts.sum())
    return numbers
