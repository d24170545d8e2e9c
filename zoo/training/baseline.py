"""What k-mers alone make of the same data: trained beside each network, so that nobody publishes a worse one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from zoo.components import Predictions
from zoo.errors import PluginError
from zoo.plugins import guard
from zoo.training.examples import Rows
from zoo.training.plan import TrainingPlan, read_for_solving
from zoo.training.predictor import Predictor

_MAX_EXAMPLES = 200_000
"""Rows that a baseline is solved on at most: counting words needs them in memory."""

_PIECE = 20_000


@dataclass(frozen=True, slots=True)
class BaselineResult:
    """A baseline's predictions (N, T) by part, and what was left out to get them."""

    name: str
    predictions: Mapping[str, Predictions]
    notes: tuple[str, ...] = ()


def train_baseline(plan: TrainingPlan) -> BaselineResult | None:
    """Solve the plan's baseline on the training part and predict validation and test part; None where there is none.

    Raises:
        PluginError: The architecture failed, or gives predictions of another shape.
    """
    if plan.baseline is None:
        return None
    architecture, config = plan.baseline
    fit_weights = architecture.fit_weights
    assert fit_weights is not None  # noqa: S101 - checked where the baseline was chosen
    rows, notes = _sample(plan.split.train, plan.recipe.seed)
    output = plan.task.output
    # The sequence alone: what the network reads beside it is no k-mer.
    inputs = plan.inputs[:1]
    with guard("architecture", architecture.name):
        weights = fit_weights(
            config,
            read_for_solving(plan, rows, output),
            read_for_solving(plan, _sample(plan.split.validation, plan.recipe.seed)[0], output),
            (output,),
            plan.recipe.seed,
        )
        model = architecture.build(config, inputs, (output,), weights)
    predictor = Predictor(model, output.name)
    predictions = {}
    for part, chosen in (("validation", plan.split.validation), ("test", plan.split.test)):
        pieces = [plan.examples.read(chosen[first : first + _PIECE]) for first in range(0, len(chosen), _PIECE)]
        found = np.concatenate([predictor.predict({inputs[0].name: piece.sequences}) for piece in pieces])
        expected = (len(chosen), len(output.tracks))
        if found.shape != expected:
            raise PluginError(
                f"architecture {architecture.name!r}: expected predictions {expected}, found {found.shape}"
            )
        predictions[part] = found
    return BaselineResult(architecture.name, predictions, notes)


def _sample(rows: Rows, seed: int) -> tuple[Rows, tuple[str, ...]]:
    if len(rows) <= _MAX_EXAMPLES:
        return rows, ()
    chosen = np.sort(np.random.default_rng(seed).choice(rows, _MAX_EXAMPLES, replace=False))
    return chosen, (f"the baseline was solved on {_MAX_EXAMPLES:,} of {len(rows):,} training examples",)
