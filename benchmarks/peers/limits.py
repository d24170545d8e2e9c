"""What the zoo's own work may cost: time around a network, and memory, on lists of 100,000 and 1,000,000 records.

    python -m benchmarks.peers.limits --work DIR

A part of `python -m benchmarks.peers`; alone it measures these again, and `--table-only` puts them on the page.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.peers.processes import read_last_object, run_process

BUNDLED = "gm12878-ctcf"
SIZES = {"100k": 100_000, "1m": 1_000_000}
FOLDER = "limits"
MANY_CONTIGS = 500
_BUNDLED_WINDOWS = 8192


def measure_limits(work: Path, rounds: int, threads: int) -> dict[str, Any]:
    """Measure all of them, medians over the rounds, and keep them in ``results/limits.json``."""
    command = [sys.executable, "-m", "benchmarks.peers.prepare_limits", "--work", str(work)]
    run_process(command, work / "logs" / "prepare-limits.log", threads)
    found: dict[str, Any] = {"constant": [], "bundled": [], "peaks": {}}
    for number in range(rounds):
        print(f"round {number + 1}, limits", flush=True)
        start = _annotate(work, "genome", "one", "constant", 1, pinned=True)
        whole = _annotate(work, "genome", "1m", "constant", 1, pinned=True)
        found["constant"].append(
            {"start_up": start["seconds"], "start_up_processor": start["processor_seconds"], **whole}
        )
        floor = _measure_floor(work, threads)
        bundled = _annotate(work, "genome", "100k", BUNDLED, threads)
        found["bundled"].append({**floor, **bundled})
        for genome in ("genome", "contigs"):
            for size in SIZES:
                peak = _annotate(work, genome, size, "constant", threads)["peak_mb"]
                found["peaks"].setdefault(genome, {}).setdefault(size, []).append(peak)
    found["windows_per_allele"] = floor["windows_per_allele"]
    (work / "results").mkdir(exist_ok=True)
    (work / "results" / "limits.json").write_text(json.dumps(found, indent=1))
    return found


def describe_limits(found: Mapping[str, Any]) -> list[str]:
    """Return the lines of a table: what was asked, and what was measured."""
    lines = ["| what | asked | measured |", "|---|---|---|"]
    rate = median(each["scored"] / (each["seconds"] - each["start_up"]) for each in found["constant"])
    by_processor = median(
        each["scored"] / (each["processor_seconds"] - each["start_up_processor"]) for each in found["constant"]
    )
    lines.append(
        "| alleles/s, vcf.gz to vcf.gz, constant network, one track, 10 % indels, 1,000,000 records, one core, "
        f"no start-up | at least 150,000 | {rate:,.0f}; {by_processor:,.0f} a second of the processor |"
    )
    bundled = found["bundled"]
    windows = found["windows_per_allele"]
    allowed, seconds = reckon_bundled(bundled, windows)
    share = median(
        each["processor_seconds"] / (each["scored"] * windows * each["window_processor_seconds"]) for each in bundled
    )
    lines.append(
        f"| {BUNDLED}, engine full, 100,000 records, whole process | at most {allowed:.1f} s: 1.15 times "
        f"`session.run` ({bundled[-1]['form']} a batch) on {windows} windows an allele, and 0.6 s "
        f"| {seconds:.1f} s; {share:.2f} times the processor time of the windows |"
    )
    for genome, name in (("genome", "two contigs"), ("contigs", f"{MANY_CONTIGS} contigs")):
        small, large = (median(found["peaks"][genome][size]) for size in SIZES)
        lines.append(
            f"| peak memory, 1,000,000 records by 100,000, constant network, {name} | at most 1.1 "
            f"| {large / small:.2f}: {large:,.0f} MB by {small:,.0f} MB |"
        )
    return lines


def reckon_bundled(rounds: Sequence[Mapping[str, Any]], windows_per_allele: int) -> tuple[float, float]:
    """Return the seconds that are allowed and those that were taken, medians."""
    allowed = median(1.15 * each["scored"] * windows_per_allele / each["windows_per_second"] + 0.6 for each in rounds)
    return allowed, median(each["seconds"] for each in rounds)


def _annotate(
    work: Path, genome: str, size: str, model: str, threads: int, *, pinned: bool = False
) -> dict[str, float]:
    """Annotate one list, sites only, vcf.gz to vcf.gz."""
    folder = work / FOLDER
    output, summary = folder / "out.vcf.gz", folder / "out.json"
    output.unlink(missing_ok=True)
    chosen = model if model == BUNDLED else str(folder / model)
    command = [sys.executable, "-m", "zoo", "annotate", str(folder / f"{genome}.{size}.vcf.gz")]
    command += ["-f", str(folder / f"{genome}.fa"), "-m", chosen, "-o", str(output), "--summary", str(summary)]
    command += ["--device", "cpu", "--engine", "full", "--threads", str(threads)]
    taskset = shutil.which("taskset")
    if pinned and taskset:
        command = [taskset, "-c", "0", *command]
    seconds, processor_seconds, peak = run_process(command, work / "logs" / f"limits.{genome}.{size}.log", threads)
    scored = json.loads(summary.read_text())["scored"]
    print(f"  {model}, {genome}, {size}: {scored:,} in {seconds:.1f} s, {peak:.0f} MB", flush=True)
    return {"seconds": seconds, "processor_seconds": processor_seconds, "peak_mb": peak, "scored": scored}


def _measure_floor(work: Path, threads: int) -> dict[str, Any]:
    log = work / "logs" / "limits.floor.log"
    command = [sys.executable, "-m", "benchmarks.peers.floor", "--model", BUNDLED]
    run_process([*command, "--windows", str(_BUNDLED_WINDOWS), "--threads", str(threads)], log, threads)
    floor = read_last_object(log)
    form = max(floor["rates"], key=lambda name: floor["rates"][name])
    return {
        "form": form,
        "windows_per_second": floor["rates"][form],
        "window_processor_seconds": floor["processor_seconds"],
        "windows_per_allele": floor["windows_per_allele"],
    }


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=2)
    given = parser.parse_args()
    print("\n".join(describe_limits(measure_limits(given.work.resolve(), given.rounds, given.threads))))
