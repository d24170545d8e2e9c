"""One-to-one matching of stretches by two counts, G and C and soft-masked bases, the nearest first."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from zoo.genome.regions import Positions


def match_counts(wanted: Positions, offered: Positions, reach: tuple[int, int]) -> Positions:
    """Return the row of ``offered`` that each row of ``wanted`` gets, shape (N,), none twice; -1 where there is none.

    Equal counts go first. What is left goes to counts that differ by ever more, up to ``reach`` in each column.
    Among equals, those that are offered first are taken.

    Args:
        wanted: Counts, shape (N, 2).
        offered: Counts, shape (M, 2).
    """
    found = np.full(len(wanted), -1, dtype=np.int64)
    near = _is_in_reach(wanted[:, 0], offered[:, 0], reach[0])
    rows = np.flatnonzero(near)
    rows = rows[np.lexsort((offered[rows, 1], offered[rows, 0]))]
    pending = np.lexsort((wanted[:, 1], wanted[:, 0]))
    for offset, width in _list_steps(*reach):
        if not len(pending) or not len(rows):
            break
        base = int(max(wanted[:, 1].max(), offered[:, 1].max())) // width + 1
        keys = (wanted[pending, 0] + offset) * base + wanted[pending, 1] // width
        keys_offered = offered[rows, 0] * base + offered[rows, 1] // width
        places = _pair_equal(keys, keys_offered)
        matched = places >= 0
        found[pending[matched]] = rows[places[matched]]
        pending = pending[~matched]
        unused = np.ones(len(rows), dtype=np.bool_)
        unused[places[matched]] = False
        rows = rows[unused]
    return found


def _is_in_reach(wanted: Positions, offered: Positions, reach: int) -> npt.NDArray[np.bool_]:
    """Return which of the offered counts lie within reach of a wanted one."""
    levels = np.zeros(int(max(wanted.max(initial=0), offered.max(initial=0))) + 2 * reach + 2, dtype=np.int64)
    np.add.at(levels, wanted, 1)
    np.add.at(levels, wanted + 2 * reach + 1, -1)
    near: npt.NDArray[np.bool_] = levels.cumsum()[offered + reach] > 0
    return near


def _list_steps(gc_reach: int, repeat_reach: int) -> list[tuple[int, int]]:
    """Return the differences to try, nearest first: an offset of the first count, a width of bins of the second."""
    widths = [1]
    while widths[-1] < repeat_reach + 1:
        widths.append(min(widths[-1] * 3, repeat_reach + 1))
    steps = [(offset, width) for offset in range(-gc_reach, gc_reach + 1) for width in widths]
    return sorted(steps, key=lambda step: abs(step[0]) / max(gc_reach, 1) + (step[1] - 1) / max(repeat_reach, 1))


def _pair_equal(wanted: Positions, offered: Positions) -> Positions:
    """Return the place among the offered keys that each wanted key gets, both ascending; -1 where none is left."""
    ranks = np.arange(len(wanted)) - np.searchsorted(wanted, wanted, side="left")
    places = np.searchsorted(offered, wanted, side="left") + ranks
    inside = np.minimum(places, len(offered) - 1)
    pairs: Positions = np.where((places < len(offered)) & (offered[inside] == wanted), inside, -1)
    return pairs
