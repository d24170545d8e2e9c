"""Windows of a genome as examples: what loaders of peaks and of signal share."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal, TypeAlias

import numpy as np
import numpy.typing as npt
from pydantic import Field, model_validator

from zoo import (
    UNKNOWN,
    BedError,
    BigWig,
    Codes,
    Config,
    DataError,
    ExampleSet,
    GenomeSource,
    Interval,
    Peaks,
    RegionIndex,
    Regions,
    list_runs,
    near_match,
    read_bed,
    rows_by_contig,
)
from zoo_loaders.signal import InputReader, SignalInput

Positions: TypeAlias = npt.NDArray[np.int64]

Measure: TypeAlias = Callable[[str, Positions], tuple[npt.NDArray[np.float32], npt.NDArray[np.bool_]]]
"""From a contig and the starts of windows to their targets, N rows, and which of them are of use, shape (N,)."""

PIECE = 4096
"""The most examples in one piece of a stream."""


class WindowConfig(Config):
    """What windows are read, whatever is learned of them.

    Args:
        length: Bases of a window.
        blacklist: A BED file; windows that touch it are left out.
        mappability: A bigWig file; windows whose mean is below ``min_mappability`` are left out. Bases of which it
            states nothing count as 0.
        max_unknown: Windows with a larger share of unknown bases are left out.
        inputs: Further inputs of the network, from bigWig files.
        unsorted: What becomes of a BED file that is not in order, by contig and start: an error, for it may be cut or
            pasted together, or it is sorted.
    """

    length: int = Field(gt=0)
    blacklist: str | None = None
    mappability: str | None = None
    min_mappability: float | None = None
    max_unknown: float = Field(default=0.1, ge=0, le=1)
    inputs: tuple[SignalInput, ...] = ()
    unsorted: Literal["error", "sort"] = "error"

    @model_validator(mode="after")
    def _belong_together(self) -> WindowConfig:
        if (self.mappability is None) != (self.min_mappability is None):
            raise ValueError("mappability and min_mappability are given together")
        names = [chosen.name for chosen in self.inputs]
        if len(set(names)) != len(names) or "sequence" in names:
            raise ValueError(f"inputs: expected names that differ, and none 'sequence', found {', '.join(names)}")
        return self


@dataclass(frozen=True, slots=True)
class Plan:
    """Windows of one length, still to be read.

    Args:
        windows: Where they lie, in the genome's order, on its contigs.
        unused: Why those are left out that ``measure`` finds of no use.
        left_out: Why windows were left out so far, with their numbers.
        notes: What else there is to say.
    """

    windows: Regions
    tracks: tuple[str, ...]
    measure: Measure
    unused: str
    left_out: Counter[str]
    notes: tuple[str, ...] = ()
    avoid: Regions | None = None
    complete: bool = True


def check_order(peaks: Peaks) -> None:
    """Check that the peaks of each contig stand together, by start.

    Raises:
        BedError: They do not; the message names the first line out of order.
    """
    contigs, starts = peaks.regions.contigs, peaks.regions.starts
    changes = np.flatnonzero(contigs[1:] != contigs[:-1]) + 1
    _, firsts = np.unique(contigs, return_index=True)
    returns = changes[~np.isin(changes, firsts)]
    falls = np.flatnonzero((contigs[1:] == contigs[:-1]) & (starts[1:] < starts[:-1])) + 1
    wrong = np.concatenate([returns, falls])
    if len(wrong):
        row = int(wrong.min())
        raise BedError(
            f"{peaks.where(row)}: expected regions sorted by contig and start, found {contigs[row]}:{starts[row]} "
            f"after {contigs[row - 1]}:{starts[row - 1]}; sort the file (sort -k1,1 -k2,2n), or set unsorted: sort"
        )


def place_regions(
    peaks: Peaks, reference: GenomeSource, unknown_contigs: Literal["error", "drop"], unsorted: Literal["error", "sort"]
) -> tuple[Regions, Positions]:
    """Return the regions of peaks on the genome's contigs, and the rows that they stand in.

    Raises:
        BedError: A contig is unknown, a region reaches beyond its end, or they are out of order where that is an error;
            the message names the line.
    """
    if unsorted == "error":
        check_order(peaks)
    found = peaks.regions
    names, numbers = np.unique(found.contigs, return_inverse=True)
    resolved = [reference.resolve(str(name)) for name in names]
    known = np.array([name is not None for name in resolved])[numbers]
    if unknown_contigs == "error" and not known.all():
        row = int(np.argmin(known))
        name = str(found.contigs[row])
        raise BedError(
            f"{peaks.where(row)}: the genome has no contig {name!r}{near_match(name, reference.lengths)}; give the "
            "genome of the peaks, or set unknown_contigs: drop"
        )
    lengths = np.array([reference.lengths[name] if name is not None else 0 for name in resolved])[numbers]
    beyond = known & (found.ends > lengths)
    if beyond.any():
        row = int(np.argmax(beyond))
        raise BedError(
            f"{peaks.where(row)}: expected a region inside contig {str(found.contigs[row])!r} of {lengths[row]} bases, "
            f"found {found.starts[row]}-{found.ends[row]}; give the genome of the peaks"
        )
    rows = np.flatnonzero(known)
    contigs = np.array([name or "" for name in resolved], dtype=np.str_)[numbers]
    return Regions(contigs[rows], found.starts[rows], found.ends[rows]), rows


def sort_windows(windows: Regions, reference: GenomeSource) -> Regions:
    """Return windows in the genome's order: of its contigs, then by start."""
    places = {contig: number for number, contig in enumerate(reference.lengths)}
    names, numbers = np.unique(windows.contigs, return_inverse=True)
    order = np.array([places[str(name)] for name in names], dtype=np.int64)[numbers]
    return windows.take(np.lexsort((windows.starts, order)))


def centre_windows(regions: Regions, centres: Positions, length: int, reference: GenomeSource) -> Regions:
    """Return windows whose base ``length // 2`` is the centre, those that reach beyond their contig left out."""
    starts = centres - length // 2
    names, numbers = np.unique(regions.contigs, return_inverse=True)
    lengths = np.array([reference.lengths[str(name)] for name in names], dtype=np.int64)[numbers]
    inside = (starts >= 0) & (starts + length <= lengths)
    return Regions(regions.contigs, starts, starts + length).take(inside)


def drop_blacklisted(
    windows: Regions, config: WindowConfig, reference: GenomeSource, base_folder: Path, left_out: Counter[str]
) -> Regions:
    """Return the windows that do not touch the blacklist, and count the others."""
    if config.blacklist is None:
        return windows
    found = Regions.of(read_bed(base_folder / config.blacklist))
    names = {str(name): reference.resolve(str(name)) for name in np.unique(found.contigs)}
    known = np.array([names[str(contig)] is not None for contig in found.contigs])
    if not known.any():
        name = next(iter(names))
        raise BedError(
            f"{base_folder / config.blacklist}: none of its contigs is in the genome: {name!r}"
            f"{near_match(name, reference.lengths)}; give the genome's own blacklist"
        )
    found = found.take(known)
    contigs = np.array([names[str(contig)] for contig in found.contigs], dtype=np.str_)
    index = RegionIndex(Regions(contigs, found.starts, found.ends))
    touched = np.zeros(len(windows), dtype=np.bool_)
    for contig, rows in rows_by_contig(windows.contigs):
        touched[rows] = index.count_covered(contig, windows.starts[rows], windows.ends[rows]) > 0
    left_out["they touch the blacklist"] += int(touched.sum())
    return windows.take(~touched)


def stream_windows(
    config: WindowConfig, plan: Plan, reference: GenomeSource, base_folder: Path, where: str
) -> Iterator[ExampleSet]:
    """Yield the examples of a plan in its order, in pieces; the notes come with the last.

    Raises:
        DataError: No window is left, or a file can't be read.
    """
    left_out = plan.left_out.copy()
    waiting: ExampleSet | None = None
    with ExitStack() as stack:
        inputs = InputReader(config.inputs, reference, base_folder, stack)
        mappability = (
            None
            if config.mappability is None
            else stack.enter_context(BigWig(base_folder / config.mappability, reference.lengths))
        )
        for contig, starts in _list_pieces(plan.windows):
            kept = starts
            sequences = _cut(reference.codes(contig), starts, config.length)
            known = (sequences == UNKNOWN).mean(axis=1) <= config.max_unknown
            left_out[f"more than {config.max_unknown:.0%} of their bases are unknown"] += int((~known).sum())
            sequences, kept = sequences[known], kept[known]
            if mappability is not None and config.min_mappability is not None:
                mapped = mappability.summarise(contig, kept, config.length, fill=0.0)[:, 0] >= config.min_mappability
                left_out[f"their mappability is below {config.min_mappability:g}"] += int((~mapped).sum())
                sequences, kept = sequences[mapped], kept[mapped]
            targets, useful = plan.measure(contig, kept)
            left_out[plan.unused] += int((~useful).sum())
            sequences, kept, targets = sequences[useful], kept[useful], targets[useful]
            if not len(kept):
                continue
            if waiting is not None:
                yield waiting
            ends = kept + config.length
            contigs = np.full(len(kept), contig)
            waiting = ExampleSet(
                sequences=sequences,
                targets=targets,
                tracks=plan.tracks,
                ids=tuple(f"{contig}:{start}-{start + config.length}" for start in kept.tolist()),
                groups=contigs,
                extra=inputs.read(contig, kept, config.length),
                complete=plan.complete,
                regions=Regions(contigs, kept, ends),
                avoid=plan.avoid,
                repeats=_measure_repeats(reference, contig, kept, config.length),
            )
    reasons = [f"{count:,} windows were left out: {reason}" for reason, count in left_out.items() if count]
    if waiting is None:
        raise DataError(f"{where}: no window is left; {'; '.join((*plan.notes, *reasons)) or 'there was none'}")
    yield replace(waiting, notes=(*plan.notes, *reasons))


def join_pieces(pieces: Iterable[ExampleSet]) -> ExampleSet:
    """Return the examples of all pieces of one stream as one set."""
    parts = list(pieces)
    last = parts[-1]
    return replace(
        last,
        sequences=np.concatenate([part.sequences for part in parts]),
        targets=np.concatenate([part.targets for part in parts if part.targets is not None]),
        ids=tuple(name for part in parts for name in part.ids),
        groups=np.concatenate([part.groups for part in parts if part.groups is not None]),
        extra={name: np.concatenate([part.extra[name] for part in parts]) for name in last.extra},
        regions=Regions.join(part.regions for part in parts if part.regions is not None),
        repeats=np.concatenate([part.repeats for part in parts if part.repeats is not None]),
    )


def need_reference(reference: GenomeSource | None, where: str) -> GenomeSource:
    """Return the genome, which there must be."""
    if reference is None:
        raise DataError(f"{where}: windows are cut from a genome: name it in data.reference")
    return reference


def _list_pieces(windows: Regions) -> Iterator[tuple[str, Positions]]:
    """Yield the contig and the starts of windows that lie side by side in the order given."""
    breaks = np.flatnonzero(windows.contigs[1:] != windows.contigs[:-1]) + 1
    for starts, first in zip(np.split(windows.starts, breaks), [0, *breaks.tolist()], strict=True):
        for begin in range(0, len(starts), PIECE):
            yield str(windows.contigs[first]), starts[begin : begin + PIECE]


def _cut(contig: Codes, starts: Positions, length: int) -> Codes:
    """Return the codes of windows inside one contig, shape (N, length)."""
    windows: Codes = np.lib.stride_tricks.sliding_window_view(contig, length)[starts]
    return windows


def _measure_repeats(reference: GenomeSource, contig: str, starts: Positions, length: int) -> npt.NDArray[np.float32]:
    """Return the share of soft-masked bases of windows in ascending order, shape (N,)."""
    shares = np.empty(len(starts), dtype=np.float32)
    for run in list_runs(starts, length):
        begin = int(starts[run.start])
        masked = reference.soft_masked(Interval(contig, begin, int(starts[run.stop - 1]) + length))
        before = np.concatenate([[0], np.cumsum(masked)])
        offsets = starts[run] - begin
        shares[run] = (before[offsets + length] - before[offsets]) / length
    return shares
