"""Makes what the benchmarks read: random, seeded, large."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from zoo.genome.bgzf import BgzfSink
from zoo.testing.models import write_model_folder

BASES = 20_000_000
WINDOW = 201
_MARGIN = 200
_HEADER = """##fileformat=VCFv4.2
##INFO=<ID=AC,Number=A,Type=Integer,Description="Allele count">
##INFO=<ID=AF,Number=A,Type=Float,Description="Allele frequency">
"""
_COLUMNS = "#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\n"


def write_genome(path: Path, seed: int = 1, contigs: int = 2) -> dict[str, str]:
    """Write contigs of random bases, all as long, and return them."""
    generator = np.random.default_rng(seed)
    letters = np.frombuffer(b"ACGT", dtype=np.uint8)
    length = BASES // contigs
    names = [f"chr{number}" for number in range(1, contigs + 1)]
    genome = {name: letters[generator.integers(0, 4, length)].tobytes().decode() for name in names}
    with path.open("w", encoding="ascii") as file:
        for name, bases in genome.items():
            file.write(f">{name}\n")
            file.writelines(f"{bases[start : start + 100]}\n" for start in range(0, len(bases), 100))
    return genome


def write_variants(
    path: Path, genome: dict[str, str], records: int, seed: int = 2, *, indels: float = 0.04, second_alts: float = 0.005
) -> None:
    """Write records, BGZF: SNVs, some with a second ALT, and indels of three bases, as many insertions as deletions."""
    generator = np.random.default_rng(seed)
    per_contig = records // len(genome)
    declared = "".join(f"##contig=<ID={name},length={len(bases)}>\n" for name, bases in genome.items())
    with path.open("wb") as file:
        sink = BgzfSink(file)
        sink.write(f"{_HEADER}{declared}{_COLUMNS}".encode())
        for name, bases in genome.items():
            starts = generator.choice(len(bases) - 2 * _MARGIN, per_contig, replace=False) + _MARGIN
            starts.sort()
            kinds = generator.random(per_contig).tolist()
            others = generator.integers(1, 4, per_contig).tolist()
            lines = [
                _format_record(name, bases, start, kind, other, indels, second_alts)
                for start, kind, other in zip(starts.tolist(), kinds, others, strict=True)
            ]
            sink.write("".join(lines).encode())
        sink.finish()


def _format_record(
    contig: str, bases: str, start: int, kind: float, other: int, indels: float, second_alts: float
) -> str:
    ref = bases[start]
    place = "ACGT".index(ref)
    alt = "ACGT"[(place + other) % 4]
    if kind < second_alts:
        alt = f"{alt},{'ACGT'[(place + other % 3 + 1) % 4]}"
    elif kind > 1 - indels / 2:
        alt = f"{ref}ACG"
    elif kind > 1 - indels:
        ref, alt = bases[start : start + 4], ref
    return f"{contig}\t{start + 1}\trs{start}\t{ref}\t{alt}\t100\tPASS\tAC={other};AF={kind:.6f}\n"


def write_constant_model(path: Path) -> None:
    """Write a model that reads 201 bases and answers 0.5: what remains is the zoo's own work."""
    from onnx import TensorProto, helper, numpy_helper

    integers = {"starts": [0, 0], "ends": [1, 1], "axes": [1, 2], "channel_axis": [2]}
    constants = [numpy_helper.from_array(np.array(values, dtype=np.int64), name) for name, values in integers.items()]
    constants += [
        numpy_helper.from_array(np.float32(value), name) for name, value in (("nothing", 0.0), ("half", 0.5))
    ]  # fmt: skip
    graph = helper.make_graph(
        [
            helper.make_node("Slice", ["sequence", "starts", "ends", "axes"], ["first"]),
            helper.make_node("Squeeze", ["first", "channel_axis"], ["base"]),
            helper.make_node("Mul", ["base", "nothing"], ["zero"]),
            helper.make_node("Add", ["zero", "half"], ["prediction"]),
        ],
        "constant",
        [helper.make_tensor_value_info("sequence", TensorProto.FLOAT, ["N", WINDOW, 4])],
        [helper.make_tensor_value_info("prediction", TensorProto.FLOAT, ["N", 1])],
        constants,
    )
    card = {
        "name": "constant",
        "inputs": [{"name": "sequence", "shape": [WINDOW, 4]}],
        "window": {"length": WINDOW, "anchor": WINDOW // 2},
    }
    write_model_folder(path, graph, card)
