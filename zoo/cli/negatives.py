"""``zoo negatives``: writes negatives for peaks or sequences."""

from __future__ import annotations

import sys
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from zoo.cli.tables import print_table

if TYPE_CHECKING:
    from zoo.training.choices import NegativesChoice
    from zoo.training.negatives.writing import NegativesSummary

SUMMARY = "draw negatives for peaks or sequences"
EXAMPLE = "zoo negatives peaks.bed -f genome.fa -o negatives.bed --exclude blacklist.bed"

_LONGEST = 2**31 - 1  # bases, longer than any contig


class Method(StrEnum):
    """How negatives are drawn."""

    genomic = "genomic"
    other_peaks = "other_peaks"
    dinucleotide_shuffle = "dinucleotide_shuffle"


def negatives(
    positives: Annotated[
        Path, typer.Argument(metavar="PEAKS.bed|SEQS.fa", help="Peaks (BED, narrowPeak) or, to shuffle, sequences.")
    ],
    output: Annotated[
        str, typer.Option("-o", "--output", help="OUT.bed for genomic, OUT.fa for any; - for standard output.")
    ],
    genome: Annotated[
        Path | None, typer.Option("-f", "--genome", "--fasta", help="Genome of the peaks, FASTA, plain or BGZF.")
    ] = None,
    method: Annotated[Method, typer.Option(help="Where negatives come from.")] = Method.genomic,
    other: Annotated[
        list[Path] | None, typer.Option(metavar="FILE", help="Peaks of other factors, BED or FASTA; may be repeated.")
    ] = None,
    exclude: Annotated[
        list[str] | None, typer.Option(metavar="FILE.bed", help="Regions to stay out of; may be repeated.")
    ] = None,
    per_positive: Annotated[float, typer.Option(max=1000, help="Negatives for each positive.")] = 1.0,
    length: Annotated[
        int | None, typer.Option(min=1, max=_LONGEST, help="Bases around summits or middles; by default whole peaks.")
    ] = None,
    margin: Annotated[int, typer.Option(min=0, max=_LONGEST, help="Bases to keep from the nearest peak.")] = 0,
    gc_tolerance: Annotated[float, typer.Option(min=0, max=1, help="Largest difference in GC content.")] = 0.05,
    repeat_tolerance: Annotated[float, typer.Option(min=0, max=1, help="Largest difference in repeat fraction.")] = 0.2,
    max_shared: Annotated[
        float, typer.Option(min=0, max=1, help="Largest share of 30-mers that another negative holds too.")
    ] = 0.2,
    seed: Annotated[int, typer.Option(min=0, help="The same seed gives the same negatives.")] = 0,
) -> None:
    """Draw negatives that look like the positives, and write them; none is a positive.

    genomic: stretches of the genome outside all peaks that match in contig, length, GC content and repeats (lower case
    in the genome). other_peaks: peaks of other factors. dinucleotide_shuffle: the positives' letters in another order.
    """
    from zoo.training.choices import DataChoice, DinucleotideShuffle, GenomicNegatives, OtherPeaks
    from zoo.training.negatives.writing import write_negatives

    if not per_positive > 0:  # nor is NaN
        raise typer.BadParameter("expected a number above 0", param_hint="--per-positive")
    if (method == Method.other_peaks) != bool(other):
        raise typer.BadParameter("goes with --method other_peaks, and that with it", param_hint="--other")
    choice: NegativesChoice
    if method == Method.genomic:
        choice = GenomicNegatives(
            method="genomic", per_positive=per_positive, exclude=tuple(exclude or ()), margin=margin,
            gc_tolerance=gc_tolerance, repeat_tolerance=repeat_tolerance, max_shared=max_shared,
        )  # fmt: skip
    elif method == Method.other_peaks:
        data = tuple(DataChoice(loader="file", config={"path": str(path)}) for path in other or ())
        choice = OtherPeaks(method="other_peaks", per_positive=per_positive, data=data)
    else:
        choice = DinucleotideShuffle(method="dinucleotide_shuffle", per_positive=per_positive)
    _print(write_negatives(positives, output, choice, genome=genome, length=length, seed=seed))


def _print(done: NegativesSummary) -> None:
    for note in done.notes:
        print(f"zoo: note: {note}", file=sys.stderr)
    print(
        f"{done.negatives:,} negatives for {done.positives:,} positives in {done.seconds:.1f} s → {done.output}",
        file=sys.stderr,
    )
    if done.output != "-":  # where the negatives went
        rows = [[each.name, f"{each.positives:.3f}", f"{each.negatives:.3f}", f"{each.ks:.3f}"]
                for each in done.comparisons]  # fmt: skip
        print_table(["mean", "positives", "negatives", "ks"], rows)
