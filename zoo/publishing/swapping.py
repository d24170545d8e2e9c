"""How a registry is changed: read, changed, and replaced only if nobody else did so meanwhile; else all over again."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from zoo.errors import ModelError, OutputError, PublishConflict, ZooError
from zoo.publishing.target import RegistryFile
from zoo.registry.index import Versions
from zoo.registry.index_file import build_index, is_index_of, name_index
from zoo.registry.refreshing import MAX_REGISTRY
from zoo.registry.stores.amending import MOST_TRIES, Contended, amend
from zoo.registry.stores.asking import ask_often
from zoo.registry.stores.protocol import TRIES
from zoo.registry.writing import RegistryText, find_versions

Change: TypeAlias = Callable[[Versions | None], Versions]
"""From what a registry lists of a model, None for nothing, to what it shall list.

It is called again with every newer state, and gives back what it gets once its wish is fulfilled.
"""


@dataclass(frozen=True, slots=True)
class Swapped:
    """What became of a change.

    Attributes:
        versions: What the registry lists of the model now.
        tries: How often it was read.
        changed: Whether we wrote anything: not if others made the same change, but if our own answer was lost.
        text: The registry as it was before.
    """

    versions: Versions
    tries: int
    changed: bool
    text: str = ""


def read_versions(registry: RegistryFile, name: str) -> Versions | None:
    """Return what a registry lists of a model; None for nothing, or where there is no registry yet.

    Raises:
        DownloadError: It can't be read.
        ModelError: It is no registry.
    """
    text = _read(registry)
    return find_versions(text, name, registry.address) if text else None


def list_names(registry: RegistryFile) -> list[str]:
    """Return the names of all models that a registry lists; raises as ``read_versions``."""
    text = _read(registry)
    return RegistryText(text, registry.address).list_names() if text else []


def change_registry(registry: RegistryFile, name: str, change: Change, *, tries: int = MOST_TRIES) -> Swapped:
    """Change what a registry lists of one model; nobody else's change is lost, and readers see all of ours or nothing.

    Raises:
        PublishConflict: It was changed by others each time.
        OutputError: It can't be written.
        DownloadError: It can't be read.
        ModelError: It is no registry, or what ``change`` raises.
    """
    seen: list[tuple[Versions, str]] = []

    def edit(content: bytes | None) -> bytes | None:
        text = _decode(content, registry)
        listed = RegistryText(text, registry.address)
        before = listed.find(name) if text else None
        after = change(before)
        seen.append((after, text))
        if after == before:
            return None
        wanted = listed.splice(name, after).encode()
        if len(wanted) > MAX_REGISTRY:
            raise OutputError(f"{registry.address}: expected at most {MAX_REGISTRY:,} bytes, found {len(wanted):,}")
        return wanted

    try:
        done = amend(registry.store, registry.path, MAX_REGISTRY, edit, tries=tries)
    except Contended as error:
        raise PublishConflict(
            f"{registry.address}: others changed it each of {tries} times that {name} was to be entered; nothing was; "
            "try again when fewer publish"
        ) from error
    after, text = seen[-1]
    return Swapped(after, done.tries, changed=done.changed, text=text)


def update_index(registry: RegistryFile, before: str = "") -> None:
    """Have the index beside a registry that of its newest state; a fault is a warning, as readers do without.

    Args:
        registry: Which one.
        before: An earlier text of it, whose index may be there: it need not be made anew as a whole.
    """
    path = str(Path(registry.path).parent / name_index(Path(registry.path)).name)

    def renew(old: bytes | None) -> bytes | None:
        text = _read(registry)
        if not text or (old is not None and is_index_of(old, text.encode())):
            return None
        return build_index(text, before=(before, old) if before and old else None, where=registry.address)

    try:
        # Until there is nothing to do: only then is it sure that nobody else's change came between.
        for _ in range(MOST_TRIES):
            if not amend(registry.store, path, MAX_REGISTRY, renew).changed:
                return
    except ZooError as error:
        warnings.warn(f"{error}; readers of {registry.address} do without its index", UserWarning, stacklevel=2)


def _read(registry: RegistryFile) -> str:
    found = ask_often(lambda: registry.store.read_tagged(registry.path, MAX_REGISTRY), TRIES if registry.remote else 1)
    return _decode(found.content if found is not None else None, registry)


def _decode(content: bytes | None, registry: RegistryFile) -> str:
    """Return the text of a registry, empty where there is none."""
    try:
        return (content or b"").decode("utf-8")
    except UnicodeDecodeError as error:
        raise ModelError(f"{registry.address}: expected text, found bytes that are none ({error.reason})") from error
