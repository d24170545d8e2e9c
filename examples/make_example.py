"""Make genome.fa and variants.vcf: CTCF sites planted in random sequence, and variants that break some of them.

The background has the dinucleotides of the human genome. A site is CTCF's consensus CCASYAGRKGGCRSY, its ambiguous
letters drawn anew, on either strand, more than 700 bases from the next. INFO/EXPECT says what becomes of it.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from pathlib import Path

FOLDER = Path(__file__).parent
SEED = 2
CONTIGS = {"chr1": 20_000, "chr2": 15_000, "chr3": 10_000}
SPACING = 1_000

# Percent of each dinucleotide in the human genome; CG is rare.
DINUCLEOTIDES = {
    "A": {"A": 9.8, "C": 5.0, "G": 7.0, "T": 7.7},
    "C": {"A": 7.3, "C": 5.2, "G": 1.0, "T": 7.0},
    "G": {"A": 5.9, "C": 4.3, "G": 5.2, "T": 5.0},
    "T": {"A": 6.6, "C": 5.9, "G": 7.3, "T": 9.8},
}
CONSENSUS = "CCASYAGRKGGCRSY"
IUPAC = {"R": "AG", "Y": "CT", "S": "CG", "K": "GT"}

COMPLEMENT = str.maketrans("ACGT", "TGCA")


@dataclass(frozen=True, slots=True)
class Site:
    """A planted site: its first base on the genome, 0-based, and its strand."""

    name: str
    contig: str
    start: int
    strand: str

    def locate(self, base: int) -> int:
        """Return where a base of the site, counted from 1 on its own strand, stands on the genome, 0-based."""
        return self.start + (base - 1 if self.strand == "+" else len(CONSENSUS) - base)


@dataclass(frozen=True, slots=True)
class Record:
    """A line of the VCF; ``start`` is 0-based, ``expect`` holds a word for each ALT."""

    contig: str
    start: int
    name: str
    ref: str
    alt: str
    expect: str


def main() -> None:
    """Write both files beside this script, the same ones every time."""
    generator = random.Random(SEED)
    genome, sites = plant_sites(generator, {name: draw_background(generator, n) for name, n in CONTIGS.items()})
    records = [record for number, site in enumerate(sites) for record in make_records(number, site, genome)]
    write_fasta(FOLDER / "genome.fa", genome)
    write_vcf(FOLDER / "variants.vcf", [*records, *make_odd_records(genome)])


def draw_background(generator: random.Random, length: int) -> str:
    """Draw letters one after the other, each by the frequencies of what follows the last."""
    letters = ["A"]
    while len(letters) < length:
        following = DINUCLEOTIDES[letters[-1]]
        letters += generator.choices(list(following), weights=list(following.values()))
    return "".join(letters)


def plant_sites(generator: random.Random, genome: dict[str, str]) -> tuple[dict[str, str], list[Site]]:
    """Overwrite the middle of each stretch of ``SPACING`` bases with a site, and return the genome and the sites."""
    planted = dict(genome)
    sites = []
    for contig, length in CONTIGS.items():
        for stretch in range(0, length, SPACING):
            start = stretch + SPACING // 2 + generator.randrange(-100, 100)
            site = Site(f"site{len(sites) + 1:02}", contig, start, generator.choice("+-"))
            motif = "".join(generator.choice(IUPAC.get(letter, letter)) for letter in CONSENSUS)
            if site.strand == "-":
                motif = reverse_complement(motif)
            letters = planted[contig]
            planted[contig] = letters[:start] + motif + letters[start + len(motif) :]
            sites.append(site)
    return planted, sites


def make_records(number: int, site: Site, genome: dict[str, str]) -> list[Record]:
    """Return the variants of one site, by turns: its best bases changed, deleted or parted, or only its neighbours.

    SNVs put the letter that pairs with REF, which leaves the content of G and C as it is: what breaks is the site.
    """
    letters = genome[site.contig]

    def change(start: int, what: str, expect: str) -> Record:
        ref = letters[start]
        return Record(site.contig, start, f"{site.name}_{what}", ref, ref.translate(COMPLEMENT), expect)

    def delete(start: int, end: int, what: str, expect: str) -> Record:
        ref = letters[start - 1 : end]
        return Record(site.contig, start - 1, f"{site.name}_{what}", ref, ref[0], expect)

    def insert(after: int, inserted: str, what: str, expect: str) -> Record:
        ref = letters[after]
        return Record(site.contig, after, f"{site.name}_{what}", ref, ref + inserted, expect)

    records = [change(site.start - 300, "upstream300", "neutral")] if number % 9 < 6 else []
    near = site.start + len(CONSENSUS) + 20
    match number % 9:
        case 0 | 1 | 2 as turn:
            base = (2, 10, 12)[turn]
            records.append(change(site.locate(base), f"base{base}", "broken"))
        case 3:
            first = min(site.locate(7), site.locate(10))
            records.append(delete(first, first + 4, "deletion", "broken"))
        case 4:
            records.append(insert(min(site.locate(7), site.locate(8)), "TCA", "insertion", "broken"))
        case 5:
            records.append(two_alleles(site, letters))
        case 6:
            records.append(change(near, "downstream20", "neutral"))
        case 7:
            records.append(delete(near, near + 3, "downstream20_deletion", "neutral"))
        case _:
            records.append(insert(near, "AC", "downstream20_insertion", "neutral"))
    return records


def two_alleles(site: Site, letters: str) -> Record:
    """Return two ALTs of one record: the other purine for base 8, which CTCF takes as well, and two bases deleted."""
    start, end = sorted((site.locate(8), site.locate(10)))
    ref = letters[start : end + 1]
    purine = {"A": "G", "G": "A", "C": "T", "T": "C"}[letters[site.locate(8)]]
    other = purine + ref[1:] if site.strand == "+" else ref[:-1] + purine
    return Record(site.contig, start, f"{site.name}_two_alleles", ref, f"{other},{ref[0]}", "neutral,broken")


def make_odd_records(genome: dict[str, str]) -> list[Record]:
    """Return what can't be scored: a symbolic allele, and a REF that the genome does not hold."""
    contig, letters = next(iter(genome.items()))
    wrong = letters[1_000].translate(COMPLEMENT)
    return [
        Record(contig, 10, "symbolic", letters[10], "<DEL>", "skipped"),
        Record(contig, 1_000, "wrong_ref", wrong, letters[1_000], "skipped"),
    ]


def reverse_complement(letters: str) -> str:
    """Return the other strand, read from its own start."""
    return letters.translate(COMPLEMENT)[::-1]


def write_fasta(path: Path, genome: dict[str, str]) -> None:
    """Write contigs in lines of 60 letters."""
    lines = []
    for contig, letters in genome.items():
        lines += [f">{contig}", *(letters[start : start + 60] for start in range(0, len(letters), 60))]
    path.write_text("\n".join([*lines, ""]), encoding="ascii")


def write_vcf(path: Path, records: list[Record]) -> None:
    """Write records by contig and position."""
    lines = [
        "##fileformat=VCFv4.2",
        *(f"##contig=<ID={contig},length={length}>" for contig, length in CONTIGS.items()),
        '##INFO=<ID=EXPECT,Number=A,Type=String,Description="What becomes of CTCF binding: broken, neutral, skipped">',
        "#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO",
    ]
    order = list(CONTIGS)
    for record in sorted(records, key=lambda one: (order.index(one.contig), one.start)):
        name = record.name
        info = f"EXPECT={record.expect}"
        lines.append("\t".join((record.contig, str(record.start + 1), name, record.ref, record.alt, ".", "PASS", info)))
    path.write_text("\n".join([*lines, ""]), encoding="ascii")


if __name__ == "__main__":
    main()
