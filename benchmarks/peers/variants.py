"""Lists of random variants on a genome, and how they are written as VCF."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks.peers.genome import Letters

_MARGIN = 20_000
_LONGEST = 20


@dataclass(frozen=True, slots=True)
class Record:
    """One line of a VCF; ``start`` is 0-based."""

    contig: str
    start: int
    ref: str
    alts: tuple[str, ...]


def draw_records(
    genome: dict[str, Letters],
    count: int,
    *,
    indels: float = 0.0,
    multiallelic: float = 0.0,
    margin: int | None = None,
    seed: int = 1,
) -> list[Record]:
    """Draw records at random places, in order.

    Args:
        count: Records of the whole genome; contigs get their share by length.
        indels: The share that inserts or deletes 1 to 20 bases, half of them each.
        multiallelic: The share that has two or three ALT bases.
        margin: Bases at either end of a contig that have none.
    """
    generator = np.random.default_rng(seed)
    edge = _MARGIN if margin is None else margin
    total = sum(map(len, genome.values()))
    records = []
    for contig, letters in genome.items():
        known = np.flatnonzero(_upper(letters)[edge:-edge] != ord("N")) + edge
        starts = generator.choice(known, round(count * len(letters) / total), replace=False)
        starts.sort()
        for start in starts.tolist():
            drawn = generator.random()
            if drawn < indels:
                records.append(_draw_indel(generator, contig, letters, start))
            else:
                alts = int(generator.integers(2, 4)) if drawn < indels + multiallelic else 1
                records.append(_draw_substitutions(generator, contig, letters, start, alts))
    return records


def draw_cohort(contig: str, letters: Letters, first: int, count: int, spacing: float, seed: int = 1) -> list[Record]:
    """Draw SNVs one after another from ``first`` on, at random distances of ``spacing`` bases on average."""
    generator = np.random.default_rng(seed)
    # As many as reach the contig's end, for unknown bases get none.
    starts = first + np.cumsum(generator.geometric(1 / spacing, len(letters) - first))
    starts = starts[starts < len(letters)]
    starts = starts[_upper(letters)[starts] != ord("N")][:count]
    if len(starts) < count:
        raise ValueError(f"{contig}: expected room for {count} records, found {len(starts)}")
    return [_draw_substitutions(generator, contig, letters, start, 1) for start in starts.tolist()]


def draw_sequences(letters: Letters, count: int, length: int, seed: int = 1) -> list[str]:
    """Draw sequences without unknown bases."""
    generator = np.random.default_rng(seed)
    sequences: list[str] = []
    while len(sequences) < count:
        start = int(generator.integers(0, len(letters) - length))
        sequence = _text(letters, start, start + length)
        if "N" not in sequence:
            sequences.append(sequence)
    return sequences


def write_vcf(path: Path, genome: dict[str, Letters], records: Iterable[Record]) -> None:
    """Write records with an empty INFO."""
    with path.open("w", encoding="ascii") as file:
        file.write('##fileformat=VCFv4.2\n##FILTER=<ID=PASS,Description="All filters passed">\n')
        file.writelines(f"##contig=<ID={name},length={len(letters)}>\n" for name, letters in genome.items())
        file.write("#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\n")
        for number, record in enumerate(records, start=1):
            alts = ",".join(record.alts)
            file.write(f"{record.contig}\t{record.start + 1}\tv{number}\t{record.ref}\t{alts}\t.\tPASS\t.\n")


def read_alleles(path: Path) -> Iterator[tuple[str, int, str, str]]:
    """Yield contig, start (0-based), REF and ALT of every allele of a plain VCF, in order."""
    with path.open(encoding="ascii") as lines:
        for line in lines:
            if line.startswith("#"):
                continue
            contig, position, _, ref, alts, _ = line.split("\t", 5)
            for alt in alts.split(","):
                yield contig, int(position) - 1, ref, alt


def is_snv(allele: tuple[str, int, str, str]) -> bool:
    """Whether an allele of ``read_alleles`` replaces one base."""
    return len(allele[2]) == len(allele[3]) == 1


def write_sequences(path: Path, sequences: Iterable[str]) -> None:
    path.write_text("".join(f">s{n}\n{sequence}\n" for n, sequence in enumerate(sequences, start=1)), encoding="ascii")


def _draw_substitutions(
    generator: np.random.Generator, contig: str, letters: Letters, start: int, count: int
) -> Record:
    ref = _text(letters, start, start + 1)
    others = [base for base in "ACGT" if base != ref]
    chosen = generator.permutation(len(others))[:count].tolist()
    return Record(contig, start, ref, tuple(others[place] for place in chosen))


def _draw_indel(generator: np.random.Generator, contig: str, letters: Letters, start: int) -> Record:
    """Draw an insertion or a deletion that can't be shifted to the left: every program reads it in the same place."""
    length = min(_LONGEST, int(generator.geometric(0.35)))
    ref = _text(letters, start, start + 1 + length)
    # An insertion where a deletion would take unknown bases away, or could be shifted.
    if generator.random() < 0.5 or "N" in ref or ref[-1] == ref[0]:
        inserted = "".join("ACGT"[code] for code in generator.integers(0, 4, length - 1).tolist())
        last = [base for base in "ACGT" if base != ref[0]][int(generator.integers(0, 3))]
        return Record(contig, start, ref[0], (ref[0] + inserted + last,))
    return Record(contig, start, ref, (ref[0],))


def _text(letters: Letters, start: int, end: int) -> str:
    return letters[start:end].tobytes().decode("ascii").upper()


def _upper(letters: Letters) -> Letters:
    return letters & 0xDF
