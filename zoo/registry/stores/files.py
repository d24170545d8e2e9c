"""Files of this disk that are written beside their place first: nobody ever reads half of one, whatever fails."""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
import shutil
import stat
from collections.abc import Iterator
from io import BufferedReader
from pathlib import Path
from typing import IO

from zoo.errors import OutputError

MODE = 0o666
"""The permissions of a new file, less what the user's umask takes away."""


def write_whole(path: Path, content: bytes, *, mode: int = MODE) -> None:
    """Write a file, whole and on the disk, or leave the one that was there.

    Args:
        path: Its place, whose folder is made; a link there is replaced.
        content: All of it.
        mode: The permissions of a new file; one that was there keeps its own.

    Raises:
        OutputError: It can't be written.
    """
    with write_beside(path, mode=mode) as (partial, stream):
        if path.exists():
            shutil.copymode(path, partial)  # before there is anything in it to read
        stream.write(content)
        sync(stream)
        partial.replace(path)
        sync_folder(path.parent)


@contextlib.contextmanager
def write_beside(path: Path, *, mode: int = MODE) -> Iterator[tuple[Path, IO[bytes]]]:
    """Give a new file in the folder of ``path``, under a name of its own; it is gone at the end unless it was renamed.

    Raises:
        OutputError: It can't be written.
    """
    partial = path.with_name(f".{path.name}.{secrets.token_hex(8)}.partial")

    def create(name: str, flags: int) -> int:
        return os.open(name, flags, mode)  # the system takes the umask away: to read it, it would have to be changed

    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with open(partial, "xb", opener=create) as stream:
                yield partial, stream
        finally:
            partial.unlink(missing_ok=True)
    except OSError as error:
        raise OutputError(f"{path}: can't be written: {error.strerror or error}") from error


def open_file(path: Path) -> BufferedReader:
    """Open a file to read it; a pipe or a device, which might be waited for without end, is refused.

    Raises:
        OSError: It can't be opened, or is no file.
    """

    def open_at_once(name: str, flags: int) -> int:
        return os.open(name, flags | getattr(os, "O_NONBLOCK", 0))

    stream = open(path, "rb", opener=open_at_once)  # noqa: SIM115 - given to the caller
    if not stat.S_ISREG(os.fstat(stream.fileno()).st_mode):
        stream.close()
        raise OSError(errno.EINVAL, "expected a file, found a pipe or a device", str(path))
    return stream


def sync(stream: IO[bytes]) -> None:
    """Have a file's bytes on the disk, so that a machine that fails leaves the old file or the new one."""
    stream.flush()
    os.fsync(stream.fileno())


def sync_folder(folder: Path) -> None:
    """Have a folder's names on the disk, where the system can."""
    with contextlib.suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
