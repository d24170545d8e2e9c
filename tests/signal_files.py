"""Tiny genomes and bigWig files for tests."""

from collections.abc import Iterable, Mapping
from pathlib import Path

import pytest

from zoo import Reference


def write_bigwig(path: Path, lengths: Mapping[str, int], rows: Iterable[tuple[str, int, int, float]]) -> Path:
    """Write rows of contig, start, end and value, ascending."""
    pybigtools = pytest.importorskip("pybigtools", reason="reading bigWig files needs the extra `train`")
    pybigtools.open(str(path), "w").write(dict(lengths), iter(rows))
    return path


def write_genome(path: Path, contigs: Mapping[str, str]) -> Reference:
    path.write_text("".join(f">{name}\n{letters}\n" for name, letters in contigs.items()), encoding="utf-8")
    return Reference(path)
