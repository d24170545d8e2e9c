"""Signal over windows, from bigWig files: binned or at base resolution, the genome tiled or at given regions."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt
from pydantic import Field, model_validator

from zoo import BigWig, DataError, DataLoader, ExampleSet, GenomeSource, Regions, near_match
from zoo_loaders.placing import Positions, centre_windows, place_peaks, sort_windows
from zoo_loaders.signal import Shaping
from zoo_loaders.window_config import WindowConfig
from zoo_loaders.windows import Plan, need_reference, stream_windows


class SignalTrack(Shaping):
    """One file, or a pair of one for each strand, which makes the two tracks ``NAME_plus`` and ``NAME_minus``.

    A pair is to be swapped on the reverse strand: ``strand: {track_pairs: [[NAME_plus, NAME_minus]]}``.
    """

    name: str = Field(min_length=1)
    path: str | None = None
    plus: str | None = None
    minus: str | None = None

    @model_validator(mode="after")
    def _is_one_or_a_pair(self) -> SignalTrack:
        given = tuple(value is not None for value in (self.path, self.plus, self.minus))
        if given not in {(True, False, False), (False, True, True)}:
            raise ValueError(f"track {self.name!r}: expected a path, or plus and minus")
        return self

    @property
    def files(self) -> dict[str, str]:
        """The path of each track by its name."""
        if self.path is not None:
            return {self.name: self.path}
        return {f"{self.name}_plus": str(self.plus), f"{self.name}_minus": str(self.minus)}


class BigwigConfig(WindowConfig):
    """Signal files, relative to the data root.

    Args:
        target_length: The middle part of the window that is predicted; by default all of it.
        bin: Bases of a bin: targets are (N, target_length / bin, T), base resolution with 1. Without it the whole part
            is one number, and targets are (N, T).
        how: What a bin holds of its bases.
        missing: What bases have of which a file states nothing: 0, or NaN, which is left out of a bin; a bin of nothing
            else is a missing target.
        regions: A BED or narrowPeak file; windows are centred on it as ``centre`` says. Without it the genome is tiled.
        step: From the start of one tile to that of the next, in bases; by default ``target_length``.
        contigs: Only these; by default all.
    """

    tracks: tuple[SignalTrack, ...] = Field(min_length=1)
    target_length: int | None = Field(default=None, gt=0)
    bin: int | None = Field(default=None, gt=0)
    how: Literal["sum", "mean", "max"] = "mean"
    missing: Literal["zero", "nan"] = "zero"
    regions: str | None = None
    step: int | None = Field(default=None, gt=0)
    contigs: tuple[str, ...] | None = Field(default=None, min_length=1)

    @model_validator(mode="after")
    def _fit_the_window(self) -> BigwigConfig:
        part = self.part
        if part > self.length or (self.length - part) % 2:
            raise ValueError(
                f"target_length: expected {self.length} bases, or less by an even number, so that it lies in the "
                f"middle, found {part}"
            )
        if self.bin is not None and part % self.bin:
            raise ValueError(f"bin: {part} bases can't be cut into equal bins of {self.bin}")
        if self.regions is not None and self.step is not None:
            raise ValueError("step: the genome is tiled where no regions are given; leave one of the two out")
        if len(set(self.track_names)) != len(self.track_names):
            raise ValueError(f"tracks: expected names that differ, found {', '.join(self.track_names)}")
        return self

    @property
    def part(self) -> int:
        return self.length if self.target_length is None else self.target_length

    @property
    def crop(self) -> int:
        """Bases at either end of the window that no bin holds."""
        return 0 if self.bin is None else (self.length - self.part) // 2

    @property
    def track_names(self) -> tuple[str, ...]:
        return tuple(name for track in self.tracks for name in track.files)


def load_bigwig(config: BigwigConfig, reference: GenomeSource | None, seed: int, base_folder: Path) -> ExampleSet:
    """Read all windows, in the genome's order.

    Raises:
        BedError: A file of regions is missing or malformed, or lies outside the genome; the message names the line.
        DataError: A bigWig file can't be read, is another build's, or no window is left.
    """
    return ExampleSet.join(stream_bigwig(config, reference, seed, base_folder))


def stream_bigwig(
    config: BigwigConfig,
    reference: GenomeSource | None,
    seed: int,  # noqa: ARG001 - the signature of every loader
    base_folder: Path,
) -> Iterator[ExampleSet]:
    """Yield what ``load_bigwig`` returns, in pieces."""
    genome = need_reference(reference, "loader bigwig")
    contigs = _choose_contigs(config, genome)
    left_out: Counter[str] = Counter()
    notes: list[str] = []
    if config.regions is None:
        windows = tile(genome, contigs, config.length, config.step or config.part)
    else:
        windows = _place_windows(config, genome, contigs, base_folder, left_out, notes)
    with ExitStack() as stack:
        measure = _Signal(config, genome, base_folder, stack)
        unused = "no track states anything of them"
        plan = Plan(windows, config.track_names, measure, unused, left_out, tuple(notes), crop=config.crop)
        yield from stream_windows(config, plan, genome, base_folder, "loader bigwig")


def tile(reference: GenomeSource, contigs: tuple[str, ...], length: int, step: int) -> Regions:
    """Return windows from base 0 of each contig on, every ``step`` bases, as far as they lie inside."""
    starts = [np.arange(0, reference.lengths[contig] - length + 1, step, dtype=np.int64) for contig in contigs]
    places = np.concatenate(starts)
    names = np.repeat(np.array(contigs, dtype=np.str_), [len(found) for found in starts])
    return Regions(names, places, places + length)


class _Signal:
    """Reads the targets of windows; the files stay open as long as the stack."""

    def __init__(self, config: BigwigConfig, reference: GenomeSource, base_folder: Path, stack: ExitStack) -> None:
        self._config = config
        self._tracks = [
            (track, stack.enter_context(BigWig(base_folder / path, reference.lengths)))
            for track in config.tracks
            for path in track.files.values()
        ]

    def __call__(self, contig: str, starts: Positions) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.bool_]]:
        config = self._config
        bins = 1 if config.bin is None else config.part // config.bin
        fill = 0.0 if config.missing == "zero" else np.nan
        targets = np.empty((len(starts), bins, len(self._tracks)), dtype=np.float32)
        begins = starts + (config.length - config.part) // 2
        for column, (track, file) in enumerate(self._tracks):
            values = file.summarise(contig, begins, config.part, bins, config.how, fill)
            targets[..., column] = track.shape(values)
        stated: npt.NDArray[np.bool_] = np.any(~np.isnan(targets), axis=(1, 2))
        return (targets[:, 0] if config.bin is None else targets), stated


def _choose_contigs(config: BigwigConfig, reference: GenomeSource) -> tuple[str, ...]:
    """Return the contigs to read, in the genome's order, by its names."""
    if config.contigs is None:
        return tuple(reference.lengths)
    chosen = set()
    for name in config.contigs:
        found = reference.resolve(name)
        if found is None:
            raise DataError(
                f"loader bigwig, contigs: the genome has no contig {name!r}{near_match(name, reference.lengths)}"
            )
        chosen.add(found)
    return tuple(contig for contig in reference.lengths if contig in chosen)


def _place_windows(
    config: BigwigConfig,
    reference: GenomeSource,
    contigs: tuple[str, ...],
    base_folder: Path,
    left_out: Counter[str],
    notes: list[str],
) -> Regions:
    placed = place_peaks(str(config.regions), config, reference, base_folder)
    notes.extend(placed.notes)
    chosen = np.isin(placed.regions.contigs, contigs)
    regions, centres = placed.regions.take(chosen), placed.centres[chosen]
    windows = sort_windows(centre_windows(regions, centres, config.length, reference), reference)
    left_out["they reach beyond their contig"] += len(regions) - len(windows)
    first = np.ones(len(windows), dtype=np.bool_)
    first[1:] = (windows.starts[1:] != windows.starts[:-1]) | (windows.contigs[1:] != windows.contigs[:-1])
    left_out["another region has the same centre"] += int((~first).sum())
    return windows.take(first)


BIGWIG = DataLoader(
    name="bigwig",
    summary="signal of bigWig files over windows of the genome, binned or at base resolution",
    config=BigwigConfig,
    load=load_bigwig,
    stream=stream_bigwig,
    needs_reference=True,
    source="Kelley et al. 2018, doi:10.1101/gr.227819.117",
)
