"""Finds records of a dbSNP file by their IDs, in one pass.

Text is read line by line, without htslib: dbSNP's own VCF declares no contigs, and htslib, which then takes every
record on trust, may crash on a malformed one. BCF can't be written without declared contigs, and is read by htslib.
"""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterable, Iterator
from contextlib import closing
from itertools import islice
from pathlib import Path

from zoo.errors import VcfError
from zoo.genome.bgzf import ends_with_marker, is_bgzf, is_gzip

Record = tuple[str, str, str, str]
"""Contig, position, REF and ALT as text."""

_LINES = 1 << 16


def find_ids(wanted: Iterable[str], dbsnp: Path) -> list[tuple[str, Record]]:
    """Return the records of IDs, in the order of the IDs, then of the file, each with its ID.

    Memory grows with the IDs, not with the file.

    Args:
        wanted: The IDs, each once.
        dbsnp: VCF or BCF; its ID column may hold several with ``;`` between.

    Raises:
        VcfError: The file is missing, cut, or no VCF.
    """
    found: dict[str, list[Record]] = {name: [] for name in wanted}
    for name, record in _scan_bcf(dbsnp, found) if _check(dbsnp) else _scan_text(dbsnp, found):
        found[name].append(record)
    return [(name, record) for name, records in found.items() for record in records]


def _check(path: Path) -> bool:
    """Tell whether a file is BCF; raise VcfError where it is neither that nor VCF."""
    if not path.is_file():
        raise VcfError(f"{path}: expected a dbSNP VCF or BCF, found {'a folder' if path.is_dir() else 'nothing'}")
    try:
        if is_bgzf(path) and not ends_with_marker(path):
            raise VcfError(f"{path}: the file is cut: its BGZF end marker is missing; copy or compress it again")
        with gzip.open(path) if is_gzip(path) else path.open("rb") as file:
            head = file.read(16)
    except (OSError, EOFError, zlib.error) as error:
        raise _describe(path, error) from error
    if not head.startswith((b"BCF", b"##fileformat=VCF")):
        raise VcfError(f"{path}: expected a dbSNP VCF or BCF, found neither")
    return head.startswith(b"BCF")


def _scan_text(path: Path, found: dict[str, list[Record]]) -> Iterator[tuple[str, Record]]:
    names = {name.encode(): name for name in found}
    before = 0
    try:
        with gzip.open(path) if is_gzip(path) else path.open("rb") as file:
            while lines := list(islice(file, _LINES)):
                for number, line in enumerate(lines, start=before + 1):
                    cells = line.split(b"\t", 3)
                    if len(cells) < 4:
                        if not line.startswith(b"#") and line.strip():
                            raise VcfError(f"{path}, line {number}: expected at least 5 columns between tabs")
                        continue
                    text = cells[2]
                    for one in text.split(b";") if b";" in text else (text,):
                        if one in names:
                            yield names[one], _read_record(line, f"{path}, line {number}")
                before += len(lines)
    except (OSError, EOFError, zlib.error) as error:
        raise _describe(path, error) from error


_MOST_DIGITS = 18  # of a position, so that a number of 64 bits holds it


def _read_record(line: bytes, where: str) -> Record:
    cells = line.rstrip(b"\r\n").split(b"\t", 5)
    if len(cells) < 5 or not cells[1].isdigit() or len(cells[1]) > _MOST_DIGITS or not all(cells[:5]):
        raise VcfError(f"{where}: expected contig, position, ID, REF and ALT between tabs, found {line[:60]!r}")
    contig, position, _, ref, alt = (cell.decode("utf-8", "replace") for cell in cells[:5])
    return contig, position, ref, alt


def _scan_bcf(path: Path, found: dict[str, list[Record]]) -> Iterator[tuple[str, Record]]:
    from cyvcf2 import VCF
    from cyvcf2.cyvcf2 import set_htslib_log_level

    set_htslib_log_level(0)
    number = 0
    try:
        with closing(VCF(str(path), lazy=True)) as records:
            for record in records:
                number += 1
                for name in (record.ID or "").split(";"):
                    if name in found:
                        yield name, (record.CHROM, str(record.POS), record.REF, ",".join(record.ALT) or ".")
    except Exception as error:  # cyvcf2 raises a bare Exception with an error code
        raise VcfError(f"{path}, record {number + 1}: the file is cut there, or the record is malformed") from error


def _describe(path: Path, error: Exception) -> VcfError:
    if isinstance(error, OSError) and error.strerror:
        return VcfError(f"{path}: can't be read: {error.strerror}")
    return VcfError(f"{path}: the file is cut or damaged; copy or compress it again")
