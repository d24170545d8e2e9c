"""Where windows lie on a genome: at peaks, in order, merged, off the blacklist; 0-based and half-open, as in BED."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from zoo import BedError, GenomeSource, Peaks, RegionIndex, Regions, near_match, read_bed, read_peaks, rows_by_contig
from zoo_loaders.window_config import WindowConfig

Positions: TypeAlias = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class PlacedPeaks:
    """The N peaks of a file that lie on the genome.

    Args:
        peaks: All peaks of the file.
        rows: Which of them these are, shape (N,).
        regions: Where they lie, by the genome's names of its contigs.
        centres: What is to stand at base ``length // 2`` of a window, shape (N,).
        notes: What was left out.
    """

    peaks: Peaks
    rows: Positions
    regions: Regions
    centres: Positions
    notes: tuple[str, ...]


def place_peaks(name: str, config: WindowConfig, reference: GenomeSource, base_folder: Path) -> PlacedPeaks:
    """Read a BED or narrowPeak file.

    Raises:
        BedError: It is missing or malformed, a contig is unknown, a region reaches beyond its end, or they are out of
            order where that is an error; the message names the line.
    """
    peaks = read_peaks(base_folder / name)
    if config.unsorted == "error":
        _check_order(peaks)
    regions, rows = _place_regions(peaks, config, reference)
    left_out = len(peaks) - len(rows)
    notes = (f"{name}: {left_out:,} regions on contigs that the genome lacks were left out",) if left_out else ()
    centres = (regions.starts + regions.ends) // 2
    if config.centre == "summit":
        centres = np.where(peaks.summits[rows] >= 0, peaks.summits[rows], centres)
    return PlacedPeaks(peaks, rows, regions, centres, notes)


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


def read_blacklist(blacklist: Path, reference: GenomeSource) -> Regions:
    """Return the regions of a BED file on the genome's contigs.

    Raises:
        BedError: The file is missing or malformed, or of another genome.
    """
    found = Regions.of(read_bed(blacklist))
    names = {str(name): reference.resolve(str(name)) for name in np.unique(found.contigs)}
    known = np.array([names[str(contig)] is not None for contig in found.contigs])
    if not known.any():
        name = next(iter(names))
        raise BedError(
            f"{blacklist}: none of its contigs is in the genome: {name!r}"
            f"{near_match(name, reference.lengths)}; give the genome's own blacklist"
        )
    found = found.take(known)
    contigs = np.array([names[str(contig)] for contig in found.contigs], dtype=np.str_)
    return Regions(contigs, found.starts, found.ends)


def drop_touching(windows: Regions, regions: Regions) -> Regions:
    """Return the windows that touch none of the regions."""
    index = RegionIndex(regions)
    touched = np.zeros(len(windows), dtype=np.bool_)
    for contig, rows in rows_by_contig(windows.contigs):
        touched[rows] = index.count_covered(contig, windows.starts[rows], windows.ends[rows]) > 0
    return windows.take(~touched)


def _check_order(peaks: Peaks) -> None:
    """Check that the peaks of each contig stand together, by start."""
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


def _place_regions(peaks: Peaks, config: WindowConfig, reference: GenomeSource) -> tuple[Regions, Positions]:
    """Return the regions of peaks on the genome's contigs, and the rows that they stand in."""
    found = peaks.regions
    names, numbers = np.unique(found.contigs, return_inverse=True)
    resolved = [reference.resolve(str(name)) for name in names]
    known = np.array([name is not None for name in resolved])[numbers]
    if config.unknown_contigs == "error" and not known.all():
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
