"""What ``zoo tune`` searches: the ranges of a recipe, checked before anything is loaded, and drawn from."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Protocol

import yaml
from pydantic import BaseModel, ValidationError

from zoo.errors import PluginError, RecipeError, near_match
from zoo.model.document import describe_validation_error, validate
from zoo.plugins import Plugins
from zoo.training.choices import Range
from zoo.training.recipe import Recipe
from zoo.training.rewrite import place

SEARCHABLE = ("architecture", "data", "negatives", "output", "strand", "training")
"""The blocks of a recipe that a search may change; the others name the model, or say what it is judged by."""

EXAMPLE = "tune: {training.learning_rate: {low: 1.0e-4, high: 1.0e-1, log: true}}"

_OF_LOSS = ("training.loss", "training.count_weight", "output.activation")
_DIGITS = 4
"""Of a number that was drawn: enough to tell two apart, and few enough to be read."""

Document = Mapping[str, Any]


class Draws(Protocol):
    """The part of an Optuna trial that gives values."""

    def suggest_float(self, name: str, low: float, high: float, *, log: bool = False) -> float: ...

    def suggest_int(self, name: str, low: int, high: int, *, log: bool = False) -> int: ...

    def suggest_categorical(self, name: str, choices: list[int]) -> Any: ...


def check_ranges(recipe: Recipe, document: Document, plugins: Plugins, path: Path) -> None:
    """Check that every range names a field, and that the field takes its ends, or each of its choices.

    ``document`` is the recipe as it was read. Whether values fit each other is for the trials to find.

    Raises:
        RecipeError: There is no range; or one names no field, or one that can't be searched, or asks for values that
            the field does not take.
    """
    where = f"{path}: tune"
    if not recipe.tune:
        raise RecipeError(f"{where} is missing: expected the ranges to search, such as {EXAMPLE}")
    for field, limits in recipe.tune.items():
        _check_field(field, recipe, where)
        _check_limits(field, limits, where)
    first = {field: _list_ends(limits)[0] for field, limits in recipe.tune.items()}
    _try(document, first, plugins, where)
    for field, limits in recipe.tune.items():
        for value in _list_ends(limits)[1:]:
            _try(document, {**first, field: value}, plugins, where)


def draw(trial: Draws, ranges: Mapping[str, Range], own: Mapping[str, Any]) -> dict[str, Any]:
    """Return a value for each field; ``own`` are those that the recipe has, which are kept to the last digit."""
    values: dict[str, Any] = {}
    for field, limits in ranges.items():
        if limits.choices:
            values[field] = limits.choices[trial.suggest_categorical(field, list(range(len(limits.choices))))]
            continue
        low, high = _bounds(limits)
        if limits.integer:
            values[field] = trial.suggest_int(field, int(low), int(high), log=limits.log)
            continue
        drawn = trial.suggest_float(field, low, high, log=limits.log)
        short = min(max(float(f"{drawn:.{_DIGITS}g}"), low), high)
        values[field] = drawn if drawn == own.get(field) else short
    return values


def find_own(recipe: Recipe, plugins: Plugins, path: Path) -> dict[str, Any]:
    """Return the recipe's own values of the fields that are searched, defaults too, where it has any."""
    whole = recipe.model_dump(mode="json")
    for name, schema in (
        ("architecture", plugins.architecture(recipe.architecture.name).config),
        ("data", plugins.data_loader(recipe.data.loader).config),
    ):
        config = validate(schema, whole[name]["config"], f"{path}: {name}.config", RecipeError)
        whole[name]["config"] = config.model_dump(mode="json")
    own = {}
    for field in recipe.tune:
        value: Any = whole
        for key in field.split("."):
            if isinstance(value, list):
                value = value[int(key)] if int(key) < len(value) else None
            else:
                value = value.get(key) if isinstance(value, dict) else None
        if value is not None:
            own[field] = value
    return own


def name_own(ranges: Mapping[str, Range], own: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return the recipe's own values as an Optuna trial holds them; None where one lies outside its range."""
    named: dict[str, Any] = {}
    for field, limits in ranges.items():
        value = own.get(field)
        if limits.choices:
            if value not in limits.choices:
                return None
            named[field] = limits.choices.index(value)
            continue
        low, high = _bounds(limits)
        if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
            return None
        named[field] = value
    return named


def _check_field(field: str, recipe: Recipe, where: str) -> None:
    block = field.partition(".")[0]
    if block not in SEARCHABLE:
        known = "can't be searched" if block in Recipe.model_fields else "is no field of a recipe"
        raise RecipeError(f"{where}: {field!r} {known}{near_match(block, SEARCHABLE)}")
    if field in {"training", "training.monitor"}:
        raise RecipeError(f"{where}: {field!r} can't be searched: trials are compared by training.monitor")
    if field in _OF_LOSS and recipe.training.monitor == "loss":
        raise RecipeError(
            f"{where}: {field!r} changes what the loss is, by which trials are compared; set training.monitor to a "
            "metric: auroc, auprc or pearson"
        )
    for other in recipe.tune:
        if field.startswith(f"{other}."):
            raise RecipeError(f"{where}: {field!r} lies inside {other!r}; search one of them")


def _check_limits(field: str, limits: Range, where: str) -> None:
    if limits.choices or not limits.integer:
        return
    for end in _bounds(limits):
        if not end.is_integer():
            raise RecipeError(f"{where}: {field!r}: integer needs whole numbers, found {end:g}")


def _list_ends(limits: Range) -> list[Any]:
    """Return each choice, or both ends and a number between them that is not whole."""
    if limits.choices:
        return list(limits.choices)
    low, high = _bounds(limits)
    if limits.integer:
        return [int(low), int(high)]
    return [low, high, low + (high - low) * 0.382]


def _bounds(limits: Range) -> tuple[float, float]:
    assert limits.low is not None  # noqa: S101 - a range without choices has both
    assert limits.high is not None  # noqa: S101 - likewise
    return limits.low, limits.high


def _try(document: Document, values: Mapping[str, Any], plugins: Plugins, where: str) -> None:
    """Check each field of the recipe with these values; how they go together is left to the trial."""
    try:
        changed = place(document, values)
        _check_schema(Recipe, changed, "")
        for name, schema, config in _list_configs(changed, plugins):
            _check_schema(schema, config, f"{name}.config: ")
    except (RecipeError, PluginError) as error:
        raise RecipeError(f"{where}: {error}") from error


def _list_configs(document: Document, plugins: Plugins) -> Iterator[tuple[str, type[BaseModel], Any]]:
    architecture = document["architecture"]
    yield "architecture", plugins.architecture(architecture["name"]).config, architecture.get("config", {})
    negatives = document.get("negatives", ())
    loaders = [("data", document["data"])]
    for number, choice in enumerate(negatives):
        loaders += [(f"negatives.{number}.data.{index}", data) for index, data in enumerate(choice.get("data", ()))]
    for name, data in loaders:
        yield name, plugins.data_loader(data["loader"]).config, data.get("config", {})


def _check_schema(schema: type[BaseModel], document: Any, prefix: str) -> None:
    try:
        schema.model_validate(document)
    except ValidationError as error:
        faults = {item["type"]: item for item in error.errors(include_url=False)}
        if set(faults) == {"value_error"}:
            return  # two fields that do not go together: another trial's may
        if "int_from_float" in faults:
            field = ".".join(map(str, faults["int_from_float"]["loc"]))
            raise RecipeError(f"{prefix}field {field!r} takes whole numbers; integer: true draws them") from error
        raise RecipeError(f"{prefix}{describe_validation_error(error, schema)}") from error


def read_fields(text: str) -> dict[str, Any]:
    """Return the recipe's fields as they are written, without defaults, and without the ranges."""
    return {key: value for key, value in yaml.safe_load(text).items() if key != "tune"}
