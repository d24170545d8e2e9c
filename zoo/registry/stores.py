"""Where the folders of listed models are kept, and how one comes to lie on this disk."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from zoo.errors import DownloadError, ModelError
from zoo.registry.index import Listing, Registry


class Store(Protocol):
    """A place that keeps model folders."""

    def fetch(self, registry: Registry, listing: Listing) -> Path:
        """Return the folder of a model on this disk; whoever asked compares its checksums."""
        ...


class LocalStore:
    """Folders beside the index: ``url`` is relative and stays in the index's folder."""

    def fetch(self, registry: Registry, listing: Listing) -> Path:
        """Return the folder that ``url`` names.

        Raises:
            DownloadError: The url is not a relative path.
            ModelError: The url leads out of the index's folder, or there is no folder.
        """
        url = listing.entry.url
        where = f"{registry.path}: models.{listing.name}.versions.{listing.version}.url"
        if "://" in url:
            raise DownloadError(f"{where}: expected a path relative to the registry, found {url!r}")
        root = registry.path.parent.resolve()
        folder = (root / url).resolve()
        if Path(url).is_absolute() or not folder.is_relative_to(root):
            raise ModelError(f"{where}: expected a path that stays in {root}, found {url!r}")
        if not folder.is_dir():
            raise ModelError(f"{where}: no folder {folder}")
        return folder
