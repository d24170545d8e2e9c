"""Output files that appear under their name only when they are whole."""

from __future__ import annotations

import contextlib
import io
import os
import signal
import stat
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from types import FrameType, TracebackType
from typing import Any, BinaryIO, Self

from zoo.errors import OutputError
from zoo.genome.locks import take_lock

STANDARD_OUTPUT = "-"

_FAREWELL = 1.0  # seconds that a broken run waits for the reader of the standard output

_SIGNALS = ("SIGINT", "SIGTERM", "SIGHUP")

PARTIAL = ".partial"
WHOLE, TEXT, PADDED, INDEX = ".partial.whole", ".partial.text", ".partial.padded", ".partial.index"
JOURNAL, SHORTER = ".journal", ".journal.partial"
MADE_ON_THE_WAY = (PARTIAL, WHOLE, TEXT, PADDED, INDEX, JOURNAL, SHORTER)
"""What is added to an output's name for the files that writing it makes and removes."""


class OutputFile:
    """A file that is written as ``NAME.partial`` and renamed by ``commit``; left without it, it is removed.

    The partial file is locked, so that two runs never write into one. A symlink is kept, and what it names is
    replaced. ``-`` is standard output, which has no second name: what was written stays written.

    Args:
        path: The file, or ``-``.
        name: What errors call it, where that is not ``path``.
        resumed: Leave what an earlier run has written, for ``cut`` to say how much of it counts.

    Attributes:
        keeps: Whether the partial file stays where it is left without ``commit``.
        whole: A second file that may be made from the partial one, for ``commit`` to give it the name.
        text, padded: What the second file may be made from on the way.
        shorter: A shorter journal.
        index: An index of either, which is the caller's to move behind ``commit``, before it leaves.

    Raises:
        OutputError: The folder is missing or can't be written, another run is writing the file, or what stands under
            its name or that of its partial file is no regular file.
    """

    def __init__(self, path: str | Path, name: str | None = None, *, resumed: bool = False) -> None:
        self.path = str(path)
        self.name = "standard output" if self.path == STANDARD_OUTPUT else name or self.path
        self.target = resolve_output(path)
        self.partial = Path(f"{self.target}{PARTIAL}")
        self._others = [Path(f"{self.target}{suffix}") for suffix in (WHOLE, TEXT, PADDED, INDEX, SHORTER)]
        self.whole, self.text, self.padded, self.index, self.shorter = self._others
        self.keeps = resumed
        self._committed = False
        with self.writing():
            if self.path == STANDARD_OUTPUT:
                self.file = _open_standard_output()
                return
            _check_target(self.target, self.name)
            for left in (self.partial, *self._others):
                refuse_special(left, self.name)
            self.file = _open_locked(self.partial, self.name)
            self._remove_others()  # of a killed run
            if not resumed:
                self.file.truncate(0)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, value: object, trace: TracebackType | None) -> None:
        if self._committed:
            with contextlib.suppress(OSError):
                self._remove_others()
            return
        if self.path != STANDARD_OUTPUT:
            # The name goes before the lock does, so that no other run can find the one without the other.
            with contextlib.suppress(OSError):  # a folder that became read-only hides no earlier error
                self._remove_others()
                if not self.keeps or self.partial.stat().st_size == 0:
                    self.partial.unlink(missing_ok=True)
        if self.path == STANDARD_OUTPUT:
            self._leave_standard_output()
            return
        with contextlib.suppress(OSError):  # a full disk refuses the last buffer, which nobody needs any more
            self.file.close()

    def _leave_standard_output(self) -> None:
        """Close what is not the standard output itself, and do not wait for a reader who may never read on."""
        if sys.stdout is not None and self.file is getattr(sys.stdout, "buffer", None):
            return

        def close() -> None:
            with contextlib.suppress(OSError):
                self.file.close()

        closing = threading.Thread(target=close, name="zoo-closer", daemon=True)
        closing.start()
        closing.join(_FAREWELL)

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
            raise OutputError(f"{self.name}: can't be written: {error.strerror or error}") from error

    def cut(self, length: int) -> None:
        """Drop what an earlier run has written beyond the first ``length`` bytes, and go on behind them."""
        with self.writing():
            self.file.truncate(length)
            self.file.seek(length)

    def commit(self, *, whole: bool = False) -> None:
        """Give the file, or the one that was made from it, its final name, after the disk has taken all of it."""
        with self.writing():
            self.file.flush()
            if self.path == STANDARD_OUTPUT:
                return
            finished = self.whole if whole else self.partial
            with finished.open("r+b") as file:
                os.fsync(file.fileno())
            with holding_signals():
                finished.replace(self.target)
                self._committed = True
                if whole:
                    self.partial.unlink(missing_ok=True)
                    self.text.unlink(missing_ok=True)
                    self.padded.unlink(missing_ok=True)
            self.file.close()

    def _remove_others(self) -> None:
        for path in self._others:
            path.unlink(missing_ok=True)


@contextlib.contextmanager
def holding_signals() -> Iterator[None]:
    """Let signals wait until what belongs together is done: files that get their names, and the journal that goes."""
    came: list[tuple[int, FrameType | None]] = []
    handlers: dict[int, Any] = {}

    def hold(number: int, frame: FrameType | None) -> None:
        came.append((number, frame))

    try:
        if threading.current_thread() is threading.main_thread():  # no other one is interrupted
            for name in _SIGNALS:
                number = getattr(signal, name, None)  # Windows lacks one
                if number is not None and callable(signal.getsignal(number)):
                    handlers[number] = signal.signal(number, hold)
        yield
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
        for number, frame in came[:1]:
            handlers[number](number, frame)


def refuse_same_file(output: str | Path, *inputs: str | Path | None) -> None:
    """Raise OutputError where an output, or a file that writing it makes on the way, is an input under any name."""
    if str(output) == STANDARD_OUTPUT:
        return
    target = resolve_output(output)
    made = [Path(f"{target}{suffix}") for suffix in MADE_ON_THE_WAY]
    for path in inputs:
        if path is None or str(path) == STANDARD_OUTPUT:
            continue
        if _is_same(target, path):
            raise OutputError(f"{output}: the output is the input {path}; name another file")
        for file in made:
            if _is_same(file, path):
                raise OutputError(f"{output}: writing it makes {file}, which is the input {path}; name another file")


def resolve_output(path: str | Path) -> Path:
    """Return the file that an output's name stands for: what it links to, whether that exists or not."""
    named = Path(path)
    return Path(os.path.realpath(named)) if named.is_symlink() else named


def refuse_special(partial: Path, name: str) -> None:
    """Raise OutputError where a file to be written on the way is a symlink, a folder, a pipe or a device."""
    try:
        mode = partial.lstat().st_mode
    except FileNotFoundError:
        return
    if not stat.S_ISREG(mode):
        found = "a symlink" if stat.S_ISLNK(mode) else "a folder, pipe or device"
        raise OutputError(
            f"{name}: it is written by way of {partial}, which is {found}; remove that, or name another file"
        )


def _is_same(file: Path, other: str | Path) -> bool:
    try:
        return file.samefile(other)
    except OSError:  # one is missing, or in a folder that can't be searched, where opening it fails with a message
        return False


def _open_standard_output() -> BinaryIO:
    if sys.stdout is None:
        raise OutputError("standard output is closed: nothing can be written there; name a file")
    sys.stdout.flush()
    try:
        number = sys.stdout.fileno()
    except (AttributeError, io.UnsupportedOperation) as error:
        if not hasattr(sys.stdout, "buffer"):
            raise OutputError("standard output takes no bytes here; name a file") from error
        return sys.stdout.buffer
    # Under PYTHONUNBUFFERED sys.stdout.buffer is the bare descriptor, whose writes may be short without a word.
    return io.BufferedWriter(io.FileIO(number, "wb", closefd=False), buffer_size=1 << 16)


def _check_target(target: Path, name: str) -> None:
    if target.is_dir():
        raise OutputError(f"{name}: expected a file to write, found a folder")
    if target.is_symlink():
        raise OutputError(f"{name}: can't be written: the symlink leads in a circle; remove it")
    if target.exists() and not target.is_file():
        raise OutputError(f"{name}: expected a regular file or none, found a pipe or device; write to - and redirect")
    if not target.parent.is_dir():
        raise OutputError(f"{name}: can't be written: there is no folder {target.parent}; make it first")


def _open_locked(partial: Path, name: str) -> BinaryIO:
    # Opened without truncation: until the lock is ours, the content may be another run's.
    flags = os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0)  # Windows has no such flag
    while True:
        file = os.fdopen(os.open(partial, flags, 0o666), "r+b", buffering=1 << 20)
        try:
            _lock(file, name, partial)
            if _is_named(file, partial):
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


def _lock(file: BinaryIO, name: str, partial: Path) -> None:
    if not take_lock(file.fileno()):
        raise OutputError(f"{name}: another run is writing it ({partial} is locked); wait for it or name another file")
