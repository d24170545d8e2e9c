"""What a look through the data found, and which of it to warn of."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from zoo.training.metrics.bootstrap import rounded

SUSPICIOUS_KS = 0.1
"""From this distance of two distributions on, what should not tell the classes apart may well do so."""

_MANY = 0.01  # the share of examples that is worth a warning


@dataclass(frozen=True, slots=True)
class Spread:
    """How a share is distributed: its mean and quartiles."""

    mean: float
    low: float
    median: float
    high: float


@dataclass(frozen=True, slots=True)
class GroupCheck:
    """One class of a track in one part, or everything that a regression track measured.

    Args:
        label: ``0``, ``1`` or ``all``.
        gc: Of the known bases; None where there is no sequence. ``repeats``, of soft-masked ones, likewise.
        duplicates: Examples that repeat another of the group, on either strand, each repeat counted once.
    """

    label: str
    count: int
    gc: Spread | None
    repeats: Spread | None
    duplicates: int


@dataclass(frozen=True, slots=True)
class TrackCheck:
    """One track in one part.

    Args:
        gc_ks: Distance of GC content between the classes: the statistic of Kolmogorov and Smirnov, 0 to 1; None for
            regression. ``repeats_ks`` likewise.
        gc_auroc: Of GC content as if it were the prediction: 0.5 says nothing about the class.
        gc_pearson: Of GC content with the target, for regression.
        conflicts: Sequences that stand in both classes.
    """

    part: str
    track: str
    groups: tuple[GroupCheck, ...]
    gc_ks: float | None = None
    gc_auroc: float | None = None
    gc_pearson: float | None = None
    repeats_ks: float | None = None
    repeats_auroc: float | None = None
    conflicts: int = 0

    @property
    def noise(self) -> float:
        """The distance that chance exceeds in one of twenty draws from one distribution."""
        counts = [group.count for group in self.groups]
        return 1.358 * float(np.sqrt(sum(counts) / np.prod(counts, dtype=float))) if min(counts) else 1.0


@dataclass(frozen=True, slots=True)
class Leak:
    """How many examples of ``later`` stand in ``earlier`` too, on either strand."""

    earlier: str
    later: str
    count: int


@dataclass(frozen=True, slots=True)
class Sharing:
    """How many test examples of a class, or of a regression track, share a word with training."""

    track: str
    label: str
    count: int
    sharers: int


@dataclass(frozen=True, slots=True, eq=False)
class DataChecks:
    """What was found in the data.

    Args:
        tracks: A row for each track of each part.
        word_length: Of the words that ``sharing`` is about, in bases; None where there is no sequence.
        sharers: Which test examples share a word with a training example, shape (test examples,).
    """

    tracks: tuple[TrackCheck, ...]
    leaks: tuple[Leak, ...]
    word_length: int | None
    sharing: tuple[Sharing, ...]
    sharers: npt.NDArray[np.bool_]

    def to_numbers(self) -> dict[str, dict[str, Any]]:
        """Return, by track, what the test part's classes differ in and how many of it share words, for the card."""
        found: dict[str, dict[str, Any]] = {}
        for check in self.tracks:
            if check.part == "test":
                names = ("gc_ks", "gc_auroc", "gc_pearson", "repeats_ks", "repeats_auroc")
                values = {name: getattr(check, name) for name in names}
                found[check.track] = {name: rounded(value) for name, value in values.items() if value is not None}
        for row in self.sharing:
            found[row.track].setdefault("sharers", {})[row.label] = row.sharers
        return found

    def list_warnings(self) -> tuple[str, ...]:
        """Return what a reader should know before the metrics are believed, a sentence each."""
        return (
            *_warn_of_distances(self.tracks, "gc", "GC content"),
            *_warn_of_distances(self.tracks, "repeats", "The share of repeats"),
            *_warn_of_duplicates(self.tracks),
            *_warn_of_leaks(self.leaks),
            *_warn_of_sharers(self),
        )


def _warn_of_distances(checks: Iterable[TrackCheck], name: Literal["gc", "repeats"], what: str) -> Iterator[str]:
    """Warn of the part and track where the classes lie farthest apart: not by chance, and by enough to learn from."""
    far = []
    for check in checks:
        distance = check.gc_ks if name == "gc" else check.repeats_ks
        auroc = check.gc_auroc if name == "gc" else check.repeats_auroc
        if distance is not None and auroc is not None and distance > max(SUSPICIOUS_KS, check.noise):
            far.append((distance, auroc, check))
    if far:
        distance, auroc, check = max(far, key=lambda item: item[0])
        tracks = len({item[2].track for item in far})
        more = f"; so it does of {tracks - 1} more tracks" if tracks > 1 else ""
        yield (
            f"{what} alone tells the classes of {check.track} apart: in the {check.part} part their distributions "
            f"differ by {distance:.2f} (statistic of Kolmogorov and Smirnov), and it predicts the class with "
            f"AUROC {auroc:.2f}{more}."
        )


def _warn_of_duplicates(checks: Iterable[TrackCheck]) -> Iterator[str]:
    for check in checks:
        if check.conflicts:
            yield (
                f"{check.conflicts} sequences of the {check.part} part stand in both classes of {check.track}, "
                "on one strand or the other."
            )
        for group in check.groups:
            if group.duplicates > _MANY * group.count:
                told = f"class {group.label} of {check.track}" if group.label != "all" else check.track
                yield (
                    f"{group.duplicates} of {group.count} examples of {told} in the {check.part} part repeat another, "
                    "on one strand or the other."
                )


def _warn_of_leaks(leaks: Iterable[Leak]) -> Iterator[str]:
    for leak in leaks:
        if leak.count:
            yield (
                f"{leak.count} examples of the {leak.later} part stand in the {leak.earlier} part too, on one strand "
                "or the other."
            )


def _warn_of_sharers(checks: DataChecks) -> Iterator[str]:
    shared, count = int(checks.sharers.sum()), len(checks.sharers)
    if shared > _MANY * count:
        yield (
            f"{shared} of {count} test examples share a word of {checks.word_length} bases with a training example: "
            "look at the metrics without them."
        )
