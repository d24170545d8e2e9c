"""Output files that appear under their name only when they are whole."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self

from zoo.errors import OutputError

STANDARD_OUTPUT = "-"


class OutputFile:
    """A file that is written as ``NAME.partial`` and renamed by ``commit``; left without it, it is removed.

    The partial file is locked, so that two runs never write into one. ``-`` is standard output, which has no second
    name: what was written stays written.

    Raises:
        OutputError: The folder is missing or can't be written, or another run is writing the file.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = str(path)
        self._partial = Path(f"{path}.partial")
        self._committed = False
        if self.path == STANDARD_OUTPUT:
            if sys.stdout is None:
                raise OutputError("standard output is closed: nothing can be written there; name a file")
            self.file: BinaryIO = sys.stdout.buffer
            return
        target = Path(path)
        if target.is_dir():
            raise OutputError(f"{path}: expected a file to write, found a folder")
        if not target.parent.is_dir():
            raise OutputError(f"{path}: can't be written: there is no folder {target.parent}; make it first")
        with self.writing():
            self.file = _open_locked(self._partial, self.path)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, value: object, trace: TracebackType | None) -> None:
        if self.path == STANDARD_OUTPUT or self._committed:
            return
        # The name goes before the lock does, so that no other run can find the one without the other.
        self._partial.unlink(missing_ok=True)
        with contextlib.suppress(OSError):  # a full disk refuses the last buffer, which nobody needs any more
            self.file.close()

    @contextlib.contextmanager
    def writing(self) -> Iterator[None]:
        """Turn the errors of the operating system into an OutputError that names this file."""
        try:
            yield
        except BrokenPipeError as error:
            raise OutputError(
                "standard output: the program that reads it closed the pipe; nothing more was written"
            ) from error
        except OSError as error:
            raise OutputError(f"{self.path}: can't be written: {error.strerror or error}") from error

    def commit(self) -> None:
        """Give the file its final name, after the disk has taken all of it."""
        with self.writing():
            self.file.flush()
            if self.path == STANDARD_OUTPUT:
                return
            os.fsync(self.file.fileno())
            self._partial.replace(self.path)
            self._committed = True
            self.file.close()

    def replace_head(self, old_length: int, head: bytes) -> None:
        """Put other bytes in place of the first ``old_length`` ones, by way of a second file."""
        with self.writing():
            self.file.flush()
            second = Path(f"{self.path}.partial.head")
            try:
                with second.open("wb") as target, self._partial.open("rb") as body:
                    target.write(head)
                    body.seek(old_length)
                    while block := body.read(1 << 20):
                        target.write(block)
                moved = second.open("r+b")
                _lock(moved, self.path)
                second.replace(self._partial)
            finally:
                second.unlink(missing_ok=True)
            self.file.close()
            self.file = moved


def refuse_same_file(output: str | Path, *inputs: str | Path | None) -> None:
    """Raise OutputError where an output is one of the inputs, under any name."""
    for path in inputs:
        if path is None or str(path) == STANDARD_OUTPUT or not Path(output).exists() or not Path(path).exists():
            continue
        if os.path.samefile(output, path):  # noqa: PTH121 - either may be a plain string
            raise OutputError(f"{output}: the output is the input {path}; name another file")


def _open_locked(partial: Path, path: str) -> BinaryIO:
    while True:
        # Opened without truncation: until the lock is ours, the content may be another run's.
        file = os.fdopen(os.open(partial, os.O_RDWR | os.O_CREAT, 0o666), "r+b", buffering=1 << 20)
        try:
            _lock(file, path)
            if _is_named(file, partial):
                file.truncate(0)
                return file
        except BaseException:
            file.close()
            raise
        file.close()  # the other run finished between our opening and our locking: its file has moved away


def _is_named(file: BinaryIO, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(file.fileno()), path.stat())
    except FileNotFoundError:
        return False


def _lock(file: BinaryIO, path: str) -> None:
    try:
        import fcntl
    except ImportError:  # Windows has no flock; the rename at the end still keeps the file whole
        return
    try:
        fcntl.flock(file.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        raise OutputError(
            f"{path}: another run is writing it ({path}.partial is locked); wait for it or name another file"
        ) from error
