"""Windows at peaks, from BED and narrowPeak files: one file of one assay, or many that make one multi-task matrix."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from pydantic import Field, model_validator

from zoo import BedError, Config, DataLoader, ExampleSet, GenomeSource, RegionIndex, Regions
from zoo_loaders.placing import (
    PlacedPeaks,
    Positions,
    centre_windows,
    merge_windows,
    place_peaks,
    read_blacklist,
    sort_windows,
)
from zoo_loaders.window_config import WindowConfig
from zoo_loaders.windows import Plan, need_reference, stream_windows

_DEEPSEA_BIN = 200


class PeakFile(Config):
    """The peaks of one experiment.

    Args:
        path: BED, or narrowPeak with its 10 columns; plain or gzip.
        track: The name of its target; files of one name are one track.
        min_signal: Peaks of less signal (column 7 of narrowPeak, else column 5) make no window.
        top: Only so many, the strongest, make windows.
    """

    path: str
    track: str = Field(min_length=1)
    min_signal: float | None = None
    top: int | None = Field(default=None, gt=0)


class BedPeaksConfig(WindowConfig):
    """Peak files, relative to the data root.

    A window is positive for a track whose peaks cover at least half of its centre bin, 0 for others, and missing where
    only peaks do that ``min_signal`` or ``top`` left out.

    Args:
        bin: Bases of the centre bin; by default 200, or the length of a shorter window.
        merge_overlap: Windows that overlap by more bases become one, at the mean centre of their peaks; by default a
            third of the length.
        complete: True where the windows of the other tracks are negatives enough, so that none need to be drawn.
    """

    peaks: tuple[PeakFile, ...] = Field(min_length=1)
    bin: int | None = Field(default=None, gt=0)
    merge_overlap: int | None = Field(default=None, ge=0)
    complete: bool = False

    @model_validator(mode="after")
    def _fit_the_window(self) -> BedPeaksConfig:
        if self.bin is not None and self.bin > self.length:
            raise ValueError(f"bin: expected at most the length of {self.length} bases, found {self.bin}")
        if self.merge_overlap is not None and self.merge_overlap >= self.length:
            raise ValueError(
                f"merge_overlap: expected less than the length of {self.length}, found {self.merge_overlap}"
            )
        if self.complete and len(self.tracks) == 1:
            raise ValueError("complete: one track alone has no negatives; leave it out and ask for negatives")
        return self

    @property
    def tracks(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(chosen.track for chosen in self.peaks))

    @property
    def centre_bin(self) -> int:
        return min(_DEEPSEA_BIN, self.length) if self.bin is None else self.bin


@dataclass(frozen=True, slots=True)
class _File:
    """The peaks of a file on the genome's contigs; ``strong``, shape (N,), says which make windows."""

    track: str
    placed: PlacedPeaks
    strong: npt.NDArray[np.bool_]

    @property
    def regions(self) -> Regions:
        return self.placed.regions


def load_bed_peaks(config: BedPeaksConfig, reference: GenomeSource | None, seed: int, base_folder: Path) -> ExampleSet:
    """Read all windows; the genome's order, whatever the files'.

    ``avoid`` holds every peak of every file, and the blacklist; ``repeats`` the soft-masked share.

    Raises:
        BedError: A file is missing or malformed, or a peak lies outside the genome; the message names the line.
        DataError: No window is left, or a bigWig file can't be read.
    """
    return ExampleSet.join(stream_bed_peaks(config, reference, seed, base_folder))


def stream_bed_peaks(
    config: BedPeaksConfig,
    reference: GenomeSource | None,
    seed: int,  # noqa: ARG001 - the signature of every loader
    base_folder: Path,
) -> Iterator[ExampleSet]:
    """Yield what ``load_bed_peaks`` returns, in pieces."""
    genome = need_reference(reference, "loader bed_peaks")
    files, notes = [], []
    for chosen in config.peaks:
        file, filtered = _read_file(chosen, config, genome, base_folder)
        files.append(file)
        notes.extend(filtered)
    strong = Regions.join(file.regions.take(file.strong) for file in files)
    centres = np.concatenate([file.placed.centres[file.strong] for file in files])
    windows = sort_windows(centre_windows(strong, centres, config.length, genome), genome)
    left_out = Counter({"they reach beyond their contig": len(strong) - len(windows)})
    overlap = config.length // 3 if config.merge_overlap is None else config.merge_overlap
    merged, duplicates = merge_windows(windows, config.length, overlap)
    if duplicates:
        notes.append(f"{duplicates:,} windows were left out: another peak has the same centre")
    if len(windows) - duplicates > len(merged):
        notes.append(
            f"{len(windows) - duplicates:,} windows became {len(merged):,}: those that overlap by more than {overlap} "
            "bases were merged"
        )
    unused = f"no track's peaks cover half of their centre bin of {config.centre_bin} bases"
    avoid = Regions.join(file.regions for file in files)
    if config.blacklist is not None:
        avoid = Regions.join([avoid, read_blacklist(base_folder / config.blacklist, genome)])
    labels = _Labels(config, files)
    plan = Plan(merged, config.tracks, labels, unused, left_out, tuple(notes), avoid, config.complete)
    yield from stream_windows(config, plan, genome, base_folder, f"{base_folder / config.peaks[0].path}")


class _Labels:
    """Says which tracks a window is positive for.

    Source: the half of a bin of 200 bases is DeepSEA's (Zhou and Troyanskaya 2015, doi:10.1038/nmeth.3547).
    """

    def __init__(self, config: BedPeaksConfig, files: list[_File]) -> None:
        self._length, self._bin = config.length, config.centre_bin
        self._indices = []
        for track in config.tracks:
            own = [file for file in files if file.track == track]
            strong = RegionIndex(Regions.join(file.regions.take(file.strong) for file in own))
            filtered = not all(file.strong.all() for file in own)
            self._indices.append(
                (strong, RegionIndex(Regions.join(file.regions for file in own)) if filtered else None)
            )

    def __call__(self, contig: str, starts: Positions) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.bool_]]:
        targets = np.zeros((len(starts), len(self._indices)), dtype=np.float32)
        begins = starts + self._length // 2 - self._bin // 2
        for column, (strong, every) in enumerate(self._indices):
            if every is not None:
                targets[self._cover_half(every, contig, begins), column] = np.nan
            targets[self._cover_half(strong, contig, begins), column] = 1
        return targets, (targets == 1).any(axis=1)

    def _cover_half(self, index: RegionIndex, contig: str, begins: Positions) -> npt.NDArray[np.bool_]:
        halves: npt.NDArray[np.bool_] = 2 * index.count_covered(contig, begins, begins + self._bin) >= self._bin
        return halves


def _read_file(
    chosen: PeakFile, config: BedPeaksConfig, reference: GenomeSource, base_folder: Path
) -> tuple[_File, list[str]]:
    """Return the peaks of a file, and what there is to say of it."""
    placed = place_peaks(chosen.path, config, reference, base_folder)
    strong = _choose_strong(chosen, placed)
    weaker = int((~strong).sum())
    notes = [*placed.notes, *([f"{chosen.path}: {weaker:,} weaker peaks make no window"] if weaker else [])]
    return _File(chosen.track, placed, strong), notes


def _choose_strong(chosen: PeakFile, placed: PlacedPeaks) -> npt.NDArray[np.bool_]:
    strong = np.ones(len(placed.rows), dtype=np.bool_)
    if chosen.min_signal is None and chosen.top is None:
        return strong
    signals, regions = placed.peaks.signals[placed.rows], placed.regions
    if np.isnan(signals).any():
        row = int(placed.rows[np.argmax(np.isnan(signals))])
        raise BedError(
            f"{placed.peaks.where(row)}: expected a signal in column 7 of narrowPeak, or a score in column 5, "
            "found none; leave min_signal and top out"
        )
    if chosen.min_signal is not None:
        strong &= signals >= chosen.min_signal
    if chosen.top is not None:
        # Ties are broken by place, so that the order of the file changes nothing.
        order = np.lexsort((regions.ends, regions.starts, regions.contigs, -signals))
        strong[order[chosen.top :]] = False
    return strong


BED_PEAKS = DataLoader(
    name="bed_peaks",
    summary="windows at the peaks of BED and narrowPeak files, one track an assay; positives only",
    config=BedPeaksConfig,
    load=load_bed_peaks,
    stream=stream_bed_peaks,
    needs_reference=True,
    source="Kelley et al. 2016, doi:10.1101/gr.200535.115; Zhou and Troyanskaya 2015, doi:10.1038/nmeth.3547",
)
