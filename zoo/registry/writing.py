"""How ``registry.yaml`` is written: sorted, so that the same models give the same bytes, and one model at a time."""

from __future__ import annotations

import math
import re
import warnings
from collections import defaultdict
from collections.abc import Mapping
from statistics import fmean
from typing import Any

import yaml

from zoo.model.card import Card
from zoo.registry.blocks import Blocks, cut
from zoo.registry.index import MAX_TRACKS, NEWEST_SCHEMA, Entry, Index, Versions, parse_registry, sort_key

_WIDTH = 120
_FIRST_SCHEMA = {"url", "sha256sums", "yanked", "assay", "biosample", "genome", "summary"}
_NO_QUALITY = {"n", "prevalence", "threshold"}
"""Numbers among a card's metrics that tell of the data, or of a choice, and not how good the model is."""

_CHECKED_WHOLE = 1 << 20  # characters, about 2,500 models; to read more than that twice takes seconds


def describe(card: Card, digest: str, **place: Any) -> Entry:
    """Return how a registry lists a model.

    Args:
        card: The model's.
        digest: The sha256 of its SHA256SUMS.
        **place: ``url``, or ``blobs`` and ``size``, and what else there is: ``signature``, ``benchmarks``.
    """
    return Entry(
        sha256sums=digest,
        assay=card.assay,
        biosample=card.biosample,
        organism=card.organism,
        genome=card.genome.name if card.genome else "",
        license=card.license,
        summary=card.summary,
        tracks=card.track_names[:MAX_TRACKS],
        metrics=_average(card.metrics.get("test", {})),
        **place,
    )


def _average(tracks: Mapping[str, Mapping[str, Any]]) -> dict[str, float]:
    """Return each metric's mean over the tracks that have it."""
    found: dict[str, list[float]] = defaultdict(list)
    for metrics in tracks.values():
        for name, value in metrics.items():
            if isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value):
                found[name].append(value)
    return {name: round(fmean(values), 6) for name, values in sorted(found.items()) if name not in _NO_QUALITY}


def rank(versions: Mapping[str, Entry], aliases: Mapping[str, str] | None = None) -> Versions:
    """Return the versions of a model with the one that a bare name stands for; the highest if all are withdrawn."""
    kept = [version for version, entry in versions.items() if entry.yanked is None]
    return Versions(latest=max(kept or versions, key=sort_key), aliases=dict(aliases or {}), versions=dict(versions))


def format_registry(index: Index) -> str:
    """Return an index as text: names and versions sorted."""
    return _dump(index.schema_version, index.models)


class RegistryText:
    """The text of a registry, cut once for all that is asked of it; ``where`` is what messages call it."""

    def __init__(self, text: str, where: str = "registry.yaml") -> None:
        self.text, self.where = text, where
        self._blocks = cut(text)

    def list_names(self) -> list[str]:
        """Return the names of all models; raises as ``find``."""
        if self._blocks is None:
            return list(parse_registry(self.text, self.where).models)
        return [block.name for block in self._blocks.blocks]

    def find(self, name: str) -> Versions | None:
        """Return what is listed of one model; None if nothing. The other models are not looked at.

        Raises:
            ModelError: The text is no registry.
        """
        if self._blocks is None:
            return parse_registry(self.text, self.where).models.get(name)
        return _read_block(self._blocks, name, self.where)

    def splice(self, name: str, versions: Versions) -> str:
        """Return the text with these versions of one model; every other model's lines stay, byte for byte.

        A text that is written as no zoo would write it is written anew as a whole, with a warning if it loses a comment
        or its layout: YAML allows too much for a change within. An empty one is of a registry that is not there yet.

        Args:
            name: The model's, listed or new.
            versions: All of them.

        Raises:
            ModelError: The text is no registry.
        """
        schema = NEWEST_SCHEMA if _needs_newest_schema(versions) else 1
        if not self.text:
            return _dump(NEWEST_SCHEMA, {name: versions})
        if self._blocks is not None:
            spliced = _splice(self._blocks, name, versions, schema, self.where)
            if spliced is not None:
                return spliced
        index = parse_registry(self.text, self.where)
        if _loses_something(self.text, index):
            warnings.warn(
                f"{self.where}: expected one block a model, as the zoo writes it; all of it was written anew, without "
                "comments",
                UserWarning,
                stacklevel=2,
            )
        return _dump(max(schema, index.schema_version), {**index.models, name: versions})


def find_versions(text: str, name: str, where: str) -> Versions | None:
    """Return what the text of a registry lists of one model, as ``RegistryText.find``."""
    return RegistryText(text, where).find(name)


def splice(text: str, name: str, versions: Versions, where: str = "registry.yaml") -> str:
    """Return the text of a registry with these versions of one model, as ``RegistryText.splice``."""
    return RegistryText(text, where).splice(name, versions)


def _splice(blocks: Blocks, name: str, versions: Versions, schema: int, where: str) -> str | None:
    """Return the text with one block changed; None if it does not say then what it should."""
    before = _read_block(blocks, name, where)
    if before == versions:
        return blocks.text
    lines = _dump_block(name, versions).replace("\n", blocks.line_end)
    if find_versions(f"schema_version: {NEWEST_SCHEMA}\nmodels:\n{lines}", name, where) != versions:
        return None
    changed = blocks.replace(name, lines)
    start, end = blocks.schema
    if int(blocks.text[start:end]) < schema:
        changed = f"{changed[:start]}{schema}{changed[end:]}"
    # That the other blocks stay follows from where the text was cut; what is short is read all the same.
    if len(changed) <= _CHECKED_WHOLE:
        models = parse_registry(blocks.text, where).models
        if parse_registry(changed, where).models != {**models, name: versions}:
            return None
    own = blocks.find(name)
    if before is not None and own is not None:
        old = blocks.text[own.start : own.end]
        if "#" in old and old.replace("\r\n", "\n") != _dump_block(name, before):
            warnings.warn(f"{where}: comments between the lines of {name} are gone", UserWarning, stacklevel=3)
    return changed


def _read_block(blocks: Blocks, name: str, where: str) -> Versions | None:
    start, end = blocks.schema
    block = blocks.find(name)
    # Without a block, too: the schema must be one that is known.
    lines = " {}\n" if block is None else f"\n{blocks.text[block.start : block.end]}"
    return parse_registry(f"schema_version: {blocks.text[start:end]}\nmodels:{lines}", where).models.get(name)


def _needs_newest_schema(versions: Versions) -> bool:
    given = (field for entry in versions.versions.values() for field in _list_fields(entry))
    return bool(versions.aliases) or any(field not in _FIRST_SCHEMA for field in given)


def _loses_something(text: str, index: Index) -> bool:
    """Return whether a text is anything else than its models in the zoo's own form, or is too long to say."""
    return len(text) > _CHECKED_WHOLE or format_registry(index) != text


def _list_fields(entry: Entry) -> dict[str, Any]:
    """Return the fields of an entry that hold something."""
    return {field: value for field, value in entry.model_dump(mode="json").items() if value not in (None, "", {}, [])}


class _Dumper(yaml.SafeDumper):
    """Writes text that holds more than letters and spaces between double quotes, where no line end is a line's end."""


def _represent_text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    style = None if text.isprintable() else '"'
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Dumper.add_representer(str, _represent_text)


def _dump(schema: int, models: Mapping[str, Versions]) -> str:
    document = {
        "schema_version": schema,
        "models": {
            name: {
                "latest": model.latest,
                **({"aliases": dict(sorted(model.aliases.items()))} if model.aliases else {}),
                "versions": {
                    version: _list_fields(model.versions[version]) for version in sorted(model.versions, key=sort_key)
                },
            }
            for name, model in sorted(models.items())
        },
    }
    text: str = yaml.dump(document, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=_WIDTH)
    return text


def _dump_block(name: str, versions: Versions) -> str:
    return re.split(r"^models:\n", _dump(NEWEST_SCHEMA, {name: versions}), maxsplit=1, flags=re.MULTILINE)[1]
