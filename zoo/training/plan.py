"""From a recipe to data that are read, completed and split, ready to be trained on."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from zoo.components import Architecture, Config, DataLoader, ExampleSet, InputSpec, OutputSpec
from zoo.errors import EmptySplit, PluginError, RecipeError, SplitLeak, TrainingError
from zoo.genome.reference import Reference
from zoo.model.document import validate
from zoo.plugins import Plugins, discover, guard
from zoo.training.choices import DataChoice, SourceFile
from zoo.training.data.examples import Examples, LoadedExamples, Rows, clean
from zoo.training.data.split import (
    SplitBasis,
    SplitIndices,
    check_classes,
    hash_examples,
    split_examples,
    split_into_folds,
)
from zoo.training.data.store import write_store
from zoo.training.data.strands import SEQUENCE
from zoo.training.data.targets import Targets, Task, define_task, standardise, summarise_targets
from zoo.training.negatives import add_negatives
from zoo.training.recipe import Recipe, read_recipe
from zoo.training.sources import check_sources

STORE_FILE = "examples.h5"


@dataclass(frozen=True, slots=True)
class TrainingPlan:
    """A recipe whose data are read and split, ready to be trained.

    Args:
        recipe_text: What trains this again: the recipe as it was read, with the seed that is used.
        examples: Without those that have no target at all.
        baseline: What the network is measured against, with its config; None for nothing.
        split: The test part, and what trains and chooses; with folds, what stands in the recipe.
        folds: A split for each network of the ensemble; ``(split,)`` where there is one network.
        notes: What was left out, or kept against the rule; for the card and for the user.
    """

    recipe: Recipe
    recipe_text: str
    path: Path
    architecture: Architecture
    architecture_config: Config
    baseline: tuple[Architecture, Config] | None
    examples: Examples
    task: Task
    split: SplitIndices
    folds: tuple[SplitIndices, ...]
    sources: tuple[SourceFile, ...]
    notes: tuple[str, ...]

    @property
    def length(self) -> int:
        """The bases of a sequence, 0 where the network reads none."""
        return self.examples.length

    @property
    def inputs(self) -> tuple[InputSpec, ...]:
        """What the network reads, the sequence first."""
        sequence = (InputSpec(SEQUENCE, (self.length, 4)),) if self.length else ()
        context = (InputSpec(name, shape, "context") for name, shape in self.examples.extra_shapes.items())
        return (*sequence, *context)

    def count(self) -> dict[str, int]:
        """Return the number of examples in each part."""
        return {name: len(rows) for name, rows in self.split}


def plan(
    recipe_path: str | Path,
    data_root: str | Path | None = None,
    seed: int | None = None,
    *,
    folds: int | None = None,
    work_folder: Path | None = None,
) -> TrainingPlan:
    """Read a recipe and its data, and split them; nothing is trained, and nothing written but streamed examples.

    Paths in the recipe start at ``data_root``, by default the recipe's own folder. ``seed`` replaces the recipe's, and
    ``folds`` its number of folds. Streamed examples are kept in ``work_folder``, which must outlive the plan.

    Raises:
        RecipeError: The recipe has a wrong field.
        TrainingError: The data or the architecture ask for what can't be done yet.
        PluginError: The loader failed.
        DataError: A file is missing, is not the recipe's, or is malformed; or negatives can't be found.
        EmptySplit: A part of the split is empty or holds one class only.
        SplitLeak: A sequence stands in two parts.
    """
    path = Path(recipe_path)
    recipe, recipe_text = read_recipe(path, seed)
    root = path.parent if data_root is None else Path(data_root)
    plugins = discover()
    architecture = plugins.architecture(recipe.architecture.name)
    architecture_config = validate(
        architecture.config, recipe.architecture.config, f"{path}: architecture.config", RecipeError
    )
    scorer = plugins.scorer(recipe.scorer.name)
    validate(scorer.config, recipe.scorer.config, f"{path}: scorer.config", RecipeError)
    sources = check_sources(recipe, root, str(path))
    examples, notes = _read_examples(recipe, plugins, root, str(path), work_folder)
    if examples.extra_shapes and not architecture.context:
        raise RecipeError(
            f"{path}: data.loader {recipe.data.loader} gives the input {min(examples.extra_shapes)!r} beside the "
            f"sequence, and architecture {architecture.name} takes none; choose one that does, or leave it out"
        )
    summary = summarise_targets((piece.targets for piece in examples.pieces()), f"{path}: data.loader")
    task = define_task(recipe, examples.tracks, summary, architecture, str(path))
    basis = _describe(examples, stratified=recipe.split.method == "stratified")
    folds = folds or recipe.split.folds
    try:
        split = split_examples(basis, recipe.split, recipe.seed, root)
        parts = split_into_folds(basis, split, recipe.split, folds, recipe.seed) if folds else (split,)
        if task.classes:
            for each in {id(item): item for item in (split, *parts)}.values():
                check_classes(each, examples.tracks, lambda: _list_targets(examples))
    except (EmptySplit, SplitLeak) as error:
        raise type(error)(f"{path}: {error}") from error
    if recipe.output.standardise:
        task = standardise(task, _list_targets(examples, split.train))
    anchor = recipe.window.anchor
    if anchor is not None and anchor >= max(examples.length, 1):
        raise RecipeError(f"{path}: window.anchor {anchor} lies outside a window of {examples.length} bases")
    return TrainingPlan(
        recipe=recipe,
        recipe_text=recipe_text,
        path=path,
        architecture=architecture,
        architecture_config=architecture_config,
        baseline=_choose_baseline(recipe, plugins, task, examples, str(path)),
        examples=examples,
        task=task,
        split=split,
        folds=parts,
        sources=sources,
        notes=(*notes, *split.notes),
    )


def with_recipe(plan: TrainingPlan, recipe: Recipe, architecture_config: Config) -> TrainingPlan:
    """Return the plan with another recipe for the same data and task: another architecture config or training."""
    return dataclasses.replace(plan, recipe=recipe, architecture_config=architecture_config)


def read_for_solving(plan: TrainingPlan, rows: Rows, output: OutputSpec) -> ExampleSet:
    """Return these examples with the targets of an output, the model's or what is learned, for ``fit_weights``."""
    examples = plan.examples.read(rows)
    assert examples.targets is not None  # noqa: S101 - the task was defined on them
    if output is plan.task.output:
        targets = plan.task.select(plan.task.expand(examples.targets))
    else:
        targets = plan.task.transform(examples.targets)
    measured = np.flatnonzero(~np.isnan(targets.reshape(len(targets), -1)).all(axis=1))
    return dataclasses.replace(examples, targets=targets, tracks=output.tracks).take(measured)


def _read_examples(
    recipe: Recipe, plugins: Plugins, root: Path, where: str, work_folder: Path | None
) -> tuple[Examples, list[str]]:
    """Load the examples, draw their negatives, and leave out what has no target."""
    dropped = 0

    def cleaned(pieces: Iterator[ExampleSet]) -> Iterator[ExampleSet]:
        nonlocal dropped
        for piece in pieces:
            kept, left_out = clean(piece, recipe.data.max_unknown)
            dropped += left_out
            yield kept

    with ExitStack() as stack:
        references: dict[str, Reference] = {}

        def open_reference(name: str | None) -> Reference | None:
            if name is not None and name not in references:
                references[name] = stack.enter_context(Reference(root / name))
            return None if name is None else references[name]

        def load(choice: DataChoice) -> ExampleSet:
            return _load(choice, plugins, open_reference(choice.reference), recipe.seed, root, where)

        if recipe.data.stream:
            examples = _stream(
                recipe, plugins, open_reference(recipe.data.reference), root, where, work_folder, cleaned
            )
        else:
            loaded = load(recipe.data)
            if recipe.negatives or not loaded.is_complete:
                loaded = add_negatives(
                    loaded, recipe.negatives, open_reference(recipe.data.reference), recipe.seed, load, root, where
                )
            examples = LoadedExamples(next(cleaned(iter([loaded]))))
    notes = list(examples.notes)
    if dropped:
        notes.append(f"{dropped} examples without any target were left out")
    return examples, notes


def _load(
    choice: DataChoice, plugins: Plugins, reference: Reference | None, seed: int, root: Path, where: str
) -> ExampleSet:
    loader, config = _find_loader(choice, plugins, reference, where)
    with guard("data loader", loader.name):
        examples: Any = loader.load(config, reference, seed, root)
    return _check_examples(loader, examples)


def _stream(
    recipe: Recipe,
    plugins: Plugins,
    reference: Reference | None,
    root: Path,
    where: str,
    work_folder: Path | None,
    cleaned: Any,
) -> Examples:
    if work_folder is None:
        raise TrainingError(f"{where}: data.stream needs a folder to keep the examples in, found none")
    if recipe.negatives:
        raise RecipeError(
            f"{where}: negatives can't be drawn for streamed data; write them once with zoo negatives, and load both"
        )
    loader, config = _find_loader(recipe.data, plugins, reference, where)
    stream = loader.stream
    if stream is None:
        raise RecipeError(
            f"{where}: data.stream: loader {loader.name} reads all at once; leave stream out, or choose another loader"
        )

    def pieces() -> Iterator[ExampleSet]:
        with guard("data loader", loader.name):
            for piece in stream(config, reference, recipe.seed, root):
                examples = _check_examples(loader, piece)
                if not examples.is_complete:
                    raise RecipeError(
                        f"{where}: data.loader {loader.name} gives positives only, and negatives can't be drawn for "
                        "streamed data; leave stream out, or write them once with zoo negatives and load both"
                    )
                yield examples

    work_folder.mkdir(parents=True, exist_ok=True)
    return write_store(work_folder / STORE_FILE, cleaned(pieces()))


def _find_loader(
    choice: DataChoice, plugins: Plugins, reference: Reference | None, where: str
) -> tuple[DataLoader, Config]:
    loader = plugins.data_loader(choice.loader)
    if loader.needs_reference and reference is None:
        raise RecipeError(f"{where}: data.reference is missing: loader {loader.name} cuts its sequences from a genome")
    return loader, validate(loader.config, choice.config, f"{where}: data.config", RecipeError)


def _check_examples(loader: DataLoader, examples: Any) -> ExampleSet:
    if not isinstance(examples, ExampleSet):
        raise PluginError(f"data loader {loader.name!r} returned a {type(examples).__name__}; expected an ExampleSet")
    return examples


def _describe(examples: Examples, *, stratified: bool) -> SplitBasis:
    hashes = np.concatenate([hash_examples(piece) for piece in examples.pieces()])
    strata = None
    if stratified:
        rows = np.concatenate([np.nan_to_num(targets.reshape(len(targets), -1), nan=-1.0)
                               for targets in _list_targets(examples)])  # fmt: skip
        strata = np.unique(rows, axis=0, return_inverse=True)[1].reshape(-1)
    return SplitBasis(hashes, examples.groups, examples.ids, strata)


def _list_targets(examples: Examples, rows: Rows | None = None) -> Iterator[Targets]:
    """Yield the targets piece by piece: all of them, or those of some rows."""
    first = 0
    for piece in examples.pieces():
        if piece.targets is not None:
            yield piece.targets if rows is None else piece.targets[_within(rows, first, len(piece))]
        first += len(piece)


def _within(rows: Rows, first: int, count: int) -> Rows:
    """Return where ascending rows stand in a piece of ``count`` that starts at ``first``."""
    low, high = np.searchsorted(rows, (first, first + count))
    return rows[low:high] - first


def _choose_baseline(
    recipe: Recipe, plugins: Plugins, task: Task, examples: Examples, where: str
) -> tuple[Architecture, Config] | None:
    name = recipe.baseline.name
    if name == "auto":
        if task.output.bins is not None or not examples.length:
            return None
        name = "kmer_logistic" if task.classes else "kmer_ridge"
    if name == "none":
        return None
    baseline = plugins.architecture(name)
    if baseline.fit_weights is None:
        raise RecipeError(
            f"{where}: baseline.name {name}: expected an architecture that solves for its weights, such as "
            "kmer_logistic, or none"
        )
    return baseline, validate(baseline.config, recipe.baseline.config, f"{where}: baseline.config", RecipeError)
