"""What is searched for, in all registries that are asked."""

from __future__ import annotations

import warnings
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from zoo.errors import DownloadError, UnknownModel, near_match
from zoo.registry import sources
from zoo.registry.catalogue import Catalogue
from zoo.registry.query import Query, has_sort, sort_rows
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
        shown: Leave out of the rows what a list does not show, such as digests.

    Raises:
        UnknownModel: No model of any registry has such a word or metric; the message holds a near match.
        DownloadError: The only registry can't be reached, and no copy of it is kept.
    """
    only = sources.find_source(registry)
    catalogues = {source.name or source.url: _open(source, offline=offline) for source in _list_sources(only)}
    reached = {name: catalogue for name, catalogue in catalogues.items() if catalogue is not None}
    rows: list[dict[str, Any]] = []
    unknown: list[UnknownModel] = []
    for name, catalogue in reached.items():
        try:
            found = catalogue.list_rows(replace(query, sort=""), shown=shown)
        except UnknownModel as error:
            unknown.append(error)
        else:
            rows += [{**row, "registry": name} for row in found]
    if unknown and len(unknown) == len(reached):
        raise next((error for error in unknown if "did you mean" in str(error)), unknown[0])
    if query.sort:
        if not has_sort(rows, query.sort):
            known = {metric for catalogue in reached.values() for metric in catalogue.list_metrics()}
            if query.sort not in known:
                raise UnknownModel(f"no model has the metric {query.sort!r}{near_match(query.sort, known)}")
        rows = sort_rows(rows, query.sort)
    return Found(rows, tuple(catalogues))


def _list_sources(only: Source | None) -> tuple[Source, ...]:
    return sources.read_sources() if only is None else (only,)


def _open(source: Source, *, offline: bool) -> Catalogue | None:
    """Return a registry; None, with a warning, for one of several that can't be reached."""
    if not source.remote:
        return Catalogue(Path(source.url))
    try:
        return refresh(source, offline=offline, max_age=FRESH).catalogue
    except DownloadError as error:
        if not source.name:
            raise
        warnings.warn(f"{error}; its models are not listed", UserWarning, stacklevel=3)
        return None
