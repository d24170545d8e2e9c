"""``zoo.lock``: the models of a project, each pinned by version and digest, whatever a registry says later."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Literal

import yaml
from pydantic import Field

from zoo.errors import LockMismatch, ModelError, near_match
from zoo.model.card import Name, Sha256, Text, Version
from zoo.model.document import Document, parse_document, read_document
from zoo.registry.linked import open_linked
from zoo.registry.stores.amending import amend

LOCK_FILE = "zoo.lock"

_MAX_LOCK = 1 << 24  # bytes


class Pin(Document):
    """One model: its version, the sha256 of its SHA256SUMS, where it came from, and who had signed it, if anybody."""

    version: Version
    sha256sums: Sha256
    registry: Text
    signer: str = ""


class Lock(Document):
    """The document."""

    schema_version: Literal[1]
    models: dict[Name, Pin] = Field(default_factory=dict)

    def pin(self, name: str) -> Pin:
        """Return what is pinned for ``name`` or ``name@1.0.0``.

        Raises:
            LockMismatch: It is not in the lock, or in another version.
        """
        base, _, version = name.rpartition(":")[2].partition("@")
        if base not in self.models:
            raise LockMismatch(
                f"{base!r} is not in {LOCK_FILE}{near_match(base, self.models)} (zoo lock {name} adds it)"
            )
        pin = self.models[base]
        if version not in {"", pin.version}:
            raise LockMismatch(
                f"{name}: {LOCK_FILE} pins version {pin.version}; leave the version out, or lock the other one"
            )
        return pin


def read_lock(path: Path) -> Lock:
    """Read a lock.

    Raises:
        ModelError: It is missing, or has a wrong field.
    """
    return read_document(path, Lock, ModelError)


def update_lock(path: Path, pins: Mapping[str, Pin]) -> Lock:
    """Pin models in a lock, beside those that it pins already, or in a new one; return it.

    Raises:
        ModelError: The file that is there is no lock.
        OutputError: It can't be written.
    """
    store, name = open_linked(path)
    locks: list[Lock] = []

    def add(content: bytes | None) -> bytes | None:
        before = {} if content is None else _parse(content, path).models
        lock = Lock(schema_version=1, models=dict(sorted({**before, **pins}.items())))
        locks.append(lock)
        document = lock.model_dump(mode="json", exclude_defaults=True)
        text = yaml.safe_dump(document, sort_keys=False, allow_unicode=True, width=120).encode()
        return None if text == content else text

    amend(store, name, _MAX_LOCK, add)
    return locks[-1]


def _parse(content: bytes, path: Path) -> Lock:
    try:
        return parse_document(content.decode("utf-8"), Lock, path, ModelError)
    except UnicodeDecodeError as error:
        raise ModelError(f"{path}: expected text, found bytes that are none ({error.reason})") from error
