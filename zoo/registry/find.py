"""From what a user calls a model to the model: ``name``, ``name@1.0.0``, or the path of a folder."""

from __future__ import annotations

import importlib.resources
import os
import warnings
from dataclasses import dataclass
from pathlib import Path

from zoo.errors import ChecksumMismatch, DownloadError, ModelError, UnknownModel
from zoo.model.checksums import CHECKSUMS, hash_file
from zoo.model.folder import CARD_FILE, Model, load_folder
from zoo.registry.index import Listing, Registry, read_registry

VARIABLE = "ZOO_REGISTRY"
"""The environment variable that may name another index."""


@dataclass(frozen=True, slots=True)
class Location:
    """A model's folder, and how the registry lists it: None for a folder that was given by its path."""

    folder: Path
    listing: Listing | None


def load(
    name: str | Path, device: str = "auto", threads: int | None = None, registry: str | Path | None = None
) -> Model:
    """Load a model.

    Args:
        name: ``name``, ``name@1.0.0``, or the path of a folder.
        device: ``auto``, ``cpu``, ``cuda`` or ``tensorrt``.
        threads: Processors to use; by default all that the process, or its container, may use.
        registry: Another index than the one that comes with the package.

    Raises:
        UnknownModel: There is no such model, version or folder.
        ChecksumMismatch: A file is not the one that was published.
    """
    return load_folder(locate(name, registry).folder, device, threads)


def locate(name: str | Path, registry: str | Path | None = None) -> Location:
    """Find a model's folder, and compare its SHA256SUMS with the registry; the files themselves are for who reads them.

    Raises:
        UnknownModel: The registry has no such model or version, or there is no such folder.
        ChecksumMismatch: The folder is not the one that was published.
    """
    if _is_path(name):
        if not Path(name).is_dir():
            raise UnknownModel(f"{name}: no model folder there")
        return Location(Path(name), None)
    opened = open_registry(registry)
    try:
        listing = opened.find(str(name))
    except UnknownModel as error:
        if (Path(name) / CARD_FILE).is_file():
            raise UnknownModel(f"{error}; for the folder of that name write ./{name}") from error
        raise
    if listing.entry.yanked is not None:
        warnings.warn(f"{listing.full_name} was withdrawn: {listing.entry.yanked}", UserWarning, stacklevel=2)
    folder = _find_folder(opened, listing)
    digest = hash_file(folder / CHECKSUMS)
    if digest != listing.entry.sha256sums:
        raise ChecksumMismatch(
            f"{folder}: {listing.full_name} is listed with sha256 {listing.entry.sha256sums} of its SHA256SUMS, "
            f"found {digest}; this is not the published model"
        )
    return Location(folder, listing)


def open_registry(path: str | Path | None = None) -> Registry:
    """Read an index: the given one, the one that ``ZOO_REGISTRY`` names, or the one that comes with the package."""
    chosen = path or os.environ.get(VARIABLE)
    return read_registry(Path(chosen) if chosen else _find_bundled())


def _find_folder(registry: Registry, listing: Listing) -> Path:
    """Return the folder that ``url`` names: relative, and inside the registry's own."""
    url = listing.entry.url
    where = f"{registry.path}: models.{listing.name}.versions.{listing.version}.url"
    if url is None or "://" in url:
        raise DownloadError(f"{where}: expected a path relative to the registry, found {url!r}")
    root = registry.path.parent.resolve()
    folder = (root / url).resolve()
    if Path(url).is_absolute() or not folder.is_relative_to(root):
        raise ModelError(f"{where}: expected a path that stays in {root}, found {url!r}")
    if not folder.is_dir():
        raise ModelError(f"{where}: no folder {folder}")
    return folder


def _is_path(name: str | Path) -> bool:
    # A bare name is always the registry's: no folder that happens to bear it may take a published model's place.
    return isinstance(name, Path) or os.sep in name


def _find_bundled() -> Path:
    """Return the index in the wheel, or at the root of the repository in an editable install."""
    package = Path(str(importlib.resources.files("zoo")))
    for path in (package / "bundled" / "registry.yaml", package.parent / "registry.yaml"):
        if path.is_file():
            return path
    raise ModelError(f"{package}: the package comes without its registry.yaml; install it again, or set {VARIABLE}")
