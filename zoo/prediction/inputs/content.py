"""The bytes of an input, which may be read more than once: a file, or a copy of what came through a pipe."""

from __future__ import annotations

import contextlib
import gzip
import io
import itertools
import shutil
import sys
import tempfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

from zoo.errors import DataError
from zoo.genome.bgzf import ends_with_marker, is_bgzf, is_gzip
from zoo.genome.vcf import STANDARD_INPUT

HEAD_SIZE = 1 << 20
"""What an input is, is told from that many bytes; it spans the comments that may stand before a table."""


class Content:
    """One input; ``-`` for standard input.

    Attributes:
        name: What to call it in messages.
        path: The file, or the copy.

    Raises:
        DataError: The input is missing, empty or can't be read.
    """

    def __init__(self, path: str | Path) -> None:
        self.name = "standard input" if str(path) == STANDARD_INPUT else str(path)
        self.path = Path(path)
        self._copy: Any = None
        if str(path) == STANDARD_INPUT:
            if sys.stdin is None:
                raise DataError("standard input is closed: pipe variants into it, or name a file")
            self._keep(sys.stdin.buffer)
        elif self.path.is_fifo():
            with self._telling(), self.path.open("rb") as pipe:
                self._keep(pipe)
        elif not self.path.is_file():
            found = "a folder" if self.path.is_dir() else "nothing; check the path"
            raise DataError(f"{self.name}: expected a file of variants, found {found}")

    @property
    def copied(self) -> bool:
        """Whether the input came through a pipe."""
        return self._copy is not None

    def close(self) -> None:
        """Remove the copy, where there is one."""
        if self._copy is not None:
            with contextlib.suppress(OSError):  # of a full disk, which was told already
                self._copy.close()

    def head(self) -> bytes:
        """Return the first bytes, unpacked; of a damaged file as many as can be had."""
        found = b""
        with contextlib.suppress(OSError, EOFError, zlib.error), self._open() as file:
            while len(found) < HEAD_SIZE and (part := file.read(1 << 16)):
                found += part
        return found[:HEAD_SIZE]

    def check_whole(self) -> None:
        """Raise DataError for BGZF that was cut between two blocks, which unpacking does not notice."""
        with self._telling():
            if is_bgzf(self.path) and not ends_with_marker(self.path):
                raise DataError(
                    f"{self.name}: the file is cut: its BGZF end marker is missing; copy or compress it again"
                )

    def line_blocks(self, size: int) -> Iterator[list[str]]:
        """Yield all lines, each with the newline that it has, at most ``size`` at a time.

        Raises:
            DataError: The file is cut, damaged or no UTF-8.
        """
        with self._telling(), self._open() as file, io.TextIOWrapper(file, encoding="utf-8-sig") as text:
            while block := list(itertools.islice(text, size)):
                yield block

    def _open(self) -> BinaryIO:
        if is_gzip(self.path):
            return io.BufferedReader(gzip.GzipFile(self.path), 1 << 20)
        return self.path.open("rb")

    @contextlib.contextmanager
    def _telling(self) -> Iterator[None]:
        try:
            yield
        except UnicodeDecodeError as error:
            raise DataError(
                f"{self.name}: expected UTF-8, found other bytes; convert the text: iconv -f latin1 -t utf-8"
            ) from error
        except (EOFError, zlib.error, gzip.BadGzipFile) as error:
            raise DataError(f"{self.name}: the file is cut or damaged; copy or compress it again") from error
        except OSError as error:
            raise DataError(f"{self.name}: can't be read: {error.strerror or error}") from error

    def _keep(self, source: BinaryIO) -> None:
        try:
            self._copy = tempfile.NamedTemporaryFile(prefix="zoo-input-")  # noqa: SIM115 - closed by close()
            shutil.copyfileobj(source, self._copy)
            self._copy.flush()
        except OSError as error:
            self.close()
            raise DataError(
                f"{self.name}: can't be kept in {tempfile.gettempdir()}: {error.strerror or error}; "
                "set TMPDIR to a folder with room, or name a file"
            ) from error
        self.path = Path(self._copy.name)
