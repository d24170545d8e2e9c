"""``zoo train``: trains a model by a recipe and writes its folder."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from zoo.cli.progress import open_bar
from zoo.cli.tables import print_table

if TYPE_CHECKING:
    from zoo.training.fit import Epoch
    from zoo.training.run import TrainedModel, TrainingPlan

EXAMPLE = "zoo train recipe.yaml --data-root data -o models/gm12878-ctcf/1.0.0"

_SHOWN = ("n", "prevalence", "auroc", "auprc", "accuracy", "pearson", "spearman", "mse")


def train(
    recipe: Annotated[Path, typer.Argument(metavar="RECIPE.yaml", help="What to train, on what, and how.")],
    output: Annotated[
        str, typer.Option("-o", "--output", metavar="FOLDER", help="The model's folder, to be made; never overwritten.")
    ] = "",
    data_root: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Where the recipe's paths start; by default the recipe's folder.")
    ] = None,
    seed: Annotated[int | None, typer.Option(min=0, help="Replaces the recipe's seed.")] = None,
    threads: Annotated[
        int | None, typer.Option(min=1, help="Processors to use; by default all that the container grants.")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Read, check and split the data; train nothing.")] = False,
) -> None:
    """Train a network by a recipe, test it, and write its model folder: network, card, recipe, example, checksums.

    The folder appears under its name only when the exported network predicts what the trained one does.
    """
    from zoo.training.run import build_network, plan
    from zoo.training.run import train as train_model

    if dry_run:
        found = plan(recipe, data_root, seed)
        _print_plan(found, build_network(found, threads).count_params())
        return
    if not output:
        raise typer.BadParameter("is missing: name the model's folder", param_hint="-o")
    with open_bar() as bar:
        progress = None if bar is None else _Bar(bar)
        done = train_model(recipe, output, data_root=data_root, seed=seed, threads=threads, progress=progress)
    _print_result(done)


def _print_plan(plan: TrainingPlan, parameters: int) -> None:
    recipe = plan.recipe
    print(f"{recipe.name}@{recipe.version}: {recipe.architecture.name}, {parameters:,} parameters, {plan.length} bases")
    print(f"tracks: {', '.join(plan.task.output.tracks)} ({plan.task.output.activation}, loss {plan.task.loss})")
    print(f"split by {recipe.split.method}: " + ", ".join(f"{part} {count:,}" for part, count in plan.count().items()))
    for note in plan.notes:
        print(f"note: {note}")


def _print_result(done: TrainedModel) -> None:
    for note in done.notes:
        print(f"zoo: note: {note}", file=sys.stderr)
    print(
        f"{done.card.full_name}: {done.parameters:,} parameters, best of {done.fit.epochs} epochs is "
        f"{done.fit.best.number}, {done.seconds:.0f} s → {done.folder}",
        file=sys.stderr,
    )
    tracks = done.card.metrics["test"]
    columns = [name for name in _SHOWN if any(name in metrics for metrics in tracks.values())]
    print_table(
        ["test track", *columns],
        [[track, *(_format(metrics, name) for name in columns)] for track, metrics in tracks.items()],
    )


def _format(metrics: dict[str, Any], name: str) -> str:
    value = metrics.get(name)
    if value is None:
        return "-"
    if name == "n":
        return f"{value:,}"
    interval = metrics.get(f"{name}_interval")
    if not interval or interval[0] is None:
        return f"{value:.3f}"
    return f"{value:.3f} ({interval[0]:.3f}-{interval[1]:.3f})"


class _Bar:
    """Shows batches done of all epochs; an early stop comes before its end."""

    def __init__(self, bar: Any) -> None:
        self._bar = bar
        self._task = bar.add_task("loading", total=None)
        self._epochs = 0

    def start(self, epochs: int, batches: int) -> None:
        self._epochs = epochs
        self._bar.update(self._task, description=f"epoch 1/{epochs}", total=epochs * batches)

    def advance(self) -> None:
        self._bar.advance(self._task)

    def report(self, epoch: Epoch, *, monitor: str, is_best: bool) -> None:
        watched = f"validation loss {epoch.validation_loss:.4f}"
        if monitor != "loss":
            watched += f" {monitor} {epoch.monitored:.4f}"
        best = " *" if is_best else ""
        self._bar.update(
            self._task, description=f"epoch {epoch.number}/{self._epochs} loss {epoch.loss:.4f} {watched}{best}"
        )
