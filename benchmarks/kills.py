"""Runs that are killed at random moments and resumed, until their bytes are complete: writes KILLS.md.

Each run is killed with SIGKILL at a random time, or when its files have reached a random size; then it is resumed, and
perhaps killed again. The file that comes out in the end must be that of a run that nobody killed, byte for byte, and
nothing else may be left.

    python benchmarks/kills.py
"""

from __future__ import annotations

import argparse
import importlib
import os
import platform
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from zoo.cli import main as main_of_zoo
from zoo.genome.output import JOURNAL, MADE_ON_THE_WAY
from zoo.testing.models import make_base_at_anchor_graph, write_model_folder

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "benchmarks" / "KILLS.md"
NAMES = ("out.vcf", "out.vcf.gz", "out.bcf", "out.tsv", "out.parquet")
RECORDS = 30_000  # eight batches
CONTIG_LENGTH = 100_000
AGAIN = 0.5  # of the resumed runs are killed too
PATIENCE = 120.0
IMPORTED = (
    "cyvcf2", "onnxruntime", "pyarrow.csv", "pyarrow.parquet", "zoo.cli.annotate", "zoo.prediction.annotation",
)  # fmt: skip

MOMENTS = ("before anything was done", "between batches", "after the last batch", "when the file had its name")


@dataclass(slots=True)
class Tally:
    """What became of the runs into one format."""

    expected: bytes = b""
    seconds: float = 0.0
    size: int = 0
    kills: Counter[str] = field(default_factory=Counter)
    resumed: int = 0
    longest: int = 0


class Run:
    """A process of its own that runs one command; what it imports is there already, so that kills meet its work."""

    def __init__(self, folder: Path, arguments: list[str]) -> None:
        self._told = folder / "told"
        self._status: int | None = None
        self._number = os.fork()
        if self._number == 0:
            os.chdir(folder)
            with self._told.open("wb") as told, Path(os.devnull).open("wb") as nowhere:
                os.dup2(nowhere.fileno(), 1)
                os.dup2(told.fileno(), 2)
            sys.argv = ["zoo", *arguments]
            os._exit(main_of_zoo(arguments))

    def poll(self) -> int | None:
        """Return the exit status, None while it runs."""
        if self._status is None:
            number, status = os.waitpid(self._number, os.WNOHANG)
            self._status = os.waitstatus_to_exitcode(status) if number else None
        return self._status

    def kill(self) -> None:
        """Kill it, and wait for its end."""
        os.kill(self._number, signal.SIGKILL)
        self.wait()

    def wait(self) -> int:
        """Wait for its end, and return the exit status."""
        end = time.monotonic() + PATIENCE
        while (status := self.poll()) is None:
            if time.monotonic() > end:
                raise TimeoutError(f"a run takes longer than {PATIENCE} s")
            time.sleep(0.002)
        return status

    def finish(self) -> None:
        """Wait for its end, which has to be success."""
        if self.wait():
            raise RuntimeError(f"a run that nobody killed ended with status {self._status}: {self._told.read_text()}")


class Folder:
    """The files of all runs, and how to start one."""

    def __init__(self, path: Path) -> None:
        self.path = path
        generator = np.random.default_rng(1)
        letters = np.frombuffer(b"ACGT", dtype=np.uint8)[generator.integers(0, 4, CONTIG_LENGTH)].tobytes().decode()
        (path / "genome.fa").write_text(f">chr1\n{letters}\n")
        lines = ["##fileformat=VCFv4.2", "##contig=<ID=chr1>", "#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO"]
        for number, start in enumerate(np.sort(generator.integers(0, CONTIG_LENGTH, RECORDS)).tolist()):
            ref = letters[start]
            alts = [base for base in "ACGT" if base != ref][: 1 + number % 2]
            # Some are long or symbolic, some do not agree with the genome, and INFO was never declared.
            alts += ["<DEL>"] * (number % 50 == 0) + [ref + "GATTACA"] * (number % 7 == 0)
            shown = "N" if number % 100 == 0 else ref
            lines.append(f"chr1\t{start + 1}\trs{number}\t{shown}\t{','.join(alts)}\t.\tPASS\tNEW={number}")
        (path / "in.vcf").write_text("\n".join([*lines, ""]))
        write_model_folder(path / "model", make_base_at_anchor_graph())

    def start(self, name: str) -> Run:
        """Start or resume a run; it indexes what can be indexed."""
        inputs = ["in.vcf", "-f", "genome.fa", "-m", "./model", "-o", name, "--threads", "1", "--resume"]
        index = ["--index"] if name.endswith((".gz", ".bcf")) else []
        return Run(self.path, ["annotate", *inputs, *index])

    def take(self, name: str) -> bytes:
        """Return the output and its index as one, remove them, and see that nothing else is left."""
        outputs = sorted(path for path in self.path.glob("out*"))
        content = b"".join(path.name.encode() + b"\n" + path.read_bytes() for path in outputs)
        left = [path.name for path in outputs if path.name.endswith(MADE_ON_THE_WAY)]
        if left or not (self.path / name).exists():
            raise RuntimeError(f"{name}: expected the output alone, found {[path.name for path in outputs]}")
        for path in outputs:
            path.unlink()
        return content

    def moment(self, name: str) -> str:
        """Return how far a run came that was killed."""
        if (self.path / name).exists():
            return MOMENTS[3]
        journal = self.path / f"{name}{JOURNAL}"
        if not journal.exists():
            return MOMENTS[0]
        whole = any(line.startswith(b'{"records":%d,' % RECORDS) for line in journal.read_bytes().splitlines())
        return MOMENTS[2] if whole else MOMENTS[1]

    def size(self, name: str) -> int:
        """Return how many bytes a run's files hold by now."""
        total = 0
        for suffix in ("", *MADE_ON_THE_WAY):
            try:
                total += os.stat(self.path / f"{name}{suffix}").st_size  # noqa: PTH116 - polled, and gone at any moment
            except FileNotFoundError:
                continue
        return total


def kill_at_random(folder: Folder, name: str, tally: Tally, rng: random.Random) -> bool:
    """Start a run and kill it at a random moment; False where it was finished before."""
    already = folder.size(name)
    process = folder.start(name)
    if rng.random() < 0.5:
        time.sleep(rng.uniform(0.0, tally.seconds))
    else:
        least = rng.uniform(already, max(already + 1, tally.size))
        end = time.monotonic() + 2 * tally.seconds
        while process.poll() is None and folder.size(name) < least and time.monotonic() < end:
            time.sleep(0.001)
    if process.poll() is not None:
        process.finish()
        return False
    process.kill()
    tally.kills[folder.moment(name)] += 1
    return True


def measure(folder: Folder, kills: int, seed: int) -> dict[str, Tally]:
    """Kill so many runs, the formats in turn, and compare what comes out of each chain."""
    rng = random.Random(seed)
    tallies = {name: Tally() for name in NAMES}
    for name, tally in tallies.items():
        for _ in range(2):  # twice, so that what is compared is known to be the same without any kill
            started = time.perf_counter()
            process = folder.start(name)
            while process.poll() is None:
                tally.size = max(tally.size, folder.size(name))
                time.sleep(0.002)
            process.finish()
            tally.seconds = time.perf_counter() - started
            found = folder.take(name)
            if tally.expected not in (b"", found):
                raise RuntimeError(f"{name}: two runs that nobody killed differ")
            tally.expected = found
    done = 0
    while done < kills:
        name = min(NAMES, key=lambda name: tallies[name].kills.total())
        tally = tallies[name]
        chain = 0
        while (chain == 0 or rng.random() < AGAIN) and kill_at_random(folder, name, tally, rng):
            chain += 1
        folder.start(name).finish()
        if folder.take(name) != tally.expected:
            raise RuntimeError(f"{name}: resumed after {chain} kills, its bytes are others")
        tally.resumed += 1
        tally.longest = max(tally.longest, chain)
        done += chain
        print(f"{done} kills, {name} resumed to the same bytes after {chain}", flush=True)
    return tallies


def write_page(tallies: dict[str, Tally], seed: int) -> None:
    """Write the page."""
    rows = [
        f"| `{name.removeprefix('out')}` | {tally.kills.total()} | "
        + " | ".join(str(tally.kills[moment]) for moment in MOMENTS)
        + f" | {tally.longest} | {tally.resumed} | {tally.resumed} |"
        for name, tally in tallies.items()
    ]
    total = sum(tally.kills.total() for tally in tallies.values())
    commit = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], check=True, capture_output=True, text=True, cwd=ROOT
    )
    PAGE.write_text(
        f"""# Runs that were killed

Made by `python benchmarks/kills.py --kills {total} --seed {seed}`: `zoo annotate --resume` of {RECORDS:,} records,
killed with SIGKILL at random times or when its files had reached random sizes, and started again until it came to its
end; half of the resumed runs were killed too. What came out was compared, index and all, with what a run gives that
nobody killed, and no other file may be left. One difference ends the command with an error.

| format | kills | {" | ".join(MOMENTS)} | most kills of one run | outputs | of them the same bytes |
|---|---|---|---|---|---|---|---|---|
{chr(10).join(rows)}

{total} kills in all. `.vcf.gz` and `.bcf` were written with `--index`. BCF and Parquet are made from what was kept
after the last batch, so more of their time lies there.

Run at commit `{commit.stdout.strip()}`, Python {platform.python_version()}, {platform.system()}.
"""
    )


def main(argv: Sequence[str] | None = None) -> None:
    """Kill, resume, and write the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=300)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args(argv)
    for module in IMPORTED:
        importlib.import_module(module)
    with tempfile.TemporaryDirectory() as temporary:
        tallies = measure(Folder(Path(temporary)), arguments.kills, arguments.seed)
    write_page(tallies, arguments.seed)
    print(PAGE.read_text())


if __name__ == "__main__":
    main()
