"""Data that the benchmarks share: a random genome of two contigs, variants on it, and a model that costs nothing."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from benchmarks.data import write_constant_model, write_genome, write_variants


@pytest.fixture(scope="session")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with genome.fa (20 Mb), 100k.vcf.gz, 1m.vcf.gz and the model folder constant."""
    folder = tmp_path_factory.mktemp("data")
    genome = write_genome(folder / "genome.fa")
    write_variants(folder / "100k.vcf.gz", genome, 100_000)
    write_variants(folder / "1m.vcf.gz", genome, 1_000_000)
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
