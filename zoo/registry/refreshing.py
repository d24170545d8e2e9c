"""The registries as they are now, or as they were when they could last be reached.

A copy of each remote one is kept in the cache; it is replaced only by one that could be read whole.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import json
import math
import shutil
import time
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from zoo.errors import DownloadError, MissingExtra, ModelError, OutputError
from zoo.places import cache_folder
from zoo.registry.catalogue import Catalogue, build_index
from zoo.registry.index import Registry, read_registry
from zoo.registry.index_file import is_index_of, name_index
from zoo.registry.sources import BUNDLED, REGISTRY_FILE, UNBUNDLED, Source, read_sources
from zoo.registry.stores.addresses import hide_secrets
from zoo.registry.stores.asking import ask_often
from zoo.registry.stores.files import write_whole
from zoo.registry.stores.local import LocalStore
from zoo.registry.stores.protocol import TRIES, Missing, Reader, Tag, Tagged

FRESH = 86_400.0
"""Seconds for which a kept copy is taken for the registry, where nobody asked for the newest."""

MAX_REGISTRY = 1 << 28
"""Bytes of a ``registry.yaml``: those of 100,000 models have 37 million."""

_LARGE = 1 << 16
"""Bytes of a registry from which on its index is asked for, too."""

_IN_USE = 3600.0
"""Seconds for which a copy stays that is the newest no more: another process may have just opened it."""

_GIVEN_UP = 60.0
"""Seconds for which a process does not ask a registry again that failed, where its copy serves: a command may look up
many models."""

_STATE_FILE = "state.json"
_MAX_STATE = 1 << 16
_DIGITS = 64  # of a sha256

_failures: dict[str, float] = {}  # when a registry failed, by its address and this process's own clock


@dataclass(frozen=True, slots=True)
class Opened:
    """A registry that was read.

    Attributes:
        source: Which one.
        catalogue: What it lists.
        age: How many seconds ago it was known to be the newest; None of a file here.
        asked: Whether it was asked just now, whatever it answered.
    """

    source: Source
    catalogue: Catalogue
    age: float | None = None
    asked: bool = False

    @property
    def registry(self) -> Registry:
        """The whole index, which takes long to read where it is large."""
        return read_registry(self.catalogue.path)


def refresh(source: Source, *, offline: bool = False, max_age: float = 0.0) -> Opened:
    """Read a registry; a remote one from the network, unless its copy is young enough.

    Args:
        source: Which one.
        offline: Use the copy, however old.
        max_age: Seconds for which the copy will do.

    Raises:
        DownloadError: Neither it nor a mirror can be reached, or its disk is not there, and there is no copy.
        ModelError: It is no registry, has no mirror, and there is no copy.
        MissingExtra: Likewise, if the library of its store is not installed.
    """
    if not source.remote:
        return _open_here(source)
    kept = _Kept(source)
    age = kept.age
    if offline or kept.is_younger(max_age):
        if age is None:
            raise DownloadError(
                f"{describe_source(source)}: no copy of this registry is kept; ask it once without --offline"
            )
        return Opened(source, kept.read(), age)
    if age is not None and time.monotonic() - _failures.get(source.url, -math.inf) < _GIVEN_UP:
        return Opened(source, kept.read(), age, asked=True)
    faults: list[ModelError | MissingExtra | OutputError] = []
    for address, reader in _open_stores(source):
        try:
            again = functools.partial(kept.renew, address, reader)
            return Opened(source, ask_often(again, 1 if age is not None and max_age else TRIES), 0.0, asked=True)
        # What is no registry may be the page of a network's login; a cache that can only be read has a copy, too.
        except (ModelError, MissingExtra, OutputError) as error:
            faults.append(error)
    unreached = all(isinstance(fault, (DownloadError, OutputError)) for fault in faults)
    if age is None and len(faults) == 1 and not unreached:
        raise faults[0]
    fault = "reached" if unreached else "read"
    message = f"{describe_source(source)} can't be {fault}: {'; '.join(map(str, faults))}"
    if age is None:
        raise DownloadError(message)
    _failures[source.url] = time.monotonic()
    warnings.warn(f"{message}; its copy of {describe_age(age)} ago is used", UserWarning, stacklevel=3)
    return Opened(source, kept.read(), age, asked=True)


def keep_copy(source: Source) -> None:
    """Keep a copy of a registry on a disk that may be gone one day: what was pulled from it is found without it.

    One that can't be kept is done without.
    """
    if source.remote or source.name in {"", BUNDLED, UNBUNDLED}:
        return
    with contextlib.suppress(ModelError, OutputError, OSError):
        _Kept(source).renew(source.url, LocalStore(Path(source.url).parent))


def open_stores(source: Source) -> tuple[Reader, ...]:
    """Return the stores beside a registry and its mirrors, the first one first.

    One whose library is not installed says so when it is read: others may do without it.
    """
    return tuple(reader for _, reader in _open_stores(source))


def find_age(source: Source) -> float | None:
    """Return how many seconds ago the copy of a remote registry was the newest; None where there is none."""
    return _Kept(source).age if source.remote else None


def describe_age(seconds: float) -> str:
    """Return a time span in its largest unit, as ``3 hours``."""
    for unit, length in (("day", 86_400), ("hour", 3_600), ("minute", 60)):
        if seconds >= length:
            count = int(seconds // length)
            return f"{count} {unit}{'s' * (count != 1)}"
    return "less than a minute"


def describe_source(source: Source) -> str:
    """Return what messages call a registry."""
    url = hide_secrets(source.url)
    return f"{source.name} ({url})" if source.name else url


def _open_here(source: Source) -> Opened:
    """Return a registry on a disk; where that is gone, the copy from when a model was last pulled from it."""
    path = Path(source.url)
    if not _is_gone(path) or source.name in {BUNDLED, UNBUNDLED} or source not in read_sources():
        return Opened(source, Catalogue(path))
    message = (
        f"{describe_source(source)} can't be read: no such file; mount its disk, or if it is gone for good: "
        f"zoo registry remove {source.name}"
    )
    kept = _Kept(source)
    if (age := kept.age) is None:
        raise DownloadError(message)
    warnings.warn(f"{message}; its copy of {describe_age(age)} ago is used", UserWarning, stacklevel=4)
    return Opened(source, kept.read(), age, asked=True)


def _is_gone(path: Path) -> bool:
    """Return whether a file is not there; one that can't be looked at is told by who reads it."""
    try:
        path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return True
    except OSError:
        return False
    return False


class _Kept:
    """The copy of one registry, and what is known of it.

    A copy is named by its sha256 and never changes. Which one counts stands in the state, a file that is replaced in
    one step: wherever a process ends, and however many write, a whole copy is there.
    """

    def __init__(self, source: Source) -> None:
        self.source = source
        name = source.name or _hash(source.url)[:16]
        self.store = LocalStore(cache_folder() / "registries" / name)
        self.state = self._read_state()

    @property
    def age(self) -> float | None:
        """Seconds since it was the newest; None where there is no whole copy of this address."""
        return max(0.0, time.time() - float(self.state["asked"])) if self.state else None

    def is_younger(self, seconds: float) -> bool:
        """Return whether there is a copy that was the newest so lately; by a clock ahead of ours nobody knows.

        A cache is shared by machines whose clocks differ.
        """
        return bool(self.state) and 0 <= time.time() - float(self.state["asked"]) < seconds

    def read(self) -> Catalogue:
        return Catalogue(self._find_copy(str(self.state["sha256"])), describe_source(self.source))

    def renew(self, address: str, reader: Reader) -> Catalogue:
        """Ask a store for the newest, and keep it."""
        from zoo.registry.stores.addresses import split_address

        known = str(self.state["tag"]) if self.state and self.state["address"] == _hash(address) else None
        found = reader.read_tagged(split_address(address)[1], MAX_REGISTRY, known)
        if found is None:
            raise Missing(f"{hide_secrets(address)}: no such file")
        if found.content is None:
            self._note(address, found.tag, str(self.state["sha256"]))
            return self.read()
        shown = hide_secrets(address)
        index = self._fetch_index(reader, found.content)
        if index is None:
            try:
                text = found.content.decode("utf-8")
            except UnicodeDecodeError as error:
                raise ModelError(f"{shown}: expected text, found bytes that are none ({error.reason})") from error
            index = build_index(text, where=shown)
        digest = hashlib.sha256(found.content).hexdigest()
        copy, before = self._find_copy(digest), self.state
        self._keep(copy.name, found.content)
        self._keep(name_index(copy).name, index)
        self._note(address, found.tag, digest)
        self._sweep({digest, str(before.get("sha256"))})
        return self.read()

    def _fetch_index(self, reader: Reader, registry: bytes) -> bytes | None:
        """Return the index that stands beside a large registry, which takes long to make, if it is of this one."""
        if len(registry) < _LARGE:
            return None
        with contextlib.suppress(DownloadError):
            found = reader.read_tagged(name_index(Path(REGISTRY_FILE)).name, MAX_REGISTRY)
            if found is not None and found.content is not None and is_index_of(found.content, registry):
                return found.content
        return None

    def _note(self, address: str, tag: str, sha256: str) -> None:
        state: dict[str, str | float] = {
            "url": _hash(self.source.url),
            "address": _hash(address),
            "tag": tag,
            "sha256": sha256,
            "asked": time.time(),
        }
        self._keep(_STATE_FILE, json.dumps(state).encode())
        self.state = state

    def _find_copy(self, sha256: str) -> Path:
        return self.store.folder / f"{sha256}.yaml"

    def _sweep(self, kept: set[str]) -> None:
        """Remove the copies that nobody reads any more."""
        for path in self.store.folder.iterdir():
            digest = path.name.partition(".")[0]
            # Another process's, which its state does not name yet, is as young as that process.
            with contextlib.suppress(OSError):
                if len(digest) == _DIGITS and digest not in kept and time.time() - path.stat().st_mtime > _IN_USE:
                    path.unlink()

    def _keep(self, name: str, content: bytes) -> None:
        """Replace a file in one step; nothing here depends on a lock, which may not hold where caches are shared."""
        try:
            self.store.folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise OutputError(f"{self.store.folder}: can't be made: {error.strerror or error}") from error
        place = self.store.folder / name
        if place.is_dir() and not place.is_symlink():  # nothing of ours; the cache may be removed at any time
            shutil.rmtree(place, ignore_errors=True)
        write_whole(place, content)

    def _read_state(self) -> dict[str, str | float]:
        """Return what was noted, nothing where it is of another address, or it or the copy is damaged or gone."""
        try:
            found = self.store.read_tagged(_STATE_FILE, _MAX_STATE)
            noted = json.loads(b"{}" if found is None or found.content is None else found.content)
            state: dict[str, str | float] = {key: str(noted[key]) for key in ("url", "address", "tag", "sha256")}
            state["asked"] = asked = float(noted["asked"])
            copy = self.store.read_tagged(f"{state['sha256']}.yaml", MAX_REGISTRY, str(state["sha256"]))
        # Whatever stands there instead: what is asked again takes its place.
        except (DownloadError, KeyError, TypeError, ValueError, RecursionError):
            return {}
        whole = copy is not None and copy.content is None and math.isfinite(asked)
        return state if whole and state["url"] == _hash(self.source.url) else {}


def _hash(address: str) -> str:
    """Return what stands for an address in the cache, where others may read: it may hold a password."""
    return hashlib.sha256(address.encode()).hexdigest()


def _open_stores(source: Source) -> Iterator[tuple[str, Reader]]:
    from zoo.registry.stores.addresses import split_address
    from zoo.registry.stores.opening import open_store

    for address in (source.url, *source.mirrors):
        store = split_address(address)[0]
        try:
            yield address, open_store(store)
        except MissingExtra as error:
            yield address, _Unopened(store, error)


class _Unopened:
    """A store whose library is not installed."""

    def __init__(self, address: str, error: MissingExtra) -> None:
        self.address, self._error = address, error

    def read(self, path: str, start: int = 0) -> Iterator[bytes]:  # noqa: ARG002 - a store's
        raise self._error

    def read_tagged(self, path: str, limit: int, known: Tag | None = None) -> Tagged | None:  # noqa: ARG002 - a store's
        raise self._error
