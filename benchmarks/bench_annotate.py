"""Alleles per second and peak memory, from vcf.gz to vcf.gz, and what stands around a network."""

import json
import shutil
import sys
from pathlib import Path
from statistics import median

import pytest

import zoo
from benchmarks.peers.processes import read_last_object, run_process
from zoo.model.devices import available_cpus

BUNDLED = "gm12878-ctcf"
ROUNDS = 5

# Of Linux' counters VmHWM is the process's own; ru_maxrss begins at what the parent had taken.
MEASURED = """
import json, re, sys, zoo
from pathlib import Path
vcf, genome, model, output = sys.argv[1:]
summary = zoo.annotate(vcf, genome, model, output, device="cpu")
peak = int(re.search(r"VmHWM:\\s+(\\d+) kB", Path("/proc/self/status").read_text())[1]) / 1024
print(json.dumps({"alleles": summary.alleles, "scored": summary.scored, "peak": peak}))
"""


@pytest.fixture
def run_zoo(data, tmp_path):
    """Annotate with the command line in a process of its own; return seconds, and those of the processor."""

    def run(vcf, model, threads, *before, engine="auto"):
        output = tmp_path / "out.vcf.gz"
        output.unlink(missing_ok=True)
        command = [*before, sys.executable, "-m", "zoo", "annotate", data / vcf, "-f", data / "genome.fa", "-m", model]
        command += ["-o", output, "--device", "cpu", "--threads", threads, "--engine", engine]
        seconds, processor_seconds, _ = run_process([str(one) for one in command], tmp_path / "zoo.log", threads)
        return seconds, processor_seconds

    return run


@pytest.mark.parametrize("threads", [1, 2])
def test_alleles_per_second(benchmark, data, tmp_path, report, threads):
    def annotate():
        return zoo.annotate(
            data / "100k.vcf.gz", data / "genome.fa", data / "constant", tmp_path / "out.vcf.gz",
            device="cpu", threads=threads,
        )  # fmt: skip

    summary = benchmark.pedantic(annotate, rounds=ROUNDS, warmup_rounds=1)
    rate = benchmark.extra_info["alleles_per_second"] = summary.alleles / benchmark.stats.stats.median
    report(f"alleles per second, {threads} threads: {rate:,.0f}")
    assert summary.scored == summary.alleles


@pytest.mark.skipif(shutil.which("taskset") is None, reason="taskset, which holds a process to one core, is absent")
def test_one_core_beside_the_least_that_annotation_can_do(data, tmp_path, report, run_zoo):
    """A million records, a tenth of them indels; start-up is that of a file without records, in the same rounds."""
    one_core = ("taskset", "-c", "0")
    command = [*one_core, sys.executable, "-m", "benchmarks.yardstick", data / "indels.vcf.gz", data / "genome.fa"]
    rates, by_processor, yardsticks = [], [], []
    for _ in range(ROUNDS):
        start, start_processor = run_zoo("none.vcf.gz", data / "constant", 1, *one_core)
        seconds, processor_seconds = run_zoo("indels.vcf.gz", data / "constant", 1, *one_core)
        rates.append(1_000_000 / (seconds - start))
        by_processor.append(1_000_000 / (processor_seconds - start_processor))
        log = tmp_path / "yardstick.log"
        run_process([*map(str, command), str(tmp_path / "least.vcf.gz")], log, 1)
        least = read_last_object(log)
        yardsticks.append(least["records"] / least["seconds"])
    share = median(rate / least for rate, least in zip(by_processor, yardsticks, strict=True))
    report(
        f"alleles per second, one core, no start-up: {median(rates):,.0f}; {median(by_processor):,.0f} a second of the "
        f"processor, {share:.2f} of the {median(yardsticks):,.0f} of a minimal loop"
    )


def test_a_whole_process_beside_its_network_alone(tmp_path, report, run_zoo):
    """100,000 records with a bundled model; the network alone runs the windows of each allele, and of each strand."""
    threads = available_cpus()
    ratios, beyond = [], []
    for _ in range(ROUNDS):
        log = tmp_path / "floor.log"
        command = [sys.executable, "-m", "benchmarks.peers.floor", "--model", BUNDLED, "--windows", "4096"]
        run_process([*command, "--threads", str(threads)], log, threads)
        floor = read_last_object(log)
        seconds, _ = run_zoo("100k.vcf.gz", BUNDLED, threads, engine="full")
        alone = 100_500 * floor["windows_per_allele"] / max(floor["rates"].values())
        ratios.append(seconds / alone)
        beyond.append(seconds - alone)
    report(f"{BUNDLED}, whole process: {median(ratios):.2f} times its network alone, {median(beyond):+.1f} s")


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="peak memory is read as Linux tells it")
@pytest.mark.parametrize(("prefix", "genome"), [("", "genome.fa"), ("contigs.", "contigs.fa")])
def test_peak_memory_does_not_grow_with_the_file(data, tmp_path, report, prefix, genome):
    """A process of its own for each size; at ten times the records within 10 %, of 2 contigs or of 500."""

    def measure(name):
        vcf, output = data / f"{prefix}{name}.vcf.gz", tmp_path / f"{name}.out.vcf.gz"
        arguments = [data / genome, data / "constant", output]
        command = [sys.executable, "-c", MEASURED, vcf, *arguments]
        run_process([str(one) for one in command], tmp_path / "memory.log", available_cpus())
        return json.loads((tmp_path / "memory.log").read_text().splitlines()[-1])

    small, large = measure("100k"), measure("1m")
    report(
        f"peak memory, {genome}: {small['peak']:.0f} MB at 100,000 records, {large['peak']:.0f} MB at 1,000,000 records"
    )
    assert large["scored"] == large["alleles"] >= 1_000_000
    assert large["peak"] < 1.1 * small["peak"]
