"""Makes what every program reads, in the work folder: genome, VCFs, sequences, weights and models.

    python -m benchmarks.peers.prepare --work DIR

A process of its own: the one that measures must stay small, for a child's peak memory begins at its parent's.
"""

from __future__ import annotations

import argparse
import shutil
from pathlib import Path

import numpy as np

from benchmarks.peers.genome import draw_genome, write_genome
from benchmarks.peers.model_folders import write_folder, write_plain
from benchmarks.peers.networks import SHAPES, Shape, draw_weights, weights_path
from benchmarks.peers.tasks import lists_folder
from benchmarks.peers.variants import (
    Record,
    draw_cohort,
    draw_records,
    draw_sequences,
    write_sequences,
    write_vcf,
)

RECORDS = 10_000
COHORT_START = 1_000_000
_RECORDS_PER_MAP = {600: 100, 1000: 400}
"""For each length of a sequence: longer ones take longer."""


def prepare(work: Path, records: int) -> None:
    """Make what is missing; what is whole is kept, and a file beside it tells that it is."""
    if not (work / "prepared").exists():
        for folder in ("data", "models"):
            shutil.rmtree(work / folder, ignore_errors=True)
            (work / folder).mkdir(parents=True)
        write_genome(work / "data" / "genome.fa", draw_genome())
        for shape in SHAPES.values():
            _write_model(work, shape)
        (work / "prepared").touch()
    folder = lists_folder(work, records)
    if not (folder / "prepared").exists():
        folder.mkdir(exist_ok=True)
        _write_lists(folder, records)
        (folder / "prepared").touch()


def _write_model(work: Path, shape: Shape) -> None:
    weights = draw_weights(shape)
    np.savez(weights_path(work, shape.name), **weights)
    write_folder(work / "models" / shape.name, shape, weights)
    write_plain(work / "models" / f"{shape.name}.plain.onnx", shape, weights)


def _write_lists(folder: Path, records: int) -> None:
    genome = draw_genome()
    mixed = draw_records(genome, records, indels=0.1, multiallelic=0.03)
    snvs = draw_records(genome, records, seed=2)
    letters = genome["chr1"]
    lists: dict[str, list[Record]] = {
        "indels": mixed,
        "indels-short": mixed[: records // 4],
        "snvs": snvs,
        "one": snvs[:1],
        "cohort-34": draw_cohort("chr1", letters, COHORT_START, records, 34),
        "cohort-5": draw_cohort("chr1", letters, COHORT_START, 2 * records, 5),
    }
    for name, of_list in lists.items():
        write_vcf(folder / f"{name}.vcf", genome, of_list)
    for shape in SHAPES.values():
        maps = draw_sequences(letters, max(1, records // _RECORDS_PER_MAP[shape.length]), shape.length)
        write_sequences(folder / f"sequences-{shape.length}.fa", maps)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--records", type=int, default=RECORDS)
    given = parser.parse_args()
    prepare(given.work, given.records)
