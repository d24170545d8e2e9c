"""How a registry is changed: read, changed, and replaced only if nobody else did so meanwhile; else all over again."""

from __future__ import annotations

import random
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from zoo.errors import DownloadError, ModelError, OutputError, PublishConflict, ZooError
from zoo.publishing.target import RegistryFile
from zoo.registry.blocks import cut
from zoo.registry.index import Versions, parse_registry
from zoo.registry.index_file import build_index, is_index_of, name_index
from zoo.registry.refreshing import MAX_REGISTRY
from zoo.registry.stores.protocol import TRIES, Changed, Missing, Tag
from zoo.registry.writing import find_versions, splice

Change: TypeAlias = Callable[[Versions | None], Versions]
"""From what a registry lists of a model, None for nothing, to what it shall list.

It is called again with every newer state, and gives back what it gets once its wish is fulfilled.
"""

MOST_TRIES = 20
"""How often a registry is read anew because somebody else has changed it."""

_WAIT, _LONGEST = 0.05, 5.0  # seconds before the next try, up to twice as long each time


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
    text, _ = _read(registry)
    return find_versions(text, name, registry.address) if text else None


def list_names(registry: RegistryFile) -> list[str]:
    """Return the names of all models that a registry lists; raises as ``read_versions``."""
    text, _ = _read(registry)
    blocks = cut(text)
    if blocks is not None:
        return [block.name for block in blocks.blocks]
    return list(parse_registry(text, registry.address).models) if text else []


def change_registry(registry: RegistryFile, name: str, change: Change, *, tries: int = MOST_TRIES) -> Swapped:
    """Change what a registry lists of one model; nobody else's change is lost, and readers see all of ours or nothing.

    A store whose answer was lost may have done what it was asked: after any fault the registry is read again, and what
    counts is what stands there.

    Raises:
        PublishConflict: It was changed by others each time.
        OutputError: It can't be written.
        DownloadError: It can't be read.
        ModelError: It is no registry, or what ``change`` raises.
    """
    faults: list[OutputError] = []
    for number in range(1, tries + 1):
        text, tag = _read_again(registry, faults)
        before = find_versions(text, name, registry.address) if text else None
        after = change(before)
        if after == before:
            return Swapped(after, number, changed=bool(faults), text=text)
        if len(faults) >= (TRIES if registry.remote else 1):
            raise faults[-1]
        content = splice(text, name, after, registry.address).encode()
        if len(content) > MAX_REGISTRY:
            raise OutputError(f"{registry.address}: expected at most {MAX_REGISTRY:,} bytes, found {len(content):,}")
        try:
            registry.store.swap(registry.path, content, tag)
        except Changed:
            pass
        except OutputError as error:
            faults.append(error)
        else:
            return Swapped(after, number, changed=True, text=text)
        time.sleep(random.uniform(0, min(_LONGEST, _WAIT * 2**number)))  # noqa: S311 - so that writers part
    raise PublishConflict(
        f"{registry.address}: others changed it each of {tries} times that {name} was to be entered; nothing was; "
        "try again when fewer publish"
    )


def update_index(registry: RegistryFile, before: str = "") -> None:
    """Have the index beside a registry that of its newest state; a fault is a warning, as readers do without.

    Args:
        registry: Which one.
        before: An earlier text of it, whose index may be there: it need not be made anew as a whole.
    """
    path = str(Path(registry.path).parent / name_index(Path(registry.path)).name)
    try:
        for _ in range(MOST_TRIES):
            text, _ = _read(registry)
            kept = registry.store.read_tagged(path, MAX_REGISTRY)
            old = kept.content if kept is not None else None
            # This is seen again after our own writing: only then is it sure that nobody else's change came between.
            if not text or (old is not None and is_index_of(old, text.encode())):
                return
            index = build_index(text, before=(before, old) if before and old else None, where=registry.address)
            try:
                registry.store.swap(path, index, kept.tag if kept is not None else None)
            except Changed:
                time.sleep(random.uniform(0, _WAIT))  # noqa: S311 - as above
    except ZooError as error:
        warnings.warn(f"{error}; readers of {registry.address} do without its index", UserWarning, stacklevel=2)


def _read(registry: RegistryFile) -> tuple[str, Tag | None]:
    """Return the text of a registry, empty where there is none, and its tag."""
    for tries in range(1, TRIES + 1):
        try:
            found = registry.store.read_tagged(registry.path, MAX_REGISTRY)
        except Missing:
            raise
        except DownloadError:
            if tries == TRIES or not registry.remote:
                raise
            time.sleep(random.uniform(0, _WAIT * 2**tries))  # noqa: S311 - as above
        else:
            break
    if found is None:
        return "", None
    try:
        return (found.content or b"").decode("utf-8"), found.tag
    except UnicodeDecodeError as error:
        raise ModelError(f"{registry.address}: expected text, found bytes that are none ({error.reason})") from error


def _read_again(registry: RegistryFile, faults: list[OutputError]) -> tuple[str, Tag | None]:
    try:
        return _read(registry)
    except DownloadError as error:
        if not faults:
            raise
        raise OutputError(
            f"{faults[-1]}; and it can't be read, so it is not known whether it was changed ({error}); try again"
        ) from error
