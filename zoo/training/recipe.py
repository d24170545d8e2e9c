"""A recipe, ``recipe.yaml``: everything that a training run needs to be repeated."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field

from zoo.errors import RecipeError
from zoo.model.card import ArchitectureChoice, Genome, Name, ScorerChoice, Strand, Text, Version
from zoo.model.document import Document, parse_document, read_text, validate
from zoo.training.choices import (
    Baseline,
    DataChoice,
    NegativesChoice,
    OutputChoice,
    Range,
    SplitChoice,
    TrainingChoice,
    WindowChoice,
)
from zoo.training.rewrite import place, rewrite


class Recipe(Document):
    """A recipe, schema version 1. What identifies the model goes to its card as it stands here.

    Args:
        negatives: Drawn for the positives of a loader that gives no negatives; several make a mixture.
        tune: What ``zoo tune`` searches: the path of a field, such as ``training.learning_rate``, and its range.
    """

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
    negatives: tuple[NegativesChoice, ...] = ()
    split: SplitChoice
    output: OutputChoice = OutputChoice()
    architecture: ArchitectureChoice
    baseline: Baseline = Baseline()
    training: TrainingChoice = TrainingChoice()
    window: WindowChoice = WindowChoice()
    strand: Strand = Strand()
    scorer: ScorerChoice = ScorerChoice()
    tune: dict[str, Range] = Field(default_factory=dict)
    seed: int = Field(ge=0, lt=2**31)


def read_recipe(path: Path, seed: int | None = None, folds: int | None = None) -> tuple[Recipe, str]:
    """Read and check a recipe, and return it with its text.

    ``seed`` replaces the recipe's in both, and ``folds`` its ``split.folds``.

    Raises:
        RecipeError: The file is missing, no YAML, or a field is missing, unknown or wrong; the message names it.
    """
    text = read_text(path, RecipeError)
    recipe = parse_document(text, Recipe, path, RecipeError, aliases=True)
    values = {}
    if seed is not None and seed != recipe.seed:
        values["seed"] = seed
    if folds is not None and folds != recipe.split.folds:
        values["split.folds"] = folds
    if not values:
        return recipe, text
    options = " and ".join(f"--{field.rpartition('.')[2]}" for field in values)
    replaced = validate(Recipe, place(recipe.model_dump(), values), options, RecipeError)
    return replaced, rewrite(text, values)
