"""Opens a FASTA file by its index, tells whether the two belong together, and what keeps a file from being indexed."""

from __future__ import annotations

import bisect
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from zoo.errors import FastaError

_CHECKED_RECORDS = 1000
"""An index of more than ten times as many records is compared with the file at both ends only."""
_LONGEST_GAP = 2**16
"""Between two records stand a header and blank lines; a longer gap counts as a fault of the index."""

_ONE_LENGTH = (
    "expected lines of one length, but for the last, and no blank ones; reformat it, e.g. with seqkit seq -w 60"
)


def open_with_index(path: Path, indexes: list[Path]) -> Any:
    """Open a FASTA file with its ``.fai`` (and ``.gzi`` for BGZF), which are made where they are missing.

    Returns:
        A ``pyfaidx.Faidx``, whose ``index`` was compared with the file.

    Raises:
        FastaError: The file is no FASTA, can't be indexed, or the index does not fit it.
        OSError: An index can't be read or written.
    """
    import pyfaidx

    names = dict(zip(("indexname", "gzi_indexname"), map(str, indexes), strict=False))
    fasta = pyfaidx.Faidx.__new__(pyfaidx.Faidx)  # at hand even where __init__ fails, which may leave the file open
    try:
        fasta.__init__(str(path), **names)
        if not fasta.index:
            raise FastaError(f"{path}: expected a FASTA file, found no record in it")  # noqa: TRY301 - closes the file
        _check_index(path, fasta)
    except Exception as error:
        if hasattr(fasta, "file"):
            fasta.file.close()
        if isinstance(error, OSError | FastaError):
            raise
        raise FastaError(f"{path}: can't be indexed: {_explain(error)}") from error
    return fasta


def _explain(error: Exception) -> str:
    """Say in one line what keeps pyfaidx, which raises kinds of its own, from indexing a file."""
    message = " ".join(str(error).split())
    if isinstance(error, UnicodeDecodeError):
        return f"expected text, found byte {error.object[error.start]:#04x}"
    if found := re.search(r"Inconsistent line found in >(\S+) at line ([\d,]+)", message):
        return f"contig {found[1]!r}, line {found[2]}: {_ONE_LENGTH}"
    if found := re.search(r"Unhandled exception during fasta indexing at entry (\S+?)Please report", message):
        return f"contig {found[1]!r}: {_ONE_LENGTH}"
    if found := re.search(r"Bad sequence name .* at line (\d+)", message):
        return f"line {int(found[1]) + 1}: expected a name after '>', found none; name the contig"
    if found := re.search(r'Duplicate key "(.+)"', message):
        return f"expected each name once, found two contigs {found[1]!r}; rename or remove one"
    return message or type(error).__name__


def _check_index(path: Path, fasta: Any) -> None:
    """Compare an index with its file where records begin and end, without reading what is between.

    Raises:
        FastaError: A record does not stand where the index says, or one stands where the index says none.
    """
    read = _reader(fasta)
    records = list(fasta.index.items())
    many = len(records) > 10 * _CHECKED_RECORDS
    end = 0
    for number, (name, record) in enumerate(records):
        if not _is_sane(record):
            raise FastaError(f"{path}: contig {name!r}: {_ONE_LENGTH}")
        if not many or number < _CHECKED_RECORDS or number >= len(records) - _CHECKED_RECORDS:
            if not _is_header(read(end, record.offset - end), name):
                raise FastaError(f"{path}: before contig {name!r}: {_ONE_LENGTH}")
            lasts = [record.offset + record.lenc] * (record.rlen > record.lenc) + [_end(record)] * (record.rlen > 0)
            if not all(_ends_line(read(last - 1, 2)) for last in lasts):
                raise FastaError(f"{path}: contig {name!r}: {_ONE_LENGTH}")
        end = _end(record)
    if read(end, _LONGEST_GAP).strip():
        raise FastaError(f"{path}: after contig {records[-1][0]!r}: {_ONE_LENGTH}")


def _is_sane(record: Any) -> bool:
    if record.offset <= 0 or record.rlen <= 0:
        return bool(record.offset > 0 and record.rlen == 0)
    line_end = record.lenb - record.lenc
    # The only line of the last record may lack its end.
    return bool(record.lenc > 0 and (1 <= line_end <= 2 or (line_end == 0 and record.rlen <= record.lenc)))


def _ends_line(content: bytes) -> bool:
    """Tell whether the first of two bytes is the last base of its line."""
    return content[:1] not in {b"\n", b"\r", b""} and content[1:] in {b"\n", b"\r", b""}


def _is_header(content: bytes, name: str) -> bool:
    """Tell whether bytes are the header line of a record, with nothing but blanks before it."""
    if not content.endswith(b"\n"):
        return False
    before, _, line = content[:-1].rpartition(b"\n")
    return line[:1] == b">" and line[1:].decode("utf-8", "replace").split()[:1] == [name] and not before.strip()


def _end(record: Any) -> int:
    """Return the offset behind the last base of a record."""
    line_ends = (record.rlen - 1) // record.lenc if record.rlen else 0
    return int(record.offset + record.rlen + line_ends * (record.lenb - record.lenc))


def _reader(fasta: Any) -> Callable[[int, int], bytes]:
    """Return what reads a number of bytes (none for a negative one) from an offset in the unpacked file on."""
    from Bio.bgzf import make_virtual_offset

    starts = [block.ustart for block in fasta.gzi_index] if fasta._bgzf else []  # noqa: SLF001 - pyfaidx tells nowhere else

    def read(offset: int, size: int) -> bytes:
        if not 0 <= size <= _LONGEST_GAP:
            return b""
        if starts:
            block = fasta.gzi_index[bisect.bisect_right(starts, offset) - 1]
            fasta.file.seek(make_virtual_offset(block.cstart, offset - block.ustart))
        else:
            fasta.file.seek(offset)
        return bytes(fasta.file.read(size))

    return read
