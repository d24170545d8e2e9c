"""What a trained model is worth: its predictions measured, beside the baseline's, with the checks of its data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from zoo.components import Predictions
from zoo.model.card import Card
from zoo.model.session import Session
from zoo.training.baseline import predict_rows, solve_baseline
from zoo.training.data.batches import Rows
from zoo.training.data.checks import check_data
from zoo.training.data.examples import list_inputs, list_pieces, read_pieces, targets_of
from zoo.training.data.targets import Targets
from zoo.training.findings import Findings
from zoo.training.metrics.evaluate import choose_thresholds, compare, evaluate, evaluate_without
from zoo.training.network.history import Fit
from zoo.training.network.predictor import Predictor
from zoo.training.networks import make_strands
from zoo.training.plan import TrainingPlan

_PARTS = ("validation", "test")


def predict_parts(plan: TrainingPlan, session: Session, models: Sequence[Any]) -> dict[str, Predictions]:
    """Predict validation and test part once, with the model that users get.

    With folds each validation example is predicted by the network that has not seen it.
    """
    name = plan.task.output.name

    def predict(rows: Rows) -> Predictions:
        pieces = read_pieces(plan.examples, rows)
        return np.concatenate([session.predict(piece.sequences, piece.extra)[name] for piece in pieces])

    test = predict(plan.split.test)
    if len(models) == 1:
        return {"validation": predict(plan.split.validation), "test": test}
    return {"validation": _predict_unseen(plan, models, test.shape[1:]), "test": test}


def _predict_unseen(plan: TrainingPlan, models: Sequence[Any], shape: tuple[int, ...]) -> Predictions:
    rows, name = plan.split.validation, plan.task.output.name
    strands, held_out = make_strands(plan), np.concatenate([split.validation for split in plan.folds])
    unseen = np.zeros((len(rows), *shape), dtype=np.float32)
    for number, (model, split) in enumerate(zip(models, plan.folds, strict=True)):
        # What the rule against leaks left out of every fold is as unseen to the first network as to any.
        own = np.isin(rows, split.validation) | ((number == 0) & ~np.isin(rows, held_out))
        predictor = Predictor(model, name, binned=plan.task.output.bins is not None)
        for piece in list_pieces(np.flatnonzero(own)):
            learned = predictor.average_strands(list_inputs(plan.examples.read(rows[piece])), strands)
            unseen[piece] = plan.task.select(plan.task.restore(learned))
    return unseen


def measure(
    plan: TrainingPlan,
    card: Card,
    predictions: Mapping[str, Predictions],
    fits: Sequence[Fit],
    parameters: int,
    notes: tuple[str, ...],
) -> Findings:
    """Measure the predictions of both parts, those of the test part beside the baseline's and without sharers."""
    task, seed = plan.task, plan.recipe.seed
    rows_of = {part: rows for part, rows in plan.split if part in _PARTS}
    targets = {part: read_targets(plan, rows) for part, rows in rows_of.items()}
    thresholds = choose_thresholds(task, targets["validation"], predictions["validation"])
    metrics = {part: evaluate(task, targets[part], predictions[part], thresholds, seed) for part in _PARTS}
    baseline = solve_baseline(plan)
    others: dict[str, Predictions] = {}
    if baseline is not None:
        others = {part: predict_rows(plan, baseline, rows) for part, rows in rows_of.items()}
        found = compare(task, targets["test"], predictions["test"], others["test"], seed)
        for track, difference in found.items():
            metrics["test"][track]["baseline"] = {"name": baseline.name, **difference}
    checks = check_data(plan.examples, plan.split, classes=task.classes)
    if checks.sharers.any() and not checks.sharers.all():
        without = evaluate_without(task, targets["test"], predictions["test"], checks.sharers, seed)
        for track, measured in without.items():
            metrics["test"][track]["without_sharers"] = measured
    numbers = checks.to_numbers()
    for index in task.evaluated:
        # Absence and presence are two tracks of one target.
        source = 0 if task.expands else task.kept[index]
        metrics["test"][task.tracks[index].name]["checks"] = numbers[plan.examples.tracks[source]]
    labels = ["network"] if len(fits) == 1 else [f"fold {number}" for number in range(1, len(fits) + 1)]
    return Findings(
        recipe=plan.recipe_text,
        card=card.model_copy(update={"metrics": metrics}),
        targets=targets,
        predictions=predictions,
        evaluated=task.evaluated,
        classes=task.classes,
        checks=checks,
        history=tuple((label, item.history) for label, item in zip(labels, fits, strict=True)),
        monitor=plan.recipe.training.monitor,
        baseline=None if baseline is None else baseline.name,
        baseline_predictions=others,
        notes=(*plan.notes, *notes, *(() if baseline is None else baseline.notes)),
        parameters=parameters,
    )


def read_targets(plan: TrainingPlan, rows: Rows) -> Targets:
    """Return the targets of the model's tracks for these rows."""
    pieces = [plan.task.expand(targets_of(piece)) for piece in read_pieces(plan.examples, rows)]
    return plan.task.select(np.concatenate(pieces))
