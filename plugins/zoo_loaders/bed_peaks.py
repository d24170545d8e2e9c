"""Windows at peaks, from BED and narrowPeak files: one file of one assay, or many that make one multi-task matrix."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt
from pydantic import Field, model_validator

from zoo import BedError, Config, DataLoader, ExampleSet, GenomeSource, Peaks, RegionIndex, Regions, read_peaks
from zoo_loaders.windows import (
    Plan,
    Positions,
    WindowConfig,
    centre_windows,
    drop_blacklisted,
    join_pieces,
    need_reference,
    place_regions,
    sort_windows,
    stream_windows,
)

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
        centre: What stands at base ``length // 2`` of a window: the summit, where the file gives one, else the middle.
        bin: Bases of the centre bin; by default 200, or the length of a shorter window.
        merge_overlap: Windows that overlap by more bases become one, at the mean centre of their peaks; by default a
            third of the length.
        unknown_contigs: What becomes of peaks on contigs that the genome lacks: an error, or they are left out.
        complete: True where the windows of the other tracks are negatives enough, so that none need to be drawn.
    """

    peaks: tuple[PeakFile, ...] = Field(min_length=1)
    centre: Literal["summit", "middle"] = "summit"
    bin: int | None = Field(default=None, gt=0)
    merge_overlap: int | None = Field(default=None, ge=0)
    unknown_contigs: Literal["error", "drop"] = "error"
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
    """The peaks of a file on the genome's contigs, N of them; ``strong`` says which make windows."""

    track: str
    regions: Regions
    centres: Positions
    strong: npt.NDArray[np.bool_]


def load_bed_peaks(config: BedPeaksConfig, reference: GenomeSource | None, seed: int, base_folder: Path) -> ExampleSet:
    """Read all windows; the genome's order, whatever the files'.

    ``avoid`` holds every peak of every file; ``repeats`` the soft-masked share.

    Raises:
        BedError: A file is missing or malformed, or a peak lies outside the genome; the message names the line.
        DataError: No window is left, or a bigWig file can't be read.
    """
    return join_pieces(stream_bed_peaks(config, reference, seed, base_folder))


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
    centres = np.concatenate([file.centres[file.strong] for file in files])
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
    merged = drop_blacklisted(merged, config, genome, base_folder, left_out)
    unused = f"no track's peaks cover half of their centre bin of {config.centre_bin} bases"
    avoid = Regions.join(file.regions for file in files)
    plan = Plan(
        merged, config.tracks, _Labels(config, files), unused, left_out, tuple(notes), avoid, config.complete
    )  # fmt: skip
    yield from stream_windows(config, plan, genome, base_folder, f"{base_folder / config.peaks[0].path}")


def merge_windows(windows: Regions, length: int, overlap: int) -> tuple[Regions, int]:
    """Return windows of which no two overlap by more than ``overlap`` bases, and how many had another one's place.

    A window takes in those that overlap it so from the right, and moves to the mean of their places, rounded down;
    this goes on until none do.

    Args:
        windows: Of one length, contig by contig, ascending within each.
        length: Bases of each.
        overlap: Less than the length.

    Source: preprocess_features.py of Basset (Kelley et al. 2016, doi:10.1101/gr.200535.115), which merges the closest
    pair first.
    """
    if not len(windows):
        return windows, 0
    breaks = [0, *(np.flatnonzero(windows.contigs[1:] != windows.contigs[:-1]) + 1).tolist(), len(windows)]
    contigs, starts, duplicates = [], [], 0
    for first, last in itertools.pairwise(breaks):
        found = windows.starts[first:last]
        duplicates += int((found[1:] == found[:-1]).sum())
        places = _merge_places(found, length - overlap)
        starts.append(places)
        contigs.append(np.full(len(places), windows.contigs[first]))
    merged = np.concatenate(starts)
    return Regions(np.concatenate(contigs), merged, merged + length), duplicates


def _merge_places(places: Positions, distance: int) -> Positions:
    """Return places of which no two lie closer than ``distance``."""
    totals, counts = places, np.ones(len(places), dtype=np.int64)
    while True:
        places = totals // counts
        following = np.searchsorted(places, places + distance, side="left").tolist()
        firsts = []
        row = 0
        while row < len(places):
            firsts.append(row)
            row = following[row]
        if len(firsts) == len(places):
            return places
        totals, counts = np.add.reduceat(totals, firsts), np.add.reduceat(counts, firsts)


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
    path = base_folder / chosen.path
    peaks = read_peaks(path)
    regions, rows = place_regions(peaks, reference, config.unknown_contigs, config.unsorted)
    notes = []
    if len(rows) < len(peaks):
        notes.append(f"{chosen.path}: {len(peaks) - len(rows):,} peaks on contigs that the genome lacks were left out")
    summits = peaks.summits[rows]
    centres = (regions.starts + regions.ends) // 2
    if config.centre == "summit":
        centres = np.where(summits >= 0, summits, centres)
    strong = _choose_strong(chosen, peaks, regions, rows)
    if not strong.all():
        notes.append(f"{chosen.path}: {int((~strong).sum()):,} weaker peaks make no window")
    return _File(chosen.track, regions, centres, strong), notes


def _choose_strong(chosen: PeakFile, peaks: Peaks, regions: Regions, rows: Positions) -> npt.NDArray[np.bool_]:
    strong = np.ones(len(rows), dtype=np.bool_)
    if chosen.min_signal is None and chosen.top is None:
        return strong
    signals = peaks.signals[rows]
    if np.isnan(signals).any():
        row = int(rows[np.argmax(np.isnan(signals))])
        raise BedError(
            f"{peaks.where(row)}: expected a signal in column 7 of narrowPeak, or a score in column 5, found none; "
            "leave min_signal and top out"
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
