"""Makes what `limits.py` reads: two genomes, long lists on them, and a network that costs nothing.

python -m benchmarks.peers.prepare_limits --work DIR
"""

from __future__ import annotations

import argparse
import shutil
from pathlib import Path

from benchmarks.data import write_constant_model
from benchmarks.peers.genome import draw_genome, write_genome
from benchmarks.peers.limits import FOLDER, MANY_CONTIGS, SIZES
from benchmarks.peers.variants import draw_records, write_vcf
from zoo.genome.bgzf import BgzfSink

_MANY_LENGTH = 20_000
_MARGIN = 500


def prepare_limits(work: Path) -> None:
    """Make everything, unless it is there."""
    folder = work / FOLDER
    if (folder / "prepared").exists():
        return
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    write_constant_model(folder / "constant")
    many = {f"contig{number}": _MANY_LENGTH for number in range(1, MANY_CONTIGS + 1)}
    for name, genome in (("genome", draw_genome()), ("contigs", draw_genome(many, end_run=_MARGIN // 2))):
        write_genome(folder / f"{name}.fa", genome)
        for size, count in {"one": 1, **SIZES}.items():
            first = dict([next(iter(genome.items()))]) if count == 1 else genome
            plain = folder / f"{name}.{size}.vcf"
            records = draw_records(first, count, indels=0.1, margin=_MARGIN if name == "contigs" else None)
            write_vcf(plain, genome, records)
            _compress(plain, folder / f"{name}.{size}.vcf.gz")
    (folder / "prepared").touch()


def _compress(plain: Path, output: Path) -> None:
    with output.open("wb") as file:
        sink = BgzfSink(file)
        sink.write(plain.read_bytes())
        sink.finish()
    plain.unlink()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work", type=Path, required=True)
    prepare_limits(parser.parse_args().work)
