"""Searches the ranges that a recipe gives for the values with which it does best on the validation part."""

from __future__ import annotations

import hashlib
import math
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from zoo.errors import RecipeError, TrainingError
from zoo.model.document import parse_document
from zoo.plugins import discover
from zoo.training.recipe import Recipe, read_recipe
from zoo.training.rewrite import rewrite
from zoo.training.search.ranges import check_ranges, read_fields
from zoo.training.search.study import check_installed, open_study
from zoo.training.search.trials import Search, Trial

__all__ = ["Report", "Trial", "TunedRecipe", "tune"]


@dataclass(frozen=True, slots=True)
class TunedRecipe:
    """The recipe with the best values and without the ranges, as text, and all that was tried.

    Args:
        value: What ``monitor`` came to with it on the validation part.
        given: The trial of the recipe's own values; None where one lies outside its range.
        notes: What is to be told.
    """

    text: str
    value: float
    monitor: str
    best: Trial
    given: Trial | None
    trials: tuple[Trial, ...]
    notes: tuple[str, ...]


Report = Callable[[Trial, Trial | None], None]
"""Is told each trial that ends, and the best one so far."""


def tune(
    recipe: str | Path,
    trials: int,
    *,
    data_root: str | Path | None = None,
    seed: int | None = None,
    timeout: float | None = None,
    threads: int | None = None,
    study: str | Path | None = None,
    report: Report | None = None,
) -> TunedRecipe:
    """Train the recipe's network with values from its ranges, and return the recipe with the best ones.

    Trials are judged by ``training.monitor`` on the validation part, with folds by its mean; the test part is never
    read. The first trial has the recipe's own values where all lie in their ranges. The others come from Optuna's TPE
    sampler, and the median pruner stops those that do badly. The same recipe and seed draw the same values.

    Args:
        trials: All of them, with those that ``study`` holds already.
        timeout: Minutes after which no further trial begins.
        study: A file, an Optuna journal, that keeps the trials: a search that was killed goes on from there.

    Raises:
        RecipeError: The recipe is wrong, gives no ranges, or one of them does not fit its field.
        TrainingError: Every trial failed; or ``study`` is another's.
        MissingExtra: Optuna, or a library of the extra ``train``, is not installed.
        ZooError: As of ``plan``.
    """
    if trials < 1:
        raise ValueError(f"expected at least one trial, found {trials}")
    path = Path(recipe)
    given, text = read_recipe(path, seed)
    check_ranges(given, read_fields(text), discover(), path)
    check_installed()
    minimised = given.training.monitor == "loss"
    file = None if study is None else Path(study)
    with (
        tempfile.TemporaryDirectory(prefix="zoo-tune-") as folder,
        open_study(file, "minimize" if minimised else "maximize", _count_warmup(given), _fingerprint(given)) as opened,
    ):
        search = Search(path, given, text, path.parent if data_root is None else Path(data_root), Path(folder), opened)
        ends = math.inf if timeout is None else time.monotonic() + 60 * timeout
        while len(search.trials) < trials and (not search.trials or time.monotonic() < ends):
            search.run_next(threads)
            if report is not None:
                report(search.trials[-1], search.best)
    best = search.best
    if best is None or best.value is None:
        last = search.trials[-1]
        raise TrainingError(f"{path}: tune: all of {len(search.trials)} trials failed; the last: {last.reason}")
    tuned = rewrite(text, best.values, "tune")
    parse_document(tuned, Recipe, path, RecipeError, aliases=True)
    return TunedRecipe(
        text=tuned,
        value=best.value,
        monitor=given.training.monitor,
        best=best,
        given=next((trial for trial in search.trials if trial.values == search.own), None),
        trials=tuple(search.trials),
        notes=search.notes,
    )


def _count_warmup(recipe: Recipe) -> int:
    """Return the epochs in which no trial is stopped: first steps tell little, and least where the rate still rises."""
    return max(3, recipe.training.epochs // 5, math.ceil(recipe.training.warmup_epochs) + 1)


def _fingerprint(recipe: Recipe) -> str:
    return hashlib.sha256(recipe.model_dump_json().encode()).hexdigest()
