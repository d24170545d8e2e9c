"""``zoo new-plugin``: a package with components of one's own, to fill in."""

from __future__ import annotations

import shlex
from enum import StrEnum
from typing import Annotated

import typer

SUMMARY = "start a package of your own components"
EXAMPLE = "zoo new-plugin motif-scanner --kind architecture --kind scorer"


class PluginKind(StrEnum):
    """What the package adds."""

    architecture = "architecture"
    loader = "loader"
    scorer = "scorer"


def new_plugin(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Of the components; zoo-NAME is the package's.")],
    *,
    kind: Annotated[
        list[PluginKind] | None, typer.Option(help="May be repeated; by default an architecture.", show_default=False)
    ] = None,
    output: Annotated[
        str | None, typer.Option("-o", "--output", metavar="FOLDER", help="To be made; by default zoo-NAME, here.")
    ] = None,
) -> None:
    """Write a package with a component to fill in: its code, tests, README, and a workflow that runs the tests.

    It can be installed and tested as it is; an architecture or a loader comes with a recipe and data to train on.
    """
    from zoo.plugin_kit.new_plugin import write_plugin
    from zoo.plugin_kit.rendering import RECIPE

    folder = write_plugin(name, kind or [PluginKind.architecture], output)
    print(f"{folder}: a package to fill in; next:")
    steps = ["pip install -e '.[dev]'", "zoo plugins", "python -m pytest"]
    if (folder / RECIPE).exists():
        steps.append(f"zoo train {RECIPE} -o model")
    print("\n".join(f"  {step}" for step in (f"cd {shlex.quote(str(folder))}", *steps)))
