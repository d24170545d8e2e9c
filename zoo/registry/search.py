"""What is searched for, in all registries that are asked."""

from __future__ import annotations

import warnings
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from zoo.errors import DownloadError
from zoo.registry import sources
from zoo.registry.catalogue import Catalogue, check_known
from zoo.registry.query import Query, check_sort, sort_rows
from zoo.registry.refreshing import FRESH, refresh
from zoo.registry.sources import Source


@dataclass(frozen=True, slots=True)
class Found:
    """What was found: a row has the fields of a registry's entry that are not empty, and ``registry``, its name."""

    rows: list[dict[str, Any]]
    registries: tuple[str, ...]


def search(query: Query, registry: str | Path | None = None, *, offline: bool = False, shown: bool = False) -> Found:
    """Return the models of all registries that are what is asked, registry by registry or as ``query.sort`` says.

    Args:
        query: What is asked.
        registry: The only registry that is searched, by its name, address or path.
        offline: Use the copies of registries that are here.
        shown: Leave out of the rows what the table of a list does not show, where that is sooner done: the name of the
            registry, too, where there is but one.

    Raises:
        UnknownModel: No model of any registry has such a word or metric; the message holds a near match.
        DownloadError: The only registry can't be reached, and no copy of it is kept.
    """
    catalogues = _open_all(registry, offline=offline)
    several = len(catalogues) > 1
    rows: list[dict[str, Any]] = []
    for name, catalogue in catalogues.items():
        found = catalogue.select_rows(replace(query, sort=""), shown=shown and not query.sort)
        if several or not shown:
            for row in found:
                row["registry"] = name
        rows += found
    every = list(catalogues.values())
    if every and not rows:
        check_known(query, every, ", ".join(catalogues) if several else every[0].where)
    if query.sort:
        check_sort(rows, query.sort, lambda: (metric for each in every for metric in each.list_metrics()))
        rows = sort_rows(rows, query.sort)
    return Found(rows, tuple(catalogues))


def _open_all(registry: str | Path | None, *, offline: bool) -> dict[str, Catalogue]:
    """Return the registries that are asked, by name; of several those that can be reached, with a warning."""
    only = sources.find_source(registry)
    if only is not None:
        return {only.name or only.url: _open(only, offline=offline)}
    opened = {}
    for source in sources.read_sources():
        try:
            opened[source.name] = _open(source, offline=offline)
        except DownloadError as error:
            warnings.warn(f"{error}; its models are not listed", UserWarning, stacklevel=3)
    return opened


def _open(source: Source, *, offline: bool) -> Catalogue:
    return refresh(source, offline=offline, max_age=FRESH).catalogue
