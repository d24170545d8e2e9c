"""``zoo pull``: models from their registries to this machine."""

from __future__ import annotations

from typing import Annotated

import typer

from zoo.cli.options import Locked, Offline, Registry, describe_signer, find_lock, tell
from zoo.cli.progress import open_bytes_reporter

SUMMARY = "fetch models, or mend them"
EXAMPLE = "zoo pull gm12878-ctcf@1.0.0"


def pull(
    names: Annotated[list[str], typer.Argument(metavar="NAME…", help="name, name@1.0.0, name@alias or registry:name.")],
    *,
    registry: Registry = None,
    offline: Offline = False,
    locked: Locked = False,
) -> None:
    """Fetch models into the cache, each checked against what was published; one that is there is checked, and mended.

    A download that broke off goes on where it was. zoo annotate and the others fetch what they lack by themselves.
    """
    from zoo.registry.pull import pull as pull_model

    lock = find_lock(locked=locked)
    for name in names:
        with open_bytes_reporter(name) as report:
            found = pull_model(name, registry=registry, offline=offline, locked=lock, report=report, tell=tell)
        where = f" from {found.source}" if found.source else ""
        came = f"{found.fetched:,} bytes" if found.fetched else "whole"
        print(f"{found.full_name}{where}: {came}{describe_signer(found)} → {found.folder}")
