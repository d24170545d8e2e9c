"""The files that a recipe's data are read from: below the data root, and the ones that it was written for."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from zoo.errors import DataError, ModelError, RecipeError
from zoo.model.checksums import hash_file
from zoo.training.choices import DataChoice, SourceFile


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
