"""A registry as it is searched: through its index, which is made where it is missing or of an earlier registry."""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Iterable
from functools import cached_property
from pathlib import Path
from typing import Any

from zoo.errors import ModelError, OutputError, UnknownModel, near_match
from zoo.model.document import read_text, validate
from zoo.places import cache_folder
from zoo.registry.index import Entry, Listing
from zoo.registry.index_file import Lines, build_index, is_index_of, name_index
from zoo.registry.query import FIELDS, Criterion, Query, choose_needle, has_sort, list_criteria, sort_rows
from zoo.registry.writing import write_whole

__all__ = ["Catalogue", "Query", "build_index"]

_SMALL = 1 << 16
"""Bytes of a registry, some 150 models, that is read in less time than a kept index is worth."""

_FEW = 1000
"""Names that are all compared with a misspelt one; of more only the likely ones are."""

_LIKELY = 50


class Catalogue:
    """The models of one registry, found by name and by what they are. Nothing is read before it is asked.

    Args:
        path: The registry. Its index stands beside it; else a copy is kept in the user's cache, and if that can't be
            written, in memory.
        where: What messages call it.
    """

    def __init__(self, path: Path, where: str = "") -> None:
        self.path = path
        self.where = where or str(path)

    def find(self, name: str) -> Listing:
        """Return the model that ``name``, ``name@version`` or ``name@alias`` stands for.

        Raises:
            UnknownModel: There is no such model, no such version, or a bare name whose versions are all withdrawn.
            ModelError: The registry can't be read.
        """
        base = name.partition("@")[0]
        versions = self._lines.find(base)
        if versions is None:
            raise UnknownModel(f"no model {base!r} in {self.where}{self.near(base)}")
        return versions.find(name)

    def near(self, name: str) -> str:
        """Return what else a name may have meant, as the end of a message."""
        return _find_near(name, self._lines.list_names())

    def search(self, query: Query) -> list[Listing]:
        """Return the models that are what is asked, by name or as ``query.sort`` says.

        Raises:
            UnknownModel: No model of the registry, whatever its other fields, has such a word or metric.
            ModelError: The registry can't be read.
        """
        return [_make_listing(row, self.where) for row in self.list_rows(query)]

    def list_rows(self, query: Query, *, shown: bool = False) -> list[dict[str, Any]]:
        """Return what ``search`` finds as the rows of the index, whose empty fields are left out: ten times as fast.

        Args:
            query: What is asked.
            shown: Leave out what a list does not show, such as digests.
        """
        criteria = list_criteria(query)
        lines = self._lines.select(choose_needle(criteria))
        if not query.every:
            lines = [line for line in lines if b'"latest":true' in line]
        rows = self._lines.read(lines, shown=shown and not criteria)
        rows = [row for row in rows if query.every or row.get("latest") is True]
        found = [row for row in rows if all(criterion.admits(row) for criterion in criteria)]
        if not found:
            for criterion in criteria:
                self._check_known(criterion)
        if not query.sort:
            return found
        if not has_sort(found, query.sort) and query.sort not in (known := self.list_metrics()):
            raise UnknownModel(f"no model in {self.where} has the metric {query.sort!r}{near_match(query.sort, known)}")
        return sort_rows(found, query.sort)

    def list_metrics(self) -> set[str]:
        """Return the names of all metrics that a model of the registry has."""
        return self._lines.list_metrics()

    def list_names(self) -> list[str]:
        """Return the name of every model."""
        return self._lines.list_names()

    def lists(self, name: str) -> bool:
        """Return whether there is a model of this name, in whatever version."""
        return self._lines.find(name) is not None

    @cached_property
    def _lines(self) -> Lines:
        text = read_text(self.path, ModelError)
        registry = text.encode()
        beside = name_index(self.path)
        content = _read_index(beside, registry)
        if content is not None:
            return Lines(content, str(beside))
        if len(registry) < _SMALL:
            return Lines(build_index(text, where=self.where), self.where)
        kept = _find_kept(self.path)
        content = None if kept is None else _read_index(kept, registry)
        if content is None:
            content = build_index(text, where=self.where)
            if kept is not None:
                # One that can't be kept is made again next time.
                with contextlib.suppress(OSError, OutputError):
                    kept.parent.mkdir(parents=True, exist_ok=True)
                    write_whole(kept, content)
        return Lines(content, str(kept or self.where))

    def _check_known(self, criterion: Criterion) -> None:
        """Refuse what stands nowhere in the registry: it is misspelt."""
        rows = self._lines.read(self._lines.select(criterion.needle))
        if any(criterion.admits(row) for row in rows):
            return
        what = "the text" if criterion.label == "text" else criterion.label
        fields = criterion.fields if criterion.label == "text" else FIELDS[criterion.label]
        known = {value for field in fields if field != "name" for value in self._lines.list_values(field)}
        if criterion.label == "text":
            known = {word for value in known for word in value.split()} | set(self._lines.list_names())
        raise UnknownModel(
            f"no model in {self.where} has {what} {criterion.asked!r}{_find_near(criterion.asked, known)}"
        )


def _make_listing(row: dict[str, Any], where: str) -> Listing:
    fields = {field: value for field, value in row.items() if field not in {"name", "version", "latest", "aliases"}}
    place = f"{where}: models.{row['name']}.versions.{row['version']}"
    return Listing(row["name"], row["version"], row.get("latest") is True, validate(Entry, fields, place, ModelError))


def _read_index(path: Path, registry: bytes) -> bytes | None:
    try:
        content = path.read_bytes()
    except OSError:
        return None
    return content if is_index_of(content, registry) else None


def _find_kept(path: Path) -> Path | None:
    """Return where the index of a registry is kept that has none beside it: one file, however often it changes."""
    try:
        folder = cache_folder() / "indexes"
    except OutputError:
        return None
    return folder / f"{hashlib.sha256(str(path.resolve()).encode()).hexdigest()}.jsonl"


def _find_near(name: str, known: Iterable[str]) -> str:
    """Return a near match; among many names it is looked for where most letters in a row are the same."""
    names = sorted(set(known))
    if len(names) <= _FEW:
        return near_match(name, names)
    small = name.casefold()
    pieces = {small[start : start + 3] for start in range(max(1, len(small) - 2))}
    scored = [(sum(map(other.casefold().__contains__, pieces)), other) for other in names]
    likely = sorted((item for item in scored if item[0]), key=lambda item: (-item[0], item[1]))[:_LIKELY]
    found = near_match(name, [other for _, other in likely]) if likely else ""
    return found if "did you mean" in found else f"; there are {len(names):,}: see `zoo list TEXT`"
