"""From a recipe to a model folder: load, split, fit, export, evaluate, report, write."""

from __future__ import annotations

import dataclasses
import hashlib
import shutil
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from zoo.components import ExampleSet, Predictions
from zoo.errors import RecipeError, TrainingError
from zoo.genome.codes import UNKNOWN
from zoo.model.card import Card, read_card, write_card
from zoo.model.checksums import verify_checksums, write_checksums
from zoo.model.devices import available_cpus
from zoo.model.folder import CARD_FILE, NETWORK_FILE
from zoo.model.session import Session
from zoo.model.verify import verify_folder, write_example
from zoo.plugins import guard
from zoo.registry.find import locate
from zoo.training.baseline import predict_rows, solve_baseline
from zoo.training.data.batches import Part
from zoo.training.data.checks import check_data
from zoo.training.data.examples import Rows, list_inputs, weights_of
from zoo.training.data.split import SplitIndices
from zoo.training.data.strands import SEQUENCE, Strands
from zoo.training.data.targets import Targets, balance_classes
from zoo.training.describe import fill_card, list_versions
from zoo.training.findings import Findings
from zoo.training.metrics.evaluate import choose_thresholds, compare, evaluate, evaluate_without
from zoo.training.network.backend import building, import_backend, to_float32
from zoo.training.network.ensemble import count_members, finish, join_members
from zoo.training.network.export import check_parity, export
from zoo.training.network.fit import fit
from zoo.training.network.history import Fit, Progress
from zoo.training.network.predictor import Predictor
from zoo.training.network.weights import WEIGHTS_FILE, read_weights, save_weights, start_from
from zoo.training.plan import TrainingPlan, plan, read_for_solving
from zoo.training.report import write_report
from zoo.training.workspace import Workspace, open_workspace

RECIPE_FILE = "recipe.yaml"
REPORT_FILE = "report.html"
LOG_FILE = "training.csv"

_PARITY_EXAMPLES = 48
_PARITY_DRAWN = 8
_PIECE = 8192
"""Examples that are read and predicted at a time."""


@dataclass(frozen=True, slots=True)
class TrainedModel:
    """A model that was trained and written: its folder, its card, the digest that pins it, and how it went.

    Args:
        fits: One a network, of one or as many as there are folds.
    """

    folder: Path
    card: Card
    digest: str
    fits: tuple[Fit, ...]
    parameters: int
    seconds: float
    notes: tuple[str, ...]


def build_network(plan: TrainingPlan, threads: int | None = None, number: int = 1) -> Any:
    """Return the recipe's network, its weights drawn from the seed; ``number`` counts the folds.

    Raises:
        MissingExtra: TensorFlow or tf2onnx is not installed.
        RecipeError: The architecture can't be built on these sequences.
        PluginError: The architecture failed.
    """
    _, keras = import_backend(threads or available_cpus())
    if number == 1:
        keras.backend.clear_session()
    keras.utils.set_random_seed(_seed_of(plan, number))
    try:
        with guard("architecture", plan.architecture.name), building(plan.recipe.training):
            weights = _solve(plan, number)
            return plan.architecture.build(plan.architecture_config, plan.inputs, (plan.task.learned,), weights)
    except RecipeError as error:
        raise RecipeError(f"{plan.path}: {error}") from error


def try_step(plan: TrainingPlan, model: Any) -> float | None:
    """Learn one batch and return its loss, as a dry run does to see that all fits; None where nothing is learned."""
    if plan.architecture.fit_weights is not None:
        return None
    choice = plan.recipe.training.model_copy(update={"epochs": 1, "warmup_epochs": 0.0})
    rows = plan.split.train[: choice.batch_size]
    examples = plan.examples
    train = examples.part(rows, plan.task.transform)
    found = fit(model, train, train, choice, **_fit_options(plan, 1))  # fmt: skip
    return found.history[0].loss


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
    """Train the recipe's network and write its model folder, which appears under its name only when it is whole.

    Args:
        folds: Train so many networks and export their ensemble; in place of the recipe's ``split.folds``.
        resume: Go on where a killed or interrupted run of the same recipe stopped; the result is the same.
        tensorboard: A folder for TensorBoard's logs.

    Raises:
        VersionExists: ``output`` exists.
        OutputError: The folder can't be written.
        TrainingDiverged: The loss became infinite or not a number.
        ExportMismatch: The exported network does not predict what the trained one does.
        MissingExtra: A library of the extra ``train`` is not installed.
        ZooError: As of ``plan``.
    """
    with open_workspace(Path(output), resume=resume) as space:
        prepared = plan(recipe, data_root, seed, folds=folds, work_folder=space.run)
        logs = None if tensorboard is None else Path(tensorboard)
        return train_plan(prepared, space, threads=threads, resume=resume, tensorboard=logs, progress=progress)


def train_plan(
    plan: TrainingPlan,
    space: Workspace,
    *,
    threads: int | None = None,
    resume: bool = False,
    tensorboard: Path | None = None,
    progress: Progress | None = None,
) -> TrainedModel:
    """Train a plan and write its model into the workspace's folder."""
    began = time.perf_counter()
    models, fits, notes = train_networks(plan, space, threads, progress, resume=resume, tensorboard=tensorboard)
    models = [to_float32(model) for model in models]
    output = plan.task.output
    joined = finish(join_members(models, plan.inputs, plan.task.learned), plan.task)
    network = export(joined, plan.inputs, (output,))
    with space.writing():
        (space.folder / NETWORK_FILE).write_bytes(network.SerializeToString(deterministic=True))
        save_weights(models, space.folder / WEIGHTS_FILE)
    card = fill_card(plan, max((item.epochs for item in fits), default=0), count_members(joined, output))
    session = Session(space.folder / NETWORK_FILE, card, "cpu", threads)
    tolerance = check_parity(session, joined, output.name, _draw_parity_inputs(plan), binned=output.bins is not None)
    card = card.model_copy(update={"tolerance": tolerance})
    findings = _find(plan, card, _predict_parts(plan, session, models), fits, notes)
    findings = dataclasses.replace(findings, parameters=sum(int(model.count_params()) for model in models))
    card = findings.card
    with space.writing():
        write_card(card, space.folder / CARD_FILE)
        (space.folder / RECIPE_FILE).write_bytes(plan.recipe_text.encode())
        _write_logs(space, len(models))
        write_report(findings, space.folder / REPORT_FILE)
        write_example(space.folder, card, plan.recipe.seed)
        digest = write_checksums(space.folder)
    verify_folder(space.folder, "cpu", threads)
    return TrainedModel(
        folder=space.output,
        card=read_card(space.folder / CARD_FILE),
        digest=digest,
        fits=fits,
        parameters=findings.parameters,
        seconds=time.perf_counter() - began,
        notes=findings.notes,
    )


def train_networks(
    plan: TrainingPlan,
    space: Workspace,
    threads: int | None,
    progress: Progress | None,
    *,
    resume: bool,
    tensorboard: Path | None,
) -> tuple[list[Any], tuple[Fit, ...], tuple[str, ...]]:
    """Train a network for each fold; return them, how each went, and what is to be told."""
    models, fits, notes = [], [], []
    first = _read_first_weights(plan)
    for number, split in enumerate(plan.folds, start=1):
        model = build_network(plan, threads, number)
        if first is not None:
            told = start_from(model, first, number)
            notes.append(f"start_from {plan.recipe.training.start_from}: {told}")
        models.append(model)
        if plan.architecture.fit_weights is not None:
            continue
        name = f"fold-{number}"
        found = fit(
            model,
            _take_training(plan, split),
            plan.examples.part(split.validation, plan.task.transform),
            plan.recipe.training,
            **_fit_options(plan, number),
            progress=progress,
            run_folder=space.run / name,
            resume=resume,
            fingerprint=_fingerprint(plan, number),
            tensorboard=tensorboard if tensorboard is None or len(plan.folds) == 1 else tensorboard / name,
        )
        fits.append(found)
    return models, tuple(fits), tuple(dict.fromkeys(notes))


def _fit_options(plan: TrainingPlan, number: int) -> dict[str, Any]:
    return {
        "loss": plan.task.loss,
        "output": plan.task.output.name,
        "strands": make_strands(plan),
        "seed": _seed_of(plan, number),
    }


def _take_training(plan: TrainingPlan, split: SplitIndices) -> Part:
    weights = None
    if plan.recipe.training.class_weights == "balanced":
        pieces = [_cut(plan, plan.examples.read(rows)) for rows in _pieces_of(split.train)]
        targets = np.concatenate([targets for targets, _ in pieces])
        weights = balance_classes(targets, np.concatenate([own for _, own in pieces]), str(plan.path))
    return plan.examples.part(split.train, plan.task.transform, weights)


def _cut(plan: TrainingPlan, examples: ExampleSet) -> tuple[Targets, npt.NDArray[np.float32]]:
    assert examples.targets is not None  # noqa: S101 - the task was defined on them
    return plan.task.expand(examples.targets), weights_of(examples)


def _pieces_of(rows: Rows) -> list[Rows]:
    return [rows[first : first + _PIECE] for first in range(0, len(rows), _PIECE)]


def _solve(plan: TrainingPlan, number: int) -> Mapping[str, npt.NDArray[np.float32]]:
    """Return the weights of an architecture that solves for them; nothing for one that learns."""
    fit_weights = plan.architecture.fit_weights
    if fit_weights is None:
        return {}
    split = plan.folds[number - 1]
    return fit_weights(
        plan.architecture_config,
        read_for_solving(plan, split.train, plan.task.learned),
        read_for_solving(plan, split.validation, plan.task.learned),
        (plan.task.learned,),
        _seed_of(plan, number),
    )


def _seed_of(plan: TrainingPlan, number: int) -> int:
    return plan.recipe.seed + number - 1


def _fingerprint(plan: TrainingPlan, number: int) -> str:
    """Return what a checkpoint must have been made from to be gone on with."""
    sources = [f"{source.path} {source.sha256}" for source in plan.sources]
    told = "\n".join([plan.recipe_text, *sources, f"fold {number} of {len(plan.folds)}"])
    return hashlib.sha256(told.encode()).hexdigest()


def _read_first_weights(plan: TrainingPlan) -> Mapping[str, npt.NDArray[Any]] | None:
    name = plan.recipe.training.start_from
    if name is None:
        return None
    try:
        folder = locate(name).folder
        verify_checksums(folder)
        return read_weights(folder)
    except TrainingError as error:
        raise TrainingError(f"{plan.path}: {error}") from error


def make_strands(plan: TrainingPlan) -> Strands:
    """Return how what is learned is turned from one strand to the other.

    Raises:
        RecipeError: A paired track does not exist.
    """
    strand = plan.recipe.strand
    names = plan.task.learned.tracks
    mates = np.arange(len(names))
    for first, second in strand.track_pairs:
        for name in (first, second):
            if name not in names:
                raise RecipeError(f"{plan.path}: strand.track_pairs: no track {name!r}; there is {', '.join(names)}")
        one, other = names.index(first), names.index(second)
        mates[one], mates[other] = other, one
    return Strands(strand.average, mates if strand.track_pairs else None, strand.reverse_bins)


def _draw_parity_inputs(plan: TrainingPlan) -> dict[str, npt.NDArray[Any]]:
    """Return real windows, where predictions are large, and drawn ones with unknown bases."""
    generator = np.random.default_rng(plan.recipe.seed)
    inputs = list_inputs(plan.examples.read(np.sort(generator.permutation(plan.split.validation)[:_PARITY_EXAMPLES])))
    drawn = {name: values[np.arange(_PARITY_DRAWN) % len(values)] for name, values in inputs.items()}
    if plan.length:
        drawn[SEQUENCE] = generator.integers(0, UNKNOWN + 1, (_PARITY_DRAWN, plan.length), dtype=np.uint8)
    return {name: np.concatenate([values, drawn[name]]) for name, values in inputs.items()}


def _predict_parts(plan: TrainingPlan, session: Session, models: list[Any]) -> dict[str, Predictions]:
    """Predict validation and test part once, with the model that users get.

    With folds each validation example is predicted by the network that has not seen it.
    """
    name = plan.task.output.name

    def predict(rows: Rows) -> Predictions:
        pieces = [plan.examples.read(piece) for piece in _pieces_of(rows)]
        return np.concatenate([session.predict(piece.sequences, piece.extra)[name] for piece in pieces])

    found = {"test": predict(plan.split.test)}
    if len(models) == 1:
        return {"validation": predict(plan.split.validation), **found}
    rows = plan.split.validation
    unseen = np.zeros((len(rows), *found["test"].shape[1:]), dtype=np.float32)
    for number, (model, split) in enumerate(zip(models, plan.folds, strict=True)):
        # What the rule against leaks left out of every fold is as unseen to the first network as to any.
        held = np.isin(rows, split.validation) | ((number == 0) & ~np.isin(rows, _held_out(plan)))
        predictor = Predictor(model, name, binned=plan.task.output.bins is not None)
        for piece in _pieces_of(np.flatnonzero(held)):
            inputs = list_inputs(plan.examples.read(rows[piece]))
            learned = predictor.average_strands(inputs, make_strands(plan))
            unseen[piece] = plan.task.select(plan.task.restore(learned))
    return {"validation": unseen, **found}


def _held_out(plan: TrainingPlan) -> Rows:
    return np.concatenate([split.validation for split in plan.folds])


def _find(
    plan: TrainingPlan,
    card: Card,
    predictions: Mapping[str, Predictions],
    fits: Sequence[Fit],
    notes: tuple[str, ...],
) -> Findings:
    """Measure the predictions of both parts, those of the test part beside the baseline's and without sharers."""
    task, seed = plan.task, plan.recipe.seed
    targets = {part: read_targets(plan, rows) for part, rows in plan.split if part in predictions}
    thresholds = choose_thresholds(task, targets["validation"], predictions["validation"])
    metrics = {
        part: evaluate(task, targets[part], predictions[part], thresholds, seed) for part in ("test", "validation")
    }
    baseline = solve_baseline(plan)
    others: dict[str, Predictions] = {}
    if baseline is not None:
        others = {part: predict_rows(plan, baseline, rows) for part, rows in plan.split if part in predictions}
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
        versions=list_versions(),
    )


def read_targets(plan: TrainingPlan, rows: Rows) -> Targets:
    """Return the targets of the model's tracks for these rows."""
    pieces = [_cut(plan, plan.examples.read(piece))[0] for piece in _pieces_of(rows)]
    return plan.task.select(np.concatenate(pieces))


def _write_logs(space: Workspace, count: int) -> None:
    for number in range(1, count + 1):
        log = space.run / f"fold-{number}" / LOG_FILE
        if log.is_file():
            name = LOG_FILE if count == 1 else f"training-{number}.csv"
            shutil.copyfile(log, space.folder / name)
