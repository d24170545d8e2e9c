"""The JSON file that says what a run did."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from zoo.genome.output import OutputFile


@contextmanager
def open_summary(summary: Path | None, output: str, vcf: str, genome: Path) -> Iterator[OutputFile | None]:
    """Open the file before the run: hours later is no time to learn that it can't be written."""
    from zoo.errors import OutputError
    from zoo.genome.output import STANDARD_OUTPUT, OutputFile, refuse_same_file

    if summary is None:
        yield None
        return
    if summary.suffix != ".json":
        raise OutputError(f"--summary {summary}: expected a name that ends with .json")
    if os.path.realpath(summary) == os.path.realpath(output) or (output == STANDARD_OUTPUT and _is_printed(summary)):
        raise OutputError(f"{summary}: --summary and --output name one file; name two")
    refuse_same_file(summary, vcf, genome)
    with OutputFile(summary) as opened:
        yield opened


def _is_printed(file: Path) -> bool:
    """Return whether the standard output goes into a file."""
    try:
        return os.path.samestat(file.stat(), os.fstat(1))
    except OSError:
        return False


def write_summary(file: OutputFile, done: Mapping[str, object]) -> None:
    """Write what was done, and let the file stand under its name."""
    with file.writing():
        file.file.write((json.dumps(done, indent=2) + "\n").encode())
    file.commit()
