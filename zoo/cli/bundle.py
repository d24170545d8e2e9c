"""``zoo bundle``: models in one file, for a machine without a network."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from zoo.cli.options import Locked, Offline, Registry, describe_signer, find_lock, tell
from zoo.cli.progress import open_bytes_reporter

SUMMARY = "write models into one file"
EXAMPLE = "zoo bundle gm12878-ctcf gm12878-dnase -o models.tar"


def bundle(
    names: Annotated[list[str], typer.Argument(metavar="NAME…", help="name, name@1.0.0, name@alias or registry:name.")],
    output: Annotated[Path, typer.Option("-o", "--output", metavar="FILE.tar", help="The file to write.")],
    *,
    registry: Registry = None,
    offline: Offline = False,
    locked: Locked = False,
) -> None:
    """Write models, pulled where they are not here, into one file for machines without a network (see zoo unbundle)."""
    from zoo.registry.bundles import write_bundle

    lock = find_lock(locked=locked)
    with open_bytes_reporter("bundling") as report:
        found = write_bundle(names, output, registry=registry, offline=offline, locked=lock, report=report, tell=tell)
    for each in found:
        print(f"{each.full_name}{describe_signer(each)}")
    print(f"{len(found):,} model{'s' * (len(found) != 1)}, {output.stat().st_size:,} bytes → {output}")
