"""``zoo tune``: searches the ranges that a recipe gives, and prints the recipe with the best values."""

from __future__ import annotations

import contextlib
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from zoo.cli.tables import print_table
from zoo.genome.output import STANDARD_OUTPUT, OutputFile, refuse_same_file

if TYPE_CHECKING:
    from zoo.training.tune import Trial, TunedRecipe

SUMMARY = "search a recipe's ranges for the best values"
EXAMPLE = "zoo tune recipe.yaml --trials 40 --data-root data -o best.yaml"


def tune(
    recipe: Annotated[Path, typer.Argument(metavar="RECIPE.yaml", help="A recipe with the block tune.")],
    trials: Annotated[int, typer.Option(min=1, help="How many sets of values to train with.")],
    output: Annotated[
        str, typer.Option("-o", "--output", metavar="BEST.yaml", help="The best recipe; - is the standard output.")
    ] = STANDARD_OUTPUT,
    data_root: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Where the recipe's paths start; by default the recipe's folder.")
    ] = None,
    seed: Annotated[int | None, typer.Option(min=0, help="Replaces the recipe's seed.")] = None,
    timeout: Annotated[
        float | None, typer.Option(min=0, metavar="MIN", help="Begin no further trial after so many minutes.")
    ] = None,
    threads: Annotated[
        int | None, typer.Option(min=1, help="Processors to use; by default all that the container grants.")
    ] = None,
    study: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Keep the trials there; a killed search goes on from them.")
    ] = None,
) -> None:
    """Search the ranges of a recipe's block tune for what does best on the validation part; the test part is not read.

    Prints the recipe with the best values filled in and the block left out, ready for zoo train.
    """
    from zoo.training.tune import tune as tune_recipe

    refuse_same_file(output, recipe, study)
    with OutputFile(output) as file:
        done = tune_recipe(
            recipe,
            trials,
            data_root=data_root,
            seed=seed,
            timeout=timeout,
            threads=threads,
            study=study,
            report=lambda trial, best: _report(trial, best, trials),
        )
        with file.writing():
            file.file.write(done.text.encode())
        file.commit()
    _print_trials(done)


def _report(trial: Trial, best: Trial | None, trials: int) -> None:
    """Tell of a trial: of one that failed in any case, of the others at a terminal."""
    if trial.state == "failed":
        print(f"zoo: trial {trial.number}/{trials} failed: {trial.reason}", file=sys.stderr)
    elif sys.stderr.isatty():
        told = _show(trial.value) if trial.state == "complete" else f"stopped after {trial.epochs} epochs"
        ahead = "" if best is None else f", best {_show(best.value)} (trial {best.number})"
        print(f"trial {trial.number}/{trials}: {told}{ahead}", file=sys.stderr)


def _print_trials(done: TunedRecipe) -> None:
    fields = list(done.best.values)
    rows = [
        [str(trial.number), trial.state, _show(trial.value), str(trial.epochs), f"{trial.seconds:.1f}"]
        + [_show(trial.values[field]) for field in fields]
        for trial in done.trials
    ]
    columns = ["trial", "state", done.monitor, "epochs", "seconds", *fields]
    with contextlib.redirect_stdout(sys.stderr):
        print_table(columns, rows)
    for note in done.notes:
        print(f"zoo: note: {note}", file=sys.stderr)
    given = "" if done.given is None else f"; the recipe as it was: {_tell(done.given)}"
    print(f"best: trial {done.best.number}, {done.monitor} {_show(done.value)}{given}", file=sys.stderr)


def _tell(trial: Trial) -> str:
    return trial.state if trial.value is None else _show(trial.value)


def _show(value: Any) -> str:
    if value is None:
        return "-"
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, list):
        return f"[{', '.join(_show(item) for item in value)}]"
    return str(value)
