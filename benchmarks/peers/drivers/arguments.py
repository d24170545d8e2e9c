"""The command line that every program here has, and what it prints at its end."""

from __future__ import annotations

import argparse
import json
from dataclasses import dataclass
from pathlib import Path

BATCH = 64
"""Windows in one run of the network: each program's own default, or near it."""


@dataclass(frozen=True, slots=True)
class Job:
    """What to score: ``source`` holds alleles (VCF) or sequences (FASTA), ``limit`` of them at most."""

    work: Path
    model: str
    source: Path
    output: Path
    limit: int
    threads: int

    @property
    def genome(self) -> Path:
        return self.work / "data" / "genome.fa"


def parse_job() -> Job:
    """Read the command line."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--work", type=Path, required=True, help="what the benchmark made")
    parser.add_argument("--model", required=True, help="a network's name")
    parser.add_argument("--source", type=Path, required=True, help="VCF, or FASTA of sequences")
    parser.add_argument("--output", type=Path, required=True, help="where the differences go")
    parser.add_argument("--limit", type=int, default=10**9, help="sequences at most")
    parser.add_argument("--threads", type=int, default=2)
    return Job(**vars(parser.parse_args()))


def report(scored: int) -> None:
    """Print how many alleles, or alternatives, were scored: the last line that the benchmark reads."""
    print(json.dumps({"scored": scored}))
