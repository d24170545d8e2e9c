"""Windows of a genome as examples: what loaders of peaks and of signal share."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from zoo import UNKNOWN, BigWig, Codes, DataError, ExampleSet, GenomeSource, Interval, Regions, list_runs
from zoo_loaders.pieces import PIECE, end_with_notes
from zoo_loaders.placing import Positions, drop_touching, read_blacklist
from zoo_loaders.signal import InputReader
from zoo_loaders.window_config import WindowConfig

Measure: TypeAlias = Callable[[str, Positions], tuple[npt.NDArray[np.float32], npt.NDArray[np.bool_]]]
"""From a contig and the starts of windows to their targets, N rows, and which of them are of use, shape (N,)."""


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
    crop: int = 0


def stream_windows(
    config: WindowConfig, plan: Plan, reference: GenomeSource, base_folder: Path, where: str
) -> Iterator[ExampleSet]:
    """Yield the examples of a plan in its order, in pieces; the notes come with the last.

    Raises:
        BedError: The blacklist is malformed, or of another genome.
        DataError: No window is left, or a file can't be read.
    """
    left_out = plan.left_out.copy()
    windows = plan.windows
    if config.blacklist is not None:
        windows = drop_touching(windows, read_blacklist(base_folder / config.blacklist, reference))
        left_out["they touch the blacklist"] += len(plan.windows) - len(windows)

    def list_notes() -> tuple[str, ...]:
        reasons = (f"{count:,} windows were left out: {reason}" for reason, count in left_out.items() if count)
        return (*plan.notes, *reasons)

    found = False
    for piece in end_with_notes(_read_windows(config, plan, windows, left_out, reference, base_folder), list_notes):
        found = True
        yield piece
    if not found:
        raise DataError(f"{where}: no window is left; {'; '.join(list_notes()) or 'there was none'}")


def _read_windows(
    config: WindowConfig,
    plan: Plan,
    windows: Regions,
    left_out: Counter[str],
    reference: GenomeSource,
    base_folder: Path,
) -> Iterator[ExampleSet]:
    """Yield the examples that are of use, piece by piece, and count the others by reason."""
    with ExitStack() as stack:
        inputs = InputReader(config.inputs, reference, base_folder, stack)
        mappability = (
            None
            if config.mappability is None
            else stack.enter_context(BigWig(base_folder / config.mappability, reference.lengths))
        )
        for contig, starts in _list_pieces(windows):
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
            contigs = np.full(len(kept), contig)
            yield ExampleSet(
                sequences=sequences,
                targets=targets,
                tracks=plan.tracks,
                ids=tuple(f"{contig}:{start}-{start + config.length}" for start in kept.tolist()),
                groups=contigs,
                extra=inputs.read(contig, kept, config.length),
                complete=plan.complete,
                regions=Regions(contigs, kept, kept + config.length),
                avoid=plan.avoid,
                repeats=_measure_repeats(reference, contig, kept, config.length),
                crop=plan.crop,
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
