"""From what a user calls a model to the registry that lists it, and to the stores that have its bytes."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from zoo.errors import DownloadError, ModelError, UnknownModel
from zoo.model.document import read_text
from zoo.registry.catalogue import find_near_name
from zoo.registry.index import Listing
from zoo.registry.names import blob_path
from zoo.registry.refreshing import FRESH, Opened, describe_source, open_stores, refresh
from zoo.registry.sources import Source, find_source, read_sources
from zoo.registry.stores.addresses import hide_secrets
from zoo.registry.stores.local import LocalStore
from zoo.registry.stores.protocol import Reader
from zoo.registry.writing import find_versions

_SMALL = 1 << 16
"""Bytes of a registry of which a model's lines are found sooner than in an index."""

_SCHEMES = ("https://", "s3://", "gs://", "hf://", "oci://")


@dataclass(frozen=True, slots=True)
class Resolved:
    """A model, and the registry that lists it."""

    listing: Listing
    source: Source


@dataclass(frozen=True, slots=True)
class Place:
    """Where the files of one model lie: stores that have the same, and how they name them."""

    readers: tuple[Reader, ...]
    prefix: str
    by_digest: bool

    def name_file(self, name: str, digest: str) -> str:
        """Return what the stores call a file of the model."""
        path = blob_path(digest) if self.by_digest else name
        return str(PurePosixPath(self.prefix, path))


def resolve(name: str, registry: str | Path | None = None, *, offline: bool = False, newest: bool = False) -> Resolved:
    """Find the registry that lists a model: the first one that knows its name, whose versions alone count.

    Args:
        name: ``name``, ``name@1.0.0``, ``name@alias``, or one of these behind ``registry:``.
        registry: The only one that is asked, by its name, address or path.
        offline: Ask copies alone.
        newest: Ask every remote registry, however young its copy is.

    Raises:
        UnknownModel: No registry lists it; the message holds a near match.
        ModelError: The name has another registry before it than the one that is to be asked alone.
        DownloadError: A registry that comes before can't be reached, and no copy of it is kept: another one's model of
            the same name would not be the one that is meant.
    """
    base, only = choose_registry(name, registry)
    if only is not None:
        if (here := _find_here(base, only)) is not None:
            return here
        return _find(base, refresh(only, offline=offline, max_age=0.0 if newest else FRESH), offline=offline)
    return _find_first(base, offline=offline, newest=newest)


def choose_registry(name: str, registry: str | Path | None = None) -> tuple[str, Source | None]:
    """Return what a model is called in its registry, and the only registry that is asked; None for all.

    Args:
        name: As for ``resolve``.
        registry: As for ``resolve``.

    Raises:
        UnknownModel: The name is empty, or what stands before its colon is.
        ModelError: There is no such registry, or the name has another one before it than ``registry``.
    """
    prefix, separator, base = name.rpartition(":")
    if not base.partition("@")[0] or (separator and not prefix):
        raise UnknownModel(f"expected the name of a model, or REGISTRY:NAME, found {name!r}")
    only = find_source(prefix if separator else registry)
    if separator and registry is not None:
        other = find_source(registry)
        if only is not None and other is not None and only.url != other.url:
            raise ModelError(
                f"{name}: {prefix} stands before the name, and {describe_source(other)} is to be asked alone; leave "
                "one of them out"
            )
    return base, only


def find_place(resolved: Resolved) -> Place:
    """Return where the files of a model lie.

    Raises:
        ModelError: The registry names a place that it may not.
    """
    listing, source = resolved.listing, resolved.source
    field = "blobs" if listing.entry.blobs is not None else "url"
    address = str(getattr(listing.entry, field))
    where = f"{hide_secrets(source.url)}: models.{listing.name}.versions.{listing.version}.{field}"
    if "://" in address:
        if not address.startswith(_SCHEMES):
            raise ModelError(
                f"{where}: expected a relative path, or {', '.join(_SCHEMES)}…, found {hide_secrets(address)!r}"
            )
        from zoo.registry.stores.opening import open_store

        mirrors = open_stores(source)[1:] if source.remote and field == "blobs" else ()
        return Place((open_store(address.rstrip("/")), *mirrors), "", by_digest=field == "blobs")
    if not source.remote:
        folder = find_local(resolved)
        return Place((LocalStore(folder),), "", by_digest=field == "blobs")
    if address.startswith("/") or ".." in PurePosixPath(address).parts or "\\" in address:
        raise ModelError(f"{where}: expected a path that stays below the registry, found {address!r}")
    return Place(open_stores(source), address, by_digest=field == "blobs")


def find_local(resolved: Resolved) -> Path:
    """Return the folder that a registry on this disk names: relative, and inside the registry's own."""
    entry = resolved.listing.entry
    field, path = ("url", entry.url) if entry.url is not None else ("blobs", entry.blobs or "")
    where = f"{resolved.source.url}: models.{resolved.listing.name}.versions.{resolved.listing.version}.{field}"
    root = Path(resolved.source.url).parent.resolve()
    folder = (root / path).resolve()
    if Path(path).is_absolute() or not folder.is_relative_to(root):
        raise ModelError(f"{where}: expected a path that stays in {root}, found {path!r}")
    if not folder.is_dir():
        raise ModelError(f"{where}: no folder {folder}")
    return folder


def is_path(name: str | Path) -> bool:
    """Return whether a folder is meant.

    A bare name is always a registry's: no folder that happens to bear it may take a published model's place.
    """
    return isinstance(name, Path) or os.sep in name


def _find_first(name: str, *, offline: bool, newest: bool) -> Resolved:
    base = name.partition("@")[0]
    asked: list[Opened] = []
    for source in read_sources():
        if (here := _find_here(name, source)) is not None:
            return here
        try:
            opened = refresh(source, offline=offline, max_age=0.0 if newest else FRESH)
        except DownloadError as error:
            raise DownloadError(
                f"{error}; {base} is not in a registry that comes before it, and one that comes after it may list "
                f"another {base}: REGISTRY:{base} names the one that is meant"
            ) from error
        if not opened.catalogue.lists(base):
            opened = _ask_again(opened, offline=offline)
        if opened.catalogue.lists(base):
            return _find(name, opened, offline=offline)
        asked.append(opened)
    if len(asked) == 1:
        return _find(name, asked[0], offline=offline)
    names = {model for opened in asked for model in opened.catalogue.list_names()}
    raise UnknownModel(
        f"no model {base!r} in {', '.join(opened.source.name for opened in asked)}{find_near_name(base, names)}"
    )


def _find_here(name: str, source: Source) -> Resolved | None:
    """Return a model of a small registry on this disk, of which only that model's own lines are read; else None.

    It takes a tenth of the time that the whole one does, and every command waits for it.
    """
    path = Path(source.url)
    if source.remote or not path.is_file() or path.stat().st_size > _SMALL:
        return None
    where = describe_source(source)
    versions = find_versions(read_text(path, ModelError), name.partition("@")[0], where)
    return None if versions is None else Resolved(versions.find(name), source)


def _find(name: str, opened: Opened, *, offline: bool) -> Resolved:
    try:
        return Resolved(opened.catalogue.find(name), opened.source)
    except UnknownModel:
        again = _ask_again(opened, offline=offline)
        if again is opened:
            raise
        return Resolved(again.catalogue.find(name), again.source)


def _ask_again(opened: Opened, *, offline: bool) -> Opened:
    """Return a registry as it is now, if only a copy of it was read: a name may have been published since."""
    if offline or opened.asked or not opened.source.remote:
        return opened
    return refresh(opened.source)
