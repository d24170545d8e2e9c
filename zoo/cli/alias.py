"""``zoo alias``: other names of versions, such as ``stable``."""

from __future__ import annotations

from typing import Annotated

import typer

SUMMARY = "let another name stand for a version"
EXAMPLE = "zoo alias my-ctcf stable 1.0.0 --registry /srv/zoo"


def alias(
    name: Annotated[str, typer.Argument(metavar="NAME", help="The model.")],
    alias: Annotated[str, typer.Argument(metavar="ALIAS", help="NAME@ALIAS will stand for the version.")],
    version: Annotated[str | None, typer.Argument(metavar="[VERSION]", help="Such as 1.0.0.")] = None,
    *,
    registry: Annotated[
        str, typer.Option(metavar="FILE", help="The registry to change: its path, address or known name.")
    ],
    remove: Annotated[bool, typer.Option("--remove", help="Remove the alias.")] = False,
    pull_request: Annotated[
        bool, typer.Option("--pull-request", help="Prepare the change as a branch of the registry's git checkout.")
    ] = False,
) -> None:
    """Let NAME@ALIAS stand for a version, until it is told otherwise.

    NAME@latest always is the highest version that is not withdrawn, and can't be set.
    """
    from zoo.publishing.yank import set_alias

    if remove == (version is not None):
        raise typer.BadParameter("expected either a version or --remove", param_hint="VERSION")
    done = set_alias(name, alias, version, registry, pull_request=pull_request)
    already = "" if done.changed else " already"
    stands = f"stands for {version}{already}" if version else "is no alias any more"
    print(f"{name}@{alias} {stands} in {done.registry}")
    if done.branch is not None:
        print(f"on branch {done.branch.name}; to have it looked at:\n  {done.branch.push}")
