"""Negatives as files: what ``zoo negatives`` does."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from zoo.components import ExampleSet
from zoo.errors import DataError, OutputError
from zoo.genome.codes import UNKNOWN, Codes, decode
from zoo.genome.output import STANDARD_OUTPUT, OutputFile, refuse_same_file
from zoo.genome.reference import Reference
from zoo.genome.regions import Regions
from zoo.training.choices import DataChoice, DinucleotideShuffle, GenomicNegatives, NegativesChoice, OtherPeaks
from zoo.training.data.batches import Rows
from zoo.training.metrics.values import measure_ks
from zoo.training.negatives.drawn import KnownSequences, choose_positives
from zoo.training.negatives.genomic import explain_shortage, match_regions, read_excluded
from zoo.training.negatives.other_peaks import draw_other_peaks
from zoo.training.negatives.reading import NamedSequences, check_one_length, cut, name_regions, read_sequences
from zoo.training.negatives.shuffles import draw_shuffles

_FASTA = (".fa", ".fasta")


@dataclass(frozen=True, slots=True)
class Comparison:
    """A property of positives and negatives: its means, and the Kolmogorov-Smirnov statistic of the two."""

    name: str
    positives: float
    negatives: float
    ks: float


@dataclass(frozen=True, slots=True)
class NegativesSummary:
    """What was written: how many negatives for how many positives, how like they are, and what was left out."""

    output: str
    positives: int
    negatives: int
    comparisons: tuple[Comparison, ...]
    notes: tuple[str, ...]
    seconds: float


@dataclass(frozen=True, slots=True)
class _Found:
    """Negatives to write; ``matches`` are the names of their positives."""

    names: tuple[str, ...]
    sequences: Sequence[Codes]
    matches: tuple[str, ...]
    regions: Regions | None
    comparisons: tuple[Comparison, ...]
    notes: tuple[str, ...]


def write_negatives(
    positives: str | Path,
    output: str | Path,
    choice: NegativesChoice,
    *,
    genome: str | Path | None = None,
    length: int | None = None,
    seed: int = 0,
) -> NegativesSummary:
    """Draw negatives for the positives of a file, and write them: regions as BED, or sequences as FASTA.

    Args:
        positives: Regions (BED, narrowPeak) or, but for genomic negatives, sequences (FASTA).
        output: Ends with ``.bed``, for genomic negatives, or with ``.fa`` or ``.fasta``; ``-`` is standard output, BED
            for genomic negatives. Column 4 of BED names the positive that each matches.
        choice: How to draw. The config of the loaders of other peaks holds one ``path``, FASTA or BED; paths start at
            the working folder.
        genome: The FASTA file that regions lie on.
        length: Of windows around summits or middles, instead of whole regions and sequences.

    Raises:
        DataError: There are too few negatives, or the positives don't fit the method.
        OutputError: The file can't be written; nothing stands under its name.
    """
    started = time.perf_counter()
    positives = Path(positives)
    paths = list(_list_paths(choice))
    as_bed = _check_output(output, choice)
    refuse_same_file(output, positives, genome, *paths)
    with ExitStack() as stack:
        file = stack.enter_context(OutputFile(output))
        reference = None if genome is None else stack.enter_context(Reference(genome))
        source = read_sequences(positives, reference, length)
        found = _draw(source, choice, reference, np.random.default_rng((seed, 0)), positives)
        with file.writing():
            file.file.writelines(_format_bed(found) if as_bed else _format_fasta(found))
        file.commit()
    comparisons = (_compare("GC", _gc_of(source.sequences), _gc_of(found.sequences)), *found.comparisons)
    return NegativesSummary(
        str(output), len(source), len(found.names), comparisons, (*source.notes, *found.notes),
        time.perf_counter() - started,
    )  # fmt: skip


def _draw(
    source: NamedSequences,
    choice: NegativesChoice,
    reference: Reference | None,
    generator: np.random.Generator,
    path: Path,
) -> _Found:
    if isinstance(choice, GenomicNegatives):
        return _draw_genomic(source, choice, reference, generator, path)
    if isinstance(choice, OtherPeaks):
        return _draw_others(source, choice, reference, generator, path)
    return _draw_shuffles(source, choice, generator, path)


def _draw_genomic(
    source: NamedSequences,
    choice: GenomicNegatives,
    reference: Reference | None,
    generator: np.random.Generator,
    path: Path,
) -> _Found:
    if reference is None or source.regions is None or source.peaks is None:
        raise DataError(f"{path}: genomic negatives need regions (BED) and the genome that they lie on (-f)")
    avoid = [source.regions, source.peaks, *(read_excluded(Path(name), reference) for name in choice.exclude)]
    rows = choose_positives(np.arange(len(source)), choice.per_positive, generator)
    wanted = source.regions.take(rows)
    known = KnownSequences()
    known.add(source.sequences)
    matched = match_regions(wanted, Regions.join(avoid), reference, choice, generator, known)
    if len(matched.rows) < len(rows):
        shortage = explain_shortage(wanted, matched, choice, lambda row: source.names[rows[row]])
        raise DataError(f"{path}: {shortage}")
    repeats = _compare("repeats", *matched.repeats)
    unmasked = "no base of them is soft-masked (lower case in the genome): repeats were not matched"
    return _Found(
        name_regions(matched.regions),
        cut(reference, matched.regions),
        tuple(source.names[row] for row in rows),
        matched.regions,
        (repeats,),
        () if repeats.positives or repeats.negatives else (unmasked,),
    )


def _draw_shuffles(
    source: NamedSequences, choice: DinucleotideShuffle, generator: np.random.Generator, path: Path
) -> _Found:
    rows = choose_positives(np.arange(len(source)), choice.per_positive, generator)
    known = KnownSequences()
    known.add(source.sequences)
    lengths = np.array([len(codes) for codes in source.sequences])
    names: list[str] = []
    matches: list[str] = []
    sequences: list[Codes] = []
    notes: list[str] = []
    for length in np.unique(lengths):
        examples, places = _make_examples(source, np.flatnonzero(lengths == length))
        asked = np.searchsorted(places, rows[lengths[rows] == length])
        if not len(asked):
            continue
        drawn = draw_shuffles(examples, asked, known, generator, str(path))
        origins = [examples.ids[row] for row in drawn.positives]
        names += [f"{name.replace(' ', '_')}::{origin}" for name, origin in zip(drawn.names, origins, strict=True)]
        matches += origins
        sequences += list(drawn.sequences)
        notes += drawn.notes[1:]
    return _Found(tuple(names), sequences, tuple(matches), None, (), tuple(notes))


def _draw_others(
    source: NamedSequences,
    choice: OtherPeaks,
    reference: Reference | None,
    generator: np.random.Generator,
    path: Path,
) -> _Found:
    length = check_one_length(source.sequences, path)
    examples, rows = _make_examples(source, np.arange(len(source)))
    known = KnownSequences()
    known.add(examples.sequences)

    def load(data: DataChoice) -> ExampleSet:
        others = read_sequences(Path(data.config["path"]), reference, length)
        return _make_examples(others, np.arange(len(others)))[0]

    asked = choose_positives(rows, choice.per_positive, generator)
    drawn = draw_other_peaks(examples, asked, choice, known, generator, load, str(path))
    names = tuple(f"other::{name.removeprefix('other ')}" for name in drawn.names)
    matches = tuple(examples.ids[row] for row in drawn.positives)
    return _Found(names, list(drawn.sequences), matches, drawn.regions, (), drawn.notes[1:])


def _make_examples(source: NamedSequences, rows: Rows) -> tuple[ExampleSet, Rows]:
    """Return sequences of one length as examples, and the rows that they were."""
    regions = None if source.regions is None else source.regions.take(rows)
    examples = ExampleSet(
        np.stack([source.sequences[row] for row in rows]),
        np.ones((len(rows), 1), dtype=np.float32),
        ("positive",),
        ids=tuple(source.names[row] for row in rows),
        groups=None if regions is None else regions.contigs,
        complete=False,
        regions=regions,
        avoid=source.peaks,
    )
    return examples, rows


def _check_output(output: str | Path, choice: NegativesChoice) -> bool:
    """Return whether the output is BED."""
    name = str(output)
    if isinstance(choice, GenomicNegatives):
        if name.endswith((".bed", *_FASTA)) or name == STANDARD_OUTPUT:
            return not name.endswith(_FASTA)
        raise OutputError(
            f"{name}: expected a name that ends with .bed, .fa or .fasta, or - for BED on standard output"
        )
    if name.endswith(_FASTA) or name == STANDARD_OUTPUT:
        return False
    raise OutputError(
        f"{name}: expected a name that ends with .fa or .fasta, as {choice.method} gives sequences, or - for FASTA on "
        "standard output"
    )


def _list_paths(choice: NegativesChoice) -> Iterator[str]:
    if isinstance(choice, GenomicNegatives):
        yield from choice.exclude
    if isinstance(choice, OtherPeaks):
        yield from (data.config["path"] for data in choice.data)


def _format_bed(found: _Found) -> Iterator[bytes]:
    assert found.regions is not None  # noqa: S101 - genomic negatives have regions
    regions = found.regions
    rows = zip(
        regions.contigs.tolist(), regions.starts.tolist(), regions.ends.tolist(), found.matches, strict=True
    )  # fmt: skip
    yield from (f"{contig}\t{start}\t{end}\t{match}\n".encode() for contig, start, end, match in rows)


def _format_fasta(found: _Found) -> Iterator[bytes]:
    for name, match, codes in zip(found.names, found.matches, found.sequences, strict=True):
        yield f">{name} for {match}\n{decode(codes)}\n".encode()


def _compare(name: str, positives: npt.NDArray[np.float64], negatives: npt.NDArray[np.float64]) -> Comparison:
    return Comparison(name, float(positives.mean()), float(negatives.mean()), measure_ks(positives, negatives))


def _gc_of(sequences: Sequence[Codes]) -> npt.NDArray[np.float64]:
    """Return the GC content of each sequence among its known bases, 0 where it has none."""
    counts = [(int(((codes == 1) | (codes == 2)).sum()), int((codes < UNKNOWN).sum())) for codes in sequences]
    return np.array([gc / known if known else 0.0 for gc, known in counts])
