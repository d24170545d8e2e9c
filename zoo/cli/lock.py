"""``zoo lock``: the models of a project, pinned by version and digest."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from zoo.cli.options import Offline, Registry, tell
from zoo.cli.progress import open_bytes_reporter

SUMMARY = "pin a project's models in zoo.lock"
EXAMPLE = "zoo lock gm12878-ctcf gm12878-dnase\n  zoo annotate in.vcf -f genome.fa -m gm12878-ctcf -o out.vcf --locked"


def lock(
    names: Annotated[list[str], typer.Argument(metavar="NAME…", help="name, name@1.0.0, name@alias or registry:name.")],
    output: Annotated[Path, typer.Option("-o", "--output", help="The lock; models that it has already stay.")] = Path(
        "zoo.lock"
    ),
    *,
    registry: Registry = None,
    offline: Offline = False,
) -> None:
    """Pin models by version, digest and signer, for --locked to refuse anything else; a new pin replaces the old."""
    from zoo.errors import LockMismatch
    from zoo.registry.pull import lock_models
    from zoo.registry.sources import find_source

    only = find_source(registry)
    if only is not None and only.url.encode(errors="ignore").decode() != only.url:
        raise LockMismatch(f"{only.url!r}: expected a registry whose path is UTF-8, as a lock is; rename its folder")
    with open_bytes_reporter("locking") as report:
        pins = lock_models(names, output, registry=registry, offline=offline, report=report, tell=tell)
    for name, pin in pins.items():
        signed = f", signed by {pin.signer}" if pin.signer else ""
        print(f"{name}@{pin.version} from {pin.registry}: {pin.sha256sums}{signed}")
