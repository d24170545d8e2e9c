"""Runs a program as a process of its own, and tells what it took."""

from __future__ import annotations

import json
import os
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

_LOG_LINES = 3
_LOG_LETTERS = 300


class ProgramFailed(Exception):
    """A program ended with an error; the message has the end of its log."""


@dataclass(frozen=True, slots=True)
class Usage:
    """What one run took.

    Attributes:
        seconds: By the clock, from its start to its end.
        processor_seconds: Of all its threads and processes.
        peak_mb: The largest resident set of its processes.
        scored: How many alleles, or alternatives, it scored.
    """

    seconds: float
    processor_seconds: float
    peak_mb: float
    scored: int

    def to_json(self) -> dict[str, float]:
        return asdict(self)


ROOT = Path(__file__).resolve().parents[2]


def run_process(command: Sequence[str], log: Path, threads: int) -> tuple[float, float, float]:
    """Run a command in the folder of its log, which takes its output; modules of the repository are found.

    Returns:
        Seconds, processor seconds, and the peak resident set in MB.

    Raises:
        ProgramFailed: Its exit status is not 0.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    # A child's peak begins at its parent's size, so this process imports nothing large.
    with log.open("wb") as output:
        started = time.perf_counter()
        with subprocess.Popen(
            command, cwd=log.parent, env=_environment(threads), stdout=output, stderr=subprocess.STDOUT
        ) as process:
            _, status, usage = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
        seconds = time.perf_counter() - started
    if process.returncode:
        last = " | ".join(log.read_text(errors="replace").split("\n")[-_LOG_LINES - 1 :]).strip()
        raise ProgramFailed(f"exit status {process.returncode}: {last[-_LOG_LETTERS:]}")
    return seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024


def read_last_object(log: Path) -> dict[str, Any]:
    """Return the JSON object on the last line of a log.

    Raises:
        ProgramFailed: There is none.
    """
    lines = log.read_text(errors="replace").splitlines()
    try:
        found = json.loads(lines[-1])
    except (IndexError, ValueError) as error:
        raise ProgramFailed(f"{log}: expected a JSON object on the last line") from error
    if not isinstance(found, dict):
        raise ProgramFailed(f"{log}: expected a JSON object on the last line, found {lines[-1]!r}")
    return found


def _environment(threads: int) -> Mapping[str, str]:
    count = str(threads)
    # Modules are kept compiled, as they are where a program is installed.
    given = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return {
        **given,
        "PYTHONPATH": str(ROOT),
        "OMP_NUM_THREADS": count,
        "MKL_NUM_THREADS": count,
        "OPENBLAS_NUM_THREADS": count,
    }
