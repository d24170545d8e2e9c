"""Alleles on haplotypes per second: scored together with a model that costs nothing, and on their own background."""

import gzip
import random

import numpy as np
import pytest

from benchmarks.data import WINDOW
from zoo.genome.reference import Reference
from zoo.genome.vcf import ALT, CONTIG, POS, REF, VcfReader
from zoo.prediction.alleles.agreement import GenomeAgreement
from zoo.prediction.alleles.batch import build_alleles
from zoo.prediction.haplotype_table import score_haplotypes
from zoo.prediction.haplotypes.own_windows import HaplotypePlacer
from zoo.prediction.haplotypes.phasing import place_on_haplotypes
from zoo.prediction.haplotypes.sample import read_sample
from zoo.prediction.haplotypes.sample_background import SampleBackground
from zoo.prediction.windows.centred import CentredPlacer

GENOTYPES = ("0|1", "1|0", "1|1")
PAIRS_A_BATCH = 512


@pytest.fixture(scope="module")
def phased(data, tmp_path_factory):
    """The 100,000 records, one to 200 bases, with a sample S that carries each of them on one or both haplotypes."""
    path = tmp_path_factory.mktemp("phased") / "phased.vcf"
    generator = random.Random(3)
    with gzip.open(data / "100k.vcf.gz", "rt") as source, path.open("w") as target:
        for line in source:
            text = line.rstrip("\n")
            if text.startswith("#CHROM"):
                target.write('##FORMAT=<ID=GT,Number=1,Type=String,Description="Genotype">\n')
                text += "\tFORMAT\tS"
            elif not text.startswith("#"):
                text += f"\tGT\t{generator.choice(GENOTYPES)}"
            target.write(f"{text}\n")
    return path


def test_alleles_on_haplotypes_scored_together_per_second(benchmark, data, phased, tmp_path, report):
    def score():
        return score_haplotypes(
            phased, data / "genome.fa", data / "constant", tmp_path / "out.tsv", "S", device="cpu", threads=1
        )

    summary = benchmark.pedantic(score, rounds=3, warmup_rounds=1)
    rate = benchmark.extra_info["copies_per_second"] = summary.copies / benchmark.stats.stats.median
    report(f"alleles on haplotypes scored together per second: {rate:,.0f}")
    assert summary.skipped.keys() <= {"OVERLAPS"}


def test_windows_on_their_own_background_per_second(benchmark, data, phased, report):
    with Reference(data / "genome.fa") as reference, VcfReader(phased) as reader:
        sample = read_sample(phased, "S", GenomeAgreement(reference, "S", {}))
        placer = HaplotypePlacer(
            SampleBackground(place_on_haplotypes(sample, reference)), CentredPlacer(WINDOW, WINDOW // 2)
        )
        columns = [record for batch in reader.batches(4096) for record in batch.columns]
        alleles = build_alleles(
            [record[CONTIG] for record in columns],
            [int(record[POS]) for record in columns],
            [record[REF] for record in columns],
            [record[ALT] for record in columns],
            reference,
        )
        placement = placer.place(alleles, alleles.reason.copy())

        def build_all():
            rows = np.array_split(np.arange(len(placement)), len(placement) // PAIRS_A_BATCH)
            return sum(len(placer.build(alleles, placement.take(part), reference)) for part in rows)

        pairs = benchmark.pedantic(build_all, rounds=3)
    rate = benchmark.extra_info["pairs_per_second"] = pairs / benchmark.stats.stats.median
    report(f"pairs of windows on their own background per second: {rate:,.0f}")
    assert pairs == len(placement)
