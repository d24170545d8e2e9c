"""Data that the benchmarks share: a random genome of two contigs, variants on it, and a model that costs nothing."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from benchmarks.data import write_constant_model, write_genome, write_variants


@pytest.fixture(scope="session")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with genome.fa (20 Mb), none.vcf.gz, 100k.vcf.gz, 1m.vcf.gz and the model folder constant.

    In indels.vcf.gz a tenth of a million records are indels; contigs.fa, contigs.100k.vcf.gz and contigs.1m.vcf.gz have
    500 contigs.
    """
    folder = tmp_path_factory.mktemp("data")
    genome = write_genome(folder / "genome.fa")
    write_variants(folder / "100k.vcf.gz", genome, 100_000)
    write_variants(folder / "1m.vcf.gz", genome, 1_000_000)
    write_variants(folder / "none.vcf.gz", genome, 0)
    write_variants(folder / "indels.vcf.gz", genome, 1_000_000, indels=0.1, second_alts=0)
    genome = write_genome(folder / "contigs.fa", contigs=500)
    write_variants(folder / "contigs.100k.vcf.gz", genome, 100_000)
    write_variants(folder / "contigs.1m.vcf.gz", genome, 1_000_000)
    write_constant_model(folder / "constant")
    return folder


@pytest.fixture
def report(request: pytest.FixtureRequest) -> Callable[[str], None]:
    """A function that prints a line while pytest captures."""
    capture = request.config.pluginmanager.getplugin("capturemanager")

    def print_line(line: str) -> None:
        with capture.global_and_fixture_disabled():
            print(f"\n{line}")

    return print_line
