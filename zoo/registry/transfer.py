"""One blob from a store to this disk: resumed where it broke off, and kept only if its digest is right."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
from collections.abc import Callable, Generator, Sequence
from pathlib import Path
from typing import IO, TypeAlias

from zoo.errors import ChecksumMismatch, DownloadError, MissingExtra, OutputError
from zoo.registry.stores.asking import wait
from zoo.registry.stores.protocol import PIECE, TRIES, Missing, Reader

Report: TypeAlias = Callable[[int], None]
"""Is told how many bytes came or lay here already; negative ones were thrown away, or left for a later call."""


def fetch_blob(reader: Reader, path: str, digest: str, limit: int, part: Path, report: Report | None = None) -> Path:
    """Fetch a file into ``part``, of which a beginning may be there already; return ``part``, whole and on the disk.

    A store that fails or breaks off is asked ``TRIES`` times; what came stays in ``part`` for a later call. Nothing
    stays whose digest is wrong.

    Args:
        reader: The store.
        path: The file's name there.
        digest: Its sha256.
        limit: The most bytes that it may have.
        part: A file that no other process writes.
        report: Is told of bytes.

    Raises:
        ChecksumMismatch: The store has other bytes under that name, or more of them.
        Missing: It has none.
        DownloadError: It can't be reached.
        OutputError: They can't be written.
    """
    fetch_from([reader], path, digest, limit, part, report)
    return part


def fetch_from(
    readers: Sequence[Reader], path: str, digest: str, limit: int, part: Path, report: Report | None = None
) -> int:
    """Fetch a file as ``fetch_blob`` from the first of several stores that has it, whole and right.

    Returns:
        How many of its bytes came now; the others lay in ``part``.

    Raises:
        ChecksumMismatch: No store has it, and at least one has other bytes under its name.
        DownloadError: No store has it, or could be reached.
        MissingExtra: There is one store, whose library is not installed.
        OutputError: It can't be written.
    """
    faults: list[DownloadError | ChecksumMismatch | MissingExtra] = []
    try:
        with part.open("a+b") as stream:
            fetched = _Fetched(stream, report or (lambda _: None))
            for reader in readers:
                try:
                    _fill(fetched, reader, path, digest, limit)
                except (DownloadError, ChecksumMismatch, MissingExtra) as error:
                    faults.append(error)
                else:
                    stream.flush()
                    os.fsync(stream.fileno())
                    return fetched.size - fetched.found
            fetched.report(-fetched.size)  # whoever goes on with what is here tells of it again
        if not fetched.size:
            part.unlink()
    except OSError as error:
        raise explain_disk(error, part, limit) from error
    if len(faults) == 1:
        raise faults[0]
    wrong = any(isinstance(fault, ChecksumMismatch) for fault in faults)
    raise (ChecksumMismatch if wrong else DownloadError)("; ".join(map(str, faults)) or f"{path}: no store is named")


def explain_disk(error: OSError, path: Path, size: int) -> OutputError:
    """Return what the disk's refusal means; ``size`` is what is to be written, in bytes."""
    if error.errno in {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}:
        return OutputError(
            f"{path.parent}: up to {size:,} bytes are to be written, which this disk has no room for "
            f"({error.strerror}); make room, or set ZOO_HOME to another one"
        )
    return OutputError(f"{error.filename or path}: can't be written: {error.strerror or error}")


class _Fetched:
    """What has come of a file, its running digest, and how much of it was found here."""

    def __init__(self, stream: IO[bytes], report: Report) -> None:
        self.stream = stream
        self.report = report
        self.size = 0
        self.hash = hashlib.sha256()
        stream.seek(0)
        while piece := stream.read(PIECE):
            self.hash.update(piece)
            self.size += len(piece)
        self.found = self.size
        self.report(self.size)

    def add(self, piece: bytes) -> None:
        self.stream.write(piece)
        self.hash.update(piece)
        self.size += len(piece)
        self.report(len(piece))

    def drop(self) -> None:
        self.stream.seek(0)
        self.stream.truncate()
        self.report(-self.size)
        self.size, self.found, self.hash = 0, 0, hashlib.sha256()


def _fill(fetched: _Fetched, reader: Reader, path: str, digest: str, limit: int) -> None:
    """Read until the digest is right."""
    if fetched.size > limit:
        fetched.drop()
    resumed = fetched.size > 0  # with what another store gave, or was found here
    tries = 0
    while fetched.hash.hexdigest() != digest:
        before = fetched.size
        try:
            _read_on(fetched, reader, path, limit)
        except Missing:
            raise
        except DownloadError as error:
            tries = 1 if fetched.size - before >= PIECE else tries + 1
            if tries >= TRIES:
                raise DownloadError(f"{error} (asked {tries} times)") from error
            wait(tries)
            continue
        # The end, as the store has it. One that was cut without a word has more.
        if fetched.size > limit or (fetched.size == before and fetched.hash.hexdigest() != digest):
            wrong = _describe_wrong(fetched, reader, path, digest, limit)
            fetched.drop()
            if not resumed:
                raise wrong
            resumed = False  # what lay here was of something else


def _read_on(fetched: _Fetched, reader: Reader, path: str, limit: int) -> None:
    """Read what is missing, and one byte beyond the limit at most."""
    with contextlib.closing(_read(reader, path, fetched.size)) as pieces:
        for piece in pieces:
            fetched.add(piece[: limit + 1 - fetched.size])
            if fetched.size > limit:
                return


def _read(reader: Reader, path: str, start: int) -> Generator[bytes, None, None]:
    """Give what a store gives; an error of the network's is none of the disk's, whatever its class is."""
    try:
        yield from reader.read(path, start)
    except OSError as error:
        raise DownloadError(f"{reader.address}/{path}: {error.strerror or error}") from error


def _describe_wrong(fetched: _Fetched, reader: Reader, path: str, digest: str, limit: int) -> ChecksumMismatch:
    found = f"more than {limit:,} bytes" if fetched.size > limit else fetched.hash.hexdigest()
    return ChecksumMismatch(
        f"{path}: expected sha256 {digest}, found {found} from {reader.address}; nothing was kept, tell who runs it"
    )
