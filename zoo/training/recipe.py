"""A recipe, ``recipe.yaml``: everything that a training run needs to be repeated."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import Field, ValidationError

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
