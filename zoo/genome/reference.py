"""A reference genome in a FASTA file, plain or BGZF: whole contigs as codes, at most two in memory at a time."""

from __future__ import annotations

import base64
import bisect
import contextlib
import hashlib
import json
import os
import re
import shutil
import tempfile
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from zoo.errors import FastaError, UnknownContig, near_match
from zoo.genome.bgzf import ends_with_marker, is_bgzf, is_gzip
from zoo.genome.build import find_alias
from zoo.genome.codes import IUPAC, UNKNOWN, Codes, encode
from zoo.genome.interval import Interval

CONTIGS_IN_MEMORY = 2
"""A sorted VCF needs one, the second bridges the change of contig; a human contig takes up to 250 MB."""

_LETTERS = "".join(IUPAC).encode() + "".join(IUPAC).lower().encode() + b"-*"
"""What a contig may hold: IUPAC's nucleotide letters, gaps, and the mark of a break."""

_CHECKED_RECORDS = 1000
"""An index of more than ten times as many records is compared with the file at both ends only."""
_LONGEST_GAP = 2**16
"""Between two records stand a header and blank lines; a longer gap counts as a fault of the index."""

_ONE_LENGTH = (
    "expected lines of one length, but for the last, and no blank ones; reformat it, e.g. with seqkit seq -w 60"
)


class Reference:
    """The contigs of a FASTA file.

    An index ``.fai`` (and ``.gzi``) is read; where it is missing, older than the file or does not fit it, one is made
    and kept beside the file, as far as that folder can be written.

    Raises:
        FastaError: The file is missing, empty, no FASTA, plain gzip, or cut.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self._fasta = _open(self.path)
        self.lengths: dict[str, int] = {name: record.rlen for name, record in self._fasta.index.items()}
        self._codes: OrderedDict[str, Codes] = OrderedDict()
        self._digests: dict[str, str] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, value: object, trace: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Close the file and forget the contigs."""
        self._fasta.close()
        self._codes.clear()

    def resolve(self, name: str, length: int | None = None) -> str | None:
        """Return this reference's name of a contig, or None; ``length`` is what another file declares for it."""
        return find_alias(name, length, self.lengths)

    def codes(self, contig: str) -> Codes:
        """Return a whole contig, shape (its length,); the array is shared and must not be written to.

        Raises:
            UnknownContig: The reference has no contig of that name.
            FastaError: The contig can't be read, or holds what is no nucleotide letter.
        """
        found = self._codes.get(contig)
        if found is None:
            if contig not in self.lengths:
                raise UnknownContig(f"{self.path}: no contig {contig!r}{near_match(contig, self.lengths)}")
            while len(self._codes) >= CONTIGS_IN_MEMORY:
                self._codes.popitem(last=False)
            letters = self._read(contig, 0, self.lengths[contig]).encode("latin-1", "replace")
            self._check_letters(contig, letters)
            found = encode(letters)
            self._codes[contig] = found
        self._codes.move_to_end(contig)
        return found

    def fetch(self, interval: Interval) -> Codes:
        """Return the codes of an interval; bases beyond the contig are unknown. The strand is not looked at."""
        return fetch_window(self.codes(interval.contig), interval.start, len(interval))

    def letters(self, interval: Interval) -> str:
        """Return the letters as they stand in the file, lower case where soft-masked; nothing beyond the contig."""
        if interval.contig not in self.lengths:
            raise UnknownContig(
                f"{self.path}: no contig {interval.contig!r}{near_match(interval.contig, self.lengths)}"
            )
        start, end = max(0, interval.start), min(interval.end, self.lengths[interval.contig])
        return self._read(interval.contig, start, end) if start < end else ""

    def soft_masked(self, interval: Interval) -> npt.NDArray[np.bool_]:
        """Return which bases of an interval are lower case (repeats, by convention), shape (its length,)."""
        masked = np.zeros(len(interval), dtype=np.bool_)
        letters = np.frombuffer(self.letters(interval).encode("latin-1", "replace"), dtype=np.uint8)
        offset = max(0, -interval.start)
        masked[offset : offset + len(letters)] = letters >= ord("a")
        return masked

    def digest(self, contig: str) -> str:
        """Return the refget digest (GA4GH, version 2) of a contig's upper-cased letters: ``SQ.`` and 32 characters."""
        if contig not in self._digests:
            letters = self.letters(Interval(contig, 0, self.lengths[contig])).upper().encode("latin-1", "replace")
            self._digests[contig] = "SQ." + _truncated_digest(letters)
        return self._digests[contig]

    @property
    def name_length_digest(self) -> str:
        """The digest of the contigs' names and lengths, whatever their order; it tells builds apart at no cost.

        Source: GA4GH refget sequence collections, ``sorted_name_length_pairs``.
        """
        pairs = sorted(
            _truncated_digest(_canonical({"length": length, "name": name})) for name, length in self.lengths.items()
        )
        return _truncated_digest(_canonical(pairs))

    def _check_letters(self, contig: str, letters: bytes) -> None:
        strange = letters.translate(None, delete=_LETTERS)
        if strange:
            position = letters.index(strange[:1]) + 1
            raise FastaError(
                f"{self.path}: contig {contig!r}, position {position}: expected nucleotide letters (IUPAC), "
                f"found {chr(strange[0])!r}; give a FASTA file of DNA"
            )

    def _read(self, contig: str, start: int, end: int) -> str:
        try:
            return str(self._fasta.fetch(contig, start + 1, end).seq)
        except Exception as error:  # pyfaidx and the decompressor raise a dozen kinds for a damaged file
            raise FastaError(
                f"{self.path}: contig {contig!r} can't be read: {' '.join(str(error).split()) or type(error).__name__}"
            ) from error


def fetch_window(contig: Codes, start: int, length: int) -> Codes:
    """Return ``length`` codes of a contig from ``start`` on; bases beyond its ends are unknown."""
    if start >= 0 and start + length <= len(contig):
        return contig[start : start + length]
    window = np.full(length, UNKNOWN, dtype=np.uint8)
    first, last = max(start, 0), min(start + length, len(contig))
    if first < last:
        window[first - start : last - start] = contig[first:last]
    return window


def _open(path: Path) -> Any:
    if not path.is_file():
        raise FastaError(f"{path}: expected a FASTA file, found {'a folder' if path.is_dir() else 'nothing'}")
    try:
        _check_compression(path)
        return _open_indexed(path)
    except OSError as error:
        raise FastaError(f"{path}: can't be read: {error}") from error


def _check_compression(path: Path) -> None:
    if is_bgzf(path):
        if not ends_with_marker(path):
            raise FastaError(f"{path}: the file is cut: its BGZF end marker is missing; copy or compress it again")
        return
    if is_gzip(path):
        plain = path.with_suffix("")
        raise FastaError(
            f"{path}: expected plain text or BGZF, found plain gzip, which can't be indexed; "
            f"convert it: gunzip -k {path}, or: gunzip -c {path} | bgzip > {plain}.bgz"
        )
    with path.open("rb") as file:
        head = file.read(4096).lstrip()
    if not head:
        raise FastaError(f"{path}: expected a FASTA file, found an empty one")
    if not head.startswith(b">"):
        raise FastaError(f"{path}, line 1: expected a FASTA header that starts with '>', found {_show(head)!r}")


def _open_indexed(path: Path) -> Any:
    packed = is_bgzf(path)
    if packed != path.name.lower().endswith((".gz", ".bgz")):
        found, ending = ("BGZF", "does not end") if packed else ("plain text", "ends")
        raise FastaError(f"{path}: found {found} in a file whose name {ending} with .gz or .bgz; rename it")
    suffixes = (".fai", ".gzi") if packed else (".fai",)
    indexes = [Path(f"{path}{suffix}") for suffix in suffixes]
    if all(_is_fresh(index, path) for index in indexes):
        # An index that can't be read, or is another file's, is no fault of the FASTA file: a new one takes its place.
        with contextlib.suppress(FastaError, OSError):
            return _open_with(path, indexes)
    try:
        with tempfile.TemporaryDirectory(prefix="zoo-index-") as folder:
            made = [Path(folder) / f"index{suffix}" for suffix in suffixes]
            fasta = _open_with(path, made)
            for index, name in zip(made, indexes, strict=True):
                _keep(index, name)
    except OSError as error:
        # pyfaidx hides what went wrong behind an advice of its own.
        cause = error.__context__ if isinstance(error.__context__, OSError) else error
        raise FastaError(
            f"{path}: no index can be made in the temporary folder: {cause.strerror or cause}; "
            "set TMPDIR to a folder with room"
        ) from error
    return fasta


def _open_with(path: Path, indexes: list[Path]) -> Any:
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


def _show(head: bytes) -> str:
    return head.split(b"\n")[0][:20].decode("utf-8", "replace").strip()


def _is_fresh(index: Path, path: Path) -> bool:
    return index.is_file() and index.stat().st_mtime >= path.stat().st_mtime


def _keep(index: Path, name: Path) -> None:
    """Copy an index beside its file, whole or not at all: half of one would lack contigs without a word."""
    partial = name.with_name(f"{name.name}.{os.getpid()}.partial")
    with contextlib.suppress(OSError):  # a folder that can't be written
        try:
            shutil.copyfile(index, partial)
            partial.replace(name)
        finally:
            partial.unlink(missing_ok=True)


def _canonical(document: object) -> bytes:
    return json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def _truncated_digest(content: bytes) -> str:
    return base64.urlsafe_b64encode(hashlib.sha512(content).digest()[:24]).decode("ascii")
