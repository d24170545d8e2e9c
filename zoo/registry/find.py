"""From what a user calls a model to the model: ``name``, ``name@1.0.0``, or the path of a folder."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from zoo.errors import LockMismatch, UnknownModel
from zoo.registry.index import Registry, read_registry
from zoo.registry.refreshing import FRESH, refresh
from zoo.registry.sources import find_bundled, find_source

if TYPE_CHECKING:
    from zoo.model.folder import Model
    from zoo.registry.fetching import Share, Tell
    from zoo.registry.pull import Location


def load(
    name: str | Path,
    device: str = "auto",
    threads: int | None = None,
    registry: str | Path | None = None,
    *,
    offline: bool = False,
    locked: str | Path | None = None,
) -> Model:
    """Load a model; one that is not here is pulled first.

    Args:
        name: ``name``, ``name@1.0.0``, ``name@alias``, one of these behind ``registry:``, or the path of a folder.
        device: ``auto``, ``cpu``, ``cuda`` or ``tensorrt``.
        threads: Processors to use; by default all that the process, or its container, may use.
        registry: The only registry that is asked, by its name, address or path.
        offline: Use what is here, and no network.
        locked: A ``zoo.lock``; anything that it does not pin is refused.

    Raises:
        UnknownModel: There is no such model, version or folder.
        ChecksumMismatch: A file is not the one that was published.
        LockMismatch: The lock pins another one.
        DownloadError: It is not here, and can't be fetched.
    """
    from zoo.model.folder import load_folder  # with what runs it: who lists models needs none of that

    return load_folder(locate(name, registry, offline=offline, locked=locked).folder, device, threads)


def locate(
    name: str | Path,
    registry: str | Path | None = None,
    *,
    offline: bool = False,
    locked: str | Path | None = None,
    report: Share | None = None,
    tell: Tell | None = None,
) -> Location:
    """Find a model's folder, and compare its SHA256SUMS with the registry; the files themselves are for who reads them.

    A model that is not here is pulled, as ``pull`` does.

    Raises:
        UnknownModel: The registry has no such model or version, or there is no such folder.
        ChecksumMismatch: The folder is not the one that was published.
        LockMismatch: The lock pins another one, or a folder is named.
        DownloadError: It is not here, and can't be fetched.
    """
    from zoo.registry.project_lock import LOCK_FILE
    from zoo.registry.pull import Location, obtain
    from zoo.registry.resolving import is_path

    if is_path(name):
        if locked is not None:
            raise LockMismatch(f"{name}: a folder is not pinned by {LOCK_FILE}; name a model that is")
        if not Path(name).is_dir():
            raise UnknownModel(f"{name}: no model folder there")
        return Location(Path(name))
    pinned = None if locked is None else Path(locked)
    try:
        return obtain(str(name), registry=registry, offline=offline, locked=pinned, report=report, tell=tell)
    except UnknownModel as error:
        if not Path(name).is_dir():  # without what runs models, which takes as long as to look the name up
            raise
        from zoo.model.folder import CARD_FILE

        if (Path(name) / CARD_FILE).is_file():
            raise UnknownModel(f"{error}; for the folder of that name write ./{name}") from error
        raise


def open_registry(path: str | Path | None = None) -> Registry:
    """Read an index: the given one, the one that ``ZOO_REGISTRY`` names, or the one that comes with the package."""
    source = find_source(path)
    return read_registry(find_bundled()) if source is None else refresh(source, max_age=FRESH).registry
