"""What a split must keep to: no sequence stands in two parts, none is empty, and each holds both classes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import numpy as np

from zoo.errors import EmptySplit, SplitLeak
from zoo.training.choices import LeakPolicy
from zoo.training.data.parts import LEFT_OUT, NAMES, TEST, TRAIN, VALIDATION, Parts, SplitBasis, SplitIndices
from zoo.training.data.targets import Targets


def settle(basis: SplitBasis, parts: Parts, policy: LeakPolicy) -> SplitIndices:
    """Return the rows of each part, once leaks are dealt with as the policy says.

    Raises:
        EmptySplit: A part holds no example.
        SplitLeak: As of ``settle_leaks``.
    """
    parts, notes = settle_leaks(basis, parts, policy)
    train, validation, test = (np.flatnonzero(parts == part) for part in (TRAIN, VALIDATION, TEST))
    indices = SplitIndices(train, validation, test, notes)
    for name, rows in indices:
        if not len(rows):
            raise EmptySplit(f"the {name} part of the split holds no example of {len(basis)}; change split")
    return indices


def settle_leaks(basis: SplitBasis, parts: Parts, policy: LeakPolicy) -> tuple[Parts, tuple[str, ...]]:
    """Find sequences that stand in two parts, on either strand, and do what the policy says.

    Raises:
        SplitLeak: There are some, and the policy is ``error``.
    """
    _, twins = np.unique(basis.hashes, return_inverse=True)
    highest = np.full(int(twins.max()) + 1 if len(twins) else 0, LEFT_OUT, dtype=np.int8)
    np.maximum.at(highest, twins, parts)
    leaks = (parts != LEFT_OUT) & (parts < highest[twins])
    if not leaks.any():
        return parts, ()
    counts = [(NAMES[part], int((leaks & (parts == part)).sum())) for part in (TRAIN, VALIDATION)]
    told = " and ".join(f"{count} of the {name} part" for name, count in counts if count)
    if policy == "error":
        row = int(np.argmax(leaks))
        twin = int(np.argmax((twins == twins[row]) & (parts == highest[twins[row]])))
        raise SplitLeak(
            f"{int(leaks.sum())} sequences ({told}) stand, on one strand or the other, in a later part as well: "
            f"{basis.name(row)} in {NAMES[parts[row]]} is {basis.name(twin)} in {NAMES[parts[twin]]}; "
            "set split.on_leak to drop or keep, or split by hash"
        )
    if policy == "keep":
        return parts, (f"{told} are sequences that stand, on one strand or the other, in a later part as well",)
    settled: Parts = np.where(leaks, np.int8(LEFT_OUT), parts)
    return settled, (f"{told} were left out: they stand, on one strand or the other, in a later part as well",)


def check_classes(split: SplitIndices, tracks: Sequence[str], pieces: Callable[[], Iterable[Targets]]) -> None:
    """Check that every part holds both classes of every track; ``pieces`` gives all targets, in order.

    Raises:
        EmptySplit: One holds a single class, or none.
    """
    total = max((int(rows[-1]) + 1 for _, rows in split if len(rows)), default=0)
    parts = np.full(total, LEFT_OUT, dtype=np.int8)
    for part, (_, rows) in enumerate(split):
        parts[rows] = part
    seen = np.zeros((len(NAMES), len(tracks), 2), dtype=np.bool_)
    first = 0
    for targets in pieces():
        here = parts[first : first + len(targets)]
        for part in range(len(NAMES)):
            values = targets[: len(here)][here == part].reshape(-1, len(tracks))
            seen[part, :, 0] |= (values == 0).any(axis=0)
            seen[part, :, 1] |= (values > 0).any(axis=0)
        first += len(targets)
    for part, track in np.argwhere(~seen.all(axis=2)):
        name, rows = list(split)[part]
        found = np.flatnonzero(seen[part, track])
        what = f"only {found[0]:g}" if len(found) else "no value"
        raise EmptySplit(
            f"the {name} part of the split ({len(rows)} examples) holds {what} of target {tracks[track]!r}; "
            "both classes are needed in every part: change split"
        )
