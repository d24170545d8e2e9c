"""A recipe, ``recipe.yaml``: everything that a training run needs to be repeated."""

from __future__ import annotations

import hashlib
import types
import typing
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar, Union

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from zoo.errors import DataError, RecipeError, near_match
from zoo.model.card import Activation, Genome, Name, ScorerChoice, Sha256, Strand, Text, Track, Version

Model = TypeVar("Model", bound=BaseModel)
LeakPolicy = Literal["error", "drop", "keep"]


class _Document(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class SourceFile(_Document):
    """A file of the data, relative to the data root; where ``sha256`` is given the file must have it."""

    path: Text
    url: str = ""
    sha256: Sha256 | None = None


class DataChoice(_Document):
    loader: Text
    config: dict[str, Any] = Field(default_factory=dict)
    sources: tuple[SourceFile, ...] = ()


class _Split(_Document):
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


class OutputChoice(_Document):
    """The network's output.

    Args:
        activation: ``softmax`` over one target of two classes gives two tracks, its absence and its presence.
        tracks: What the card says of each; by default the loader's names, with the recipe's assay and biosample.
    """

    name: Text = "prediction"
    activation: Activation = "sigmoid"
    unit: Text = "probability"
    tracks: tuple[Track, ...] | None = None


class ArchitectureConfig(_Document):
    name: Text
    config: dict[str, Any] = Field(default_factory=dict)


class WindowChoice(_Document):
    """``anchor``: where the first REF base of a variant stands, 0-based; by default half the length, rounded down."""

    anchor: int | None = Field(default=None, ge=0)


class TrainingChoice(_Document):
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


class Recipe(_Document):
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
    architecture: ArchitectureConfig
    training: TrainingChoice = TrainingChoice()
    window: WindowChoice = WindowChoice()
    strand: Strand = Strand()
    scorer: ScorerChoice = ScorerChoice()
    seed: int = Field(ge=0, lt=2**31)


def read_recipe(path: Path) -> Recipe:
    """Read and check a recipe.

    Raises:
        RecipeError: The file is missing, no YAML, or a field is missing, unknown or wrong; the message names it.
    """
    try:
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise RecipeError(f"{path}: the recipe can't be read: {error}") from error
    except yaml.YAMLError as error:
        raise RecipeError(f"{path}: expected YAML: {' '.join(str(error).split())}") from error
    if not isinstance(document, dict):
        raise RecipeError(f"{path}: expected a mapping of fields, found {type(document).__name__}")
    return validate(Recipe, document, str(path))


def validate(schema: type[Model], document: Mapping[str, Any], where: str) -> Model:
    """Return the document as ``schema``; ``where`` names the file, and the field if the document is inside one.

    Raises:
        RecipeError: The first fault, in one line, with a near match for an unknown field.
    """
    try:
        return schema.model_validate(document)
    except ValidationError as error:
        raise RecipeError(f"{where}: {_describe(schema, error)}") from error


def check_sources(data: DataChoice, data_root: Path) -> tuple[SourceFile, ...]:
    """Return every file that the data are read from, with its digest.

    Files that the loader's config names count, listed among the sources or not.

    Raises:
        DataError: A file is missing, or is not the one that the recipe was written for.
    """
    listed = {source.path for source in data.sources}
    named = [value for value in data.config.values() if isinstance(value, str) and (data_root / value).is_file()]
    sources = (*data.sources, *(SourceFile(path=name) for name in dict.fromkeys(named) if name not in listed))
    checked = []
    for source in sources:
        path = data_root / source.path
        try:
            with path.open("rb") as handle:
                found = hashlib.file_digest(handle, "sha256").hexdigest()
        except OSError as error:
            raise DataError(
                f"{path}: can't be read ({error.strerror}); paths in a recipe start at the data root {data_root}"
            ) from error
        if source.sha256 is not None and found != source.sha256:
            raise DataError(f"{path}: expected sha256 {source.sha256}, found {found}; it is not the recipe's file")
        checked.append(source.model_copy(update={"sha256": found}))
    return tuple(checked)


def _describe(schema: type[BaseModel], error: ValidationError) -> str:
    # A misspelt field is missing under its right name too: the misspelling tells more.
    first = min(error.errors(include_url=False), key=lambda item: item["type"] != "extra_forbidden")
    more = f" (and {error.error_count() - 1} more)" if error.error_count() > 1 else ""
    fields, path = _walk(schema, first["loc"])
    name = ".".join(path)
    if first["type"] == "extra_forbidden":
        return f"unknown field {name!r}{near_match(path[-1], fields)}{more}"
    if first["type"] == "missing":
        return f"field {name!r} is missing{more}"
    if first["type"] == "union_tag_invalid":
        tag, tags = first["ctx"]["tag"], first["ctx"]["expected_tags"].replace("'", "").split(", ")
        return f"field '{name}.method': unknown method {tag!r}{near_match(tag, tags)}{more}"
    if first["type"] == "union_tag_not_found":
        return f"field '{name}.method' is missing{more}"
    prefix = f"field {name!r}: " if name else ""
    found = "" if isinstance(first["input"], Mapping) else f", found {first['input']!r}"
    return f"{prefix}{first['msg'].removeprefix('Value error, ')}{found}{more}"


def _walk(schema: type[BaseModel], location: tuple[int | str, ...]) -> tuple[list[str], list[str]]:
    """Return the fields known where an error stands, and its path without the tags of unions."""
    models: list[type[BaseModel]] = [schema]
    path: list[str] = []
    for index, part in enumerate(location):
        fields = {name: field.annotation for model in models for name, field in model.model_fields.items()}
        if isinstance(part, str) and path and part not in fields and len(models) > 1:
            tagged = [model for model in models if part in typing.get_args(model.model_fields["method"].annotation)]
            if tagged:
                models = tagged
                continue
        path.append(str(part))
        if index == len(location) - 1:
            return list(fields), path
        if isinstance(part, str) and part in fields:
            models = _models_of(fields[part])
    return [], path


def _models_of(annotation: Any) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    if typing.get_origin(annotation) in {Union, types.UnionType, tuple, list, Annotated}:
        return [model for part in typing.get_args(annotation) for model in _models_of(part)]
    return []
