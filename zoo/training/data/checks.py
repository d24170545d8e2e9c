"""Whether the data give the answer away: GC content, repeats and duplicates in the classes, leaks between the parts."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from zoo.genome.codes import UNKNOWN, Codes
from zoo.training.data.batches import Rows
from zoo.training.data.data_checks import DataChecks, GroupCheck, Leak, Sharing, Spread, TrackCheck
from zoo.training.data.examples import Examples, read_pieces, targets_of
from zoo.training.data.kmers import LONGEST, hold_marked, list_words, mark_words
from zoo.training.data.parts import NAMES, SplitIndices, hash_examples
from zoo.training.data.targets import Targets
from zoo.training.metrics.bootstrap import Vector
from zoo.training.metrics.classes import weighted_auroc
from zoo.training.metrics.values import measure_ks, weighted_pearson


def check_data(examples: Examples, split: SplitIndices, *, classes: bool) -> DataChecks:
    """Look through the examples of every part, a few thousand at a time; only the test part's words are kept.

    ``classes``: the targets are 0 and 1. Sharing is of words of 31 bases, or of whole sequences where those are
    shorter.
    """
    parts = {name: _describe_part(examples, rows) for name, rows in split}
    word_length = min(LONGEST, examples.length) or None
    sharers = np.zeros(len(split.test), dtype=np.bool_)
    if word_length is not None:
        sharers = find_sharers(examples, split, word_length)
    tested = parts["test"]
    sharing = tuple(
        Sharing(track, label, int(rows.sum()), int((rows & sharers).sum()))
        for index, track in enumerate(examples.tracks)
        for label, rows in _group(tested.targets[:, index], classes=classes)
    )
    return DataChecks(
        tracks=tuple(
            _check_track(parts[name], name, track, index, classes=classes)
            for name in NAMES
            for index, track in enumerate(examples.tracks)
        ),
        leaks=tuple(
            Leak(earlier, later, int(np.isin(parts[later].hashes, parts[earlier].hashes).sum()))
            for earlier, later in (("train", "validation"), ("train", "test"), ("validation", "test"))
        ),
        word_length=word_length,
        sharing=sharing,
        sharers=sharers,
    )


def find_sharers(examples: Examples, split: SplitIndices, k: int) -> npt.NDArray[np.bool_]:
    """Return which test examples share a word of ``k`` bases, on either strand, with a training example."""

    def read(rows: Rows) -> Iterator[Codes]:
        return (piece.sequences for piece in read_pieces(examples, rows))

    words = list_words(read(split.test), k)
    marked = mark_words(words, read(split.train), k)
    return np.concatenate([hold_marked(codes, words, marked, k) for codes in read(split.test)])


@dataclass(frozen=True, slots=True)
class _Part:
    """What the checks need of each example: a few numbers."""

    targets: Targets
    hashes: npt.NDArray[np.uint64]
    gc: Vector | None
    repeats: Vector | None


def _describe_part(examples: Examples, rows: Rows) -> _Part:
    targets, hashes, gc, repeats = [], [], [], []
    for piece in read_pieces(examples, rows):
        measured = targets_of(piece)
        targets.append(_mean_of_bins(measured) if measured.ndim == 3 else measured)
        hashes.append(hash_examples(piece))
        if examples.length:
            gc.append(measure_gc(piece.sequences))
        if piece.repeats is not None:
            repeats.append(piece.repeats.astype(np.float64))
    return _Part(
        np.concatenate(targets),
        np.concatenate(hashes),
        np.concatenate(gc) if gc else None,
        np.concatenate(repeats) if repeats else None,
    )


def measure_gc(codes: Codes) -> Vector:
    """Return the share of G and C among the known bases of each sequence, shape (N,); 0 where none is known."""
    known = (codes != UNKNOWN).sum(axis=1)
    share: Vector = ((codes == 1) | (codes == 2)).sum(axis=1) / np.maximum(known, 1)
    return share


def _check_track(part: _Part, name: str, track: str, index: int, *, classes: bool) -> TrackCheck:
    target = part.targets[:, index]
    groups = list(_group(target, classes=classes))
    checks = tuple(
        GroupCheck(
            label,
            int(rows.sum()),
            _spread(part.gc, rows),
            _spread(part.repeats, rows),
            int(rows.sum()) - len(np.unique(part.hashes[rows])),
        )
        for label, rows in groups
    )
    if not classes:
        measured = groups[0][1]
        return TrackCheck(name, track, checks, gc_pearson=_correlate(part.gc, target, measured))
    (_, negative), (_, positive) = groups
    gc_ks, gc_auroc = _tell_apart(part.gc, negative, positive)
    repeats_ks, repeats_auroc = _tell_apart(part.repeats, negative, positive)
    return TrackCheck(
        name,
        track,
        checks,
        gc_ks=gc_ks,
        gc_auroc=gc_auroc,
        repeats_ks=repeats_ks,
        repeats_auroc=repeats_auroc,
        conflicts=len(np.intersect1d(part.hashes[negative], part.hashes[positive])),
    )


def _group(target: Targets, *, classes: bool) -> Iterator[tuple[str, npt.NDArray[np.bool_]]]:
    if classes:
        yield "0", target == 0
        yield "1", target == 1
    else:
        yield "all", ~np.isnan(target)


def _spread(values: Vector | None, rows: npt.NDArray[np.bool_]) -> Spread | None:
    if values is None:
        return None
    known = values[rows & ~np.isnan(values)]  # of a shuffle nobody knows which of its bases are repeats
    if not len(known):
        return None
    low, median, high = np.percentile(known, (25, 50, 75)).tolist()
    return Spread(float(known.mean()), low, median, high)


def _tell_apart(
    values: Vector | None, negative: npt.NDArray[np.bool_], positive: npt.NDArray[np.bool_]
) -> tuple[float | None, float | None]:
    if values is None:
        return None, None
    known = ~np.isnan(values)
    negative, positive = negative & known, positive & known
    if not negative.any() or not positive.any():
        return None, None
    rows = negative | positive
    once = np.ones((1, int(rows.sum())))
    auroc = weighted_auroc(positive[rows].astype(np.float64), values[rows], once)[0]
    return measure_ks(values[negative], values[positive]), float(auroc)


def _correlate(gc: Vector | None, target: Targets, rows: npt.NDArray[np.bool_]) -> float | None:
    if gc is None or not rows.any():
        return None
    found = weighted_pearson(gc[rows], target[rows].astype(np.float64), np.ones((1, int(rows.sum()))))[0]
    return float(found) if np.isfinite(found) else None


def _mean_of_bins(targets: Targets) -> Targets:
    measured = ~np.isnan(targets)
    counts = measured.sum(axis=1)
    means: Targets = np.where(counts > 0, np.nansum(targets, axis=1) / np.maximum(counts, 1), np.nan).astype(np.float32)
    return means
