"""``register``: list a model folder where it lies, in a registry of this disk; nothing is sent, tested or signed."""

from __future__ import annotations

from pathlib import Path

from zoo.errors import ModelError, OutputError
from zoo.model.card import read_card
from zoo.model.checksums import verify_checksums
from zoo.model.folder import CARD_FILE
from zoo.publishing.entering import find_same, put_entry
from zoo.publishing.swapping import change_registry, update_index
from zoo.publishing.target import open_registry_file
from zoo.registry.index import Listing, Versions
from zoo.registry.writing import describe

_KEPT = ("yanked", "signature", "benchmarks")
"""What an entry says that neither card nor folder do."""


def register(folder: str | Path, registry: str | Path, *, replace: bool = False) -> Listing:
    """List a model folder in a registry, or in a new one; several may do so at once, and none of them is lost.

    Args:
        folder: Somewhere below the folder of the registry; its checksums must hold.
        registry: The registry's file, or the folder that it lies in.
        replace: Allow other bytes under a name and version that are listed already: before the first publication only.

    Raises:
        VersionExists: The version is listed with other bytes.
        PublishConflict: Others change the registry all the time.
        ModelError: The folder lies outside the registry's, is not whole, or the registry is none.
        OutputError: The registry can't be written.
    """
    folder, target = Path(folder), open_registry_file(registry)
    if target.remote:
        raise OutputError(f"{target.address}: expected a registry on this disk; zoo publish lists models in others")
    root = Path(target.store.address).resolve()
    if folder.resolve() == root or not folder.resolve().is_relative_to(root):
        raise ModelError(f"{folder}: expected a model folder below {root}, where the registry lies")
    digest = verify_checksums(folder)
    card = read_card(folder / CARD_FILE)
    described = describe(card, digest, url=folder.resolve().relative_to(root).as_posix())

    def enter(current: Versions | None) -> Versions:
        listed = find_same(current, card, digest, target.address, replace=replace)
        kept = {} if listed is None else {field: getattr(listed, field) for field in _KEPT}
        return put_entry(current, card.version, described.model_copy(update=kept))

    swapped = change_registry(target, card.name, enter)
    update_index(target, swapped.text)
    return swapped.versions.find(card.full_name)
