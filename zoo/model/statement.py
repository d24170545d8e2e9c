"""What a signature is over: the statement that lists every file of a model folder with its sha256.

An in-toto statement of the OpenSSF model-signing format 1.0, as JSON. Nothing in it is believed before the signature
over its bytes was verified.

Sources: https://github.com/sigstore/model-transparency, https://github.com/in-toto/attestation.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any, TypeVar

from zoo.errors import SignatureError
from zoo.model.checksums import CHECKSUMS, SIGNATURE, hash_file, list_files
from zoo.model.limits import NAME_BYTES

T = TypeVar("T")

_STATEMENT = "https://in-toto.io/Statement/v1"
_PREDICATE = "https://model_signing/signature/v1.0"


def write_statement(folder: Path, name: str) -> bytes:
    """Return the statement over the files of a folder; ``name`` is for people to read."""
    digests = _hash_files(folder)
    statement = {
        "_type": _STATEMENT,
        "subject": [{"name": name, "digest": {"sha256": _join(digests.values())}}],
        "predicateType": _PREDICATE,
        "predicate": {
            "serialization": {
                "method": "files",
                "hash_type": "sha256",
                "allow_symlinks": False,
                "ignore_paths": [SIGNATURE],
            },
            "resources": [{"name": name, "algorithm": "sha256", "digest": digest} for name, digest in digests.items()],
        },
    }
    return json.dumps(statement, ensure_ascii=False, separators=(",", ":")).encode()


def read_statement(payload: bytes, where: str) -> dict[str, str]:
    """Return the sha256 of each file that a statement lists; ``where`` names it in messages.

    Raises:
        SignatureError: It is of another format, or contradicts itself.
    """
    statement = parse(payload, where)
    for field, expected in (("_type", _STATEMENT), ("predicateType", _PREDICATE)):
        if (found := take(statement, field, str, where)) != expected:
            raise SignatureError(f"{where}: {field}: expected {expected}, found {found[:80]!r}")
    predicate = take(statement, "predicate", dict, where)
    serialization = take(predicate, "serialization", dict, where)
    how = tuple(take(serialization, field, str, where) for field in ("method", "hash_type"))
    if how != ("files", "sha256"):
        raise SignatureError(f"{where}: expected whole files by sha256, found {how[0][:40]!r} by {how[1][:40]!r}")
    digests: dict[str, str] = {}
    for resource in take(predicate, "resources", list, where):
        if not isinstance(resource, dict):
            raise SignatureError(f"{where}: resources: expected files with their sha256, found {resource!r:.80}")
        name = take(resource, "name", str, where)
        if name in digests or take(resource, "algorithm", str, where) != "sha256":
            raise SignatureError(f"{where}: resources: expected each file once, by sha256, found {name[:80]!r}")
        digests[name] = take(resource, "digest", str, where)
    subjects = take(statement, "subject", list, where)
    if len(subjects) != 1 or not isinstance(subjects[0], dict):
        raise SignatureError(f"{where}: expected one subject, found {len(subjects)}")
    whole = take(take(subjects[0], "digest", dict, where), "sha256", str, where)
    if whole != _join_safely(digests, where):
        raise SignatureError(f"{where}: the statement contradicts itself: its subject is not the files that it lists")
    return digests


def compare_files(signed: dict[str, str], folder: Path) -> None:
    """Check that the files of a folder are exactly those that were signed; a signature is no part of it.

    Raises:
        SignatureError: A file differs, is missing or was added.
    """
    present = _hash_files(folder)
    for name in sorted(signed.keys() | present.keys()):
        if signed.get(name) != present.get(name):
            expected, found = signed.get(name, "no such file")[:64], present.get(name, "no such file")
            raise SignatureError(
                f"{folder}: {name[:NAME_BYTES]!r}: the signature is of other files: signed was sha256 {expected}, "
                f"found {found}"
            )


def _hash_files(folder: Path) -> dict[str, str]:
    """Return the sha256 of every file but the signature, by name, sorted."""
    return {name: hash_file(folder / name) for name in sorted([*list_files(folder), CHECKSUMS])}


def _join(digests: Iterable[str]) -> str:
    """Return the sha256 of digests one after the other."""
    return hashlib.sha256(b"".join(bytes.fromhex(digest) for digest in digests)).hexdigest()


def _join_safely(digests: dict[str, str], where: str) -> str:
    try:
        return _join(digests.values())
    except ValueError as error:
        raise SignatureError(f"{where}: resources: expected a sha256 for each file, found something else") from error


def parse(content: bytes, where: str) -> dict[str, Any]:
    """Return a document in JSON.

    Raises:
        SignatureError: It is none.
    """
    try:
        document = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise SignatureError(f"{where}: expected a signature in JSON, found something else") from error
    if not isinstance(document, dict):
        raise SignatureError(f"{where}: expected a signature, found a {type(document).__name__}")
    return document


def take(document: dict[str, Any], field: str, kind: type[T], where: str) -> T:
    """Return a field; fields of no meaning here may stand beside it.

    Raises:
        SignatureError: It is missing, or of another type.
    """
    found = document.get(field)
    if not isinstance(found, kind):
        raise SignatureError(f"{where}: {field}: expected {kind.__name__}, found {type(found).__name__}")
    return found
