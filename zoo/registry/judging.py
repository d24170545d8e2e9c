"""Who signed a model in the cache: asked once, and remembered while nothing of it changed.

To verify a signature takes longer than to load a small model. What is remembered lies among the user's own files, not
in the cache, which others may share.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import time
from pathlib import Path

from zoo.errors import ModelError, OutputError
from zoo.model.checksums import SIGNATURE
from zoo.model.document import read_text
from zoo.places import data_folder
from zoo.registry.linked import is_there
from zoo.registry.sources import BUNDLED, find_bundled
from zoo.registry.stores.files import write_whole
from zoo.registry.trust import Signer, judge, trust_path
from zoo.registry.writing import find_versions

_RULES = 1
"""Is raised when signatures are judged otherwise."""

_MEMORY = 86_400.0  # seconds; certificates expire


def judge_kept(folder: Path, full_name: str, digest: str, *, quiet: bool = False) -> Signer | None:
    """Return who signed a model, as ``judge`` does; whom the user trusts is not verified again within a day.

    Args:
        folder: Of the model, whose files are compared with its SHA256SUMS by who loads it.
        full_name: ``name@version``.
        digest: The sha256 of its SHA256SUMS.
        quiet: Warn of nothing.

    Returns:
        None where the package itself vouches for it.

    Raises:
        SignatureError: As ``judge``.
    """
    try:
        signature = (folder / SIGNATURE).read_bytes()
        note = data_folder() / "judged" / f"{digest}.json"
        state = _hash(full_name, digest, signature, trust_path().read_bytes())
    except (OSError, OutputError):  # no signature, or no trust file: there is nothing to spare
        return None if needs_no_signature(folder, full_name, digest) else judge(folder, full_name, quiet=quiet)
    if (name := _recall(note, state)) is not None:
        return Signer("trusted", name)
    signer = judge(folder, full_name, quiet=quiet)
    if signer.state == "trusted" and signer.expired is None:
        with contextlib.suppress(OSError, OutputError):
            note.parent.mkdir(parents=True, exist_ok=True)
            write_whole(note, json.dumps({"state": state, "name": signer.name, "judged": time.time()}).encode())
    return signer


def needs_no_signature(folder: Path, full_name: str, digest: str) -> bool:
    """Return whether a model has none, and the package pins these very bytes: it vouches for them, whoever brings them.

    Args:
        folder: Of the model.
        full_name: ``name@version``.
        digest: The sha256 of its SHA256SUMS.
    """
    if is_there(folder / SIGNATURE):
        return False
    name, _, version = full_name.partition("@")
    with contextlib.suppress(ModelError):  # an installation that is broken vouches for nothing
        listed = find_versions(read_text(find_bundled(), ModelError), name, BUNDLED)
        return listed is not None and version in listed.versions and listed.versions[version].sha256sums == digest
    return False


def _recall(note: Path, state: str) -> str | None:
    """Return whom the user trusts with a model, if that was seen lately and nothing changed since."""
    try:
        told = json.loads(note.read_bytes())
        lately = 0 <= time.time() - float(told["judged"]) < _MEMORY
        return str(told["name"]) if lately and told["state"] == state else None
    except (OSError, KeyError, TypeError, ValueError, RecursionError):
        return None


def _hash(*parts: str | bytes) -> str:
    whole = hashlib.sha256(str(_RULES).encode())
    for part in parts:
        content = part.encode() if isinstance(part, str) else part
        whole.update(hashlib.sha256(content).digest())
    return whole.hexdigest()
