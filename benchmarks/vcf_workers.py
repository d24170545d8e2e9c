"""Hands files to a worker process, and starts another where one crashes or hangs."""

from __future__ import annotations

import json
import select
import subprocess
import sys
from pathlib import Path
from types import TracebackType
from typing import Any, Self

ROOT = Path(__file__).resolve().parents[1]
CRASH = "a crash or a hang"


class Workers:
    """One worker at a time; ``ask`` returns its answer, or ``{"traceback": CRASH}``."""

    def __init__(self, model: Path, folder: Path, seconds: float = 300) -> None:
        self._arguments = [sys.executable, "-m", "benchmarks.vcf_worker", str(model), str(folder)]
        self._seconds = seconds
        self._process: subprocess.Popen[str] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, value: object, trace: TracebackType | None) -> None:
        self._end()

    def ask(self, **job: Any) -> dict[str, Any]:
        """Return what a worker says to a job."""
        if self._process is None:
            self._process = subprocess.Popen(
                self._arguments, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                text=True,
            )  # fmt: skip
        process = self._process
        assert process.stdin is not None
        assert process.stdout is not None
        answer = ""
        try:
            process.stdin.write(json.dumps(job) + "\n")
            process.stdin.flush()
            if select.select([process.stdout], [], [], self._seconds)[0]:
                answer = process.stdout.readline()
        except BrokenPipeError:
            pass
        if not answer:
            self._end()
            return {"traceback": CRASH}
        found: dict[str, Any] = json.loads(answer)
        return found

    def _end(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.communicate()
            self._process = None
