"""How far each program's differences are from a plain reference: only programs that compute the same are compared.

    python -m benchmarks.peers.agreement --work DIR --records N [--task NAME]

Prints one JSON object, by task and program: the largest difference from the reference, relative to the largest
prediction, over alleles whose windows hold no unknown base (programs differ in what they make of one). The reference
is the published file in ONNX Runtime, one thread, no optimisation, on windows that share no code with the zoo, with
the variant where the program puts it.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.peers.drivers.onnxruntime_maps import list_alternatives
from benchmarks.peers.networks import SHAPES
from benchmarks.peers.tasks import TASKS, Program, Task, lists_folder, output_path
from benchmarks.peers.variants import is_snv, read_alleles
from benchmarks.peers.windows import ONE_HOT, Allele, Codes, cut_windows, read_genome, read_sequences

_ALLELES = 200
_PLACES = 100


@dataclass(frozen=True, slots=True)
class Reference:
    """A network as it is published, run as plainly as ONNX Runtime can."""

    session: Any

    def predict(self, windows: Codes) -> np.ndarray:
        return np.asarray(self.session.run(None, {"sequence": ONE_HOT[windows]})[0])


def compare_task(task: Task, work: Path, records: int) -> dict[str, float]:
    """Return the largest relative difference of each program whose output is there."""
    reference = _open_reference(work, task.model)
    found = {}
    for program in task.programs:
        output = output_path(work, task, program, records)
        if output.exists():
            compare = _compare_maps if task.is_map else _compare_alleles
            found[program.name] = compare(task, program, reference, work, records)
    return found


def choose_alleles(alleles: list[Allele], count: int, *, snvs_alone: bool) -> list[int]:
    """Return rows of ``alleles`` to compare, spread over the list: all kinds, or SNVs alone."""
    rows = [row for row, allele in enumerate(alleles) if is_snv(allele) or not snvs_alone]
    return rows[:: max(1, len(rows) // count)]


def largest_difference(found: np.ndarray, expected: np.ndarray, largest_prediction: float) -> float:
    """Return the largest difference, relative to the largest prediction; infinite where a score is missing."""
    difference = np.abs(found.astype(np.float64) - expected)
    return float(np.nan_to_num(difference, nan=np.inf).max() / largest_prediction)


def _compare_alleles(task: Task, program: Program, reference: Reference, work: Path, records: int) -> float:
    alleles = list(read_alleles(lists_folder(work, records) / task.source))
    if program.scores == "snvs":
        alleles = [allele for allele in alleles if is_snv(allele)]
    deltas = _read_deltas(output_path(work, task, program, records))
    if len(deltas) != len(alleles):
        raise ValueError(f"{task.name}, {program.name}: expected {len(alleles)} alleles, found {len(deltas)}")
    # Where others put an indel differs from tool to tool.
    rows = choose_alleles(alleles, _ALLELES, snvs_alone=program.is_peer)
    length = SHAPES[task.model].length
    genome = read_genome(work / "data" / "genome.fa")
    refs, alts = cut_windows(genome, [alleles[row] for row in rows], length, length // 2 + program.anchor)
    known = (refs < 4).all(axis=1) & (alts < 4).all(axis=1)
    ref, alt = reference.predict(refs[known]), reference.predict(alts[known])
    return largest_difference(deltas[np.array(rows)[known]], alt - ref, float(np.abs(ref).max()))


def _compare_maps(task: Task, program: Program, reference: Reference, work: Path, records: int) -> float:
    codes = read_sequences(lists_folder(work, records) / task.source, 1)[0]
    alternatives = list_alternatives(codes)
    rows = np.arange(0, len(alternatives), max(1, len(alternatives) // _PLACES))
    ref = reference.predict(codes[np.newaxis])
    expected = reference.predict(alternatives[rows]) - ref
    found = _read_map(output_path(work, task, program, records), codes)
    return largest_difference(found[rows], expected, float(np.abs(ref).max()))


def _read_deltas(path: Path) -> np.ndarray:
    """Return every track of every allele, in the order of the VCF."""
    if path.suffix == ".npy":
        return np.load(path)
    import pandas as pd

    table = pd.read_parquet(path).drop(columns="qual")
    return table.select_dtypes("floating").to_numpy(dtype=np.float32)


def _read_map(path: Path, codes: Codes) -> np.ndarray:
    """Return the first sequence's map, (3L, T): position by position, the other three bases in order."""
    if path.suffix == ".npy":
        return np.load(path, mmap_mode="r")[0]
    from pyarrow import parquet

    batch = next(parquet.ParquetFile(path).iter_batches(batch_size=3 * len(codes)))
    table = batch.to_pandas()
    expected = list_alternatives(codes)[np.arange(3 * len(codes)), np.arange(3 * len(codes)) // 3]
    if table["alt"].tolist() != ["ACGT"[code] for code in expected]:
        raise ValueError(f"{path}: expected the other three bases of each position in order")
    return table.select_dtypes("floating").to_numpy(dtype=np.float32)


def _open_reference(work: Path, model: str) -> Reference:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    path = str(work / "models" / model / "model.onnx")
    return Reference(onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"]))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--records", type=int, required=True)
    parser.add_argument("--task", action="append", default=[])
    given = parser.parse_args()
    chosen = [task for task in TASKS if not given.task or task.name in given.task]
    print(json.dumps({task.name: compare_task(task, given.work, given.records) for task in chosen}))
