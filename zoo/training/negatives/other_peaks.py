"""Negatives that are peaks of other factors, read by loaders of their own."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from zoo.components import ExampleSet
from zoo.errors import DataError
from zoo.genome.codes import UNKNOWN
from zoo.genome.regions import RegionIndex, Regions
from zoo.training.choices import DataChoice, OtherPeaks
from zoo.training.data.batches import Rows
from zoo.training.negatives.drawn import Drawn, KnownSequences

Load = Callable[[DataChoice], ExampleSet]
"""Reads the examples of a loader."""


@dataclass(frozen=True, slots=True)
class _Pool:
    """Peaks to draw from; groups are empty where not known."""

    peaks: ExampleSet
    groups: npt.NDArray[np.str_]
    notes: tuple[str, ...]


def draw_other_peaks(
    examples: ExampleSet,
    positives: Rows,
    choice: OtherPeaks,
    known: KnownSequences,
    generator: np.random.Generator,
    load: Load,
    where: str,
) -> Drawn:
    """Return a peak for each positive, drawn without replacement: no example, and no other negative, on either strand.

    Where contigs or labels of both occur in each other, a peak is of its positive's as far as there are enough, and
    keeps its own in any case.

    Raises:
        DataError: There are too few peaks, or peaks are shorter than the positives.
    """
    pool = _gather(examples, [(data, load(data)) for data in choice.data], known, where)
    if len(pool.peaks) < len(positives):
        raise DataError(
            f"{where}: asked for {len(positives):,} negatives, found {len(pool.peaks):,} other peaks that are no "
            f"examples{''.join(f' ({note})' for note in pool.notes)}; lower per_positive, or name more data"
        )
    rows, strangers = _pair(examples, positives, pool, generator)
    peaks = pool.peaks.take(rows)
    known.add(peaks.sequences)
    notes = [f"{len(rows):,} negatives are other peaks, drawn from {len(pool.peaks):,}", *pool.notes]
    groups = None
    if examples.groups is not None:
        own = pool.groups[rows]
        groups = np.where(own == "", examples.groups[positives], own)
        if strangers:
            notes.append(f"{strangers:,} of the other peaks are of another contig or label than their positive")
    return Drawn(
        positives,
        peaks.sequences,
        tuple(f"other {name}" for name in peaks.ids),
        groups=groups,
        regions=peaks.regions,
        repeats=peaks.repeats,
        extra=peaks.extra,
        notes=tuple(notes),
    )


def _gather(
    examples: ExampleSet, sets: Sequence[tuple[DataChoice, ExampleSet]], known: KnownSequences, where: str
) -> _Pool:
    """Return all peaks that may be drawn, as long as the examples."""
    parts, groups, unknown, overlapping = [], [], 0, 0
    for number, (data, found) in enumerate(sets):
        field = f"{where}, data.{number}"
        peaks = _cut(_name(found.take(_rows_of_peaks(found)), number), examples.length, field)
        _check_extra(examples, peaks, field)
        clear = (peaks.sequences == UNKNOWN).mean(axis=1) <= data.max_unknown
        apart = _is_apart(peaks.regions, (examples.avoid, examples.regions))
        unknown += int((~clear).sum())
        overlapping += int((clear & ~apart).sum())
        parts.append(peaks.take(np.flatnonzero(clear & apart)))
        groups.append(np.full(len(parts[-1]), "") if parts[-1].groups is None else parts[-1].groups)
    joined = _join(parts)
    new = np.flatnonzero(known.find_new(joined.sequences))
    left_out = ((unknown, "hold too many unknown bases"), (overlapping, "overlap a peak of the data"),
                (len(joined) - len(new), "are sequences that occur already"))  # fmt: skip
    notes = tuple(f"{count:,} other peaks were left out: they {why}" for count, why in left_out if count)
    labels = np.concatenate(groups)
    if examples.groups is None or not np.isin(labels, examples.groups).any():
        labels = np.full(len(joined), "")  # of another kind, or there are none
    return _Pool(joined.take(new), labels[new], notes)


def _rows_of_peaks(found: ExampleSet) -> Rows:
    """Return the rows that are positives: no targets, positives only, or a first target above 0."""
    is_peak = ~np.broadcast_to(np.asarray(found.complete), (len(found),))
    if found.targets is None:
        is_peak = np.ones(len(found), dtype=np.bool_)
    else:
        is_peak = is_peak | (found.targets[..., 0].reshape(len(found), -1) > 0).any(axis=1)
    return np.flatnonzero(is_peak)


def _name(peaks: ExampleSet, number: int) -> ExampleSet:
    if peaks.ids:
        return peaks
    return replace(peaks, ids=tuple(f"{number + 1}.{row + 1}" for row in range(len(peaks))))


def _cut(peaks: ExampleSet, length: int, where: str) -> ExampleSet:
    """Return the middle of each peak."""
    if peaks.length < length:
        raise DataError(
            f"{where}: expected sequences of {length} bases or more, as long as the positives, found {peaks.length}"
        )
    start = (peaks.length - length) // 2
    if peaks.length == length:
        return peaks
    regions = peaks.regions
    if regions is not None:
        regions = Regions(regions.contigs, regions.starts + start, regions.starts + start + length)
    return replace(
        peaks,
        sequences=peaks.sequences[:, start : start + length],
        extra={
            name: values[:, start : start + length] if values.ndim == 3 else values
            for name, values in peaks.extra.items()
        },
        regions=regions,
        repeats=None,
    )


def _check_extra(examples: ExampleSet, peaks: ExampleSet, where: str) -> None:
    for name, values in examples.extra.items():
        found = peaks.extra.get(name)
        if found is None or found.shape[1:] != values.shape[1:]:
            raise DataError(
                f"{where}: expected the input {name!r} of shape {values.shape[1:]} beside the sequences, as in data, "
                f"found {'none' if found is None else found.shape[1:]}; let its loader give it as well"
            )


def _is_apart(regions: Regions | None, taken: Sequence[Regions | None]) -> npt.NDArray[np.bool_] | np.bool_:
    """Return which regions touch none of those that are taken; all, where it is not known where they lie."""
    if regions is None:
        return np.bool_(True)
    index = RegionIndex(Regions.join([part for part in taken if part is not None]))
    apart = np.ones(len(regions), dtype=np.bool_)
    for contig in np.unique(regions.contigs):
        rows = regions.contigs == contig
        apart[rows] = index.count_covered(str(contig), regions.starts[rows], regions.ends[rows]) == 0
    return apart


def _join(parts: Sequence[ExampleSet]) -> ExampleSet:
    """Return the sets one after the other; what one of them does not know is not known."""
    regions = [part.regions for part in parts if part.regions is not None]
    repeats = [part.repeats for part in parts if part.repeats is not None]
    return ExampleSet(
        np.concatenate([part.sequences for part in parts]),
        None,
        (),
        ids=tuple(name for part in parts for name in part.ids),
        extra={name: np.concatenate([part.extra[name] for part in parts]) for name in _shared_inputs(parts)},
        regions=Regions.join(regions) if len(regions) == len(parts) else None,
        repeats=np.concatenate(repeats) if len(repeats) == len(parts) else None,
    )


def _shared_inputs(parts: Sequence[ExampleSet]) -> list[str]:
    return [name for name in parts[0].extra if all(name in part.extra for part in parts)]


def _pair(examples: ExampleSet, positives: Rows, pool: _Pool, generator: np.random.Generator) -> tuple[Rows, int]:
    """Return a row of the pool for each positive, and how many are of another group than their positive."""
    order = generator.permutation(len(pool.peaks))
    if examples.groups is None or not (pool.groups != "").any():
        return order[: len(positives)], 0
    rows = np.full(len(positives), -1, dtype=np.int64)
    wanted = examples.groups[positives]
    for group in np.unique(wanted):
        places = generator.permutation(np.flatnonzero(wanted == group))
        offered = order[pool.groups[order] == group][: len(places)]
        rows[places[: len(offered)]] = offered
    left = np.flatnonzero(rows < 0)
    rest = order[~np.isin(order, rows)]
    rows[left] = rest[: len(left)]
    return rows, int((pool.groups[rows[left]] != "").sum())
