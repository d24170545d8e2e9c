"""Cuts windows from a megabase of the genome outside its peaks: negatives of the genome's own composition.

Writes a data root for ``zoo train``: links to everything in the given one, and ``genome_windows_201bp.fa``, windows of
201 bases every 67 of the second million bases of chr20 (hg19), without those that touch an ENCODE peak of GM12878.

    python benchmarks/genome_windows.py --data-root ../shared/data -o data-root
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from pathlib import Path

from zoo.genome.bed import read_bed
from zoo.genome.fasta import read_fasta
from zoo.genome.interval import Interval

GENOME = "human_chr20/hg19_chr20_1_2000000.fa.gz"
PEAKS = "human_chr20/peaks_GM12878_chr20_1M_2M_hg19.bed"
FIRST = 1_000_000
"""Bases before it are N in the file."""

LENGTH = 201
STEP = 67
WINDOWS = f"genome_windows_{LENGTH}bp.fa"


def main(arguments: Sequence[str] | None = None) -> None:
    """Write the data root."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data-root", type=Path, required=True)
    parser.add_argument("-o", "--output", type=Path, required=True, help="a new folder")
    options = parser.parse_args(arguments)
    root = options.data_root.resolve()
    ((_, letters),) = read_fasta(root / GENOME)
    peaks = list(read_bed(root / PEAKS))
    options.output.mkdir(parents=True)
    for path in sorted(root.iterdir()):
        (options.output / path.name).symlink_to(path)
    with (options.output / WINDOWS).open("w", encoding="ascii") as file:
        for window, bases in cut_windows("chr20", letters.upper(), peaks, FIRST):
            file.write(f">{window}\n{bases}\n")


def cut_windows(contig: str, letters: str, peaks: Sequence[Interval], first: int) -> Iterator[tuple[Interval, str]]:
    """Yield the windows from ``first`` on (0-based) that hold no N and touch no peak, and their bases."""
    for start in range(first, len(letters) - LENGTH + 1, STEP):
        end = start + LENGTH
        touched = any(peak.contig == contig and peak.start < end and start < peak.end for peak in peaks)
        if not touched and "N" not in letters[start:end]:
            yield Interval(contig, start, end), letters[start:end]


if __name__ == "__main__":
    main()
