"""``zoo example``: small inputs to try a model on, and the command that does."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Annotated

import typer

from zoo.cli.options import Locked, Offline, locate_models

SUMMARY = "write small inputs to try a model on"
EXAMPLE = "zoo example gm12878-ctcf -o example"


def example(
    model: Annotated[str, typer.Argument(help="name, name@1.0.0, or the path of a model folder.")],
    output: Annotated[
        Path, typer.Option("-o", "--output", metavar="FOLDER", help="Where to write; made if it is not there.")
    ],
    *,
    locked: Locked = False,
    offline: Offline = False,
) -> None:
    """Write small inputs of each kind that a model reads, and print the commands that run it on them.

    The genome is made up, and so are the variants on it: they show how files have to look, and mean nothing.
    """
    from zoo.model.folder import load_folder
    from zoo.prediction.example_inputs import write_inputs

    (folder,) = locate_models([model], locked=locked, offline=offline)
    for command in write_inputs(load_folder(folder), output, model).commands:
        print(shlex.join(command))
