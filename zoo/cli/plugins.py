"""``zoo plugins``: what the installed plugins offer, and which of them failed."""

from __future__ import annotations

from typing import Annotated

import typer

SUMMARY = "list loaders, architectures and scorers"
EXAMPLE = "zoo plugins --json"


def plugins(*, json: Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")] = False) -> None:
    """Show the data loaders, architectures and scorers that are installed, and the plugins that failed."""
    from zoo.announcements import show_version
    from zoo.cli.tables import print_json, print_table
    from zoo.plugins import discover

    found = discover()
    components = [
        {
            "kind": installed.kind,
            "name": installed.name,
            "plugin": installed.plugin,
            "distribution": installed.distribution,
            "version": installed.version,
            "summary": installed.component.summary,
            "source": installed.component.source,
        }
        for installed in found.components
    ]
    failures = [
        {
            "plugin": failure.plugin,
            "distribution": failure.distribution,
            "version": failure.version,
            "error": failure.error,
        }
        for failure in found.failures
    ]
    if json:
        print_json({"api_version": show_version(), "components": components, "failures": failures})
        return
    columns = ["kind", "name", "distribution", "version", "summary", "source"]
    print_table(columns, [[row[column] for column in columns] for row in components])
    for failure in found.failures:
        print(f"failed: {failure.plugin}: {failure.error}")
