"""Alleles per second and peak memory, from vcf.gz to vcf.gz, with a model that costs nothing."""

import json
import subprocess
import sys

import pytest

import zoo

MEASURED = """
import json, resource, sys, zoo
vcf, genome, model, output = sys.argv[1:]
summary = zoo.annotate(vcf, genome, model, output, device="cpu")
print(json.dumps({"alleles": summary.alleles, "scored": summary.scored,
                  "peak": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}))
"""


@pytest.mark.parametrize("threads", [1, 2])
def test_alleles_per_second(benchmark, data, tmp_path, report, threads):
    def annotate():
        return zoo.annotate(
            data / "100k.vcf.gz", data / "genome.fa", data / "constant", tmp_path / "out.vcf.gz",
            device="cpu", threads=threads,
        )  # fmt: skip

    summary = benchmark.pedantic(annotate, rounds=5, warmup_rounds=1)
    rate = benchmark.extra_info["alleles_per_second"] = summary.alleles / benchmark.stats.stats.median
    report(f"alleles per second, {threads} threads: {rate:,.0f}")
    assert summary.scored == summary.alleles


def test_peak_memory_does_not_grow_with_the_file(data, tmp_path, report):
    """A process of its own for each size; at ten times the records within 10 %."""

    def measure(name):
        arguments = [data / f"{name}.vcf.gz", data / "genome.fa", data / "constant", tmp_path / f"{name}.out.vcf.gz"]
        done = subprocess.run([sys.executable, "-c", MEASURED, *arguments], check=True, capture_output=True, text=True)
        return json.loads(done.stdout)

    small, large = measure("100k"), measure("1m")
    report(f"peak memory: {small['peak']:.0f} MB at 100,000 records, {large['peak']:.0f} MB at 1,000,000")
    assert large["scored"] == large["alleles"] >= 1_000_000
    assert large["peak"] < 1.1 * small["peak"]
