"""``registry.yaml``: the models that a repository publishes, each pinned by one hash."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, StringConstraints, field_validator, model_validator

from zoo.errors import ModelError, UnknownModel, near_match
from zoo.model.card import Name, Sha256, Text, Version
from zoo.model.document import Document, read_document


class Entry(Document):
    """One version of a model, as a folder at ``url`` or as blobs by their sha256 below ``blobs``.

    Attributes:
        url: The model's folder, relative to the registry.
        blobs: The store whose ``blobs/sha256/52/52aa…`` hold its files, relative to the registry or an address.
        sha256sums: The sha256 of its SHA256SUMS, which pins every byte of it.
        size: Bytes of all files together: the most that is fetched. Given with ``blobs``.
        signature: The blob of its signature; it may be added later.
        benchmarks: The blob of its measured variant effects.
        yanked: Why it was withdrawn.
        metrics: By name, the mean over tracks on the test set.
    """

    url: Text | None = None
    blobs: Text | None = None
    sha256sums: Sha256
    size: int | None = Field(default=None, ge=0)
    signature: Sha256 | None = None
    benchmarks: Sha256 | None = None
    yanked: Annotated[str, StringConstraints(min_length=1)] | None = None
    assay: Text
    biosample: str = ""
    organism: str = ""
    genome: str = ""
    license: str = ""
    summary: Text
    metrics: dict[str, float] = Field(default_factory=dict)

    @field_validator("url", "blobs")
    @classmethod
    def _names_a_file(cls, address: str | None) -> str | None:
        if address is not None and "\0" in address:
            raise ValueError("expected an address or a path, without the character NUL")
        return address

    @model_validator(mode="after")
    def _lies_in_one_place(self) -> Entry:
        if (self.url is None) == (self.blobs is None):
            raise ValueError("expected either url, a folder, or blobs, a store")
        if self.blobs is not None and self.size is None:
            raise ValueError("expected size, the bytes of all files, beside blobs")
        return self


class Versions(Document):
    """All versions of one model; ``latest`` is the one that a bare name stands for, aliases are other such names."""

    latest: Version
    aliases: dict[Name, Version] = Field(default_factory=dict)
    versions: dict[Version, Entry] = Field(min_length=1)

    @model_validator(mode="after")
    def _aliases_are_listed(self) -> Versions:
        for alias, version in self.aliases.items():
            if alias == "latest":
                raise ValueError("aliases: 'latest' is the highest version that is not withdrawn; choose another name")
            if version not in self.versions:
                raise ValueError(f"alias {alias!r}: {version!r} is not among the versions {', '.join(self.versions)}")
        return self

    @model_validator(mode="after")
    def _latest_is_listed(self) -> Versions:
        if self.latest not in self.versions:
            raise ValueError(f"latest {self.latest!r} is not among the versions {', '.join(self.versions)}")
        return self


class Index(Document):
    """The document; schema version 1 knows only folders, no aliases and fewer fields."""

    schema_version: Literal[1, 2]
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
        """Return the model that ``name``, ``name@version`` or ``name@alias`` stands for.

        Raises:
            UnknownModel: There is no such model, or no such version; the message holds a near match.
        """
        base, separator, version = name.partition("@")
        if base not in self.index.models:
            raise UnknownModel(f"no model {base!r} in {self.path}{near_match(base, self.index.models)}")
        model = self.index.models[base]
        version = model.aliases.get(version, version) if separator and version != "latest" else model.latest
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
