"""A registry of 100,000 models: how long a list, a search, a name and a misspelt name take, as whole processes.

    python benchmarks/registry.py

The registry is made up: factors by cell lines, one version each, in the form that publishing writes, with its index
beside it. What each command prints is checked; its time is from the start of its process to the end.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from zoo.registry.catalogue import build_index
from zoo.registry.index import Entry, Index
from zoo.registry.index_file import name_index
from zoo.registry.writing import format_registry, rank, splice

CELLS = ("A549", "GM12878", "H1-hESC", "HeLa-S3", "HepG2", "IMR-90", "K562", "MCF-7")
FACTORS = 1600
ZOO = [sys.executable, "-m", "zoo"]
RESOLVE = "import sys; from zoo.registry.resolving import resolve; print(resolve(sys.argv[1]).listing.full_name)"


def write_registry(path: Path, models: int, seed: int = 0) -> dict[str, str]:
    """Write the registry; return the factor of each name."""
    rng = random.Random(seed)
    letters = "ABCDEFGHKLMNPRSTZ"
    factors = ["CTCF", *("".join(rng.choices(letters, k=4)) + str(number % 9) for number in range(FACTORS - 1))]
    chosen = {}
    for number in range(models):
        factor, cell = rng.choice(factors), rng.choice(CELLS)
        chosen[f"{factor.lower()}-{cell.lower()}-{number:06d}"] = (factor, cell)

    entry = Entry(
        blobs=".",
        sha256sums="f" * 64,
        size=233_410,
        assay="TF ChIP-seq",
        biosample="CELL",
        organism="Homo sapiens",
        genome="GRCh38 (hg38)",
        license="Apache-2.0",
        summary="Is FACTOR bound in CELL (ChIP-seq)? From 201 bp of sequence, the probability that it is.",
        tracks=("FACTOR",),
        metrics={"auprc": 0.123456, "auroc": 0.123456},
    )
    head, block = format_registry(Index(schema_version=2, models={"name-of-the-model": rank({"1.0.0": entry})})).split(
        "  name-of-the-model", 1
    )
    with path.open("w", encoding="utf-8") as stream:
        stream.write(head)
        for name in sorted(chosen):
            factor, cell = chosen[name]
            digest = f"a{hashlib.sha256(name.encode()).hexdigest()[1:]}"
            text = block.replace("FACTOR", factor).replace("CELL", cell).replace("f" * 64, digest)
            stream.write(f"  {name}{text.replace('0.123456', f'{rng.uniform(0.5, 1):.6f}')}")
    return {name: factor for name, (factor, _) in chosen.items()}


@dataclass(frozen=True, slots=True)
class Measured:
    """What a command took, in each round: seconds by the clock, and of processors."""

    clock: list[float]
    processors: list[float]


def measure(command: list[str] | str, check: Callable[[str], bool], rounds: int, status: int = 0) -> Measured:
    """Run a command several times, and check what it prints."""
    measured = Measured([], [])
    for _ in range(rounds):
        before, start = os.times(), time.perf_counter()
        done = subprocess.run(command, shell=isinstance(command, str), capture_output=True, text=True, check=False)
        measured.clock.append(time.perf_counter() - start)
        after = os.times()
        used = after.children_user + after.children_system - before.children_user - before.children_system
        measured.processors.append(used)
        if done.returncode != status or not check(done.stdout + done.stderr):
            sys.exit(f"{command}: not what was expected: {(done.stdout + done.stderr)[:500]}")
    return measured


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=5)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "registry.yaml"
        factors = write_registry(path, asked.models)
        text = path.read_text(encoding="utf-8")
        start = time.perf_counter()
        index = build_index(text)
        built = time.perf_counter() - start
        name_index(path).write_bytes(index)
        start = time.perf_counter()
        after = splice(
            text, "a-new-model", rank({"1.0.0": Entry(url="m", sha256sums="a" * 64, assay="a", summary="s")})
        )
        spliced = time.perf_counter() - start
        start = time.perf_counter()
        build_index(after, before=(text, index))
        changed = time.perf_counter() - start
        os.environ.update(ZOO_REGISTRY=str(path), ZOO_HOME=folder)
        name = sorted(factors)[asked.models // 2]
        typo = f"{name[1]}{name[0]}{name[2:]}"
        ctcf = sum(factor == "CTCF" for factor in factors.values())
        rows = {
            f"`zoo list --assay CTCF --json`, {ctcf:,} found": measure(
                [*ZOO, "list", "--assay", "CTCF", "--json"], lambda out: len(json.loads(out)) == ctcf, asked.rounds
            ),
            "`zoo list --assay CTCF --organism human --sort auroc`": measure(
                [*ZOO, "list", "--assay", "CTCF", "--organism", "human", "--sort", "auroc"],
                lambda out: out.count("\n") == ctcf + 1,
                asked.rounds,
            ),
            "`zoo list \\| wc -l`": measure(
                f"{sys.executable} -m zoo list | wc -l", lambda out: int(out) == asked.models + 1, asked.rounds
            ),
            "a name to its entry": measure(
                [sys.executable, "-c", RESOLVE, name], lambda out: out == f"{name}@1.0.0\n", asked.rounds
            ),
            f"`zoo info {typo}`, a misspelt name": measure(
                [*ZOO, "info", typo], lambda out: f"did you mean {name!r}" in out, asked.rounds, status=1
            ),
        }
        del os.environ["ZOO_REGISTRY"]
        rows["`zoo list` of the models that come with the package"] = measure(
            [*ZOO, "list"], lambda out: out.startswith("name\t"), asked.rounds
        )
    print(f"{asked.models:,} models, {len(text) / 1e6:.0f} MB of YAML, an index of {len(index) / 1e6:.0f} MB\n")
    print(f"| whole process | least of {asked.rounds} | median | processor time, median |\n|---|---|---|---|")
    for what, took in rows.items():
        median, used = statistics.median(took.clock), statistics.median(took.processors)
        print(f"| {what} | {min(took.clock):.2f} s | {median:.2f} s | {used:.2f} s |")
    print(f"\nOnce each, within a process: the index made anew {built:.1f} s; one model listed {spliced:.1f} s,")
    print(f"and the index made from the one before {changed:.1f} s.")


if __name__ == "__main__":
    main()
