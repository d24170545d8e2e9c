"""What annotating a VCF of 2,504 samples costs beside `bcftools view`: writes MANY_SAMPLES.md.

Both read a vcf.gz and write a vcf.gz, in turns, each pinned to one processor. Times are those of the processor, so that
others who use it do not count; the network's is that of the thread that runs it, taken in the same run.

    python benchmarks/many_samples.py
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.data import write_constant_model
from zoo.genome.bgzf import BgzfSink

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "benchmarks" / "MANY_SAMPLES.md"
SAMPLES = 2504
CONTIG_LENGTH = 20_000_000
TRAINED = "gm12878-ctcf"
MOST = 1.5

ANNOTATE = """
import json, sys, time
from zoo.cli import main
from zoo.model.session import Session

spent = 0.0
predict = Session.predict

def timed(self, *arguments, **options):
    global spent
    started = time.thread_time()
    try:
        return predict(self, *arguments, **options)
    finally:
        spent += time.thread_time() - started

Session.predict = timed
status = main(sys.argv[2:])
with open(sys.argv[1], "w") as file:
    json.dump(spent, file)
sys.exit(status)
"""


@dataclass(frozen=True, slots=True)
class Timing:
    """Processor seconds of one command's rounds, and how many of them went into the network."""

    name: str
    seconds: list[float]
    network: list[float]

    @property
    def own(self) -> float:
        """The median of what is not the network's."""
        return median(all_of - part for all_of, part in zip(self.seconds, self.network, strict=True))


def write_genome(path: Path, generator: np.random.Generator) -> str:
    """Write one contig of random bases, and return it."""
    letters = np.frombuffer(b"ACGT", dtype=np.uint8)
    bases = letters[generator.integers(0, 4, CONTIG_LENGTH)].tobytes().decode()
    path.write_text(">chr1\n" + "".join(f"{bases[first : first + 100]}\n" for first in range(0, CONTIG_LENGTH, 100)))
    return bases


def write_many_samples(path: Path, bases: str, records: int, generator: np.random.Generator) -> None:
    """Write phased SNVs of 2,504 samples, BGZF; how many haplotypes carry ALT falls off as its number to the -1.5.

    So 38 % are singletons, much as in a panel of that size.
    """
    haplotypes = 2 * SAMPLES
    counts = np.arange(1, haplotypes)
    weights = counts**-1.5
    drawn = generator.choice(counts, records, p=weights / weights.sum()).tolist()
    starts = np.sort(generator.choice(CONTIG_LENGTH - 1000, records, replace=False) + 500).tolist()
    others = generator.integers(1, 4, records).tolist()
    genotypes = np.array([b"\t0|0", b"\t0|1", b"\t1|0", b"\t1|1"], dtype="S4")
    names = "\t".join(f"S{number:04d}" for number in range(SAMPLES))
    with path.open("wb") as file:
        sink = BgzfSink(file)
        sink.write(
            (
                f"##fileformat=VCFv4.2\n##contig=<ID=chr1,length={CONTIG_LENGTH}>\n"
                '##FILTER=<ID=PASS,Description="All filters passed">\n'
                '##INFO=<ID=AC,Number=A,Type=Integer,Description="Alleles that are ALT">\n'
                '##INFO=<ID=AN,Number=1,Type=Integer,Description="Alleles in all">\n'
                '##INFO=<ID=AF,Number=A,Type=Float,Description="Their share">\n'
                '##FORMAT=<ID=GT,Number=1,Type=String,Description="Genotype">\n'
                f"#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\t{names}\n"
            ).encode()
        )
        for number, (start, count, other) in enumerate(zip(starts, drawn, others, strict=True)):
            carriers = np.zeros(haplotypes, dtype=np.int64)
            carriers[generator.choice(haplotypes, count, replace=False)] = 1
            ref = bases[start]
            alt = "ACGT"[("ACGT".index(ref) + other) % 4]
            values = f"AC={count};AN={haplotypes};AF={count / haplotypes:.6g}"
            head = f"chr1\t{start + 1}\trs{number + 1}\t{ref}\t{alt}\t100\tPASS\t{values}\tGT"
            sink.write(head.encode() + genotypes[carriers[0::2] * 2 + carriers[1::2]].tobytes() + b"\n")
        sink.finish()


def measure(folder: Path, rounds: int) -> list[Timing]:
    """Time the commands in turns."""
    vcf, genome = str(folder / "many.vcf.gz"), str(folder / "genome.fa")
    commands = {
        "bcftools view": ["bcftools", "view", "--no-version", "-Oz", "-o", str(folder / "bcftools.vcf.gz"), vcf]
    }
    spent = folder / "spent.json"
    for name, model in (("constant", str(folder / "constant")), ("trained", TRAINED)):
        arguments = ["annotate", vcf, "-f", genome, "-m", model, "--threads", "1", "--device", "cpu"]
        output = str(folder / f"{name}.vcf.gz")
        commands[f"zoo annotate, {name}"] = [sys.executable, "-c", ANNOTATE, str(spent), *arguments, "-o", output]
    timings = {name: Timing(name, [], []) for name in commands}
    for _ in range(rounds):
        for name, command in commands.items():
            spent.unlink(missing_ok=True)
            seconds = _run(command)
            network = json.loads(spent.read_text()) if spent.exists() else 0.0
            print(f"{name}: {seconds:.2f} s, network {network:.2f} s")
            timings[name].seconds.append(seconds)
            timings[name].network.append(network)
    return list(timings.values())


def _run(command: Sequence[str]) -> float:
    """Run a command, and return the processor time of all its threads."""
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, command)
    return usage.ru_utime + usage.ru_stime


def check_same_records(folder: Path) -> None:
    """Raise ValueError where an output is not the records of `bcftools view`, but for our keys."""
    expected = _read_without_keys(folder / "bcftools.vcf.gz", ())
    for name in ("constant", "trained"):
        if _read_without_keys(folder / f"{name}.vcf.gz", ("ZOO_",)) != expected:
            raise ValueError(f"{name}: the records are not those of bcftools view")


def _read_without_keys(path: Path, keys: tuple[str, ...]) -> str:
    """Return the checksum of the records' text, INFO without some keys."""
    import gzip
    import hashlib

    digest = hashlib.sha256()
    with gzip.open(path, "rt") as lines:
        for line in lines:
            if line.startswith("#"):
                continue
            columns = line.split("\t", 8)
            columns[7] = ";".join(entry for entry in columns[7].split(";") if not (keys and entry.startswith(keys)))
            digest.update("\t".join(columns).encode())
    return digest.hexdigest()


def write_page(timings: Sequence[Timing], folder: Path, records: int, rounds: int) -> None:
    """Write the page."""
    base = median(timings[0].seconds)
    version = subprocess.run(["bcftools", "--version"], check=True, capture_output=True, text=True).stdout.split("\n")
    commit = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], check=True, capture_output=True, text=True, cwd=ROOT
    )
    rows = [
        f"| {one.name} | {median(one.seconds):.2f} | {median(one.network):.2f} | {one.own:.2f} "
        f"| {one.own / base:.2f} | {(folder / _output_of(one.name)).stat().st_size / 1e6:.1f} |"
        for one in timings
    ]
    PAGE.write_text(
        f"""# A VCF of many samples

Made by `python benchmarks/many_samples.py`: {records:,} phased SNVs of {SAMPLES:,} samples, drawn from a seed
({(folder / "many.vcf.gz").stat().st_size / 1e6:.1f} MB), from vcf.gz to vcf.gz. All commands take their turns, pinned
to one processor; processor seconds, medians of {rounds} rounds. The network's are those of the thread that runs it. The
rest may be {MOST} times `bcftools view`.

| command | seconds | of which network | the rest | the rest / bcftools | MB written |
|---|---|---|---|---|---|
{chr(10).join(rows)}

`constant` is a model that answers 0.5, `trained` is {TRAINED}. The records of all three files were compared and are the
same, but for the keys of the zoo.

Measured at commit `{commit.stdout.strip()}`, Python {platform.python_version()}, {version[0]} ({version[1]}), on
{_processor()}.
"""
    )


def _output_of(name: str) -> str:
    return "bcftools.vcf.gz" if name.startswith("bcftools") else f"{name.split(', ')[1]}.vcf.gz"


def _processor() -> str:
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    name = next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), platform.machine())
    return f"one of {os.cpu_count()} cores of a machine with {name}"


def main() -> None:
    """Measure, and write the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--records", type=int, default=50_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--folder", type=Path, help="Keep the files there, and take those that are there already.")
    arguments = parser.parse_args()
    if shutil.which("bcftools") is None:
        sys.exit("bcftools is not installed")
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    with tempfile.TemporaryDirectory() as temporary:
        folder = arguments.folder or Path(temporary)
        folder.mkdir(exist_ok=True)
        if not (folder / "many.vcf.gz").exists():
            generator = np.random.default_rng(1)
            bases = write_genome(folder / "genome.fa", generator)
            write_many_samples(folder / "many.vcf.gz", bases, arguments.records, generator)
            write_constant_model(folder / "constant")
        timings = measure(folder, arguments.rounds)
        check_same_records(folder)
        write_page(timings, folder, arguments.records, arguments.rounds)
    print(PAGE.read_text())


if __name__ == "__main__":
    main()
