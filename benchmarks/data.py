"""Makes what the benchmarks read: random, seeded, large."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from zoo.genome.bgzf import BgzfSink
from zoo.testing.models import write_model_folder

CONTIGS = ("chr1", "chr2")
CONTIG_LENGTH = 10_000_000
WINDOW = 201
_MARGIN = 200
_HEADER = (
    "##fileformat=VCFv4.2\n"
    '##INFO=<ID=AC,Number=A,Type=Integer,Description="Allele count">\n'
    '##INFO=<ID=AF,Number=A,Type=Float,Description="Allele frequency">\n'
    + "".join(f"##contig=<ID={name},length={CONTIG_LENGTH}>\n" for name in CONTIGS)
    + "#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\n"
)


def write_genome(path: Path, seed: int = 1) -> dict[str, str]:
    """Write two contigs of random bases and return them."""
    generator = np.random.default_rng(seed)
    letters = np.frombuffer(b"ACGT", dtype=np.uint8)
    genome = {name: letters[generator.integers(0, 4, CONTIG_LENGTH)].tobytes().decode() for name in CONTIGS}
    with path.open("w", encoding="ascii") as file:
        for name, bases in genome.items():
            file.write(f">{name}\n")
            file.writelines(f"{bases[start : start + 100]}\n" for start in range(0, len(bases), 100))
    return genome


def write_variants(path: Path, genome: dict[str, str], records: int, seed: int = 2) -> None:
    """Write records, BGZF: 96 % SNVs, 2 % deletions and 2 % insertions of three bases; 0.5 % have a second ALT."""
    generator = np.random.default_rng(seed)
    per_contig = records // len(genome)
    with path.open("wb") as file:
        sink = BgzfSink(file)
        sink.write(_HEADER.encode())
        for name, bases in genome.items():
            starts = generator.choice(CONTIG_LENGTH - 2 * _MARGIN, per_contig, replace=False) + _MARGIN
            starts.sort()
            kinds = generator.random(per_contig).tolist()
            others = generator.integers(1, 4, per_contig).tolist()
            lines = [
                _format_record(name, bases, start, kind, other)
                for start, kind, other in zip(starts.tolist(), kinds, others, strict=True)
            ]
            sink.write("".join(lines).encode())
        sink.finish()


def _format_record(contig: str, bases: str, start: int, kind: float, other: int) -> str:
    ref = bases[start]
    place = "ACGT".index(ref)
    alt = "ACGT"[(place + other) % 4]
    if kind < 0.005:
        alt = f"{alt},{'ACGT'[(place + other % 3 + 1) % 4]}"
    elif kind > 0.98:
        alt = f"{ref}ACG"
    elif kind > 0.96:
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
