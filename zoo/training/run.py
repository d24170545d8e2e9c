"""From a recipe to a model folder: load, split, fit, export, evaluate, write."""

from __future__ import annotations

import dataclasses
import importlib.metadata
import shutil
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from zoo.components import Architecture, Config, DataLoader, ExampleSet, InputSpec
from zoo.errors import EmptySplit, OutputError, PluginError, RecipeError, SplitLeak, TrainingError, VersionExists
from zoo.genome.codes import Codes
from zoo.model.card import Card, read_card, write_card
from zoo.model.checksums import write_checksums
from zoo.model.devices import available_cpus
from zoo.model.document import validate
from zoo.model.folder import CARD_FILE, NETWORK_FILE
from zoo.model.session import Session
from zoo.model.verify import verify_folder, write_example
from zoo.plugins import discover, guard
from zoo.training.backend import import_backend
from zoo.training.choices import SourceFile
from zoo.training.evaluate import choose_thresholds, evaluate
from zoo.training.export import check_parity, export
from zoo.training.fit import Fit, Part, Progress, Strands, fit
from zoo.training.recipe import Recipe, read_recipe
from zoo.training.sources import check_sources
from zoo.training.split import SplitIndices, split_examples
from zoo.training.targets import Task, balance_classes, define_task

RECIPE_FILE = "recipe.yaml"
SEQUENCE = "sequence"
"""The name of the network's input."""

_PARITY_EXAMPLES = 48
_PARITY_DRAWN = 8
_PREDICTION_BATCH = 1024
_VERSIONED = (
    "assayzoo",
    "numpy",
    "tensorflow",
    "tensorflow-cpu",
    "keras",
    "tf2onnx",
    "onnx",
    "onnxruntime",
    "scikit-learn",
)


@dataclass(frozen=True, slots=True)
class TrainingPlan:
    """A recipe whose data are read and split, ready to be trained.

    Args:
        recipe_text: What trains this again: the recipe as it was read, with the seed that is used.
        examples: Without those that have no target at all.
        notes: What was left out, or kept against the rule; for the card and for the user.
    """

    recipe: Recipe
    recipe_text: str
    path: Path
    architecture: Architecture
    architecture_config: Config
    examples: ExampleSet
    task: Task
    split: SplitIndices
    sources: tuple[SourceFile, ...]
    notes: tuple[str, ...]

    @property
    def length(self) -> int:
        return int(self.examples.sequences.shape[1])

    @property
    def inputs(self) -> tuple[InputSpec, ...]:
        return (InputSpec(SEQUENCE, (self.length, 4)),)

    def count(self) -> dict[str, int]:
        """Return the number of examples in each part."""
        return {name: len(rows) for name, rows in self.split}


@dataclass(frozen=True, slots=True)
class TrainedModel:
    """A model that was trained and written: its folder, its card, the digest that pins it, and how it went."""

    folder: Path
    card: Card
    digest: str
    fit: Fit
    parameters: int
    seconds: float
    notes: tuple[str, ...]


def plan(recipe_path: str | Path, data_root: str | Path | None = None, seed: int | None = None) -> TrainingPlan:
    """Read a recipe and its data, and split them; nothing is trained and nothing written.

    Paths in the recipe start at ``data_root``, by default the recipe's own folder. ``seed`` replaces the recipe's.

    Raises:
        RecipeError: The recipe has a wrong field.
        TrainingError: The data or the architecture ask for what can't be done yet.
        PluginError: The loader failed.
        DataError: A file is missing, is not the recipe's, or is malformed.
        EmptySplit: A part of the split is empty or holds one class only.
        SplitLeak: A sequence stands in two parts.
    """
    path = Path(recipe_path)
    recipe, recipe_text = read_recipe(path, seed)
    root = path.parent if data_root is None else Path(data_root)
    plugins = discover()
    loader = plugins.data_loader(recipe.data.loader)
    architecture = plugins.architecture(recipe.architecture.name)
    loader_config = validate(loader.config, recipe.data.config, f"{path}: data.config", RecipeError)
    architecture_config = validate(
        architecture.config, recipe.architecture.config, f"{path}: architecture.config", RecipeError
    )
    scorer = plugins.scorer(recipe.scorer.name)
    validate(scorer.config, recipe.scorer.config, f"{path}: scorer.config", RecipeError)
    if architecture.fit_weights is not None:
        raise TrainingError(
            f"{path}: architecture.name: {architecture.name} solves for its weights, which training can't do yet; "
            "name an architecture that learns them step by step"
        )
    sources = check_sources(recipe.data, root, str(path))
    examples = _load_examples(loader, loader_config, recipe.seed, root, str(path))
    notes = list(examples.notes)
    examples, dropped = _drop_unmeasured(examples)
    if dropped:
        notes.append(f"{dropped} examples without any target were left out")
    task = define_task(recipe, examples, architecture, str(path))
    try:
        split = split_examples(examples, recipe.split, recipe.seed, classes=task.classes)
    except (EmptySplit, SplitLeak) as error:
        raise type(error)(f"{path}: {error}") from error
    notes.extend(split.notes)
    length = examples.sequences.shape[1]
    if recipe.window.anchor is not None and recipe.window.anchor >= length:
        raise RecipeError(f"{path}: window.anchor {recipe.window.anchor} lies outside a window of {length} bases")
    return TrainingPlan(
        recipe, recipe_text, path, architecture, architecture_config, examples, task, split, sources, tuple(notes)
    )  # fmt: skip


def build_network(plan: TrainingPlan, threads: int | None = None) -> Any:
    """Return the recipe's network, its weights drawn from the seed.

    Raises:
        MissingExtra: TensorFlow or tf2onnx is not installed.
        RecipeError: The architecture can't be built on these sequences.
        PluginError: The architecture failed.
    """
    _, keras = import_backend(threads or available_cpus())
    keras.backend.clear_session()
    keras.utils.set_random_seed(plan.recipe.seed)
    try:
        with guard("architecture", plan.architecture.name):
            return plan.architecture.build(plan.architecture_config, plan.inputs, (plan.task.output,), {})
    except RecipeError as error:
        raise RecipeError(f"{plan.path}: {error}") from error


def train(
    recipe: str | Path,
    output: str | Path,
    *,
    data_root: str | Path | None = None,
    seed: int | None = None,
    threads: int | None = None,
    progress: Progress | None = None,
) -> TrainedModel:
    """Train the recipe's network and write its model folder, which appears under its name only when it is whole.

    Raises:
        VersionExists: ``output`` exists.
        OutputError: The folder can't be written.
        TrainingDiverged: The loss became infinite or not a number.
        ExportMismatch: The exported network does not predict what the trained one does.
        MissingExtra: A library of the extra ``train`` is not installed.
        ZooError: As of ``plan``.
    """
    with _new_folder(Path(output)) as partial:
        return train_plan(plan(recipe, data_root, seed), partial, Path(output), threads=threads, progress=progress)


def train_plan(
    plan: TrainingPlan, partial: Path, output: Path, *, threads: int | None = None, progress: Progress | None = None
) -> TrainedModel:
    """Train a plan and write its model into the folder ``partial``, which is to become ``output``."""
    began = time.perf_counter()
    model = build_network(plan, threads)
    strands = _make_strands(plan)
    found = fit(
        model,
        _take(plan, plan.split.train, balanced=plan.recipe.training.class_weights == "balanced"),
        _take(plan, plan.split.validation),
        plan.recipe.training,
        loss=plan.task.loss,
        output=plan.task.output.name,
        strands=strands,
        seed=plan.recipe.seed,
        progress=progress,
    )
    network = export(model, plan.inputs, (plan.task.output,))
    with _writing(output):
        (partial / NETWORK_FILE).write_bytes(network.SerializeToString(deterministic=True))
    card = _fill_card(plan, found, members=_count_members(model, plan.task.output.name))
    session = Session(partial / NETWORK_FILE, card, "cpu", threads)
    tolerance = check_parity(session, model, plan.task.output.name, _draw_parity_codes(plan))
    card = card.model_copy(update={"metrics": _measure(plan, session), "tolerance": tolerance})
    with _writing(output):
        write_card(card, partial / CARD_FILE)
        (partial / RECIPE_FILE).write_bytes(plan.recipe_text.encode())
        write_example(partial, card, plan.recipe.seed)
        digest = write_checksums(partial)
    verify_folder(partial, "cpu", threads)
    return TrainedModel(
        folder=output,
        card=read_card(partial / CARD_FILE),
        digest=digest,
        fit=found,
        parameters=int(model.count_params()),
        seconds=time.perf_counter() - began,
        notes=plan.notes,
    )


def _load_examples(loader: DataLoader, config: Config, seed: int, root: Path, where: str) -> ExampleSet:
    with guard("data loader", loader.name):
        examples: Any = loader.load(config, None, seed, root)
    if not isinstance(examples, ExampleSet):
        raise PluginError(f"data loader {loader.name!r} returned a {type(examples).__name__}; expected an ExampleSet")
    if examples.extra:
        raise TrainingError(
            f"{where}: data.loader {loader.name} gives the input {min(examples.extra)!r} beside the sequence; "
            "training reads the sequence alone as yet: leave it out"
        )
    if not examples.complete:
        raise TrainingError(
            f"{where}: data.loader {loader.name} gives positives only, and training can't draw negatives yet; "
            "give the negatives as data too"
        )
    return examples


def _drop_unmeasured(examples: ExampleSet) -> tuple[ExampleSet, int]:
    if examples.targets is None:
        return examples, 0
    measured = ~np.isnan(examples.targets.reshape(len(examples), -1)).all(axis=1)
    if measured.all():
        return examples, 0
    rows = np.flatnonzero(measured)
    kept = dataclasses.replace(
        examples,
        sequences=examples.sequences[rows],
        targets=examples.targets[rows],
        ids=tuple(examples.ids[row] for row in rows) if examples.ids else (),
        groups=None if examples.groups is None else examples.groups[rows],
        weights=None if examples.weights is None else examples.weights[rows],
        extra={name: values[rows] for name, values in examples.extra.items()},
    )
    return kept, len(examples) - len(rows)


def _take(plan: TrainingPlan, rows: npt.NDArray[np.int64], *, balanced: bool = False) -> Part:
    targets = plan.task.targets[rows]
    given = plan.examples.weights
    weights = np.ones(len(rows), dtype=np.float32) if given is None else given[rows]
    if balanced:
        weights = balance_classes(targets, weights, str(plan.path))
    return Part(plan.examples.sequences[rows], targets, weights)


def _make_strands(plan: TrainingPlan) -> Strands:
    strand = plan.recipe.strand
    names = [track.name for track in plan.task.tracks]
    mates = np.arange(len(names))
    for first, second in strand.track_pairs:
        for name in (first, second):
            if name not in names:
                raise RecipeError(f"{plan.path}: strand.track_pairs: no track {name!r}; there is {', '.join(names)}")
        one, other = names.index(first), names.index(second)
        mates[one], mates[other] = other, one
    return Strands(strand.average, mates if strand.track_pairs else None)


def _draw_parity_codes(plan: TrainingPlan) -> Codes:
    """Real windows, where predictions are large, and drawn ones with unknown bases."""
    rows = np.random.default_rng(plan.recipe.seed).permutation(plan.split.validation)[:_PARITY_EXAMPLES]
    drawn = np.random.default_rng(plan.recipe.seed).integers(0, 5, (_PARITY_DRAWN, plan.length), dtype=np.uint8)
    return np.concatenate([plan.examples.sequences[rows], drawn])


def _measure(plan: TrainingPlan, session: Session) -> Mapping[str, Any]:
    """Predict validation and test part once, with the model that users get, and return the metrics of both."""
    predictions = {}
    for name, rows in (("validation", plan.split.validation), ("test", plan.split.test)):
        batches = [rows[first : first + _PREDICTION_BATCH] for first in range(0, len(rows), _PREDICTION_BATCH)]
        predictions[name] = np.concatenate(
            [session.predict(plan.examples.sequences[batch])[plan.task.output.name] for batch in batches]
        )
    targets = {"validation": plan.task.targets[plan.split.validation], "test": plan.task.targets[plan.split.test]}
    thresholds = choose_thresholds(plan.task, targets["validation"], predictions["validation"])
    return {
        part: evaluate(plan.task, targets[part], predictions[part], thresholds, plan.recipe.seed)
        for part in ("test", "validation")
    }


def _fill_card(plan: TrainingPlan, found: Fit, members: int) -> Card:
    recipe = plan.recipe
    anchor = plan.length // 2 if recipe.window.anchor is None else recipe.window.anchor
    given = recipe.split.model_dump()
    groups = {part: given[part] for part in ("test", "validation") if isinstance(given[part], tuple)}
    identity = {
        name: getattr(recipe, name)
        for name in ("name", "version", "summary", "license", "authors", "citation", "assay", "biosample", "organism")
    }
    return Card(
        schema_version=1,
        **identity,
        genome=recipe.genome,
        limitations=recipe.limitations,
        inputs=({"name": SEQUENCE, "shape": (plan.length, 4)},),
        window={"length": plan.length, "anchor": anchor},
        outputs=(
            {
                "name": plan.task.output.name,
                "tracks": [track.model_dump() for track in plan.task.tracks],
                "activation": plan.task.output.activation,
                "members": members,
            },
        ),
        strand=recipe.strand,
        scorer=recipe.scorer,
        architecture={"name": plan.architecture.name, "config": plan.architecture_config.model_dump(mode="json")},
        data={
            "loader": recipe.data.loader,
            "config": recipe.data.config,
            "sources": [{"name": item.path, "url": item.url, "sha256": item.sha256} for item in plan.sources],
            "notes": plan.notes,
        },
        split={"method": recipe.split.method, **plan.count(), "groups": groups},
        training={"seed": recipe.seed, "epochs": found.epochs, "versions": _list_versions()},
    )


def _count_members(model: Any, output: str) -> int:
    """An ensemble's output has an axis of members after the batch."""
    shape = model.output[output].shape
    return int(shape[1]) if len(shape) == 3 else 1


def _list_versions() -> dict[str, str]:
    versions = {}
    for name in _VERSIONED:
        try:
            versions[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue  # tensorflow and tensorflow-cpu: one of the two
    return versions


@contextmanager
def _new_folder(output: Path) -> Iterator[Path]:
    """Give a folder beside ``output`` to write into, renamed to it if all goes well, else removed."""
    if output.exists() or output.is_symlink():
        raise VersionExists(f"{output}: exists; a model never changes, give another folder, or a new version its own")
    partial = output.with_name(f"{output.name}.partial")
    try:
        partial.mkdir(parents=True)
    except FileExistsError as error:
        raise OutputError(f"{partial}: is of a run that goes on, or broke off; remove it if none goes on") from error
    except OSError as error:
        raise OutputError(f"{output}: can't be written: {error.strerror}") from error
    try:
        yield partial
        with _writing(output):
            partial.rename(output)
    except BaseException:
        shutil.rmtree(partial, ignore_errors=True)
        raise


@contextmanager
def _writing(output: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise OutputError(f"{output}: can't be written: {error.strerror or error}") from error
