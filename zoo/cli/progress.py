"""A progress bar on the terminal, for commands that read a file or train."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

    from zoo.prediction.summary import Progress as Share


@contextmanager
def open_bar() -> Iterator[Progress | None]:
    """Give a bar with share and remaining time on standard error, or None where that is no terminal."""
    if not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        yield bar


@contextmanager
def open_reporter(doing: str, what: str = "alleles") -> Iterator[Callable[[Share], None] | None]:
    """Give a function that draws how far a run over variants is, or None where standard error is no terminal.

    Args:
        doing: What the bar says until the first report.
        what: What is counted.
    """
    with open_bar() as bar:
        if bar is None:
            yield None
            return
        task = bar.add_task(doing, total=None)

        def report(progress: Share) -> None:
            total = 1.0 if progress.fraction is not None else None
            bar.update(task, total=total, completed=progress.fraction or 0, description=f"{progress.alleles:,} {what}")

        yield report


@contextmanager
def open_bytes_reporter(name: str) -> Iterator[Callable[[int, int], None] | None]:
    """Give a function that draws how much of a model came, or None where standard error is no terminal.

    Nothing is drawn, and nothing imported for it, before the first bytes come.
    """
    if not sys.stderr.isatty():
        yield None
        return
    with ExitStack() as stack:
        drawn: list[tuple[Progress, TaskID]] = []

        def report(came: int, total: int) -> None:
            if not drawn:
                bar = stack.enter_context(open_bar())
                assert bar is not None  # noqa: S101 - a terminal a moment ago
                drawn.append((bar, bar.add_task(name, total=None)))
            bar, task = drawn[0]
            bar.update(task, total=total, completed=came, description=f"{name}: {came:,} bytes")

        yield report
