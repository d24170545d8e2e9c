"""A file that holds a store, as a plain tar: for machines that no network reaches.

Only what ``write_archive`` writes is read: ordinary files, each once, under names that lead nowhere else. Nothing is
ever unpacked, so no name of a member becomes a path.
"""

from __future__ import annotations

import hashlib
import re
import tarfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO, NamedTuple

from zoo.errors import DownloadError
from zoo.registry.stores.files import open_file
from zoo.registry.stores.protocol import PIECE, Missing, Tag, Tagged

_BLOCK = 512
_MAX_MEMBERS = 1_000_000
_NAME = re.compile(r"registry\.yaml|blobs/sha256/[0-9a-f]{2}/[0-9a-f]{64}")
_REGULAR = (b"0", b"\0")


class _Member(NamedTuple):
    start: int
    size: int


class ArchiveStore:
    """Reads the files of a tar where they lie.

    Raises:
        DownloadError: It can't be read, is cut short, or holds anything but a registry and its blobs.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.address = str(path)
        try:
            with open_file(path) as stream:
                self._members = dict(_list_members(stream, str(path), path.stat().st_size))
        except OSError as error:
            raise DownloadError(f"{path}: can't be read: {error.strerror or error}") from error

    def read(self, path: str, start: int = 0) -> Iterator[bytes]:
        """See ``Reader.read``."""
        member = self._members.get(path)
        if member is None:
            raise Missing(f"{self.path}: holds no {path}")
        try:
            with self.path.open("rb") as stream:
                stream.seek(member.start + min(start, member.size))
                left = member.size - start
                while left > 0 and (piece := stream.read(min(left, PIECE))):
                    left -= len(piece)
                    yield piece
        except OSError as error:
            raise DownloadError(f"{self.path}: can't be read: {error.strerror or error}") from error

    def read_tagged(self, path: str, limit: int, known: Tag | None = None) -> Tagged | None:
        """See ``Reader.read_tagged``."""
        member = self._members.get(path)
        if member is None:
            return None
        if member.size > limit:
            raise DownloadError(f"{self.path}: {path}: expected at most {limit:,} bytes, found {member.size:,}")
        content = b"".join(self.read(path))
        tag = hashlib.sha256(content).hexdigest()
        return Tagged(None if tag == known else content, tag)


def write_archive(stream: IO[bytes], files: Iterable[tuple[str, Path | bytes]]) -> None:
    """Write files into a tar, in their order, with nothing of this machine or of the time: same files, same bytes.

    Args:
        stream: What is written.
        files: Names and contents, or where those lie.

    Raises:
        OSError: They can't be read or written.
    """
    with tarfile.open(fileobj=stream, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for name, content in files:
            member = tarfile.TarInfo(name)
            if isinstance(content, bytes):
                import io

                member.size = len(content)
                archive.addfile(member, io.BytesIO(content))
                continue
            member.size = content.stat().st_size
            with content.open("rb") as source:
                archive.addfile(member, source)


def _list_members(stream: IO[bytes], where: str, size: int) -> Iterator[tuple[str, _Member]]:
    """Yield the names of a tar, and where their bytes lie; the headers alone are read."""
    seen: set[str] = set()
    start = 0
    while header := stream.read(_BLOCK):
        if len(header) < _BLOCK:
            raise DownloadError(f"{where}: is cut short at byte {start:,}")
        if not header.strip(b"\0"):
            return
        name, length = _read_header(header, f"{where}, byte {start:,}")
        if name in seen or len(seen) >= _MAX_MEMBERS:
            raise DownloadError(f"{where}: holds {name} twice, or more than {_MAX_MEMBERS:,} files")
        seen.add(name)
        start += _BLOCK
        if start + length > size:
            raise DownloadError(
                f"{where}: is cut short: {name} has {length:,} bytes, of which {size - start:,} are here"
            )
        yield name, _Member(start, length)
        start += -(-length // _BLOCK) * _BLOCK
        stream.seek(start)
    raise DownloadError(f"{where}: is cut short at byte {start:,}, or no bundle")


def _read_header(header: bytes, where: str) -> tuple[str, int]:
    wrong = f"{where}: expected a file of a bundle, as zoo bundle writes it"
    given = header[:148] + b" " * 8 + header[156:]
    try:
        checksum = int(header[148:156].split(b"\0")[0].strip() or b"-1", 8)
        length = int(header[124:136].strip(b"\0 ") or b"0", 8)
        name = header[:100].split(b"\0")[0].decode("ascii")
    except ValueError as error:
        raise DownloadError(wrong) from error
    if checksum != sum(given) or length < 0:
        raise DownloadError(f"{wrong}, found a damaged header")
    if header[156:157] not in _REGULAR or header[345:346] != b"\0" or not _NAME.fullmatch(name):
        raise DownloadError(f"{wrong}, found {name[:80]!r}")
    return name, length
