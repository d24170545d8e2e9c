"""Negatives that are stretches of the genome: like the positives in what they are made of, and none of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from zoo.components import ExampleSet, GenomeSource
from zoo.errors import BedError, DataError, RecipeError, near_match
from zoo.genome.bed import read_bed
from zoo.genome.regions import Positions, Regions
from zoo.training.choices import GenomicNegatives
from zoo.training.data.batches import Rows
from zoo.training.data.parts import name_example
from zoo.training.negatives.drawn import Drawn, KnownSequences
from zoo.training.negatives.landscape import Landscape
from zoo.training.negatives.matching import match_counts
from zoo.training.negatives.words import HeldWords

_SHARES = (0.1, 0.2, 0.4, 0.7, 1.0, 1.0, 1.0, 1.0)
"""The part of the tolerances that each round makes use of: near matches are looked for before far ones are taken."""

_OFFERED = 64
"""Stretches drawn for each positive in the first round, four times as many in each further one."""

_MOST_OFFERED = 1 << 21
"""Stretches drawn for a contig in one round, some 200 MB."""

_FEWEST_OFFERED = 1 << 12
"""Stretches drawn for one length in a late round, however many lengths there are."""


@dataclass(frozen=True, slots=True)
class MatchedRegions:
    """Stretches of the genome that match positives.

    Args:
        rows: The row of the positive that each matches, ascending; a positive that none matches is not there.
        regions: The stretches, one for each row.
        gc: GC content of all positives and of the stretches.
        repeats: Share of soft-masked bases of all positives and of the stretches.
    """

    rows: Rows
    regions: Regions
    gc: tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]
    repeats: tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]


def draw_genomic(
    examples: ExampleSet,
    positives: Rows,
    choice: GenomicNegatives,
    known: KnownSequences,
    generator: np.random.Generator,
    reference: GenomeSource | None,
    data_root: Path,
    where: str,
) -> Drawn:
    """Return a stretch of the genome for each positive.

    Raises:
        RecipeError: There is no genome, or it is not known where the positives lie.
        DataError: Not every positive has a match.
    """
    if reference is None:
        raise RecipeError(f"{where}.method genomic: data.reference is missing; name the genome of the positives")
    if examples.regions is None:
        raise RecipeError(
            f"{where}.method genomic needs to know where each positive lies, and the loader does not tell; "
            "load peaks with bed_peaks, or choose another method"
        )
    avoid = [examples.regions, *([] if examples.avoid is None else [examples.avoid])]
    avoid.extend(read_excluded(data_root / name, reference) for name in choice.exclude)
    wanted = examples.regions.take(positives)
    wrong = np.flatnonzero(wanted.ends - wanted.starts != examples.length)
    if len(wrong):
        row = int(positives[wrong[0]])
        raise DataError(
            f"{where}.method genomic: example {name_example(examples.ids, row)} has {examples.length} bases, and "
            f"its region {int((wanted.ends - wanted.starts)[wrong[0]])}; the loader must give the region of each window"
        )
    found = match_regions(wanted, Regions.join(avoid), reference, choice, generator, known)
    if len(found.rows) < len(positives):
        raise DataError(
            f"{where}.method genomic: "
            + explain_shortage(wanted, found, choice, lambda row: name_example(examples.ids, int(positives[row])))
        )
    regions = found.regions
    places = zip(regions.contigs.tolist(), regions.starts.tolist(), regions.ends.tolist(), strict=True)
    return Drawn(
        positives,
        fetch_regions(reference, regions, examples.length),
        tuple(f"genomic {contig}:{start}-{end}" for contig, start, end in places),
        regions=regions,
        repeats=found.repeats[1].astype(np.float32),
        notes=(f"{len(positives):,} negatives are stretches of the genome that match positives",),
    )


def match_regions(
    positives: Regions,
    avoid: Regions,
    reference: GenomeSource,
    choice: GenomicNegatives,
    generator: np.random.Generator,
    known: KnownSequences | None = None,
) -> MatchedRegions:
    """Find a stretch of the genome for each positive, as far as there are any.

    It lies on the same contig, outside the regions to avoid with the choice's margin, outside gaps and other such
    stretches, has the same length, and GC content and repeat fraction within the choice's tolerances, nearer ones
    first. Its sequence is none of those known, which it joins.

    Raises:
        DataError: A positive lies on a contig that the genome lacks.
    """
    known = KnownSequences() if known is None else known
    held = HeldWords(choice.kmer)
    starts = np.full(len(positives), -1, dtype=np.int64)
    lengths = positives.ends - positives.starts
    counts = np.zeros((len(positives), 2), dtype=np.int64)
    counts_found = np.zeros((len(positives), 2), dtype=np.int64)
    for contig in np.unique(positives.contigs):
        if contig not in reference.lengths:
            raise DataError(f"positives lie on {str(contig)!r}, no contig of the genome"
                            f"{near_match(str(contig), reference.lengths)}")  # fmt: skip
        nearby = avoid.take(avoid.contigs == contig)
        wide = Regions(nearby.contigs, nearby.starts - choice.margin, nearby.ends + choice.margin)
        land = Landscape(reference, str(contig), wide)
        rows = np.flatnonzero(positives.contigs == contig)
        counts[rows] = land.describe(positives.starts[rows], positives.ends[rows])
        starts[rows] = _match_contig(land, lengths[rows], counts[rows], choice, generator, known, held)
        rows = rows[starts[rows] >= 0]
        counts_found[rows] = land.describe(starts[rows], starts[rows] + lengths[rows])
    rows = np.flatnonzero(starts >= 0)
    regions = Regions(positives.contigs[rows], starts[rows], starts[rows] + lengths[rows])
    shares, shares_found = counts / lengths[:, None], counts_found[rows] / lengths[rows, None]
    return MatchedRegions(rows, regions, (shares[:, 0], shares_found[:, 0]), (shares[:, 1], shares_found[:, 1]))


def explain_shortage(
    positives: Regions, found: MatchedRegions, choice: GenomicNegatives, name: Callable[[int], str]
) -> str:
    """Return a message about positives that none matches; ``name`` tells what one is called."""
    missing = np.setdiff1d(np.arange(len(positives)), found.rows)
    contigs, counts = np.unique(positives.contigs[missing], return_counts=True)
    worst = np.argsort(-counts, kind="stable")[:3]
    listed = ", ".join(f"{contigs[place]} ({counts[place]:,})" for place in worst) + (
        ", ..." if len(contigs) > 3 else ""
    )
    row = int(missing[0])
    gap = "; where GC is 0 % a peak may lie in a gap: leave it out" if found.gc[0][row] == 0 else ""
    return (
        f"asked for {len(positives):,} negatives, found {len(found.rows):,}; none matches {len(missing):,} positives, "
        f"on {listed}, such as {name(row)} (GC {found.gc[0][row]:.1%}, repeats {found.repeats[0][row]:.1%}); loosen "
        f"gc_tolerance {choice.gc_tolerance:g}, repeat_tolerance {choice.repeat_tolerance:g} or max_shared "
        f"{choice.max_shared:g}, or lower per_positive or margin{gap}"
    )


def read_excluded(path: Path, reference: GenomeSource) -> Regions:
    """Return the regions of a BED file by the genome's names of contigs; contigs that it lacks are left out.

    Raises:
        BedError: The file can't be read, or names no contig of the genome.
    """
    regions = Regions.of(read_bed(path))
    names, inverse = np.unique(regions.contigs, return_inverse=True)
    resolved = [reference.resolve(str(name)) for name in names]
    if not any(resolved):
        raise BedError(f"{path}: expected contigs of the genome, found none; it names {str(names[0])!r}")
    known = np.array([name is not None for name in resolved])[inverse]
    return Regions(np.array([name or "" for name in resolved])[inverse], regions.starts, regions.ends).take(known)


def fetch_regions(reference: GenomeSource, regions: Regions, length: int) -> npt.NDArray[np.uint8]:
    """Return the codes of regions of one length that lie inside their contigs, shape (N, L)."""
    sequences = np.zeros((len(regions), length), dtype=np.uint8)
    for contig in np.unique(regions.contigs):
        rows = np.flatnonzero(regions.contigs == contig)
        windows = np.lib.stride_tricks.sliding_window_view(reference.codes(str(contig)), length)
        sequences[rows] = windows[regions.starts[rows]]
    return sequences


def _match_contig(
    land: Landscape,
    lengths: Positions,
    counts: Positions,
    choice: GenomicNegatives,
    generator: np.random.Generator,
    known: KnownSequences,
    held: HeldWords,
) -> Positions:
    """Return where the match of each positive of a contig starts, shape (N,); -1 where there is none."""
    starts = np.full(len(lengths), -1, dtype=np.int64)
    for number, share in enumerate(_SHARES):
        pending = np.flatnonzero(starts < 0)
        if not len(pending):
            break
        for length in np.unique(lengths[pending]):
            rows = pending[lengths[pending] == length]
            # A length of few positives gets its part of what memory and patience bear, and a little more.
            most = max(_MOST_OFFERED * len(rows) // len(pending), _FEWEST_OFFERED)
            offered = _offer(land, int(length), min(_OFFERED * 4**number * len(rows), most), generator)
            reach = (_count(share * choice.gc_tolerance * length), _count(share * choice.repeat_tolerance * length))
            places = match_counts(counts[rows], land.describe(offered, offered + length), reach)
            starts[rows[places >= 0]] = offered[places[places >= 0]]
        fresh = pending[starts[pending] >= 0]
        kept = _settle(land, starts[fresh], lengths[fresh], choice, known, held)
        starts[fresh[~kept]] = -1
    return starts


def _settle(
    land: Landscape,
    starts: Positions,
    lengths: Positions,
    choice: GenomicNegatives,
    known: KnownSequences,
    held: HeldWords,
) -> npt.NDArray[np.bool_]:
    """Return which of the matches of a round stay, and forbid their places, sequences and words to later ones."""
    order = np.argsort(starts, kind="stable")
    order = order[_keep_apart(starts[order], lengths[order])]
    order = order[known.find_new(_cut(land, starts[order], lengths[order]))]
    order = order[held.find_distinct(_cut(land, starts[order], lengths[order]), choice.max_shared)]
    known.add(_cut(land, starts[order], lengths[order]))
    land.forbid(starts[order], starts[order] + lengths[order])
    kept = np.zeros(len(starts), dtype=np.bool_)
    kept[order] = True
    return kept


def _offer(land: Landscape, length: int, count: int, generator: np.random.Generator) -> Positions:
    """Return starts of free stretches in a random order, of ``count`` draws; all of them where these are no more."""
    places = len(land) - length + 1
    if places <= 0:
        return np.zeros(0, dtype=np.int64)
    starts = generator.permutation(places) if count >= places else generator.integers(0, places, count)
    return starts[land.is_free(starts, starts + length)]


def _count(bases: float) -> int:
    return int(bases + 1e-9)  # 0.29 * 100 is 28.999999999999996


def _keep_apart(starts: Positions, lengths: Positions) -> npt.NDArray[np.bool_]:
    """Return which stretches, ascending by start, to keep so that none overlaps another."""
    kept = np.zeros(len(starts), dtype=np.bool_)
    last = -1
    for row, (start, length) in enumerate(zip(starts.tolist(), lengths.tolist(), strict=True)):
        if start >= last:
            kept[row] = True
            last = start + length
    return kept


def _cut(land: Landscape, starts: Positions, lengths: Positions) -> list[npt.NDArray[np.uint8]]:
    pairs = zip(starts.tolist(), lengths.tolist(), strict=True)
    return [land.codes[start : start + length] for start, length in pairs]
