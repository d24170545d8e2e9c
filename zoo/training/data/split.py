"""Which examples train, which choose, and which test; nothing may stand on two sides."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt

from zoo.errors import DataError, EmptySplit, RecipeError, near_match
from zoo.training.choices import FractionSplit, GroupSplit, ListSplit
from zoo.training.data.parts import LEFT_OUT, TEST, TRAIN, VALIDATION, Hashes, Parts, SplitBasis, SplitIndices
from zoo.training.data.settle import settle


def split_examples(
    basis: SplitBasis, choice: GroupSplit | FractionSplit | ListSplit, seed: int, data_root: Path
) -> SplitIndices:
    """Divide the examples.

    Raises:
        EmptySplit: A part is empty, or a group or id that the choice names does not occur.
        SplitLeak: A sequence or its reverse complement stands in two parts, and the choice is ``on_leak: error``.
    """
    if isinstance(choice, GroupSplit):
        parts = split_by_group(basis, choice)
    elif isinstance(choice, ListSplit):
        parts = split_by_lists(basis, data_root / choice.test, data_root / choice.validation)
    elif choice.method == "hash":
        parts = split_by_hash(basis.hashes, choice.test, choice.validation)
    elif choice.method == "random":
        parts = split_at_random(np.zeros(len(basis), dtype=np.int64), choice.test, choice.validation, seed)
    else:
        parts = split_at_random(_strata_of(basis), choice.test, choice.validation, seed)
    return settle(basis, parts, choice.on_leak)


def split_into_folds(
    basis: SplitBasis,
    split: SplitIndices,
    choice: GroupSplit | FractionSplit | ListSplit,
    folds: int,
    seed: int,
) -> tuple[SplitIndices, ...]:
    """Return ``folds`` splits with the test part of ``split``, each with another share of the rest for validation.

    Named contigs or labels stay whole, the largest spread first; else shares are drawn by the hash of each sequence,
    or, for a ``random`` or ``stratified`` split, at random.

    Raises:
        EmptySplit: There are fewer contigs or labels than folds, or a fold is empty.
        SplitLeak: As of ``split_examples``.
    """
    rest = np.sort(np.concatenate([split.train, split.validation]))
    if isinstance(choice, GroupSplit) and not isinstance(choice.validation, float):
        numbers = _spread_groups(basis, rest, folds)
    elif isinstance(choice, FractionSplit) and choice.method != "hash":
        strata = _strata_of(basis)[rest] if choice.method == "stratified" else np.zeros(len(rest), dtype=np.int64)
        numbers = _deal(strata, folds, seed)
    else:
        # Other bits than those that the fraction looks at, or folds would be slices of the old parts.
        numbers = ((basis.hashes[rest] & np.uint64(0xFFFFFFFF)) % np.uint64(folds)).astype(np.int64)
    found = []
    for fold in range(folds):
        parts = np.full(len(basis), LEFT_OUT, dtype=np.int8)
        parts[rest] = np.where(numbers == fold, VALIDATION, TRAIN)
        parts[split.test] = TEST
        found.append(settle(basis, parts, choice.on_leak))
    return tuple(found)


def split_by_group(basis: SplitBasis, choice: GroupSplit) -> Parts:
    """Send whole contigs, or whole given labels, to one part."""
    if basis.groups is None:
        raise EmptySplit(
            f"split.method {choice.method} needs the {choice.method} of each example, and the data give none; "
            "give contig_pattern or group_column in data.config, or split by hash"
        )
    names = () if isinstance(choice.validation, float) else choice.validation
    known = {str(group) for group in np.unique(basis.groups)}
    for part, named in (("test", choice.test), ("validation", names)):
        for name in named:
            if name not in known:
                raise EmptySplit(f"split.{part}: no example is of {choice.method} {name!r}{near_match(name, known)}")
    if "" in known:
        row = int(np.argmax(basis.groups == ""))
        raise EmptySplit(f"split.method {choice.method}: example {basis.name(row)} has no {choice.method}")
    if isinstance(choice.validation, float):
        parts = split_by_hash(basis.hashes, 0.0, choice.validation)
    else:
        parts = np.full(len(basis), TRAIN, dtype=np.int8)
        parts[np.isin(basis.groups, names)] = VALIDATION
    parts[np.isin(basis.groups, choice.test)] = TEST
    return parts


def split_by_lists(basis: SplitBasis, test: Path, validation: Path) -> Parts:
    """Send the examples whose ids stand in two files, one a line, to the test and the validation part."""
    if not len(basis.ids):
        raise EmptySplit("split.method lists needs the id of each example, and the data give none; split by hash")
    rows: dict[str, list[int]] = {}
    for row, name in enumerate(basis.ids):
        rows.setdefault(name, []).append(row)
    parts = np.full(len(basis), TRAIN, dtype=np.int8)
    for part, path in ((VALIDATION, validation), (TEST, test)):
        for number, name in _read_names(path):
            if name not in rows:
                raise DataError(f"{path}, line {number}: no example is called {name!r}{near_match(name, rows)}")
            if part == TEST and (parts[rows[name]] == VALIDATION).any():
                raise DataError(f"{path}, line {number}: {name!r} is listed for validation too")
            parts[rows[name]] = part
    return parts


def split_by_hash(hashes: Hashes, test: float, validation: float) -> Parts:
    """Send each sequence where its hash says: the same on every machine, with any other data, on either strand."""
    return _parts_of(hashes / 2.0**64, test, validation)


def split_at_random(strata: npt.NDArray[np.int64], test: float, validation: float, seed: int) -> Parts:
    """Draw the parts within each stratum, so that each holds its share of every one."""
    generator = np.random.default_rng(seed)
    parts = np.full(len(strata), TRAIN, dtype=np.int8)
    for stratum in np.unique(strata):
        rows = generator.permutation(np.flatnonzero(strata == stratum))
        tests, validations = round(len(rows) * test), round(len(rows) * validation)
        parts[rows[:tests]] = TEST
        parts[rows[tests : tests + validations]] = VALIDATION
    return parts


def _spread_groups(basis: SplitBasis, rows: npt.NDArray[np.int64], folds: int) -> npt.NDArray[np.int64]:
    """Return the fold of each row: the largest group goes first, each to the fold that has least."""
    assert basis.groups is not None  # noqa: S101 - the split by groups went before
    names, inverse, counts = np.unique(basis.groups[rows], return_inverse=True, return_counts=True)
    if len(names) < folds:
        raise EmptySplit(f"{folds} folds need as many contigs or labels outside the test part, found {len(names)}")
    filled = np.zeros(folds, dtype=np.int64)
    of_group = np.zeros(len(names), dtype=np.int64)
    for group in np.argsort(-counts, kind="stable"):
        of_group[group] = np.argmin(filled)
        filled[of_group[group]] += counts[group]
    found: npt.NDArray[np.int64] = of_group[inverse]
    return found


def _deal(strata: npt.NDArray[np.int64], folds: int, seed: int) -> npt.NDArray[np.int64]:
    """Return a fold for each example, each stratum dealt out like cards."""
    generator = np.random.default_rng(seed)
    numbers = np.zeros(len(strata), dtype=np.int64)
    for stratum in np.unique(strata):
        rows = generator.permutation(np.flatnonzero(strata == stratum))
        numbers[rows] = np.arange(len(rows)) % folds
    return numbers


def _parts_of(shares: npt.NDArray[np.float64], test: float, validation: float) -> Parts:
    parts = np.full(len(shares), TRAIN, dtype=np.int8)
    parts[shares < test + validation] = VALIDATION
    parts[shares < test] = TEST
    return parts


def _strata_of(basis: SplitBasis) -> npt.NDArray[np.int64]:
    if basis.strata is None:
        raise RecipeError("split.method stratified needs targets of a few classes; split by hash or at random")
    return basis.strata


def _read_names(path: Path) -> Iterator[tuple[int, str]]:
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except OSError as error:
        raise DataError(f"{path}: can't be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise DataError(f"{path}: expected text, found bytes that are none ({error.reason})") from error
    yield from ((number, line.strip()) for number, line in enumerate(lines, start=1) if line.strip())
