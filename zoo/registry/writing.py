"""How ``registry.yaml`` is written: sorted, so that the same models give the same bytes."""

from __future__ import annotations

from pathlib import Path

import yaml

from zoo.errors import ModelError, OutputError, VersionExists
from zoo.model.card import read_card
from zoo.model.checksums import verify_checksums
from zoo.model.folder import CARD_FILE
from zoo.registry.index import Entry, Index, Listing, Registry, Versions, read_registry, sort_key


def write_registry(registry: Registry) -> None:
    """Write an index: names and versions sorted, so that the same models give the same bytes.

    Raises:
        OutputError: It can't be written; the index that was there stays.
    """
    models = {
        name: {
            "latest": model.latest,
            **({"aliases": dict(sorted(model.aliases.items()))} if model.aliases else {}),
            "versions": {
                version: {
                    field: value
                    for field, value in model.versions[version].model_dump().items()
                    if value not in (None, "", {})
                }
                for version in sorted(model.versions, key=sort_key)
            },
        }
        for name, model in sorted(registry.index.models.items())
    }
    document = {"schema_version": registry.index.schema_version, "models": models}
    text = yaml.safe_dump(document, sort_keys=False, allow_unicode=True, width=120)
    # Beside it first: a run that breaks off must not leave half an index. A link stays a link.
    path = registry.path.resolve()
    partial = path.with_name(f"{path.name}.partial")
    try:
        partial.write_text(text, encoding="utf-8")
        partial.replace(path)
    except OSError as error:
        partial.unlink(missing_ok=True)
        raise OutputError(f"{registry.path}: can't be written: {error.strerror}") from error


def register(folder: Path, registry_path: Path, *, replace: bool = False) -> Listing:
    """List a model folder in an index, or write a new one; the highest version that is not withdrawn is the latest.

    Args:
        folder: Somewhere below the folder of the index; its checksums must hold.
        registry_path: The index.
        replace: Allow other bytes under a name and version that are listed already: before the first publication only.

    Raises:
        VersionExists: The version is listed with other bytes.
        ModelError: The folder lies outside the index's folder.
    """
    digest = verify_checksums(folder)
    card = read_card(folder / CARD_FILE)
    root = registry_path.parent.resolve()
    if not folder.resolve().is_relative_to(root):
        raise ModelError(f"{folder}: expected a model folder below {root}")
    entry = Entry(
        url=folder.resolve().relative_to(root).as_posix(),
        sha256sums=digest,
        assay=card.assay,
        biosample=card.biosample,
        genome=card.genome.name if card.genome else "",
        summary=card.summary,
    )
    index = read_registry(registry_path).index if registry_path.exists() else Index(schema_version=1)
    versions = dict(index.models[card.name].versions) if card.name in index.models else {}
    listed = versions.get(card.version)
    if listed is not None and listed.sha256sums != digest and not replace:
        raise VersionExists(
            f"{card.full_name} is listed in {registry_path} with sha256 {listed.sha256sums}, {folder} has {digest}; "
            "give the model a new version"
        )
    if listed is not None and listed.sha256sums == digest:
        entry = entry.model_copy(update={"yanked": listed.yanked})
    versions[card.version] = entry
    kept = [version for version, given in versions.items() if given.yanked is None]
    latest = max(kept or versions, key=sort_key)
    aliases = index.models[card.name].aliases if card.name in index.models else {}
    models = {**index.models, card.name: Versions(latest=latest, aliases=aliases, versions=versions)}
    write_registry(Registry(registry_path, index.model_copy(update={"models": models})))
    return Listing(card.name, card.version, card.version == latest, entry)
