"""Where a model is published to: a store for its files, and the registry that lists them."""

from __future__ import annotations

import os
import unicodedata
from dataclasses import dataclass
from pathlib import Path

from zoo.errors import OutputError
from zoo.registry.sources import find_target
from zoo.registry.stores.addresses import hide_secrets, split_address
from zoo.registry.stores.opening import open_store
from zoo.registry.stores.protocol import Writer, leads_out

_UNREADABLE = frozenset({"Cc", "Cs"})
"""What no name may hold, as Unicode classifies it: control characters, and bytes that are no UTF-8."""


@dataclass(frozen=True, slots=True)
class RegistryFile:
    """A registry that is to be changed.

    Attributes:
        store: Where it lies.
        path: What the store calls it.
        address: What the user calls it.
    """

    store: Writer
    path: str
    address: str

    @property
    def remote(self) -> bool:
        """Whether it lies behind a network, which may fail for a moment."""
        return "://" in self.store.address


def open_registry_file(registry: str | Path) -> RegistryFile:
    """Return the registry at an address, which need not be there yet.

    Args:
        registry: Its file or the store it lies in, as a path or an address, or the name of a known registry.

    Raises:
        ModelError: It is no address.
        OutputError: It can only be read.
    """
    address = find_target(registry)
    store, path = split_address(address)
    return RegistryFile(open_store(store, write=True), path, hide_secrets(address))


def name_store(store: str, registry: str) -> str:
    """Return what a registry calls a store: a path below its own folder where it can, so that both may be moved.

    Args:
        store: A folder or an address.
        registry: The path or address of the registry's file.

    Raises:
        OutputError: Who reads the registry could not find the store.
    """
    if not store.strip():
        raise OutputError("expected a store, found an empty address")
    if store.rstrip("/").endswith((".yaml", ".yml")):
        raise OutputError(
            f"{hide_secrets(store)}: expected a store, found what a registry is called; write "
            f"{hide_secrets(split_address(store.rstrip('/'))[0])}"
        )
    named = _name_store(store, registry, split_address(registry)[0])
    below = named != "." and "://" not in named
    if (
        (below and leads_out(named))
        or named != named.strip()
        or any(unicodedata.category(letter) in _UNREADABLE for letter in named)
    ):
        raise OutputError(
            f"{hide_secrets(store)!r}: expected the name of a store in UTF-8, without a backslash, line ends and the "
            "like, empty parts, and a space at its ends: not every reader would find it"
        )
    return named


def check_apart(folder: Path, store: str, registry: str) -> None:
    """Refuse a store or a registry of this disk that would be written into a model's folder.

    Args:
        folder: The model's.
        store: A folder or an address.
        registry: The path or address of the registry's file.

    Raises:
        OutputError: A store, or the registry, lies in it.
    """
    inside = Path(os.path.realpath(folder))
    written = {store: Path(store, "blobs"), registry: Path(registry)}
    for given, path in written.items():
        if "://" not in given and Path(os.path.realpath(path)).is_relative_to(inside):
            raise OutputError(f"{given}: lies in the model's folder, {folder}, which stays as it is; expected another")


def _name_store(store: str, registry: str, above: str) -> str:
    if "://" not in store:
        if "://" in registry:
            raise OutputError(
                f"{store}: readers of {hide_secrets(registry)} can't reach a folder of this machine; "
                "publish to a store that they can"
            )
        root, folder = Path(os.path.realpath(above)), Path(os.path.realpath(store))
        if not folder.is_relative_to(root):
            raise OutputError(
                f"{store}: expected a folder inside {root}, where the registry lies: both are read and moved together"
            )
        return folder.relative_to(root).as_posix()
    base, above = (hide_secrets(_lower_scheme(address)).rstrip("/") for address in (store, above))
    if base == above:
        return "."
    return base.removeprefix(f"{above}/") if base.startswith(f"{above}/") else base


def _lower_scheme(address: str) -> str:
    scheme, separator, rest = address.partition("://")
    return f"{scheme.lower()}{separator}{rest}" if separator else address
