"""The report of a training run: one page of HTML that needs nothing beside it."""

from __future__ import annotations

from pathlib import Path

from zoo.errors import OutputError
from zoo.training.findings import Findings
from zoo.training.report.page import write_page


def write_report(findings: Findings, path: Path) -> None:
    """Write the report of a run; the same findings give the same file.

    Raises:
        OutputError: The file can't be written.
    """
    page = write_page(findings)
    try:
        path.write_text(page, encoding="utf-8", newline="\n")
    except OSError as error:
        raise OutputError(f"{path}: can't be written: {error.strerror}") from error
