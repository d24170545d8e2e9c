"""``zoo yank``: withdraw a version, without taking it away from who uses it."""

from __future__ import annotations

from typing import Annotated

import typer

SUMMARY = "withdraw a version, or take that back"
EXAMPLE = 'zoo yank my-ctcf@1.0.0 --registry /srv/zoo --reason "trained on the test contigs"'


def yank(
    name: Annotated[str, typer.Argument(metavar="NAME@VERSION", help="Which one.")],
    *,
    registry: Annotated[
        str, typer.Option(metavar="FILE", help="The registry to change: its path, address or known name.")
    ],
    reason: Annotated[
        str | None, typer.Option(help="Why; everybody who asks for it is told. This or --undo is needed.")
    ] = None,
    undo: Annotated[bool, typer.Option("--undo", help="Instead of --reason: the version counts again.")] = False,
    pull_request: Annotated[
        bool, typer.Option("--pull-request", help="Prepare the change as a branch of the registry's git checkout.")
    ] = False,
) -> None:
    """Withdraw a version: a bare name passes it over, and who asks for it by its version gets it, and the reason.

    Its files stay, so that what was computed with it can be computed again.
    """
    from zoo.publishing.yank import yank as yank_model

    if undo == (reason is not None):
        raise typer.BadParameter("expected either --reason or --undo", param_hint="--reason")
    done = yank_model(name, registry, reason, pull_request=pull_request)
    base, _, version = name.partition("@")
    newest = done.versions.newest
    now = f"{base} now stands for {newest}" if newest else f"no version of {base} is left that a bare name stands for"
    if not done.changed:
        now = f"it was so already; {now}"
    print(f"{base}@{version}: {'counts again' if undo else 'withdrawn'} in {done.registry}; {now}")
    if done.branch is not None:
        print(f"on branch {done.branch.name}; to have it looked at:\n  {done.branch.push}")
