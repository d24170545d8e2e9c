"""What k-mers alone make of the same data: trained beside each network, so that nobody publishes a worse one."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from zoo.components import OutputSpec, Predictions
from zoo.errors import PluginError
from zoo.genome.codes import Codes
from zoo.plugins import guard
from zoo.training.data.batches import Rows
from zoo.training.data.examples import read_pieces
from zoo.training.network.predictor import Predictor
from zoo.training.plan import TrainingPlan, read_for_solving

_MAX_EXAMPLES = 200_000
"""Rows that a baseline is solved on at most: counting words needs them in memory."""


@dataclass(frozen=True, slots=True)
class Baseline:
    """A baseline whose weights are solved, and what was left out to get them."""

    name: str
    predictor: Predictor
    output: OutputSpec
    notes: tuple[str, ...] = ()

    def predict(self, codes: Codes) -> Predictions:
        """Return predictions (N, T) for windows (N, L).

        Raises:
            PluginError: The architecture gives predictions of another shape.
        """
        found = self.predictor.predict(codes)
        expected = (len(codes), len(self.output.tracks))
        if found.shape != expected:
            raise PluginError(f"architecture {self.name!r}: expected predictions {expected}, found {found.shape}")
        return found


def solve_baseline(plan: TrainingPlan) -> Baseline | None:
    """Solve the plan's baseline on the training part; None where there is none.

    Raises:
        PluginError: The architecture failed.
    """
    if plan.baseline is None:
        return None
    architecture, config = plan.baseline
    fit_weights = architecture.fit_weights
    assert fit_weights is not None  # noqa: S101 - checked where the baseline was chosen
    output, seed = plan.task.output, plan.recipe.seed
    rows, notes = _sample(plan.split.train, seed)
    chosen, _ = _sample(plan.split.validation, seed)
    train, validation = (read_for_solving(plan, part, output) for part in (rows, chosen))
    with guard("architecture", architecture.name):
        weights = fit_weights(config, train, validation, (output,), seed)
        # The sequence alone: what the network reads beside it is no k-mer.
        model = architecture.build(config, plan.inputs[:1], (output,), weights)
    return Baseline(architecture.name, Predictor(model, output.name), output, notes)


def predict_rows(plan: TrainingPlan, baseline: Baseline, rows: Rows) -> Predictions:
    """Return the baseline's predictions of these examples, (N, T)."""
    return np.concatenate([baseline.predict(piece.sequences) for piece in read_pieces(plan.examples, rows)])


def _sample(rows: Rows, seed: int) -> tuple[Rows, tuple[str, ...]]:
    if len(rows) <= _MAX_EXAMPLES:
        return rows, ()
    chosen = np.sort(np.random.default_rng(seed).choice(rows, _MAX_EXAMPLES, replace=False))
    return chosen, (f"the baseline was solved on {_MAX_EXAMPLES:,} of {len(rows):,} training examples",)
