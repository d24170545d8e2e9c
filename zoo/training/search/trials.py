"""The trials of a search: values are drawn, a network is trained with them, and the validation part judges it."""

from __future__ import annotations

import math
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import yaml

from zoo.errors import GenomeError, MissingExtra, PluginError, RecipeError, TrainingError
from zoo.model.document import validate
from zoo.plugins import discover
from zoo.training.network.history import Epoch
from zoo.training.network.judge import Judge
from zoo.training.network.losses import make_loss
from zoo.training.network.predictor import Predictor
from zoo.training.networks import make_strands, train_networks
from zoo.training.plan import TrainingPlan, plan, with_recipe
from zoo.training.recipe import Recipe
from zoo.training.rewrite import place
from zoo.training.search.ranges import draw, find_own, name_own, read_fields
from zoo.training.search.study import ask
from zoo.training.workspace import Workspace

State = Literal["complete", "pruned", "failed"]

_LOADED_ONCE = ("training.", "architecture.config", "strand.")
"""The fields, or their beginnings, that leave the data as they are."""


@dataclass(frozen=True, slots=True)
class Trial:
    """What became of one set of values.

    Args:
        number: From 1.
        values: By the path of the field.
        state: ``pruned`` where it was stopped for being worse than most.
        value: What ``training.monitor`` came to on the validation part; None unless the trial is complete.
        epochs: Of all networks, where there are folds.
        reason: Why it failed.
    """

    number: int
    values: dict[str, Any]
    state: State
    value: float | None
    epochs: int
    seconds: float
    reason: str = ""


class Search:
    """The trials of one search, those that its study holds from before among them."""

    def __init__(self, path: Path, recipe: Recipe, text: str, root: Path, folder: Path, study: Any) -> None:
        self._path, self._recipe, self._root, self._folder, self._study = path, recipe, root, folder, study
        self._document = read_fields(text)
        self.own = find_own(recipe, discover(), path)
        self._minimised = recipe.training.monitor == "loss"
        self.notes: tuple[str, ...] = ()
        self._plan: TrainingPlan | None = None
        if all(field.startswith(_LOADED_ONCE) for field in recipe.tune):
            self._plan = plan(path, root, recipe.seed, work_folder=folder / "data")
            self.notes = self._plan.notes
        elif any(field.startswith(("data", "negatives", "output")) for field in recipe.tune):
            self.notes = ("ranges of data, negatives or output change the validation part, by which trials are judged",)
        # A trial that was killed has no value, and no reason to have failed.
        ended = [trial for trial in study.trials if trial.values is not None or trial.user_attrs.get("reason")]
        self.trials = [self._describe(trial, number) for number, trial in enumerate(ended, start=1)]

    @property
    def best(self) -> Trial | None:
        complete = [trial for trial in self.trials if trial.value is not None]
        sign = 1 if self._minimised else -1
        return min(complete, key=lambda trial: sign * (trial.value or 0.0), default=None)

    def run_next(self, threads: int | None) -> None:
        """Ask for values, train with them, and tell the study what came of it."""
        import optuna

        first = name_own(self._recipe.tune, self.own)
        trial = ask(self._study, self._recipe.seed, len(self.trials), first)
        values = draw(trial, self._recipe.tune, self.own)
        watch = _Watch(trial)
        value, reason, state = None, "", optuna.trial.TrialState.COMPLETE
        began = time.perf_counter()
        try:
            value = self._train(values, threads, watch)
            if not math.isfinite(value):
                value, reason = None, f"{self._recipe.training.monitor} is not defined on the validation part"
        except optuna.TrialPruned:
            state = optuna.trial.TrialState.PRUNED
        except MissingExtra:
            raise
        except (TrainingError, GenomeError, PluginError) as error:
            reason = str(error).replace(str(self._folder / self._path.name), str(self._path))
        except Exception as error:
            if not isinstance(error, MemoryError | _get_exhausted()):
                raise
            reason = "the network and a batch do not fit into memory"
        if reason:
            state = optuna.trial.TrialState.FAIL
        for name, told in (("epochs", watch.epochs), ("reason", reason), ("seconds", time.perf_counter() - began)):
            trial.set_user_attr(name, told)
        self._study.tell(trial, value, state=state)
        self.trials.append(self._describe(self._study.trials[-1], len(self.trials) + 1))

    def _describe(self, frozen: Any, number: int) -> Trial:
        states: dict[str, State] = {"COMPLETE": "complete", "PRUNED": "pruned"}
        state = states.get(frozen.state.name, "failed")
        return Trial(
            number=number,
            values=draw(frozen, self._recipe.tune, self.own),
            state=state,
            value=frozen.value if state == "complete" else None,
            epochs=frozen.user_attrs["epochs"],
            seconds=frozen.user_attrs["seconds"],
            reason=frozen.user_attrs["reason"],
        )

    def _train(self, values: dict[str, Any], threads: int | None, watch: _Watch) -> float:
        """Return the monitored value on the validation part, the mean over networks where there are folds."""
        with tempfile.TemporaryDirectory(dir=self._folder) as folder:
            space = Workspace(self._path, Path(folder) / "model", Path(folder) / "run")
            space.run.mkdir()
            prepared = self._prepare(place(self._document, values), space.run)
            models, fits, _ = train_networks(prepared, space, threads, watch, resume=False, tensorboard=None)
            if fits:
                return float(np.mean([fit.best.monitored for fit in fits]))
            return _judge(prepared, models)

    def _prepare(self, document: dict[str, Any], folder: Path) -> TrainingPlan:
        """Return the plan of a changed recipe, with the data that are loaded already where they are the same."""
        if self._plan is None:
            changed = self._folder / self._path.name
            changed.write_text(yaml.safe_dump(document, sort_keys=False), encoding="utf-8")
            return plan(changed, self._root, work_folder=folder)
        return with_recipe(self._plan, validate(Recipe, document, str(self._path), RecipeError))


class _Watch:
    """Tells Optuna each epoch of the first network, and stops a trial that Optuna has seen enough of."""

    def __init__(self, trial: Any) -> None:
        self._trial = trial
        self._networks = 0
        self.epochs = 0

    def start(self, epochs: int, batches: int) -> None:  # noqa: ARG002 - as of Progress
        self._networks += 1

    def advance(self) -> None:
        pass

    def report(self, epoch: Epoch, *, monitor: str, is_best: bool) -> None:  # noqa: ARG002 - as of Progress
        import optuna

        self.epochs += 1
        if self._networks > 1 or not math.isfinite(epoch.monitored):
            return
        self._trial.report(epoch.monitored, epoch.number)
        if self._trial.should_prune():
            raise optuna.TrialPruned


def _judge(plan: TrainingPlan, models: list[Any]) -> float:
    """Return the monitored value of networks whose weights were solved for, epochs having told none."""
    choice, output = plan.recipe.training, plan.task.output
    loss = make_loss(plan.task.loss, count_weight=choice.count_weight)
    found = []
    for model, split in zip(models, plan.folds, strict=True):
        predictor = Predictor(model, output.name, binned=output.bins is not None)
        part = plan.examples.part(split.validation, plan.task.transform)
        judge = Judge(model, None, part, choice, loss, predictor, make_strands(plan))
        found.append(judge.judge(1, 0.0, 0.0, time.perf_counter()).monitored)
    return float(np.mean(found))


def _get_exhausted() -> type[Exception]:
    """Return what TensorFlow raises where a device's memory is full."""
    import tensorflow as tf

    found: type[Exception] = tf.errors.ResourceExhaustedError
    return found
