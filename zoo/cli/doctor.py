"""``zoo doctor``: is this installation sound, and how is what is wrong mended?"""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer

SUMMARY = "examine the installation, and say how to mend it"
EXAMPLE = "zoo doctor"


def doctor(
    *,
    json: Annotated[bool, typer.Option("--json", help="Print JSON instead of lines.")] = False,
    clean: Annotated[
        bool, typer.Option("--clean", help="First remove broken downloads and damaged models from the cache.")
    ] = False,
) -> None:
    """Look at Python, packages, devices, plugins, configuration, cache and registries; say how to mend each.

    The exit status is 1 if something failed; a warning leaves it 0.
    """
    import sys

    from zoo.cli.tables import print_json
    from zoo.health.doctor import examine_installation
    from zoo.health.surroundings import clean_cache

    if clean:
        print(f"zoo: removed {clean_cache()} files and folders from the cache", file=sys.stderr)
    findings = examine_installation()
    if json:
        print_json([asdict(finding) for finding in findings])
    else:
        for finding in findings:
            mend = f" → {finding.mend}" if finding.mend else ""
            print(f"{finding.area:<14}{finding.state:<9}{finding.found}{mend}")
    if any(finding.state == "failed" for finding in findings):
        raise typer.Exit(1)
