"""A folder as a store, on this disk or one that several machines share."""

from __future__ import annotations

import errno
import hashlib
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from zoo.errors import DownloadError, OutputError
from zoo.registry.stores.files import MODE, open_file, sync, sync_folder, write_beside, write_whole
from zoo.registry.stores.pieces import read_whole
from zoo.registry.stores.protocol import PIECE, Changed, Missing, Tag, Tagged

_PATIENCE = 60.0  # seconds that a writer waits for another one; a swap takes a few hundredths of a second


class LocalStore:
    """Files below one folder; a tag is the sha256 of the content.

    ``mode`` is that of new files, less what the user's umask takes away.
    """

    def __init__(self, folder: str | Path, mode: int = MODE) -> None:
        self.folder = Path(folder)
        self._mode = mode
        self.address = str(folder).rstrip("/") or "/"

    def read(self, path: str, start: int = 0) -> Iterator[bytes]:
        """See ``Reader.read``; a name that leads out of the folder, by a link as well, is ``Missing``."""
        file = self._find(path)
        try:
            with open_file(file) as stream:
                stream.seek(start)
                while piece := stream.read(PIECE):
                    yield piece
        except (FileNotFoundError, NotADirectoryError) as error:
            raise Missing(f"{file}: no such file") from error
        except OSError as error:
            raise DownloadError(f"{file}: can't be read: {error.strerror}") from error

    def read_tagged(self, path: str, limit: int, known: Tag | None = None) -> Tagged | None:
        """See ``Reader.read_tagged``."""
        try:
            content = read_whole(self.read(path), limit, str(self.folder / path))
        except Missing:
            return None
        tag = hashlib.sha256(content).hexdigest()
        return Tagged(None if tag == known else content, tag)

    def put(self, path: str, file: Path, *, replace: bool = False) -> None:
        """See ``Writer.put``: what stands there already stays, unless it is to be replaced."""
        target = self._find(path)
        if target.exists() and not replace:
            return
        with write_beside(target, mode=self._mode) as (partial, stream):
            with file.open("rb") as source:
                shutil.copyfileobj(source, stream, PIECE)
            sync(stream)
            try:
                if replace:
                    partial.replace(target)
                else:
                    os.link(partial, target)  # refuses where another process was first
            except FileExistsError:
                return
            except OSError as error:
                if error.errno not in {errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.EMLINK, errno.EXDEV}:
                    raise
                partial.replace(target)  # a disk without links: the same content under the same name
        sync_folder(target.parent)

    def swap(self, path: str, content: bytes, expected: Tag | None) -> Tag:
        """See ``Writer.swap``; a file that is a link stays one."""
        from filelock import SoftFileLock, Timeout

        target = self._find(path)
        lock = target.with_name(f".{target.name}.lock")
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            # A file that must not be there yet: network file systems may grant flock to everybody.
            with SoftFileLock(lock, timeout=_PATIENCE):
                if self._find_tag(target) != expected:
                    raise Changed(path)
                write_whole(target, content, mode=self._mode)
        except Timeout as error:
            raise OutputError(
                f"{target}: another process holds {lock.name} for more than {_PATIENCE:.0f} s; "
                "remove that file if no one is publishing"
            ) from error
        except OSError as error:
            raise OutputError(f"{target}: can't be written: {error.strerror or error}") from error
        return hashlib.sha256(content).hexdigest()

    @staticmethod
    def _find_tag(target: Path) -> Tag | None:
        try:
            with open_file(target) as stream:
                return hashlib.file_digest(stream, "sha256").hexdigest()
        except FileNotFoundError:
            return None

    def _find(self, path: str) -> Path:
        # Not Path.resolve, which fails where links lead round in a circle.
        root = Path(os.path.realpath(self.folder))
        found = root if "\0" in path else Path(os.path.realpath(root / path))
        if found == root or not found.is_relative_to(root):
            raise Missing(f"{self.folder}: {path!r} leads out of the store")
        return found
