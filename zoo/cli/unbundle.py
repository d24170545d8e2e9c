"""``zoo unbundle``: models from the file that ``zoo bundle`` wrote."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from zoo.cli.options import describe_signer, tell
from zoo.cli.progress import open_bytes_reporter

SUMMARY = "take models out of a bundle"
EXAMPLE = "zoo unbundle models.tar"


def unbundle(file: Annotated[Path, typer.Argument(metavar="FILE.tar", help="What zoo bundle wrote.")]) -> None:
    """Bring the models of a bundle into the cache, each checked as if it were pulled; their names are known then.

    They are the registry unbundled, which is asked last: unbundled:NAME is surely the bundle's.
    """
    from zoo.registry.bundles import read_bundle

    with open_bytes_reporter("unbundling") as report:
        found = read_bundle(file, report=report, tell=tell)
    for each in found:
        came = f"{each.fetched:,} bytes" if each.fetched else "here already"
        print(f"{each.full_name}: {came}{describe_signer(each)} → {each.folder}")
