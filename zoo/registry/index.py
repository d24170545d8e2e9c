"""``registry.yaml``: the models that a repository publishes, each pinned by one hash."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints, field_validator, model_validator

from zoo.errors import ModelError, UnknownModel, near_match
from zoo.model.card import Name, Sha256, Text, Version
from zoo.model.document import Document, parse_document, read_document

NEWEST_SCHEMA = 2

MAX_SIZE = 1 << 33
"""Bytes of a model that an entry may tell, and thus make its readers fetch."""

MAX_TRACKS = 1000
"""Names of tracks that an entry holds: those of a model with more are not searched beyond."""


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
        tracks: The names of its columns, which a search looks through; of many the first ``MAX_TRACKS``.
        metrics: By name, the mean over tracks on the test set.
    """

    url: Text | None = None
    blobs: Text | None = None
    sha256sums: Sha256
    size: int | None = Field(default=None, ge=0, le=MAX_SIZE)
    signature: Sha256 | None = None
    benchmarks: Sha256 | None = None
    yanked: Annotated[str, StringConstraints(min_length=1)] | None = None
    assay: Text
    biosample: str = ""
    organism: str = ""
    genome: str = ""
    license: str = ""
    summary: Text
    tracks: tuple[Text, ...] = Field(default=(), max_length=MAX_TRACKS)
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
    """All versions of one model, and the aliases of some.

    Attributes:
        latest: What a bare name stood for when this was written, for who reads the file; ``newest`` counts.
        aliases: Other names of versions, such as ``stable``.
        versions: At least one.
    """

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

    @property
    def newest(self) -> str | None:
        """The highest version that is not withdrawn, which a bare name stands for; None where all are."""
        kept = [version for version, entry in self.versions.items() if entry.yanked is None]
        return max(kept, key=sort_key, default=None)

    def find(self, name: str) -> Listing:
        """Return what ``name``, ``name@version`` or ``name@alias`` stands for, ``name`` being this model's.

        Raises:
            UnknownModel: There is no such version, or all are withdrawn and none was named.
        """
        base, separator, asked = name.partition("@")
        newest = self.newest
        version = newest if not separator or asked == "latest" else self.aliases.get(asked, asked)
        if version is None:
            last = max(self.versions, key=sort_key)
            raise UnknownModel(
                f"every version of model {base!r} was withdrawn, {last} for this reason: "
                f"{' '.join(str(self.versions[last].yanked).split())}; to use it all the same, write {base}@{last}"
            )
        if version not in self.versions:
            raise UnknownModel(
                f"no version {version!r} of model {base!r}{near_match(version, [*self.versions, *self.aliases])}"
            )
        return Listing(base, version, version == newest, self.versions[version])


class Index(Document):
    """The document; schema version 1 knows only folders, no aliases and fewer fields."""

    schema_version: Literal[1, 2]
    models: dict[Name, Versions] = Field(default_factory=dict)

    @model_validator(mode="before")
    @classmethod
    def _is_of_a_known_schema(cls, document: Any) -> Any:
        # Before the fields: those of a later schema are no misspellings.
        found = document.get("schema_version") if isinstance(document, dict) else None
        if type(found) is int and found > NEWEST_SCHEMA:
            raise ValueError(
                f"expected schema_version {NEWEST_SCHEMA} or lower, found {found}; update assayzoo to read it"
            )
        return document


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
        base = name.partition("@")[0]
        if base not in self.index.models:
            raise UnknownModel(f"no model {base!r} in {self.path}{near_match(base, self.index.models)}")
        return self.index.models[base].find(name)

    def list_models(self) -> list[Listing]:
        """Return every version of every model, by name, then oldest first."""
        return list_index(self.index)


def list_index(index: Index) -> list[Listing]:
    """Return every version of every model, by name, then oldest first."""
    return [
        Listing(name, version, version == newest, model.versions[version])
        for name, model in sorted(index.models.items())
        for newest in [model.newest]
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


def parse_registry(text: str, where: str) -> Index:
    """Check the text of an index; ``where`` is what messages call it. Raises as ``read_registry``."""
    return parse_document(text, Index, where, ModelError)
