"""The sets of measured effects of variants, read from the folder of data: sequences, alleles, effects.

Each set is a small genome of its own, of the sequences that the set carries; what lies beyond them is unknown.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks.motif import Motif, find_best, read_motif
from zoo.errors import DataError
from zoo.genome.codes import encode
from zoo.genome.fasta import read_fasta

ASB = "asb-ctcf"
ELEMENTS = "kircher2019"
YEAST = "yeast-substitutions"

PSEUDO_COUNT = 1
"""Added to the reads of either allele, so that a ratio to 0 reads is finite."""

MIN_BARCODES = 10
BUILD = "GRCh37"
"""Of the elements: the build that most models were trained on. Sequences and effects are the same in both."""

BLOCK = 10
"""Neighbouring bases of an element that are resampled together: about the length of a factor's motif."""

MOTIFS = "motifs/H12CORE_meme_format.meme"
MOTIF = "CTCF.H12CORE.0.P.B"
"""HOCOMOCO v12's motif of CTCF."""

INSERT = (17, 97)
"""The 80 bases of a yeast promoter between its constant flanks."""


@dataclass(frozen=True, slots=True)
class EffectSet:
    """Measured effects.

    Attributes:
        name: The set.
        contigs: Its sequences by name, upper case.
        variants: A row an allele: ``contig``, ``position`` (1-based), ``ref``, ``alt`` as in a VCF; ``measured``;
            ``group``: those that are resampled together; ``part``: contig or element; ``region_start`` and
            ``region_end`` (0-based, half-open): what a window over the region is laid over; of sites of CTCF also
            ``in_motif``: whether they lie in the best match of its motif.
    """

    name: str
    contigs: dict[str, str]
    variants: pd.DataFrame


def read_sets(data_root: Path) -> dict[str, EffectSet]:
    """Return every set by name."""
    return {name: read(data_root) for name, read in READERS.items()}


def read_asb(data_root: Path) -> EffectSet:
    """Return allele-specific binding of CTCF: log2 of ALT reads over REF reads, one site a region.

    Reads are summed over individuals. Regions that overlap are one; of its sites the most-read one counts, and where
    several regions carry it, the longest is its region.
    """
    path = data_root / "measured_effects" / "asb_ctcf" / "asb_dev.tsv"
    table = pd.read_csv(path, sep="\t").query("TF == 'CTCF'").drop_duplicates()
    _refuse_other_bases(path, table["ref"], table["region_seq"], table["offset_in_region"])
    site = ["chrom", "pos1", "ref", "alt"]
    region = ["region_start0", "region_seq"]
    # A region that two sets hold would count an individual's reads twice.
    once = table.drop_duplicates([*site, *region, "individual", "ref_reads", "alt_reads"])
    summed = once.groupby([*site, *region], as_index=False)[["ref_reads", "alt_reads"]].sum()
    summed["end"] = summed["region_start0"] + summed["region_seq"].str.len()
    summed["reads"] = summed["ref_reads"] + summed["alt_reads"]
    summed["stretch"], starts, contigs = join_regions(summed)
    order = ["reads", "end", "chrom", "pos1"]
    summed["length"] = summed["end"] - summed["region_start0"]
    chosen = summed.sort_values(
        ["reads", "length", *order[2:]], ascending=[False, False, True, True], kind="stable"
    ).drop_duplicates("stretch")
    chosen = chosen.sort_values(["chrom", "pos1"], kind="stable").reset_index(drop=True)
    first = chosen["stretch"].map(starts)
    variants = pd.DataFrame(
        {
            "contig": chosen["stretch"],
            "position": chosen["pos1"] - first,
            "ref": chosen["ref"],
            "alt": chosen["alt"],
            "measured": log2_ratio(chosen["ref_reads"], chosen["alt_reads"]),
            "group": np.arange(len(chosen)),
            "part": chosen["chrom"],
            "region_start": chosen["region_start0"] - first,
            "region_end": chosen["end"] - first,
        }
    )
    motif = read_motif(data_root / MOTIFS, MOTIF)
    variants["in_motif"] = [
        lies_in_motif(contigs[row.contig], row.position - 1, row.alt, motif) for row in variants.itertuples()
    ]
    return EffectSet(ASB, contigs, variants)


def lies_in_motif(letters: str, start: int, alt: str, motif: Motif) -> bool:
    """Tell whether the best match in a sequence, with either allele of an SNV, covers it (0-based)."""
    codes = encode(letters)
    changed = codes.copy()
    changed[start] = encode(alt)[0]
    _, first = max(find_best(codes, motif), find_best(changed, motif))
    return first <= start < first + len(motif)


def log2_ratio(ref_reads: pd.Series[int], alt_reads: pd.Series[int]) -> pd.Series[float]:
    """Return log2((ALT + 1) / (REF + 1)), both in reads."""
    ratio: pd.Series[float] = np.log2((alt_reads + PSEUDO_COUNT) / (ref_reads + PSEUDO_COUNT))
    return ratio


def join_regions(regions: pd.DataFrame) -> tuple[pd.Series[str], dict[str, int], dict[str, str]]:
    """Join regions that overlap into stretches.

    Args:
        regions: Columns ``chrom``, ``region_start0``, ``end`` (0-based, half-open) and ``region_seq``.

    Returns:
        The name of each region's stretch, where each stretch starts, and the letters of each.

    Raises:
        DataError: Two regions have different letters where they overlap.
    """
    names: dict[int, str] = {}
    starts: dict[str, int] = {}
    letters: dict[str, str] = {}
    contig, name, end = "", "", 0
    for row in regions.sort_values(["chrom", "region_start0", "end"], kind="stable").itertuples():
        start, sequence = int(row.region_start0), str(row.region_seq).upper()
        if row.chrom != contig or start >= end:
            contig, name, end = str(row.chrom), f"{row.chrom}_{start}", start
            starts[name], letters[name] = start, ""
        shared = letters[name][start - starts[name] :]
        if shared[: len(sequence)] != sequence[: len(shared)]:
            raise DataError(f"{row.chrom}:{start}: expected one sequence where regions overlap, found two")
        letters[name] += sequence[len(shared) :]
        end = max(end, start + len(sequence))
        names[row.Index] = name
    return pd.Series(names, dtype="str").reindex(regions.index), starts, letters


def read_elements(data_root: Path) -> EffectSet:
    """Return saturation mutagenesis of nine elements: log2 effects of alleles seen in at least ten barcodes."""
    folder = data_root / "measured_effects" / "kircher2019"
    path = folder / "elements_dev.tsv.gz"
    table = pd.read_csv(path, sep="\t", dtype={"Chrom": str})
    table = table[(table["Release"] == BUILD) & (table["Barcodes"] >= MIN_BARCODES)].reset_index(drop=True)
    contigs, starts = {}, {}
    for header, letters in read_fasta(folder / "elements_dev.fa"):
        name, build, place = header.split("|")
        if build == BUILD:
            contigs[name] = letters.upper()
            starts[name] = int(place.split(":")[1].split("-")[0])
    position = table["Pos"] - table["Element"].map(starts) + 1
    _refuse_other_bases(path, table["Ref"], table["Element"].map(contigs), position - 1)
    spelled = [
        spell(contigs[row.Element], int(place), str(row.Ref), str(row.Alt))
        for row, place in zip(table.itertuples(), position, strict=True)
    ]
    variants = pd.DataFrame(spelled, columns=["position", "ref", "alt"])
    variants.insert(0, "contig", table["Element"])
    variants["measured"] = table["Coefficient"]
    variants["group"] = table["Element"].astype("category").cat.codes.astype(int) * 10_000 + position // BLOCK
    variants["part"] = table["Element"]
    variants["region_start"] = 0
    variants["region_end"] = variants["contig"].map({name: len(letters) for name, letters in contigs.items()})
    return EffectSet(ELEMENTS, contigs, variants)


def spell(letters: str, position: int, ref: str, alt: str) -> tuple[int, str, str]:
    """Return position (1-based), REF and ALT as a VCF has them; ALT ``-`` is a deletion of the one base."""
    if alt != "-":
        return position, ref, alt
    if position > 1:
        return position - 1, letters[position - 2] + ref, letters[position - 2]
    return position, ref + letters[1], letters[1]


def read_yeast(data_root: Path) -> EffectSet:
    """Return effects of one to three substitutions on expression, of 997 promoters of 110 bases."""
    table = pd.read_csv(data_root / "yeast" / "promoter_variant_effects_complex.tsv.gz", sep="\t")
    bases = table.drop_duplicates("base_id")
    contigs = dict(zip(bases["base_id"], bases["base_seq110"], strict=True))
    rows = list(zip(table["base_seq110"], table["mut_seq110"], strict=True))
    variants = pd.DataFrame(
        [span_differences(base, mutant) for base, mutant in rows], columns=["position", "ref", "alt"]
    )
    variants.insert(0, "contig", table["base_id"])
    variants["measured"] = table["delta_mut_minus_base"]
    variants["group"] = table["base_id"].astype("category").cat.codes.astype(int)
    variants["part"] = "all"
    variants["region_start"], variants["region_end"] = INSERT
    return EffectSet(YEAST, contigs, variants)


def span_differences(base: str, mutant: str) -> tuple[int, str, str]:
    """Return position (1-based), REF and ALT of the stretch from the first differing base to the last."""
    places = [place for place, (one, other) in enumerate(zip(base, mutant, strict=True)) if one != other]
    if not places:
        raise DataError(f"expected a substitution, found {mutant!r} twice")
    first, last = places[0], places[-1] + 1
    return first + 1, base[first:last], mutant[first:last]


READERS: dict[str, Callable[[Path], EffectSet]] = {ASB: read_asb, ELEMENTS: read_elements, YEAST: read_yeast}


def _refuse_other_bases(path: Path, refs: pd.Series, sequences: pd.Series, offsets: pd.Series) -> None:  # type: ignore[type-arg]
    for row, (ref, letters, offset) in enumerate(_zip(refs, sequences, offsets), start=1):
        if letters[offset].upper() != ref:
            raise DataError(f"{path}: effect {row}: expected {ref} at base {offset}, found {letters[offset]}")


def _zip(*columns: pd.Series) -> Iterator[tuple]:  # type: ignore[type-arg]
    return zip(*columns, strict=True)
