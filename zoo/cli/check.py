"""``zoo check``: can models still be had, and do they still predict what they did?"""

from __future__ import annotations

import json as json_format
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

from zoo.cli.options import Offline, Registry
from zoo.cli.progress import open_bar

if TYPE_CHECKING:
    from zoo.health.result import Health, Row

SUMMARY = "fetch and test models, for a scheduled job"
EXAMPLE = "zoo check --all --html models.html --badge badge.json"


def check(
    models: Annotated[
        list[str] | None, typer.Argument(metavar="NAME…", help="name, name@1.0.0, or the path of a model folder.")
    ] = None,
    *,
    every: Annotated[bool, typer.Option("--all", help="Check every version of every model that is listed.")] = False,
    device: Annotated[
        list[str] | None,
        typer.Option(metavar="DEVICE", help="all that are here, by default; or cpu, cuda, tensorrt; may be repeated."),
    ] = None,
    json: Annotated[
        str | None, typer.Option("--json", metavar="FILE", help="Write what was found as JSON; - prints it.")
    ] = None,
    html: Annotated[
        str | None, typer.Option("--html", metavar="FILE", help="Write a page, a row a model; - prints it.")
    ] = None,
    badge: Annotated[
        str | None,
        typer.Option("--badge", metavar="FILE", help="Write JSON that shields.io draws a badge from; - prints it."),
    ] = None,
    limit: Annotated[
        float | None, typer.Option(min=0.1, metavar="SECONDS", help="For a model on one device; by default 600.")
    ] = None,
    threads: Annotated[int | None, typer.Option(min=1, max=1024, help="Processors to use; default: all.")] = None,
    registry: Registry = None,
    offline: Offline = False,
) -> None:
    """Fetch models, compare every file with its checksum, and recompute the stored predictions on each device.

    Each model runs in a process of its own: one that hangs or crashes is a failure like any other. The exit status is
    1 if a model did not pass.
    """
    from zoo.genome.output import STANDARD_OUTPUT, OutputFile
    from zoo.health.check import LIMIT
    from zoo.health.check import check as check_models
    from zoo.health.page import write_page

    if every == bool(models):
        found = f"found --all beside {' '.join(models)}" if models else "found neither"
        raise typer.BadParameter(f"expected the names of models, or --all; {found}", param_hint="NAME")
    printed = [option for option, name in _name_outputs(json, html, badge) if name == STANDARD_OUTPUT]
    if len(printed) > 1:
        raise typer.BadParameter(
            f"{' and '.join(printed)} would print on one standard output; give all but one a file", param_hint="-"
        )
    asked: list[tuple[str | None, Callable[[Health], str]]] = [
        (json, _write_json),
        (html, write_page),
        (badge, _write_badge),
    ]
    with ExitStack() as stack:
        # Before the first model: hours later is no time to learn that a file can't be written.
        files = [(stack.enter_context(OutputFile(name)), write) for name, write in asked if name is not None]
        with _open_reporter() as report:
            health = check_models(
                None if every else models,
                tuple(device or ("all",)),
                report,
                registry=registry,
                offline=offline,
                threads=threads,
                limit=LIMIT if limit is None else limit,
            )
        for file, write in files:
            with file.writing():
                file.file.write(write(health).encode())
            file.commit()
    if not printed:
        _print_rows(health)
    _tell_result(health)
    if not health.sound:
        raise typer.Exit(1)


def _name_outputs(json: str | None, html: str | None, badge: str | None) -> list[tuple[str, str | None]]:
    return [("--json", json), ("--html", html), ("--badge", badge)]


def _write_json(health: Health) -> str:
    return json_format.dumps(health.as_dict(), indent=2) + "\n"


def _write_badge(health: Health) -> str:
    return json_format.dumps(health.as_badge()) + "\n"


def _print_rows(health: Health) -> None:
    from zoo.cli.tables import print_table

    columns = ["model", "device", "state", "difference", "allowed", "signer", "error"]
    rows = [
        [
            row.model,
            row.device,
            row.state,
            "" if row.largest_difference is None else f"{row.largest_difference:.2g}",
            "" if row.tolerance is None else f"{row.tolerance:.2g}",
            row.signer,
            row.error,
        ]
        for row in health.rows
    ]
    print_table(columns, rows)


def _tell_result(health: Health) -> None:
    for name, why in health.devices.absent.items():
        print(f"zoo: {name} was left out: {why}", file=sys.stderr)
    devices = ", ".join(health.devices.present)
    print(f"zoo: {health.passed} of {len(health.models)} models passed on {devices}", file=sys.stderr)


@contextmanager
def _open_reporter() -> Iterator[Callable[[Row, int, int], None] | None]:
    """Give a function that draws how many models are done, or None where standard error is no terminal."""
    with open_bar() as bar:
        if bar is None:
            yield None
            return
        task = bar.add_task("checking", total=None)

        def report(row: Row, done: int, total: int) -> None:
            bar.update(task, total=total, completed=done, description=f"{row.model}: {row.state}")

        yield report
