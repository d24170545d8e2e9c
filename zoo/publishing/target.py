"""Where a model is published to: a store for its files, and the registry that lists them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from zoo.errors import OutputError
from zoo.registry.sources import find_target
from zoo.registry.stores.addresses import hide_secrets, split_address
from zoo.registry.stores.opening import open_store
from zoo.registry.stores.protocol import Writer


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
    above = split_address(registry)[0]
    if not store.strip():
        raise OutputError("expected a store, found an empty address")
    if "://" not in store:
        if "://" in registry:
            raise OutputError(
                f"{store}: readers of {hide_secrets(registry)} can't reach a folder of this machine; "
                "publish to a store that they can"
            )
        root, folder = Path(above).resolve(), Path(store).resolve()
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
