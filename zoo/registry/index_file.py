"""``registry.index.jsonl``: a line for every version of every model, made from ``registry.yaml`` and beside it.

The first line holds the sha256 of the registry that the others were made from: an index of another one is passed over.
The others are sorted by name, then version, so that a name is found by halving, and begin with what a list shows::

    {"format":1,"registry":"52aa…","versions":2}
    {"name":"a-ctcf","version":"1.0.0","latest":false,"assay":"TF ChIP-seq",…,"sha256sums":"9c1b…",…}
    {"name":"a-ctcf","version":"1.1.0","latest":true,"assay":"TF ChIP-seq",…,"sha256sums":"07fe…",…}
"""

from __future__ import annotations

import contextlib
import gc
import hashlib
import json
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from zoo.errors import ModelError
from zoo.model.document import validate
from zoo.registry.blocks import cut
from zoo.registry.index import Index, Listing, Versions, list_index, parse_registry

_FORMAT = 1
_SHOWN = ("yanked", "assay", "biosample", "organism", "genome", "license", "summary", "metrics")
_START, _HIDDEN = b'{"name":"', b',"sha256sums":'
_PLACE = ("name", "version", "latest", "aliases")
_MANY = 10_000


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
    lines = None if before is None else _change(text, *before, where)
    if lines is None:
        lines = [line for _, line in _format(parse_registry(text, where))]
    return b"\n".join([_head(text, len(lines)), *lines, b""])


def is_index_of(content: bytes, registry: bytes) -> bool:
    """Return whether these bytes are a whole index, and that of this registry."""
    try:
        head = json.loads(content[: content.index(b"\n")])
    except ValueError:
        return False
    return (
        isinstance(head, dict)
        and head.get("format") == _FORMAT
        and head.get("versions") == content.count(b"\n") - 1
        and head.get("registry") == hashlib.sha256(registry).hexdigest()
        and content.endswith(b"\n")
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
        rows = self.read(self._find_lines(name.encode()))
        if not rows:
            return None
        latest = next((row["version"] for row in rows if row.get("latest")), rows[-1].get("version"))
        document = {
            "latest": latest,
            "aliases": {str(alias): row["version"] for row in rows for alias in row.get("aliases", ())},
            "versions": {
                row["version"]: {field: value for field, value in row.items() if field not in _PLACE} for row in rows
            },
        }
        return validate(Versions, document, f"{self.where}: models.{name}", ModelError)

    def list_names(self) -> list[str]:
        """Return the name of every model, each once."""
        names = {line[len(_START) : line.find(b'"', len(_START))] for line in self.content[self._first :].split(b"\n")}
        return sorted(name.decode() for name in names if name)

    def select(self, word: bytes = b"") -> list[bytes]:
        """Return the lines that hold a word, in small ASCII letters; letters of either case in the line will do."""
        if not word:
            return self.content[self._first : -1].split(b"\n") if len(self.content) > self._first else []
        small, found = self.content.lower(), []
        at = small.find(word, self._first)
        while at >= 0:
            start, end = small.rfind(b"\n", 0, at) + 1, small.index(b"\n", at)
            found.append(self.content[start:end])
            at = small.find(word, end)
        return found

    def read(self, lines: Iterable[bytes], *, shown: bool = False) -> list[dict[str, Any]]:
        """Return lines as rows, fields by name; ``shown``: only what a list shows, which is a half of them.

        Raises:
            ModelError: A line is not what an index holds.
        """
        if shown:
            # Between quotes this would be \"sha256sums\": it is where the shown fields end.
            lines = [line if (end := line.find(_HIDDEN)) < 0 else line[:end] + b"}" for line in lines]
        lines = list(lines)
        try:
            with _collecting_later(len(lines)):
                rows = json.loads(b"[%b]" % b",".join(lines))
        except ValueError as error:
            raise ModelError(f"{self.where}: expected a JSON object in each line ({error}); remove the file") from error
        if not all(map(_is_row, rows)):
            raise ModelError(f"{self.where}: expected a name and a version in each line; remove the file")
        return rows  # type: ignore[no-any-return]

    def list_values(self, field: str) -> set[str]:
        """Return what stands in a field of text, or in a list of texts, anywhere."""
        pattern = rb'"%b":(?:"((?:[^"\\]|\\.)*)"|\[((?:[^\]"]|"(?:[^"\\]|\\.)*")*)\])' % field.encode()
        texts: set[bytes] = set()
        for text, texts_of_list in set(re.findall(pattern, self.content[self._first :])):
            texts.update([text] if text else re.findall(rb'"((?:[^"\\]|\\.)*)"', texts_of_list))
        return {text.decode(errors="replace") for text in texts}

    def list_metrics(self) -> set[str]:
        """Return the names of all metrics."""
        found = set(re.findall(rb'"metrics":\{([^}]*)\}', self.content[self._first :]))
        return {name.decode(errors="replace") for each in found for name in re.findall(rb'"([^"\\]+)":', each)}

    def _find_lines(self, name: bytes) -> list[bytes]:
        low, high = self._first, len(self.content)
        while low < high:  # the first line whose name is not before ours starts between them
            middle = self.content.rfind(b"\n", 0, (low + high) // 2) + 1
            middle = max(middle, low)
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
            raise ModelError(f"{self.where}: expected the name first in each line; remove the file")
        start += len(_START)
        return self.content[start : self.content.find(b'"', start)]


def _read_name(line: bytes) -> str:
    return line[len(_START) : line.find(b'"', len(_START))].decode()


def _is_row(row: Any) -> bool:
    """Return whether a line is an object whose parts are of the right kind, as far as a search relies on that."""
    return (
        isinstance(row, dict)
        and isinstance(row.get("name"), str)
        and isinstance(row.get("version"), str)
        and isinstance(row.get("metrics", {}), dict)
        and all(isinstance(row.get(field, []), list) for field in ("aliases", "tracks"))
    )


def _head(text: str, versions: int) -> bytes:
    digest = hashlib.sha256(text.encode()).hexdigest()
    return _pack({"format": _FORMAT, "registry": digest, "versions": versions})


def _format(index: Index) -> Iterator[tuple[str, bytes]]:
    """Give the name and the line of every version."""
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


def _change(text: str, old_text: str, old_index: bytes, where: str) -> list[bytes] | None:
    """Return the lines of a registry from those of an earlier one; None where its text does not show what is new."""
    new, old = cut(text), cut(old_text)
    if new is None or old is None or not is_index_of(old_index, old_text.encode()):
        return None
    known = {block.name: old.text[block.start : block.end] for block in old.blocks}
    same = {block.name for block in new.blocks if known.get(block.name) == new.text[block.start : block.end]}
    others = [new.text[block.start : block.end] for block in new.blocks if block.name not in same]
    start, end = new.schema
    head = f"schema_version: {new.text[start:end]}\n"
    changed = parse_registry("".join([head, "models:\n" if others else "", *others]), where)
    kept = ((_read_name(line), line) for line in Lines(old_index, where).select())
    merged = [(name, line) for name, line in kept if name in same] + list(_format(changed))
    return [line for _, line in sorted(merged, key=lambda item: item[0])]


@contextlib.contextmanager
def _collecting_later(rows: int) -> Iterator[None]:
    """Keep the collector of cyclic garbage away from many new objects, of which none is any: it takes half the time."""
    if rows < _MANY or not gc.isenabled():
        yield
        return
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
