"""``registry.index.jsonl``: a line for every version of every model, made from ``registry.yaml`` and beside it.

The first line holds the sha256 of the registry that the others were made from, and that of the others themselves: an
index of another registry, or one that was damaged, is passed over. The others are sorted by name, then version, so that
a name is found by halving, and begin with what a list shows::

    {"format":1,"registry":"52aa…","versions":2,"lines":"e0d1…"}
    {"name":"a-ctcf","version":"1.0.0","latest":false,"assay":"TF ChIP-seq",…,"sha256sums":"9c1b…",…}
    {"name":"a-ctcf","version":"1.1.0","latest":true,"assay":"TF ChIP-seq",…,"sha256sums":"07fe…",…}

Fields that are empty are left out.
"""

from __future__ import annotations

import contextlib
import gc
import hashlib
import json
import re
from collections.abc import Iterable, Iterator
from operator import itemgetter
from pathlib import Path
from typing import Any

from pydantic_core import from_json

from zoo.errors import ModelError
from zoo.model.document import validate
from zoo.registry.blocks import Blocks, cut
from zoo.registry.index import Index, Listing, Versions, list_index, parse_registry

PLACE = ("name", "version", "latest", "aliases")
"""The fields of a line that are not the entry's."""

_FORMAT = 1
_SHOWN = ("yanked", "assay", "biosample", "genome", "summary")
_KINDS: dict[str, frozenset[type]] = {
    **dict.fromkeys(("name", "version"), frozenset({str})),
    **dict.fromkeys((*_SHOWN, "organism", "license"), frozenset({str, type(None)})),
    **dict.fromkeys(("aliases", "tracks"), frozenset({list, type(None)})),
    "metrics": frozenset({dict, type(None)}),
}
_START, _NEWEST, _HIDDEN = b'{"name":"', b'"latest":true', b',"sha256sums":'
_TEXT = rb'"((?:[^"\\]|\\.)*)"'
_LISTED = rb'"%b":(?:"((?:[^"\\]|\\.)*)"|\[((?:[^\]"]|"(?:[^"\\]|\\.)*")*)\])'
_METRICS = re.compile(rb'"metrics":\{([^}]*)\}')

_PART = 1 << 16
"""Bytes of an index that are looked at in one go: they stay in the processor's own memory, which halves the time."""

_SLICE = 1000
"""Models that are read at once: what YAML makes of 100,000 takes gigabytes."""


def name_index(path: Path) -> Path:
    """Return where the index of a registry stands: ``registry.index.jsonl`` beside ``registry.yaml``."""
    return path.with_name(f"{path.stem}.index.jsonl")


def build_index(text: str, *, before: tuple[str, bytes] | None = None, where: str = "registry.yaml") -> bytes:
    """Return the index of a registry.

    Args:
        text: The registry.
        before: An earlier text of it, and the index of that: models whose lines are the same are not read again.
        where: What messages call the registry.

    Raises:
        ModelError: It is no registry.
    """
    blocks = cut(text)
    if blocks is None:
        lines = [line for _, line in _format(parse_registry(text, where))]
    else:
        lines = _format_blocks(blocks, before, where)
    digest = hashlib.sha256(text.encode()).hexdigest()
    whole = b"\n".join([*lines, b""])
    own = hashlib.sha256(whole).hexdigest()
    head = _pack({"format": _FORMAT, "registry": digest, "versions": len(lines), "lines": own})
    return b"%b\n%b" % (head, whole)


def is_index_of(content: bytes, registry: bytes) -> bool:
    """Return whether these bytes are a whole index, and that of this registry."""
    return is_index_with(content, hashlib.sha256(registry).hexdigest())


def is_index_with(content: bytes, digest: str) -> bool:
    """Return whether these bytes are a whole index, none of them changed, and that of the registry with this sha256."""
    try:
        start = content.index(b"\n") + 1
        head = json.loads(content[:start])
    except (ValueError, RecursionError):
        return False
    return (
        isinstance(head, dict)
        and head.get("format") == _FORMAT
        and head.get("versions") == content.count(b"\n") - 1
        and content.endswith(b"\n")
        and head.get("registry") == digest
        # Earlier ones don't tell.
        and head.get("lines") in (None, hashlib.sha256(memoryview(content)[start:]).hexdigest())
    )


class Lines:
    """The lines of an index; ``where`` is what messages call it."""

    def __init__(self, content: bytes, where: str) -> None:
        self.content = content
        self.where = where
        self._first = content.index(b"\n") + 1

    def find(self, name: str) -> Versions | None:
        """Return all versions of one model; None if there are none.

        Raises:
            ModelError: A line is not what an index holds.
        """
        rows = self._read(self._find_lines(_encode(name)))
        if not rows:
            return None
        document = {
            "latest": next((row["version"] for row in rows if row.get("latest")), rows[-1]["version"]),
            "aliases": {str(alias): row["version"] for row in rows for alias in row.get("aliases", ())},
            "versions": {
                row["version"]: {field: value for field, value in row.items() if field not in PLACE} for row in rows
            },
        }
        return validate(Versions, document, f"{self.where}: models.{name}", ModelError)

    def holds(self, name: str) -> bool:
        """Return whether there is a model of this name."""
        return bool(self._find_lines(_encode(name)))

    def list_names(self) -> list[str]:
        """Return the name of every model, each once."""
        start = len(_START)
        names = [line[start : line.find(b'"', start)] for part in self._cut() for line in part.split(b"\n")]
        # In their order, in which they are sorted already: a set would lose it.
        return sorted(dict.fromkeys(b"\n".join(names).decode(errors="replace").split("\n"))) if names else []

    def list_lines(self) -> list[bytes]:
        """Return every line, as it stands."""
        return [line for part in self._cut() for line in part.split(b"\n")]

    def list_rows(self, word: bytes = b"", *, newest: bool = False, shown: bool = False) -> list[dict[str, Any]]:
        """Return lines as rows, fields by name.

        Args:
            word: Only lines that hold it, given in small ASCII letters, in either case; and all beyond ASCII.
            newest: Only the version of each model that a bare name stands for.
            shown: Only what a table shows, the first half of a line.

        Raises:
            ModelError: A line is not what an index holds.
        """
        rows: list[dict[str, Any]] = []
        with collecting_later():
            for part in self._cut():
                if word and part.isascii() and word not in part.lower():
                    continue
                lines = part.split(b"\n")
                if word:
                    lines = [line for line in lines if word in line.lower() or not line.isascii()]
                if shown:
                    # Before this there are only texts, which can't hold it: their quotes are \".
                    lines = [line if (end := line.find(_HIDDEN)) < 0 else line[:end] + b"}" for line in lines]
                if newest:
                    lines = [line for line in lines if _NEWEST in line]
                rows += self._read(lines, shown=shown)
        return rows

    def list_values(self, field: str) -> set[str]:
        """Return what stands in a field of text, or in a list of texts, anywhere."""
        texts: set[bytes] = set()
        for text, texts_of_list in set(re.findall(_LISTED % field.encode(), self.content[self._first :])):
            texts.update([text] if text else re.findall(_TEXT, texts_of_list))
        return {text.decode(errors="replace") for text in texts}

    def list_metrics(self) -> set[str]:
        """Return the names of all metrics."""
        found = set(_METRICS.findall(self.content[self._first :]))
        return {name.decode(errors="replace") for each in found for name in re.findall(_TEXT + b":", each)}

    def _cut(self) -> Iterator[bytes]:
        """Yield all lines, some hundred together."""
        start = self._first
        while start < len(self.content):
            end = self.content.find(b"\n", start + _PART)
            yield self.content[start:end]  # without the last line end, which is there: it is looked at before
            start = end + 1 if end >= 0 else len(self.content)

    def _read(self, lines: list[bytes], *, shown: bool = False) -> list[dict[str, Any]]:
        try:
            rows = from_json(b"[%b]" % b",".join(lines))
        except ValueError as error:
            raise self._refuse(f"expected a JSON object in each line ({error})") from error
        if len(rows) != len(lines) or not _are_rows(rows, ("name", "version", *_SHOWN) if shown else _KINDS):
            raise self._refuse("expected a name, a version and fields of their kinds in each line")
        return rows  # type: ignore[no-any-return]

    def _find_lines(self, name: bytes) -> list[bytes]:
        low, high = self._first, len(self.content)
        while low < high:  # the first line whose name does not come before ours begins between them
            middle = max(low, self.content.rfind(b"\n", 0, (low + high) // 2) + 1)
            if self._read_name(middle) < name:
                low = self.content.index(b"\n", middle) + 1
            else:
                high = middle
        found = []
        while low < len(self.content) and self._read_name(low) == name:
            end = self.content.index(b"\n", low)
            found.append(self.content[low:end])
            low = end + 1
        return found

    def _read_name(self, start: int) -> bytes:
        if not self.content.startswith(_START, start):
            raise self._refuse("expected the name first in each line")
        start += len(_START)
        return self.content[start : self.content.find(b'"', start)]

    def _refuse(self, reason: str) -> ModelError:
        return ModelError(f"{self.where}: {reason}; this is no index that the zoo wrote: remove it")


@contextlib.contextmanager
def collecting_later() -> Iterator[None]:
    """Keep the collector of cyclic garbage away from very many new objects, none of which is any: it takes as long."""
    if not gc.isenabled():
        yield
        return
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def read_name(line: bytes) -> str:
    """Return the name of the model that a line lists."""
    return line[len(_START) : line.find(b'"', len(_START))].decode(errors="replace")


def _encode(name: str) -> bytes:
    """Return a name that may have been typed in any encoding; one that is no UTF-8 is nobody's."""
    return name.encode(errors="surrogatepass")


def _are_rows(rows: list[Any], fields: Iterable[str]) -> bool:
    """Return whether lines are objects in which these fields are of their kinds."""
    return {type(row) for row in rows} <= {dict} and all(
        {type(row.get(field)) for row in rows} <= _KINDS[field] for field in fields
    )


def _format_blocks(blocks: Blocks, before: tuple[str, bytes] | None, where: str) -> list[bytes]:
    """Return the lines of a text that is cut, those of an earlier one where the block is the same."""
    pairs = [] if before is None else _keep_lines(blocks, *before)
    same = {name for name, _ in pairs}
    others = [blocks.text[block.start : block.end] for block in blocks.blocks if block.name not in same]
    start, end = blocks.schema
    head = f"schema_version: {blocks.text[start:end]}\nmodels:"
    parse_registry(f"{head} {{}}\n", where)  # of a schema that can be read, even if no model is read
    for first in range(0, len(others), _SLICE):
        try:
            index = parse_registry("".join([f"{head}\n", *others[first : first + _SLICE]]), where)
        except ModelError:
            parse_registry(blocks.text, where)  # the same fault, by its line in the whole text
            raise
        pairs += _format(index)
    return [line for _, line in sorted(pairs, key=itemgetter(0))]


def _keep_lines(blocks: Blocks, old_text: str, old_index: bytes) -> list[tuple[str, bytes]]:
    """Return the names and lines of the models whose blocks are those of an earlier text."""
    old = cut(old_text)
    if old is None or not is_index_of(old_index, old_text.encode()):
        return []
    known = {block.name: old.text[block.start : block.end] for block in old.blocks}
    same = {block.name for block in blocks.blocks if known.get(block.name) == blocks.text[block.start : block.end]}
    lines = ((read_name(line), line) for line in Lines(old_index, "").list_lines())
    return [(name, line) for name, line in lines if name in same]


def _format(index: Index) -> Iterator[tuple[str, bytes]]:
    """Give the name and the line of every version, by name, then oldest first."""
    for listing in list_index(index):
        yield listing.name, _format_line(listing, index.models[listing.name])


def _format_line(listing: Listing, model: Versions) -> bytes:
    fields = listing.entry.model_dump(mode="json", exclude_defaults=True)
    aliases = sorted(alias for alias, version in model.aliases.items() if version == listing.version)
    return _pack(
        {
            "name": listing.name,
            "version": listing.version,
            "latest": listing.latest,
            **({"aliases": aliases} if aliases else {}),
            **{field: fields.pop(field) for field in _SHOWN if field in fields},
            "sha256sums": fields.pop("sha256sums"),
            **fields,
        }
    )


def _pack(document: dict[str, Any]) -> bytes:
    return json.dumps(document, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode()
