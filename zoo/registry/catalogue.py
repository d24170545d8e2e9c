"""A registry as it is searched: through its index, which is made where it is missing or of an earlier registry."""

from __future__ import annotations

import contextlib
import hashlib
import heapq
import os
import shutil
from collections import Counter
from collections.abc import Iterable, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

from zoo.errors import ModelError, OutputError, UnknownModel, near_match
from zoo.model.checksums import hash_file
from zoo.model.document import read_text, validate
from zoo.model.limits import REGISTRY_BYTES
from zoo.places import cache_folder
from zoo.registry.blocks import find_block
from zoo.registry.index import NEWEST_SCHEMA, Entry, Listing, Versions
from zoo.registry.index_file import PLACE, Lines, build_index, is_index_of, is_index_with, name_index
from zoo.registry.query import Criterion, Query, check_sort, choose_needle, list_criteria, list_terms, sort_rows
from zoo.registry.stores.files import write_whole
from zoo.registry.writing import find_versions

__all__ = ["Catalogue", "Query", "build_index"]

_SMALL = 1 << 16
"""Bytes of a registry, some 100 models, that is read in less time than a kept index is worth."""

_FEW = 1000
"""Names that are compared with a misspelt one; of more only the likely ones are."""

_ALONE = f"schema_version: {NEWEST_SCHEMA}\nmodels:\n"
_SHORT = 6  # letters of a name of which three in a row may well all be misspelt
_MEANT = "did you mean"
_MOST_MEANT = 5  # names that a message holds
_LEAST = 4  # letters of a word of a summary that may have been meant


class Catalogue:
    """The models of one registry, found by name and by what they are. Nothing is read before it is asked.

    Args:
        path: The registry. If its index does not stand beside it, one is kept in the user's cache, or in memory where
            that can't be written.
        where: What messages call it.
    """

    def __init__(self, path: Path, where: str = "") -> None:
        self.path = path
        self.where = where or str(path)

    def find(self, name: str) -> Listing:
        """Return the model that ``name``, ``name@version`` or ``name@alias`` stands for.

        Raises:
            UnknownModel: There is no such model, no such version, or a bare name whose versions are all withdrawn.
            ModelError: The registry can't be read, or the index beside it says something else of the model.
        """
        base = name.partition("@")[0]
        versions = self._lines.find(base)
        if versions is None:
            raise UnknownModel(f"no model {base!r} in {self.where}{self.near(base)}")
        if self._lines.where == str(name_index(self.path)):  # somebody else may have made it
            self._check_listed(base, versions)
        return versions.find(name)

    def lists(self, name: str) -> bool:
        """Return whether there is a model of this name, in whatever version."""
        return self._lines.holds(name)

    def near(self, name: str) -> str:
        """Return what else a name may have meant, as the end of a message."""
        return find_near_name(name, self.list_names())

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
            shown: Leave out what the table of a list does not show, where that is sooner done.
        """
        found = self.select_rows(query, shown=shown)
        if not found:
            check_known(query, [self], self.where)
        if not query.sort:
            return found
        check_sort(found, query.sort, self.list_metrics)
        return sort_rows(found, query.sort)

    def select_rows(self, query: Query, *, shown: bool = False) -> list[dict[str, Any]]:
        """Return what ``list_rows`` does, by name; a word that no model has finds nothing, and is no error."""
        criteria = list_criteria(query)
        # What is searched or sorted by stands behind what is shown.
        less = shown and not criteria and not query.sort
        found = self._lines.list_rows(choose_needle(criteria), newest=not query.every, shown=less)
        return [row for row in found if all(criterion.admits(row) for criterion in criteria)] if criteria else found

    def knows(self, criterion: Criterion) -> bool:
        """Return whether a model, whatever its other fields, is what one thing asks."""
        return any(criterion.admits(row) for row in self._lines.list_rows(criterion.needle))

    def list_words(self, criterion: Criterion) -> set[str]:
        """Return what one thing that is asked could have been, in the fields that it is looked for in; without names.

        These are the whole texts, or single words of them where those are looked for. Short words of a summary say
        nothing.
        """
        found: set[str] = set()
        for field in criterion.fields:
            values = self._lines.list_values(field) if field != "name" else ()
            if criterion.whole:
                found.update(values)
            else:
                least = _LEAST if field == "summary" else 1
                found.update(word for value in values for word in list_terms(value) if len(word) >= least)
        return found

    def list_metrics(self) -> set[str]:
        """Return the names of all metrics that a model of the registry has."""
        return self._lines.list_metrics()

    def list_names(self) -> list[str]:
        """Return the name of every model."""
        return self._lines.list_names()

    @cached_property
    def _lines(self) -> Lines:
        if self.path.exists() and not self.path.is_file():  # a pipe would be waited for without end
            raise ModelError(f"{self.where}: expected a file, found a folder, a pipe or a device")
        digest = hash_file(self.path)
        beside = name_index(self.path)
        content = _read_index(beside, digest)
        if content is not None:
            return Lines(content, str(beside))
        if self.path.stat().st_size < _SMALL:
            return Lines(self._build(), self.where)
        kept = _find_kept(self.path)
        content = None if kept is None else _read_index(kept, digest)
        if content is None:
            content = self._build()
            _keep(kept, content)
        return Lines(content, str(kept or self.where))

    def _build(self) -> bytes:
        return build_index(read_text(self.path, ModelError, REGISTRY_BYTES), where=self.where)

    def _check_listed(self, name: str, versions: Versions) -> None:
        """Refuse what an index says of a model and its registry does not, which people read before they merge it."""
        try:
            with self.path.open("rb") as stream:
                block = find_block(stream, name)
        except OSError as error:
            raise ModelError(f"{self.where}: can't be read: {error.strerror}") from error
        with contextlib.suppress(ModelError):  # it takes more than its own lines to read it
            if block and _say_the_same(find_versions(f"{_ALONE}{block}", name, self.where), versions):
                return
        text = read_text(self.path, ModelError, REGISTRY_BYTES)
        if not is_index_of(self._lines.content, text.encode()):
            return  # it was replaced since the index was opened
        if not _say_the_same(find_versions(text, name, self.where), versions):
            raise ModelError(
                f"{self._lines.where}: models.{name}: expected what {self.where} says, found something else; "
                f"remove this index, and it is made anew"
            )


def check_known(query: Query, catalogues: Sequence[Catalogue], where: str) -> None:
    """Refuse a word that stands nowhere in some registries: it is misspelt.

    Args:
        query: What is asked.
        catalogues: Where it is searched.
        where: What the message calls them.

    Raises:
        UnknownModel: No model, whatever its other fields, has such a word; the message holds a near match.
    """
    for criterion in list_criteria(query):
        if any(each.knows(criterion) for each in catalogues):
            continue
        words: set[str] = set().union(*(each.list_words(criterion) for each in catalogues))
        names: set[str] = set()
        if "name" in criterion.fields:
            names.update(*(each.list_names() for each in catalogues))
        near = find_near(criterion.asked, {*words, *names, *(word for name in names for word in name.split("-"))})
        if _MEANT not in near:
            near = find_near(criterion.asked, words) if criterion.whole else "; zoo list shows what there is"
        raise UnknownModel(f"no model in {where} has {criterion.label} {criterion.asked!r}{near}")


def find_near_name(name: str, known: Iterable[str]) -> str:
    """Return a near match as ``find_near`` does; of many names that hold this one, how they are listed."""
    names = list(known)
    holding = sorted(other for other in names if name and name.casefold() in other)
    if len(holding) <= _MOST_MEANT:
        return find_near(name, names)
    shown = ", ".join(map(repr, holding[:2]))
    return f"; {_MEANT} {shown} or one of {len(holding) - 2:,} more (zoo list {name})?"


def find_near(name: str, known: Iterable[str]) -> str:
    """Return a near match as ``near_match`` does; among very many names only those with most letters in a row alike."""
    names = sorted(dict.fromkeys(known))  # which takes no time where they are sorted
    if len(names) <= _FEW:
        return near_match(name, names)
    small = name.casefold()
    size = 2 if len(small) <= _SHORT else 3
    pieces = {small[start : start + size] for start in range(max(1, len(small) - size + 1))}
    folded = [(other.casefold(), other) for other in names]
    scores: Counter[str] = Counter()
    for piece in pieces:  # piece by piece: a third of the time that name by name takes
        scores.update([other for text, other in folded if piece in text])
    likely = heapq.nsmallest(_FEW, ((-score, abs(len(other) - len(name)), other) for other, score in scores.items()))
    found = near_match(name, [other for *_, other in likely]) if likely else ""
    return found if _MEANT in found else f"; there are {len(names):,}, see `zoo list`"


def _say_the_same(one: Versions | None, other: Versions) -> bool:
    return one is not None and (one.versions, one.aliases) == (other.versions, other.aliases)


def _make_listing(row: dict[str, Any], where: str) -> Listing:
    fields = {field: value for field, value in row.items() if field not in PLACE}
    place = f"{where}: models.{row['name']}.versions.{row['version']}"
    return Listing(row["name"], row["version"], row.get("latest") is True, validate(Entry, fields, place, ModelError))


def _read_index(path: Path, digest: str) -> bytes | None:
    try:
        content = path.read_bytes() if path.is_file() else b""  # a pipe would hold its reader up for ever
    except OSError:
        return None
    return content if is_index_with(content, digest) else None


def _find_kept(path: Path) -> Path | None:
    """Return where the index of a registry is kept that has none beside it: one file, however often it changes."""
    try:
        folder = cache_folder() / "indexes"
    except OutputError:
        return None
    return folder / f"{hashlib.sha256(os.fsencode(path.resolve())).hexdigest()}.jsonl"


def _keep(path: Path | None, content: bytes) -> None:
    """Keep an index, whole or not at all; one that can't be kept is made again next time."""
    if path is None:
        return
    with contextlib.suppress(OSError, OutputError):
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.is_dir():  # nothing of ours; the cache may be removed at any time
            shutil.rmtree(path)
        write_whole(path, content)
