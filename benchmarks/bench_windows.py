"""Windows per second: from alleles to the arrays that a network reads, both alleles of each."""

import numpy as np
import pytest

from benchmarks.data import WINDOW
from zoo.genome.reference import Reference
from zoo.genome.vcf import ALT, CONTIG, POS, REF, VcfReader
from zoo.prediction.alleles.batch import build_alleles
from zoo.prediction.windows.centred import build_centred

ALLELES_A_BATCH = 4096


@pytest.fixture(scope="module")
def reference(data):
    with Reference(data / "genome.fa") as opened:
        yield opened


@pytest.fixture(scope="module")
def alleles(data, reference):
    with VcfReader(data / "100k.vcf.gz") as reader:
        columns = [record for batch in reader.batches(ALLELES_A_BATCH) for record in batch.columns]
    return build_alleles(
        [record[CONTIG] for record in columns],
        [int(record[POS]) for record in columns],
        [record[REF] for record in columns],
        [record[ALT] for record in columns],
        reference,
    )


def test_windows_per_second(benchmark, alleles, reference, report):
    chosen = np.arange(len(alleles))
    batches = [chosen[first : first + ALLELES_A_BATCH] for first in range(0, len(chosen), ALLELES_A_BATCH)]

    def build_all():
        built = [build_centred(alleles, batch, reference, WINDOW, WINDOW // 2) for batch in batches]
        return sum(len(windows.ref) + len(windows.alt) for windows in built)

    windows = benchmark(build_all)
    rate = benchmark.extra_info["windows_per_second"] = windows / benchmark.stats.stats.median
    report(f"windows per second: {rate:,.0f}")
    assert windows > len(alleles)
