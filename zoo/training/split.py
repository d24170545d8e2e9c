"""Which examples train, which choose, and which test; nothing may stand on two sides."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from zoo.components import ExampleSet
from zoo.errors import EmptySplit, SplitLeak, near_match
from zoo.genome.codes import Codes, reverse_complement
from zoo.training.choices import FractionSplit, GroupSplit, LeakPolicy

Parts: TypeAlias = npt.NDArray[np.int8]
"""The part of each example, shape (N,): 0 training, 1 validation, 2 test, -1 left out."""

TRAIN, VALIDATION, TEST, LEFT_OUT = 0, 1, 2, -1
NAMES = ("train", "validation", "test")


@dataclass(frozen=True, slots=True)
class SplitIndices:
    """Row numbers of each part, ascending, and what was left out or kept against the rule."""

    train: npt.NDArray[np.int64]
    validation: npt.NDArray[np.int64]
    test: npt.NDArray[np.int64]
    notes: tuple[str, ...] = ()

    def __iter__(self) -> Iterator[tuple[str, npt.NDArray[np.int64]]]:
        yield from zip(NAMES, (self.train, self.validation, self.test), strict=True)


def split_examples(
    examples: ExampleSet, choice: GroupSplit | FractionSplit, seed: int, *, classes: bool
) -> SplitIndices:
    """Divide the examples; ``classes`` says that targets are classes, of which each part needs at least two.

    Raises:
        EmptySplit: A part is empty or holds one class only, or a group that the choice names does not occur.
        SplitLeak: A sequence or its reverse complement stands in two parts, and the choice is ``on_leak: error``.
    """
    if isinstance(choice, GroupSplit):
        parts = split_by_group(examples, choice)
    elif choice.method == "hash":
        parts = split_by_hash(examples.sequences, choice.test, choice.validation)
    elif choice.method == "random":
        parts = split_at_random(np.zeros(len(examples), dtype=np.int64), choice.test, choice.validation, seed)
    else:
        parts = split_at_random(_class_numbers(examples), choice.test, choice.validation, seed)
    parts, notes = settle_leaks(examples, parts, choice.on_leak)
    train, validation, test = (np.flatnonzero(parts == part) for part in (TRAIN, VALIDATION, TEST))
    indices = SplitIndices(train, validation, test, notes)
    for name, rows in indices:
        _check_part(examples, name, rows, classes=classes)
    return indices


def split_by_group(examples: ExampleSet, choice: GroupSplit) -> Parts:
    """Send whole contigs, or whole given labels, to one part."""
    if examples.groups is None:
        raise EmptySplit(
            f"split.method {choice.method} needs the {choice.method} of each example, and the data give none; "
            "give contig_pattern or group_column in data.config, or split by hash"
        )
    known = {str(group) for group in np.unique(examples.groups)}
    for part, names in (("test", choice.test), ("validation", choice.validation)):
        for name in names:
            if name not in known:
                raise EmptySplit(f"split.{part}: no example is of {choice.method} {name!r}{near_match(name, known)}")
    if "" in known:
        row = int(np.argmax(examples.groups == ""))
        raise EmptySplit(f"split.method {choice.method}: example {_id(examples, row)} has no {choice.method}")
    parts = np.full(len(examples), TRAIN, dtype=np.int8)
    parts[np.isin(examples.groups, choice.validation)] = VALIDATION
    parts[np.isin(examples.groups, choice.test)] = TEST
    return parts


def split_by_hash(sequences: Codes, test: float, validation: float) -> Parts:
    """Send each sequence where its hash says: the same on every machine, with any other data, on either strand."""
    shares = np.array([int.from_bytes(hashlib.blake2b(key, digest_size=8).digest()) for key in strand_keys(sequences)])
    shares = shares / 2.0**64
    return _parts_of(shares, test, validation)


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


def strand_keys(sequences: Codes) -> list[bytes]:
    """Return the smaller of each sequence and its reverse complement, as bytes."""
    forward, reverse = np.ascontiguousarray(sequences), np.ascontiguousarray(reverse_complement(sequences))
    return [min(one.tobytes(), other.tobytes()) for one, other in zip(forward, reverse, strict=True)]


def settle_leaks(examples: ExampleSet, parts: Parts, policy: LeakPolicy) -> tuple[Parts, tuple[str, ...]]:
    """Find sequences that stand in two parts, on either strand, and do what the policy says.

    Raises:
        SplitLeak: There are some, and the policy is ``error``.
    """
    keys = strand_keys(examples.sequences)
    highest: dict[bytes, int] = {}
    for key, part in zip(keys, parts.tolist(), strict=True):
        highest[key] = max(part, highest.get(key, LEFT_OUT))
    leaks = np.array([part != LEFT_OUT and part < highest[key] for key, part in zip(keys, parts.tolist(), strict=True)])
    if not leaks.any():
        return parts, ()
    counts = [(NAMES[part], int((leaks & (parts == part)).sum())) for part in (TRAIN, VALIDATION)]
    told = " and ".join(f"{count} of the {name} part" for name, count in counts if count)
    if policy == "error":
        row = int(np.argmax(leaks))
        twin = next(
            other for other in range(len(keys)) if keys[other] == keys[row] and parts[other] == highest[keys[row]]
        )
        raise SplitLeak(
            f"{int(leaks.sum())} sequences ({told}) stand, on one strand or the other, in a later part as well: "
            f"{_id(examples, row)} in {NAMES[parts[row]]} is {_id(examples, twin)} in {NAMES[parts[twin]]}; "
            "set split.on_leak to drop or keep, or split by hash"
        )
    if policy == "keep":
        return parts, (f"{told} are sequences that stand, on one strand or the other, in a later part as well",)
    settled: Parts = np.where(leaks, np.int8(LEFT_OUT), parts)
    return settled, (f"{told} were left out: they stand, on one strand or the other, in a later part as well",)


def _parts_of(shares: npt.NDArray[np.float64], test: float, validation: float) -> Parts:
    parts = np.full(len(shares), TRAIN, dtype=np.int8)
    parts[shares < test + validation] = VALIDATION
    parts[shares < test] = TEST
    return parts


def _class_numbers(examples: ExampleSet) -> npt.NDArray[np.int64]:
    if examples.targets is None:
        raise EmptySplit("split.method stratified needs targets, and the data have none")
    flat = np.nan_to_num(examples.targets.reshape(len(examples), -1), nan=-1.0)
    numbers: npt.NDArray[np.int64] = np.unique(flat, axis=0, return_inverse=True)[1].reshape(-1)
    return numbers


def _check_part(examples: ExampleSet, name: str, rows: npt.NDArray[np.int64], *, classes: bool) -> None:
    if not len(rows):
        raise EmptySplit(f"the {name} part of the split holds no example of {len(examples)}; change split")
    if not classes or examples.targets is None:
        return
    for track, column in zip(examples.tracks, examples.targets[rows].reshape(len(rows), -1).T, strict=False):
        found = np.unique(column[~np.isnan(column)])
        if len(found) < 2:
            what = f"only {found[0]:g}" if len(found) else "no value"
            raise EmptySplit(
                f"the {name} part of the split ({len(rows)} examples) holds {what} of target {track!r}; "
                "both classes are needed in every part: change split"
            )


def _id(examples: ExampleSet, row: int) -> str:
    return repr(examples.ids[row]) if examples.ids else f"number {row + 1}"
