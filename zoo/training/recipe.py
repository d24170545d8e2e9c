"""A recipe, ``recipe.yaml``: everything that a training run needs to be repeated."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import Field, ValidationError, model_validator

from zoo.errors import DataError, ModelError, RecipeError
from zoo.model.card import (
    Activation,
    ArchitectureChoice,
    Genome,
    Name,
    ScorerChoice,
    Sha256,
    Strand,
    Text,
    Track,
    Version,
)
from zoo.model.checksums import hash_file
from zoo.model.document import Document, parse_document, read_text, validate

LeakPolicy = Literal["error", "drop", "keep"]


class SourceFile(Document):
    """A file of the data, relative to the data root; where ``sha256`` is given the file must have it."""

    path: Text
    url: str = ""
    sha256: Sha256 | None = None


class DataChoice(Document):
    loader: Text
    config: dict[str, Any] = Field(default_factory=dict)
    sources: tuple[SourceFile, ...] = ()


class _Split(Document):
    """``on_leak``: what becomes of a sequence, or its reverse complement, that stands in two parts.

    ``error`` stops; ``drop`` leaves it in the test part, else in the validation part, and takes it out of the other;
    ``keep`` leaves it where it is, and says so on the card.
    """

    on_leak: LeakPolicy = "error"


class GroupSplit(_Split):
    """By the contig, or the given label, of each example; what is not named is for training."""

    method: Literal["contig", "group"]
    test: tuple[str, ...] = Field(min_length=1)
    validation: tuple[str, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _apart(self) -> GroupSplit:
        both = sorted(set(self.test) & set(self.validation))
        if both:
            raise ValueError(f"{both[0]!r} is named for test and for validation")
        return self


class FractionSplit(_Split):
    """By a stable hash, at random with the recipe's seed, or at random within each class."""

    method: Literal["hash", "random", "stratified"]
    test: float = Field(default=0.1, gt=0, lt=1)
    validation: float = Field(default=0.1, gt=0, lt=1)

    @model_validator(mode="after")
    def _leaves_training(self) -> FractionSplit:
        if self.test + self.validation >= 1:
            raise ValueError(f"test {self.test} and validation {self.validation} leave nothing to train on")
        return self


SplitChoice = Annotated[GroupSplit | FractionSplit, Field(discriminator="method")]


class OutputChoice(Document):
    """The network's output.

    Args:
        activation: ``softmax`` over one target of two classes gives two tracks, its absence and its presence.
        tracks: What the card says of each; by default the loader's names, with the recipe's assay and biosample.
    """

    name: Text = "prediction"
    activation: Activation = "sigmoid"
    unit: Text = "probability"
    tracks: tuple[Track, ...] | None = None


class WindowChoice(Document):
    """``anchor``: where the first REF base of a variant stands, 0-based; by default half the length, rounded down."""

    anchor: int | None = Field(default=None, ge=0)


class TrainingChoice(Document):
    """How the weights are found.

    Args:
        loss: By default the architecture's own where it fits the output's activation, else the usual one for that.
        schedule: Of the learning rate: ``cosine`` falls to 0 over all epochs; ``plateau`` halves it when the monitored
            value has not improved for a third of ``patience``.
        warmup_epochs: Epochs over which the learning rate rises from 0.
        patience: Epochs without improvement before training stops; the best epoch's weights are kept in any case.
        keep: ``best`` keeps the weights of the best epoch and stops early; ``last`` trains all epochs and keeps the
            last one's: the better choice where the learning rate falls, weights are averaged and the validation part
            is small.
        monitor: What is best, on the validation part: the loss, or a metric, averaged over tracks.
        reverse_complement: ``random`` shows either strand of each example, ``both`` shows both in every epoch.
        label_smoothing: Targets move this far towards the middle.
        class_weights: ``balanced`` lets both classes weigh the same in the loss.
        weight_averaging: Momentum of a moving average of the weights, which is what is kept; none by default.
        clip_norm: The largest norm of each layer's gradient; none by default.
    """

    loss: Literal["binary_crossentropy", "categorical_crossentropy", "mse"] | None = None
    optimiser: Literal["adam", "adamw", "sgd", "rmsprop"] = "adam"
    learning_rate: float = Field(default=1e-3, gt=0)
    weight_decay: float = Field(default=0.0, ge=0)
    schedule: Literal["constant", "cosine", "plateau"] = "constant"
    warmup_epochs: float = Field(default=0.0, ge=0)
    batch_size: int = Field(default=64, gt=0)
    epochs: int = Field(default=50, gt=0)
    patience: int = Field(default=8, gt=0)
    keep: Literal["best", "last"] = "best"
    monitor: Literal["loss", "auroc", "auprc", "pearson"] = "loss"
    reverse_complement: Literal["none", "random", "both"] = "random"
    label_smoothing: float = Field(default=0.0, ge=0, lt=0.5)
    class_weights: Literal["none", "balanced"] = "none"
    weight_averaging: float | None = Field(default=None, gt=0, lt=1)
    clip_norm: float | None = Field(default=None, gt=0)

    @model_validator(mode="after")
    def _decay_needs_adamw(self) -> TrainingChoice:
        if self.weight_decay and self.optimiser != "adamw":
            raise ValueError(f"weight_decay needs optimiser: adamw, found {self.optimiser}")
        return self


class Recipe(Document):
    """A recipe, schema version 1. What identifies the model goes to its card as it stands here."""

    schema_version: Literal[1]
    name: Name
    version: Version
    summary: Text
    license: Text
    authors: tuple[Text, ...] = Field(min_length=1)
    citation: str = ""
    assay: Text
    biosample: str = ""
    organism: Text
    genome: Genome | None = None
    limitations: Text
    data: DataChoice
    split: SplitChoice
    output: OutputChoice = OutputChoice()
    architecture: ArchitectureChoice
    training: TrainingChoice = TrainingChoice()
    window: WindowChoice = WindowChoice()
    strand: Strand = Strand()
    scorer: ScorerChoice = ScorerChoice()
    seed: int = Field(ge=0, lt=2**31)


def read_recipe(path: Path, seed: int | None = None) -> tuple[Recipe, str]:
    """Read and check a recipe, and return it with its text; ``seed`` replaces the recipe's in both.

    Raises:
        RecipeError: The file is missing, no YAML, or a field is missing, unknown or wrong; the message names it.
    """
    text = read_text(path, RecipeError)
    recipe = parse_document(text, Recipe, path, RecipeError)
    if seed is None or seed == recipe.seed:
        return recipe, text
    replaced = validate(Recipe, {**recipe.model_dump(), "seed": seed}, "--seed", RecipeError)
    return replaced, _replace_seed(text, replaced)


def check_sources(data: DataChoice, data_root: Path, where: str) -> tuple[SourceFile, ...]:
    """Return every file that the data are read from, with its digest.

    Files that the loader's config names, at any depth, count, listed among the sources or not. ``where`` names the
    recipe in messages.

    Raises:
        RecipeError: A path is absolute, or leaves the data root.
        DataError: A file is missing, or is not the one that the recipe was written for.
    """
    for number, source in enumerate(data.sources):
        _check_inside(source.path, data_root, f"{where}: field 'data.sources.{number}.path'")
    listed = {source.path: source for source in data.sources}
    for field, name in _walk_texts(data.config, "data.config"):
        if _is_file(data_root / name):
            _check_inside(name, data_root, f"{where}: field {field!r}")
            listed.setdefault(name, SourceFile(path=name))
    return tuple(_hash_source(source, data_root) for source in listed.values())


def _replace_seed(text: str, recipe: Recipe) -> str:
    """Return the text with the recipe's seed in place of its own: comments and layout stay where they can."""
    document: Any = yaml.compose(text, yaml.SafeLoader)
    for key, value in document.value:
        if key.value == "seed":
            changed = f"{text[: value.start_mark.index]}{recipe.seed}{text[value.end_mark.index :]}"
            if _says(changed, recipe):
                return changed
    # The seed shares an anchor with something else, or comes by a merge.
    return yaml.safe_dump({**yaml.safe_load(text), "seed": recipe.seed}, sort_keys=False, allow_unicode=True)


def _says(text: str, recipe: Recipe) -> bool:
    try:
        return Recipe.model_validate(yaml.safe_load(text)) == recipe
    except (yaml.YAMLError, ValidationError):
        return False


def _hash_source(source: SourceFile, data_root: Path) -> SourceFile:
    path = data_root / source.path
    try:
        found = hash_file(path)
    except ModelError as error:
        raise DataError(f"{error}; paths in a recipe start at the data root {data_root}") from error
    if source.sha256 is not None and found != source.sha256:
        raise DataError(f"{path}: expected sha256 {source.sha256}, found {found}; it is not the recipe's file")
    return source.model_copy(update={"sha256": found})


def _check_inside(name: str, data_root: Path, where: str) -> None:
    # By its letters alone: a link below the data root may lead anywhere.
    if Path(name).is_absolute() or Path(os.path.normpath(name)).parts[:1] == (os.pardir,):
        raise RecipeError(
            f"{where}: expected a path below the data root {data_root}, found {name!r}; "
            "give it relative to --data-root, so that the recipe works elsewhere"
        )


def _walk_texts(value: Any, field: str) -> Iterator[tuple[str, str]]:
    """Yield every text in a document with the path of its field."""
    if isinstance(value, str):
        yield field, value
    elif isinstance(value, Mapping):
        for key, inner in value.items():
            yield from _walk_texts(inner, f"{field}.{key}")
    elif isinstance(value, list | tuple):
        for number, inner in enumerate(value):
            yield from _walk_texts(inner, f"{field}.{number}")


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except (OSError, ValueError):
        return False  # too long for a name, or with a character that none can hold: a text of another kind
