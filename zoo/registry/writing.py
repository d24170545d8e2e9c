"""How ``registry.yaml`` is written: sorted, so that the same models give the same bytes, and one model at a time."""

from __future__ import annotations

import math
import os
import re
import tempfile
import warnings
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from statistics import fmean
from typing import Any

import yaml

from zoo.errors import ModelError, OutputError, VersionExists
from zoo.model.card import Card, read_card
from zoo.model.checksums import verify_checksums
from zoo.registry.blocks import Blocks, cut
from zoo.registry.index import (
    MAX_TRACKS,
    NEWEST_SCHEMA,
    Entry,
    Index,
    Listing,
    Registry,
    Versions,
    parse_registry,
    read_registry,
    sort_key,
)
from zoo.registry.stores.local import read_mask

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


def find_versions(text: str, name: str, where: str) -> Versions | None:
    """Return what the text of a registry lists of one model; None if nothing. The other models are not looked at.

    Raises:
        ModelError: The text is no registry; ``where`` is what the message calls it.
    """
    blocks = cut(text)
    if blocks is None:
        return parse_registry(text, where).models.get(name)
    return _read_block(blocks, name, where)


def splice(text: str, name: str, versions: Versions, where: str = "registry.yaml") -> str:
    """Return the text of a registry with these versions of one model; every other model's lines stay, byte for byte.

    A text that is written as no zoo would write it is written anew as a whole, with a warning if it loses a comment or
    its layout: YAML allows too much for a change within.

    Args:
        text: Empty for a registry that is not there yet.
        name: The model's, listed or new.
        versions: All of them.
        where: What messages call the registry.

    Raises:
        ModelError: The text is no registry.
    """
    schema = NEWEST_SCHEMA if _needs_newest_schema(versions) else 1
    if not text:
        return _dump(NEWEST_SCHEMA, {name: versions})
    blocks = cut(text)
    if blocks is not None:
        spliced = _splice(blocks, name, versions, schema, where)
        if spliced is not None:
            return spliced
    index = parse_registry(text, where)
    if _loses_something(text, index):
        warnings.warn(
            f"{where}: expected one block a model, as the zoo writes it; all of it was written anew, without comments",
            UserWarning,
            stacklevel=2,
        )
    return _dump(max(schema, index.schema_version), {**index.models, name: versions})


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


def write_registry(registry: Registry) -> None:
    """Write an index: names and versions sorted, so that the same models give the same bytes.

    Raises:
        OutputError: It can't be written; the index that was there stays.
    """
    # A link stays a link.
    write_whole(registry.path.resolve(), format_registry(registry.index).encode())


def write_whole(path: Path, content: bytes) -> None:
    """Write a file beside its place first, under a name of its own: nobody ever reads half of it.

    Raises:
        OutputError: It can't be written; what was there stays.
    """
    try:
        with tempfile.NamedTemporaryFile(
            dir=path.parent, prefix=f".{path.name}.", suffix=".partial", delete=False
        ) as stream:
            partial = Path(stream.name)
            try:
                stream.write(content)
                stream.flush()
                os.fsync(stream.fileno())
                partial.chmod(path.stat().st_mode & 0o777 if path.exists() else 0o666 & ~read_mask())
                partial.replace(path)
            finally:
                partial.unlink(missing_ok=True)
    except OSError as error:
        raise OutputError(f"{path}: can't be written: {error.strerror or error}") from error


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
    from zoo.model.folder import CARD_FILE  # with what runs a model: who reads a registry needs none of that

    digest = verify_checksums(folder)
    card = read_card(folder / CARD_FILE)
    root = registry_path.parent.resolve()
    if not folder.resolve().is_relative_to(root):
        raise ModelError(f"{folder}: expected a model folder below {root}")
    entry = describe(card, digest, url=folder.resolve().relative_to(root).as_posix())
    index = read_registry(registry_path).index if registry_path.exists() else Index(schema_version=NEWEST_SCHEMA)
    before = index.models.get(card.name)
    versions = dict(before.versions) if before else {}
    listed = versions.get(card.version)
    if listed is not None and listed.sha256sums != digest and not replace:
        raise VersionExists(
            f"{card.full_name} is listed in {registry_path} with sha256 {listed.sha256sums}, {folder} has {digest}; "
            "give the model a new version"
        )
    if listed is not None and listed.sha256sums == digest:
        kept = {field: getattr(listed, field) for field in ("yanked", "signature", "benchmarks")}
        entry = entry.model_copy(update=kept)
    model = rank({**versions, card.version: entry}, before.aliases if before else None)
    models = {**index.models, card.name: model}
    write_registry(Registry(registry_path, Index(schema_version=NEWEST_SCHEMA, models=models)))
    return Listing(card.name, card.version, card.version == model.newest, entry)
