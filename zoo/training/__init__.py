"""Trains a network by a recipe and writes its model folder."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from zoo.training.network.history import Progress
    from zoo.training.run import TrainedModel


def train(
    recipe: str | Path,
    output: str | Path,
    *,
    data_root: str | Path | None = None,
    seed: int | None = None,
    folds: int | None = None,
    threads: int | None = None,
    resume: bool = False,
    tensorboard: str | Path | None = None,
    progress: Progress | None = None,
) -> TrainedModel:
    """Train the network of a recipe and write its model folder; see ``zoo.training.run.train``."""
    from zoo.training import run

    return run.train(
        recipe,
        output,
        data_root=data_root,
        seed=seed,
        folds=folds,
        threads=threads,
        resume=resume,
        tensorboard=tensorboard,
        progress=progress,
    )
