"""What a lock pins, found again: in the registry that it was locked from, or wherever the same bytes are listed."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable
from pathlib import Path

from zoo.errors import LockMismatch, MissingExtra, ModelError
from zoo.registry.project_lock import LOCK_FILE, Pin
from zoo.registry.refreshing import describe_source
from zoo.registry.resolving import Resolved, choose_registry, resolve
from zoo.registry.sources import BUNDLED, UNBUNDLED, Source, read_sources
from zoo.registry.stores.addresses import hide_secrets


def name_registry(source: Source) -> str:
    """Return what a lock calls a registry: its address, or which of the two it is that every installation may have."""
    return source.name if source.name in {BUNDLED, UNBUNDLED} else hide_secrets(source.url)


def check_registry(name: str, registry: str | Path | None, pin: Pin) -> None:
    """Refuse a registry that is named beside a lock, and is not the one that the lock has.

    Raises:
        LockMismatch: It is another one.
        ModelError: There is no such registry, or two are named.
    """
    only = choose_registry(name, registry)[1] if registry or ":" in name else None
    if only is not None and name_registry(only) != pin.registry:
        raise LockMismatch(
            f"{name}: {LOCK_FILE} pins it from {pin.registry}, expected it from {describe_source(only)}; leave the "
            "registry out, or lock it again"
        )


def find_pinned(full_name: str, pin: Pin, *, offline: bool, newest: bool, tell: Callable[[str], None]) -> Resolved:
    """Find what was locked: in its registry, or where that is not there in another one that lists the same bytes.

    The digest decides; a registry on a disk lies elsewhere on the next machine.

    Args:
        full_name: ``name@version``.
        pin: What the lock has of it.
        offline: As for ``resolve``.
        newest: As for ``resolve``.
        tell: Is told where it was found instead, in a line.

    Raises:
        LockMismatch: Its registry lists other bytes now.
        ModelError: Its registry can't be read, and no other one of the user's lists these bytes.
    """
    try:
        resolved = resolve(*_name_pinned(full_name, pin), offline=offline, newest=newest)
    except ModelError as error:
        other = _find_elsewhere(full_name, pin, offline=offline, newest=newest, tell=tell)
        if other is not None:
            return other
        raise type(error)(
            f"{error}; {LOCK_FILE} has {full_name} from there, and no other registry of yours lists the same bytes: "
            "add one that does (zoo registry add NAME ADDRESS), or lock it again"
        ) from error
    if resolved.listing.entry.sha256sums != pin.sha256sums:
        raise LockMismatch(
            f"{full_name}: pinned with sha256 {pin.sha256sums} of its SHA256SUMS, {describe_source(resolved.source)} "
            f"lists {resolved.listing.entry.sha256sums}; this is another model"
        )
    if _is_gone(resolved.source):  # a copy of it is here, and its bytes are not
        return _find_elsewhere(full_name, pin, offline=offline, newest=newest, tell=tell) or resolved
    return resolved


def _find_elsewhere(
    full_name: str, pin: Pin, *, offline: bool, newest: bool, tell: Callable[[str], None]
) -> Resolved | None:
    """Return the model in the first registry of the user's that lists the same bytes; None where none does."""
    for source in read_sources():
        if _is_gone(source):
            continue
        with contextlib.suppress(ModelError, MissingExtra):
            other = resolve(f"{source.name}:{full_name}", offline=offline, newest=newest)
            if other.listing.entry.sha256sums == pin.sha256sums:
                tell(f"{full_name}: {LOCK_FILE} has it from {pin.registry}; {source.name} lists the same bytes")
                return other
    return None


def _is_gone(source: Source) -> bool:
    return not source.remote and not os.path.exists(source.url)  # noqa: PTH110 - False, whatever the system refuses


def _name_pinned(full_name: str, pin: Pin) -> tuple[str, str | None]:
    """Return what ``resolve`` is asked for: the registry by its name where the user has it, by its address else."""
    if pin.registry in {BUNDLED, UNBUNDLED}:
        return f"{pin.registry}:{full_name}", None
    known = [source.name for source in read_sources() if hide_secrets(source.url) == pin.registry]
    return (f"{known[0]}:{full_name}", None) if known else (full_name, pin.registry)
