"""Regions from BED files, plain or gzip: 0-based and half-open."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from pathlib import Path

from zoo.errors import BedError
from zoo.genome.fasta import open_text
from zoo.genome.interval import Interval


def read_bed(path: str | Path) -> Iterator[Interval]:
    """Yield the regions of a BED file; the name is column 4 where there is one, else ``contig:start-end``.

    Raises:
        BedError: The file is missing, empty, or a line is malformed; the message names the line.
    """
    path = Path(path)
    count = 0
    try:
        with open_text(path) as lines:
            for number, line in enumerate(lines, start=1):
                text = line.rstrip("\r\n")
                if not text.strip() or text.startswith(("#", "track", "browser")):
                    continue
                yield _parse(text, f"{path}, line {number}")
                count += 1
    except (OSError, EOFError, zlib.error) as error:
        raise BedError(f"{path}: can't be read: {error}") from error
    except UnicodeDecodeError as error:
        raise BedError(f"{path}: expected text, found bytes that are none ({error.reason})") from error
    if not count:
        raise BedError(f"{path}: expected regions, found none")


def _parse(line: str, where: str) -> Interval:
    fields = line.split("\t") if "\t" in line else line.split()
    if len(fields) < 3:
        raise BedError(f"{where}: expected contig, start and end, found {len(fields)} columns")
    try:
        start, end = int(fields[1]), int(fields[2])
    except ValueError as error:
        raise BedError(
            f"{where}: expected whole numbers for start and end, found {fields[1]!r} and {fields[2]!r}"
        ) from error
    if not 0 <= start < end:
        raise BedError(f"{where}: expected 0 <= start < end, found start {start} and end {end}")
    strand = fields[5] if len(fields) > 5 else "."
    if strand not in {"+", "-", "."}:
        raise BedError(f"{where}: expected strand +, - or ., found {strand!r}")
    name = fields[3] if len(fields) > 3 and fields[3] not in {"", "."} else f"{fields[0]}:{start}-{end}"
    return Interval(fields[0], start, end, name, strand)
