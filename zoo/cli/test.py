"""``zoo test``: does a model still predict what it predicted when it was published?"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from zoo.cli.options import Locked, Offline, locate_models

SUMMARY = "check a model's files, and recompute its example"
EXAMPLE = "zoo test gm12878-ctcf"


def test(
    model: Annotated[str, typer.Argument(help="name, name@1.0.0, or the path of a model folder.")],
    *,
    device: Annotated[
        str, typer.Option("--device", help="cpu, where the example was written; or auto, cuda, tensorrt.")
    ] = "cpu",
    threads: Annotated[int | None, typer.Option("--threads", min=1, help="Processors to use; default: all.")] = None,
    locked: Locked = False,
    offline: Offline = False,
) -> None:
    """Check a model's files against their checksums, and recompute the predictions of its example."""
    from zoo.model.card import read_card
    from zoo.model.folder import CARD_FILE
    from zoo.model.verify import verify_folder
    from zoo.prediction.support import tell_missing_scorer

    (folder,) = locate_models([model], locked=locked, offline=offline)
    result = verify_folder(Path(folder), device, threads)
    print(
        f"{result.model}: passed on {result.device}: {result.sequences} sequences, largest difference "
        f"{result.largest_difference:.2g} of the largest prediction, {result.tolerance:.2g} allowed"
    )
    missing = tell_missing_scorer(read_card(Path(folder) / CARD_FILE))
    if missing:
        print(f"zoo: warning: {missing}", file=sys.stderr)
