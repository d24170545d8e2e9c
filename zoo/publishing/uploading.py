"""Files into a store as blobs under their sha256, each read back: what a store says that it has is not believed."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from zoo.errors import ChecksumMismatch, DownloadError, OutputError
from zoo.registry.fetching import Share
from zoo.registry.names import blob_path
from zoo.registry.stores.asking import ask_often
from zoo.registry.stores.protocol import TRIES, Missing, Reader, Writer
from zoo.registry.transfer import Report, fetch_blob


@dataclass(frozen=True, slots=True)
class Blob:
    """A file to send: its path here, its name in the model, and its sha256."""

    file: Path
    name: str
    digest: str


def upload(blobs: Sequence[Blob], store: Writer, reader: Reader, back: Path, report: Share | None = None) -> int:
    """Have every file in a store; return how many had to be sent.

    One that is there already is read, and sent again if it is damaged. No file is held in memory as a whole.

    Args:
        blobs: The files.
        store: Where they are kept.
        reader: Another connection to the same store.
        back: An empty folder, which gets what the store gives back.
        report: Is told how many bytes came back, and how many there are.

    Raises:
        OutputError: A file can't be written.
        ChecksumMismatch: The store gives back other bytes, and keeps them whatever is sent.
        DownloadError: It can't be read.
    """
    total, came, sent = sum(blob.file.stat().st_size for blob in blobs), 0, 0

    def count(bytes_more: int) -> None:
        nonlocal came
        came += bytes_more
        if report is not None:
            report(came, total)

    for blob in blobs:
        part = back / blob.name
        part.parent.mkdir(parents=True, exist_ok=True)
        sent += _keep(blob, store, reader, part, count)
    return sent


def _keep(blob: Blob, store: Writer, reader: Reader, part: Path, report: Report) -> bool:
    """Have one file in a store, and what the store gives back in ``part``; return whether it had to be written."""
    path, size = blob_path(blob.digest), blob.file.stat().st_size
    written = size == 0
    if written:  # nothing that could be read would tell whether it is there
        _put(store, path, blob.file)
    for tries in range(1, TRIES + 1):
        try:
            fetch_blob(reader, path, blob.digest, size, part, report)
        except Missing as error:
            if tries == TRIES:
                raise OutputError(f"{store.address}: has taken {path}, and does not give it back") from error
            _put(store, path, blob.file)
            written = True
        except ChecksumMismatch as error:
            if tries == TRIES:
                raise
            written |= _mend(store, path, blob, size, error)
        else:
            break
    return written


def _put(store: Writer, path: str, file: Path, *, replace: bool = False) -> None:
    """Send a file; a store behind a network is asked again, as it may fail for a moment."""
    ask_often(lambda: store.put(path, file, replace=replace), TRIES if "://" in store.address else 1)


def _mend(store: Writer, path: str, blob: Blob, size: int, damage: ChecksumMismatch) -> bool:
    """Replace a damaged blob, which nobody could pull; return False if it was damaged only on its way here."""
    try:
        if _hash_stored(store, path, size) == blob.digest:
            return False
        _put(store, path, blob.file, replace=True)
    except (DownloadError, OutputError) as error:
        raise ChecksumMismatch(f"{damage}; it can't be replaced: {error}") from error
    return True


def _hash_stored(store: Writer, path: str, size: int) -> str:
    """Return the sha256 of what a store has under a name, empty if it has nothing or more than ``size`` bytes."""
    content = hashlib.sha256()
    try:
        for piece in store.read(path):
            content.update(piece)
            size -= len(piece)
            if size < 0:
                return ""
    except Missing:
        return ""
    return content.hexdigest()
