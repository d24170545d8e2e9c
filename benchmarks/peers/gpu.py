"""What a GPU makes of a network, as a table: `benchmarks/gpu.sh` calls it.

python -m benchmarks.peers.gpu --work DIR
"""

from __future__ import annotations

import argparse
import ctypes
import json
import math
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

import numpy as np

from benchmarks.peers.agreement import largest_difference
from benchmarks.peers.prepare import RECORDS
from benchmarks.peers.processes import run_process
from benchmarks.peers.tasks import BASSET, lists_folder, summary_path
from benchmarks.peers.variants import read_alleles
from benchmarks.peers.windows import cut_windows, read_genome

if TYPE_CHECKING:
    import onnx

BUNDLED = "gm12878-ctcf"
_SEQUENCES = 16_384
_ROUNDS = 5
_PARITY_ALLELES = 1_000

# FP32 lanes of a multiprocessor by compute capability, NVIDIA's CUDA C++ programming guide, arithmetic instructions.
_LANES = {(7, 0): 64, (7, 5): 64, (8, 0): 64, (8, 6): 128, (8, 7): 128, (8, 9): 128, (9, 0): 128, (10, 0): 128}
_NEWEST_LANES = 128
_CLOCK, _MULTIPROCESSORS, _MAJOR, _MINOR = 13, 16, 75, 76  # CUdevice_attribute, of cuda.h


@dataclass(frozen=True, slots=True)
class Device:
    """A GPU; ``peak`` is in FP32 operations per second, TF32 and lower left out."""

    name: str
    peak: float


@dataclass(frozen=True, slots=True)
class Figures:
    """What one model did on the GPU; ``parity`` is the largest difference of scores by the largest prediction."""

    model: str
    sequences_per_second: float
    alleles_per_second: float
    share: float
    parity: float


def reckon_peak(multiprocessors: int, kilohertz: int, capability: tuple[int, int]) -> float:
    """Return FP32 operations per second: a multiplication and an addition on every lane in every clock."""
    lanes = _LANES.get(capability, _NEWEST_LANES)
    return 2.0 * multiprocessors * lanes * kilohertz * 1000


def find_device() -> Device:
    """Ask the driver for the first GPU.

    Raises:
        OSError: There is no driver, or no GPU.
    """
    driver = ctypes.CDLL("libcuda.so.1")
    device = ctypes.c_int()
    if driver.cuInit(0) or driver.cuDeviceGet(ctypes.byref(device), 0):
        raise OSError("the driver knows no GPU")
    name = ctypes.create_string_buffer(100)
    driver.cuDeviceGetName(name, len(name), device)

    def ask(attribute: int) -> int:
        found = ctypes.c_int()
        driver.cuDeviceGetAttribute(ctypes.byref(found), attribute, device)
        return found.value

    peak = reckon_peak(ask(_MULTIPROCESSORS), ask(_CLOCK), (ask(_MAJOR), ask(_MINOR)))
    return Device(name.value.decode(), peak)


def count_multiply_adds(model: onnx.ModelProto) -> int:
    """Return the multiplications of convolutions and matrix products that one sequence costs."""
    import onnx

    graph = onnx.shape_inference.infer_shapes(model).graph
    sizes = {
        value.name: [dim.dim_value for dim in value.type.tensor_type.shape.dim]
        for value in (*graph.value_info, *graph.output, *graph.input)
    }
    kernels = {tensor.name: list(tensor.dims) for tensor in graph.initializer}
    total = 0
    for node in graph.node:
        if node.op_type == "Conv":
            total += math.prod(sizes[node.output[0]][1:]) * math.prod(kernels[node.input[1]][1:])
        elif node.op_type in {"MatMul", "Gemm"} and node.input[1] in kernels:
            total += math.prod(kernels[node.input[1]]) * math.prod(sizes[node.output[0]][1:-1])
    return total


def measure(name: str | Path, device: Device, work: Path) -> Figures:
    """Measure a model on the GPU, and compare its scores with those of the CPU."""
    import onnx

    import zoo
    from zoo.model.folder import NETWORK_FILE

    model = zoo.load(name, device="cuda")
    length = model.card.sequence_window.length
    codes = np.random.default_rng(1).integers(0, 4, (_SEQUENCES, length), dtype=np.uint8)
    model.predict_table(codes)
    seconds = []
    for _ in range(_ROUNDS):
        started = time.perf_counter()
        model.predict_table(codes)
        seconds.append(time.perf_counter() - started)
    rate = _SEQUENCES / median(seconds)
    strands = 2 if model.card.strand.average else 1
    operations = 2 * strands * count_multiply_adds(onnx.load(model.folder / NETWORK_FILE))

    alleles = list(read_alleles(lists_folder(work, RECORDS) / "snvs.vcf"))[:_PARITY_ALLELES]
    windows = cut_windows(read_genome(work / "data" / "genome.fa"), alleles, length, model.card.sequence_window.anchor)
    ref, alt = map(model.predict_table, windows)
    cpu_ref, cpu_alt = map(zoo.load(name, device="cpu").predict_table, windows)
    return Figures(
        model=model.card.name,
        sequences_per_second=rate,
        alleles_per_second=_annotate(name, work),
        share=rate * operations / device.peak,
        parity=largest_difference(alt - ref, cpu_alt - cpu_ref, float(np.abs(cpu_ref).max())),
    )


def render(device: Device, figures: Sequence[Figures]) -> str:
    """Return the table."""
    lines = [
        f"{device.name}, {device.peak / 1e12:.1f} TFLOP/s in FP32 at its highest clock.",
        "",
        "| model | sequences/s | alleles/s, whole process | share of the peak | scores, CPU against GPU |",
        "|---|---|---|---|---|",
    ]
    lines += [
        f"| {each.model} | {each.sequences_per_second:,.0f} | {each.alleles_per_second:,.0f} | {each.share:.0%} "
        f"| {each.parity:.1e} |"
        for each in figures
    ]
    return "\n".join(lines)


def _annotate(name: str | Path, work: Path) -> float:
    """Return alleles per second of `zoo annotate` on SNVs, from the start of the process to its end."""
    output = work / "out" / "gpu.parquet"
    output.parent.mkdir(exist_ok=True)
    source, genome = lists_folder(work, RECORDS) / "snvs.vcf", work / "data" / "genome.fa"
    command = [sys.executable, "-m", "zoo", "annotate", str(source), "-f", str(genome), "-m", str(name)]
    command += ["-o", str(output), "--device", "cuda", "--summary", str(summary_path(output))]
    seconds, _, _ = run_process(command, work / "logs" / "gpu.log", 2)
    return float(json.loads(summary_path(output).read_text())["scored"]) / seconds


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work", type=Path, required=True)
    given = parser.parse_args()
    found = find_device()
    print(render(found, [measure(name, found, given.work) for name in (given.work / "models" / BASSET, BUNDLED)]))
