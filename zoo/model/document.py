"""Documents that cross the border, as YAML: read, checked against a schema, and every fault told in one line."""

from __future__ import annotations

import types
import typing
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar, Union

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError

from zoo.errors import ZooError, near_match

Schema = TypeVar("Schema", bound=BaseModel)


class Document(BaseModel):
    """The base of every document and its parts: no unknown field, no infinite number, no change after it was read."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class _RefusesTwice:
    """Refuses a field that stands twice, of which YAML's own loaders would take the last."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:  # noqa: FBT001, FBT002 - PyYAML's signature
        seen = set()
        for key, _ in node.value:
            if isinstance(key, yaml.ScalarNode) and key.value in seen and key.value != "<<":
                raise yaml.constructor.ConstructorError(None, None, f"field {key.value!r} stands twice", key.start_mark)
            seen.add(key.value if isinstance(key, yaml.ScalarNode) else id(key))
        found: dict[Any, Any] = super().construct_mapping(node, deep)  # type: ignore[misc]  # a loader stands behind it
        return found


class _Loader(_RefusesTwice, yaml.SafeLoader):
    """Reads anything, ten times as slowly."""


class _FastLoader(_RefusesTwice, getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]  # a class of C
    """Reads in C, on whose stack a text that is nested deep enough would end the process."""


_LEVELS = 500  # that the stack of C bears many times


def _choose_loader(text: str) -> type[_Loader | _FastLoader]:
    """Return the fast loader for a text that can't be nested deep: each level takes a bracket, a mark or a column."""
    brackets = text.count("[") + text.count("{")
    marks = max((len(line) - len(line.lstrip()) + sum(map(line.count, "-?:")) for line in text.split("\n")), default=0)
    return _FastLoader if brackets + marks < _LEVELS else _Loader


def read_document(path: Path, schema: type[Schema], error_class: type[ZooError]) -> Schema:
    """Read and check a YAML file.

    Raises:
        ZooError: As ``error_class``: the file is missing, no YAML, or a field is missing, unknown or wrong.
    """
    return parse_document(read_text(path, error_class), schema, path, error_class)


def read_text(path: Path, error_class: type[ZooError]) -> str:
    """Return the text of a file, its line ends as they are; raises as ``read_document``."""
    try:
        return path.read_bytes().decode("utf-8")
    except OSError as error:
        raise error_class(f"{path}: can't be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise error_class(f"{path}: expected text, found bytes that are none ({error.reason})") from error


def parse_document(text: str, schema: type[Schema], path: Path, error_class: type[ZooError]) -> Schema:
    """Check YAML that was read from ``path``; raises as ``read_document``."""
    try:
        document = _choose_loader(text)(text).get_single_data()
    except yaml.YAMLError as error:
        raise error_class(f"{path}: expected YAML: {' '.join(str(error).split())}") from error
    except RecursionError as error:
        raise error_class(f"{path}: expected YAML of few levels, found a text nested too deep") from error
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
        # What stands for a date, a number or the like, and is none: PyYAML lets through what Python says of it.
        reason = " ".join(str(error).split())[:200] or type(error).__name__
        raise error_class(f"{path}: expected YAML, found a value that can't be read: {reason}") from error
    if not isinstance(document, dict):
        raise error_class(f"{path}: expected a mapping of fields, found {type(document).__name__}")
    return validate(schema, document, str(path), error_class)


def validate(schema: type[Schema], document: Mapping[str, Any], where: str, error_class: type[ZooError]) -> Schema:
    """Return the document as ``schema``; ``where`` names the file, and the field if the document is inside one.

    Raises:
        ZooError: As ``error_class``: the first fault, in one line.
    """
    try:
        return schema.model_validate(document)
    except ValidationError as error:
        raise error_class(f"{where}: {describe_validation_error(error, schema)}") from error


def describe_validation_error(error: ValidationError, schema: type[BaseModel]) -> str:
    """Return the first fault of a document in one line, with its field, and a near match for an unknown one."""
    # A misspelt field is missing under its right name too: the misspelling tells more.
    first = min(error.errors(include_url=False), key=lambda item: item["type"] != "extra_forbidden")
    more = f" (and {error.error_count() - 1} more)" if error.error_count() > 1 else ""
    fields, path = _walk(schema, first["loc"])
    name = ".".join(path)
    if first["type"] == "extra_forbidden":
        return f"unknown field {name!r}{near_match(path[-1], fields)}{more}"
    if first["type"] == "missing":
        return f"field {name!r} is missing{more}"
    if first["type"] in {"union_tag_invalid", "union_tag_not_found"}:
        tag_field = first["ctx"]["discriminator"].strip("'")
        name = ".".join([*path, tag_field])
        if first["type"] == "union_tag_not_found":
            return f"field {name!r} is missing{more}"
        tag, tags = first["ctx"]["tag"], first["ctx"]["expected_tags"].replace("'", "").split(", ")
        return f"field {name!r}: unknown {tag_field} {tag!r}{near_match(tag, tags)}{more}"
    prefix = f"field {name!r}: " if name else ""
    found = "" if isinstance(first["input"], Mapping) else f", found {first['input']!r}"
    message = first["msg"].removeprefix("Value error, ").replace("a valid tuple", "a list")
    return f"{prefix}{message}{found}{more}"


def _walk(schema: type[BaseModel], location: tuple[int | str, ...]) -> tuple[list[str], list[str]]:
    """Return the fields known where an error stands, and its path without the tags of unions."""
    places: list[Any] = [schema]
    fields: list[str] = []
    path: list[str] = []
    for part in location:
        models = [place for place in places if isinstance(place, type) and issubclass(place, BaseModel)]
        fields = [name for model in models for name in model.model_fields]
        if len(models) > 1 and part not in fields:
            if any(part == model.__name__ for model in models):
                continue  # what pydantic calls a member of a union without discriminator: any of them may be meant
            tagged = [model for model in models if part in _tags(model)]
            if tagged:
                places = list(tagged)
                continue
        path.append(str(part))
        places = [inner for place in places for inner in _inside(place, part)]
    return fields, path


def _tags(model: type[BaseModel]) -> set[object]:
    """Return the values of a model's fields that may be the discriminator of a union."""
    kinds = [field.annotation for field in model.model_fields.values()]
    return {value for kind in kinds if typing.get_origin(kind) is Literal for value in typing.get_args(kind)}


def _inside(place: Any, part: int | str) -> list[Any]:
    """Return the types of what stands in a model, list or mapping under a field's name, number or key."""
    origin, arguments = typing.get_origin(place), typing.get_args(place)
    if isinstance(place, type) and issubclass(place, BaseModel):
        return _alternatives(place.model_fields[str(part)].annotation) if part in place.model_fields else []
    if origin in {tuple, list}:
        return [inner for argument in arguments for inner in _alternatives(argument)]
    return _alternatives(arguments[1]) if origin is dict else []


def _alternatives(annotation: Any) -> list[Any]:
    if typing.get_origin(annotation) is Annotated:
        return _alternatives(typing.get_args(annotation)[0])
    if typing.get_origin(annotation) in {Union, types.UnionType}:
        return [inner for argument in typing.get_args(annotation) for inner in _alternatives(argument)]
    return [annotation]
