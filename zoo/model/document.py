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
from zoo.model.limits import REGISTRY_BYTES, REGISTRY_NODES, read_bounded

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


_LONGEST_NUMBER = 64  # letters; of what is longer and has a colon, it may be a date, which has colons too
_TEXT = "tag:yaml.org,2002:str"
_NUMBERS = ("tag:yaml.org,2002:int", "tag:yaml.org,2002:float")


class _CountsByTens:
    """Takes nothing with a colon for a number, as YAML 1.1 does: "1:30" would be 90, and a long one take hours."""

    def resolve(self, kind: type[yaml.Node], value: str, implicit: tuple[bool, bool]) -> Any:
        if value and len(value) > _LONGEST_NUMBER and ":" in value:  # looking at it would take 80 times its size
            return _TEXT
        tag = super().resolve(kind, value, implicit)  # type: ignore[misc]  # a loader stands behind it
        return _TEXT if tag in _NUMBERS and ":" in value else tag

    def construct_number(self, node: yaml.ScalarNode) -> Any:
        """Return what a tag says is a number, however it is written."""
        text = node.value if isinstance(node.value, str) else ""
        if ":" in text:
            raise yaml.constructor.ConstructorError(None, None, "expected a number without ':'", node.start_mark)
        if len(text) > _LONGEST_NUMBER:  # Python neither shows nor compares each number that it can read
            asked = f"expected a number of at most {_LONGEST_NUMBER} letters, found {len(text):,}"
            raise yaml.constructor.ConstructorError(None, None, asked, node.start_mark)
        loader: Any = self
        return loader.construct_yaml_int(node) if node.tag == _NUMBERS[0] else loader.construct_yaml_float(node)


class _Loader(_CountsByTens, _RefusesTwice, getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]  # a class of C
    """Reads in C where it can, on whose stack a text that is nested deep enough would end the process."""


for _tag in _NUMBERS:
    _Loader.add_constructor(_tag, _Loader.construct_number)

_SHOWN = 200  # letters of a value or a key that a message repeats
_LEVELS = 100  # that the stack of C bears many times
_STARTS = (yaml.MappingStartEvent, yaml.SequenceStartEvent)
_ENDS = (yaml.MappingEndEvent, yaml.SequenceEndEvent)


def _check_structure(text: str, nodes: int, *, aliases: bool) -> None:
    """Refuse a text that is small to read and large to build, before anything of it is built; a tenth of the time.

    Raises:
        ValueError: It is nested deep, has very many values, or repeats some by their name.
        yaml.YAMLError: It is no YAML.
    """
    loader = _Loader(text)
    levels = found = 0
    try:
        while loader.check_event():
            event = type(loader.get_event())
            if event in _STARTS:
                levels += 1
                if levels > _LEVELS:
                    raise ValueError("expected YAML of few levels, found a text nested too deep")
            elif event in _ENDS:
                levels -= 1
            elif event is yaml.AliasEvent and not aliases:
                raise ValueError("expected every value written out, found an alias ('*')")
            found += 1
            if found > nodes:
                raise ValueError(f"expected at most {nodes:,} values, found more")
    finally:
        loader.dispose()


def read_document(
    path: Path,
    schema: type[Schema],
    error_class: type[ZooError],
    *,
    limit: int = REGISTRY_BYTES,
    nodes: int = REGISTRY_NODES,
    aliases: bool = False,
) -> Schema:
    """Read and check a YAML file.

    Args:
        path: The file.
        schema: What it must hold.
        error_class: What is raised.
        limit: The most bytes that it may have.
        nodes: The most values, as ``parse_document`` counts them.
        aliases: Allow values that stand for others; a few lines of them can stand for gigabytes.

    Raises:
        ZooError: As ``error_class``: the file is missing, too large, no YAML, or a field is missing, unknown or wrong.
    """
    text = read_text(path, error_class, limit)
    return parse_document(text, schema, path, error_class, nodes=nodes, aliases=aliases)


def read_text(path: Path, error_class: type[ZooError], limit: int = REGISTRY_BYTES) -> str:
    """Return the text of a file, its line ends as they are; raises as ``read_document``."""
    content = read_bounded(path, limit, error_class)
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as error:
        raise error_class(f"{path}: expected text, found bytes that are none ({error.reason})") from error


def parse_document(
    text: str,
    schema: type[Schema],
    path: Path | str,
    error_class: type[ZooError],
    *,
    nodes: int = REGISTRY_NODES,
    aliases: bool = False,
) -> Schema:
    """Check YAML that was read from ``path``, or from an address; raises as ``read_document``.

    ``nodes`` are its scalars, and two for each list and mapping.
    """
    try:
        _check_structure(text, nodes, aliases=aliases)
    except ValueError as error:
        raise error_class(f"{path}: {' '.join(str(error).split())}") from error
    except yaml.YAMLError as error:
        raise error_class(f"{path}: expected YAML: {' '.join(str(error).split())}") from error
    try:
        document = _Loader(text).get_single_data()
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
    found = "" if isinstance(first["input"], Mapping) else f", found {_shorten(repr(first['input']))}"
    message = first["msg"].removeprefix("Value error, ").replace("a valid tuple", "a list")
    return f"{prefix}{message}{found}{more}"


def _shorten(text: str) -> str:
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"


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
        path.append(_shorten(str(part)))
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
