"""``registry.yaml``: the models that a repository publishes, each pinned by one hash."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import yaml
from pydantic import Field, StringConstraints, field_validator, model_validator

from zoo.errors import ModelError, OutputError, UnknownModel, VersionExists, near_match
from zoo.model.card import Name, Sha256, Text, Version, read_card
from zoo.model.checksums import verify_checksums
from zoo.model.document import Document, read_document
from zoo.model.folder import CARD_FILE


class Entry(Document):
    """One version of a model. ``sha256sums`` is the sha256 of its SHA256SUMS; ``yanked`` says why it was withdrawn."""

    url: Text
    sha256sums: Sha256
    yanked: Annotated[str, StringConstraints(min_length=1)] | None = None
    assay: Text
    biosample: str = ""
    genome: str = ""
    summary: Text

    @field_validator("url")
    @classmethod
    def _names_a_file(cls, url: str) -> str:
        if "\0" in url:
            raise ValueError("expected an address or a path, without the character NUL")
        return url


class Versions(Document):
    """All versions of one model; ``latest`` is the one that a bare name stands for."""

    latest: Version
    versions: dict[Version, Entry] = Field(min_length=1)

    @model_validator(mode="after")
    def _latest_is_listed(self) -> Versions:
        if self.latest not in self.versions:
            raise ValueError(f"latest {self.latest!r} is not among the versions {', '.join(self.versions)}")
        return self


class Index(Document):
    """The document, schema version 1."""

    schema_version: Literal[1]
    models: dict[Name, Versions] = Field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Listing:
    """One model of a registry."""

    name: str
    version: str
    latest: bool
    entry: Entry

    @property
    def full_name(self) -> str:
        return f"{self.name}@{self.version}"


@dataclass(frozen=True, slots=True)
class Registry:
    """An index, and the file that it was read from."""

    path: Path
    index: Index

    def find(self, name: str) -> Listing:
        """Return the model that ``name`` or ``name@version`` stands for.

        Raises:
            UnknownModel: There is no such model, or no such version; the message holds a near match.
        """
        base, separator, version = name.partition("@")
        if base not in self.index.models:
            raise UnknownModel(f"no model {base!r} in {self.path}{near_match(base, self.index.models)}")
        model = self.index.models[base]
        version = version if separator else model.latest
        if version not in model.versions:
            raise UnknownModel(f"no version {version!r} of model {base!r}{near_match(version, model.versions)}")
        return Listing(base, version, version == model.latest, model.versions[version])

    def list_models(self) -> list[Listing]:
        """Return every version of every model, by name, then oldest first."""
        return [
            Listing(name, version, version == model.latest, model.versions[version])
            for name, model in sorted(self.index.models.items())
            for version in sorted(model.versions, key=sort_key)
        ]


def sort_key(version: str) -> tuple[int, ...]:
    """Return what versions sort by: 1.10.0 comes after 1.9.0."""
    return tuple(int(part) for part in version.split("."))


def read_registry(path: Path) -> Registry:
    """Read and check an index.

    Raises:
        ModelError: The file is missing, no YAML, or a field is missing, unknown or wrong; the message names it.
    """
    return Registry(path, read_document(path, Index, ModelError))


def write_registry(registry: Registry) -> None:
    """Write an index: names and versions sorted, so that the same models give the same bytes.

    Raises:
        OutputError: It can't be written; the index that was there stays.
    """
    models = {
        name: {
            "latest": model.latest,
            "versions": {
                version: {
                    field: value
                    for field, value in model.versions[version].model_dump().items()
                    if value not in {None, ""}
                }
                for version in sorted(model.versions, key=sort_key)
            },
        }
        for name, model in sorted(registry.index.models.items())
    }
    document = {"schema_version": 1, "models": models}
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
    models = {**index.models, card.name: Versions(latest=latest, versions=versions)}
    write_registry(Registry(registry_path, Index(schema_version=1, models=models)))
    return Listing(card.name, card.version, card.version == latest, entry)
