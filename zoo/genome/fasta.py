"""Sequences from FASTA files, plain or gzip, read from the first to the last; for genomes see ``reference``."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from zoo.errors import FastaError
from zoo.genome.codes import IUPAC

_LETTERS = frozenset([*IUPAC, *map(str.lower, IUPAC), *"-*."])


def read_fasta(path: str | Path) -> Iterator[tuple[str, str]]:
    """Yield the header (without ``>``) and the letters of each record.

    Raises:
        FastaError: The file is missing, empty, truncated or no FASTA; the message names the line.
    """
    path = Path(path)
    header: str | None = None
    parts: list[str] = []
    try:
        with open_text(path) as lines:
            for number, raw in enumerate(lines, start=1):
                line = raw.strip()
                if line.startswith(">"):
                    if header is not None:
                        yield header, _joined(path, header, parts)
                    header, parts = line[1:].strip(), []
                elif line and header is None:
                    raise FastaError(
                        f"{path}, line {number}: expected a header that starts with '>', found {line[:20]!r}"
                    )
                elif line:
                    if not _LETTERS.issuperset(line):
                        wrong = next(letter for letter in line if letter not in _LETTERS)
                        raise FastaError(f"{path}, line {number}: expected nucleotide letters, found {wrong!r}")
                    parts.append(line)
    except (OSError, EOFError, zlib.error) as error:
        raise FastaError(f"{path}: can't be read: {getattr(error, 'strerror', None) or error}") from error
    except UnicodeDecodeError as error:
        raise FastaError(f"{path}: expected text, found bytes that are none ({error.reason})") from error
    if header is None:
        raise FastaError(f"{path}: expected FASTA records, found an empty file")
    yield header, _joined(path, header, parts)


def open_text(path: str | Path) -> IO[str]:
    """Open a text file, decompressed if it is gzip, without the byte-order mark that some editors put first."""
    path = Path(path)
    with path.open("rb") as raw:
        packed = raw.read(2) == b"\x1f\x8b"
    return gzip.open(path, "rt", encoding="utf-8-sig") if packed else path.open(encoding="utf-8-sig")


def _joined(path: Path, header: str, parts: list[str]) -> str:
    if not parts:
        raise FastaError(f"{path}: record {header!r} holds no sequence")
    return "".join(parts)
