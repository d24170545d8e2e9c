"""A reference genome in a FASTA file, plain or BGZF: whole contigs as codes, a few of them in memory at a time."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import json
import os
import shutil
import tempfile
import threading
from collections import OrderedDict
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from zoo.errors import FastaError, UnknownContig, near_match
from zoo.genome.bgzf import ends_with_marker, is_bgzf, is_gzip
from zoo.genome.build import ContigIndex
from zoo.genome.codes import IUPAC, UNKNOWN, Codes, decode, encode
from zoo.genome.fasta_index import open_with_index
from zoo.genome.interval import Interval

CONTIGS_IN_MEMORY = 2
"""A sorted VCF needs one, the second bridges the change of contig; a human contig takes up to 250 MB."""

SMALL_BASES = 1 << 26
"""More contigs than two are kept as long as all have so many bases together: an assembly may have thousands."""

_LETTERS = "".join(IUPAC).encode() + "".join(IUPAC).lower().encode() + b"-*Xx"
"""What a contig may hold: IUPAC's nucleotide letters, gaps, the mark of a break, and the X of some maskers."""

_PLAIN_LETTERS = b"ACGTNacgtn"
"""Letters whose codes tell them again, but for their case."""

_PIECE = 1 << 22  # letters that are hashed at a time


class Reference:
    """The contigs of a FASTA file; several threads may read one.

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
        self._bases = 0  # of these
        self._plain: set[str] = set()
        self._digests: dict[tuple[str, str], str] = {}
        self._index = ContigIndex(self.lengths)
        self._lock = threading.RLock()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, value: object, trace: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Close the file and forget the contigs."""
        self._fasta.close()
        self._codes.clear()
        self._bases = 0

    def resolve(self, name: str, length: int | None = None) -> str | None:
        """Return this reference's name of a contig, or None; ``length`` is what another file declares for it.

        See ``find_alias``; the time that it takes does not grow with the number of contigs.
        """
        return self._index.find(name, length)

    def codes(self, contig: str) -> Codes:
        """Return a whole contig, shape (its length,); the array is shared and must not be written to.

        Raises:
            UnknownContig: The reference has no contig of that name.
            FastaError: The contig can't be read, or holds what is no nucleotide letter.
        """
        with self._lock:
            found = self._codes.get(contig)
            if found is None:
                self._check_name(contig)
                self._make_room(self.lengths[contig])
                letters = self._read(contig, 0, self.lengths[contig]).encode("latin-1", "replace")
                self._check_letters(contig, letters)
                found = encode(letters)
                self._codes[contig] = found
                self._bases += len(found)
            self._codes.move_to_end(contig)
            return found

    def _make_room(self, length: int) -> None:
        """Forget the contigs that were asked for longest ago, as far as another one wants their place."""
        while len(self._codes) >= CONTIGS_IN_MEMORY and self._bases + length > SMALL_BASES:
            self._bases -= len(self._codes.popitem(last=False)[1])

    def fetch(self, interval: Interval) -> Codes:
        """Return the codes of an interval; bases beyond the contig are unknown. The strand is not looked at."""
        return fetch_window(self.codes(interval.contig), interval.start, len(interval))

    def letters(self, interval: Interval) -> str:
        """Return the letters as they stand in the file, lower case where soft-masked; nothing beyond the contig."""
        self._check_name(interval.contig)
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
        if (contig, "refget") not in self._digests:
            content = self._hash(contig, hashlib.sha512())
            self._digests[contig, "refget"] = f"SQ.{_shorten(content)}"
        return self._digests[contig, "refget"]

    def md5(self, contig: str) -> str:
        """Return the MD5 of a contig's upper-cased letters, as SAM's M5 and VCF's ``md5`` state it."""
        if (contig, "md5") not in self._digests:
            self._digests[contig, "md5"] = self._hash(contig, hashlib.md5(usedforsecurity=False)).hex()
        return self._digests[contig, "md5"]

    @property
    def name_length_digest(self) -> str:
        """The digest of the contigs' names and lengths, whatever their order; it tells builds apart at no cost.

        Source: GA4GH refget sequence collections, ``sorted_name_length_pairs``.
        """
        pairs = sorted(
            _truncated_digest(_canonical({"length": length, "name": name})) for name, length in self.lengths.items()
        )
        return _truncated_digest(_canonical(pairs))

    def _hash(self, contig: str, content: hashlib._Hash) -> bytes:
        for piece in self._pieces(contig):
            content.update(piece)
        return content.digest()

    def _pieces(self, contig: str) -> Iterator[bytes]:
        """Yield a contig's upper-cased letters, from memory where it is there and its codes tell them."""
        self._check_name(contig)
        codes = self._codes.get(contig) if contig in self._plain else None
        for start in range(0, self.lengths[contig], _PIECE):
            end = min(start + _PIECE, self.lengths[contig])
            if codes is not None:
                yield decode(codes[start:end]).encode("ascii")
            else:
                yield self._read(contig, start, end).upper().encode("latin-1", "replace")

    def _check_name(self, contig: str) -> None:
        if contig not in self.lengths:
            raise UnknownContig(f"{self.path}: no contig {contig!r}{near_match(contig, self.lengths)}")

    def _check_letters(self, contig: str, letters: bytes) -> None:
        rare = letters.translate(None, delete=_PLAIN_LETTERS)
        if not rare:
            self._plain.add(contig)
        strange = rare.translate(None, delete=_LETTERS)
        if strange:
            position = letters.index(strange[:1]) + 1
            raise FastaError(
                f"{self.path}: contig {contig!r}, position {position}: expected nucleotide letters (IUPAC), "
                f"found {chr(strange[0])!r}; give a FASTA file of DNA"
            )

    def _read(self, contig: str, start: int, end: int) -> str:
        try:
            with self._lock:
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
            return open_with_index(path, indexes)
    try:
        with tempfile.TemporaryDirectory(prefix="zoo-index-") as folder:
            made = [Path(folder) / f"index{suffix}" for suffix in suffixes]
            fasta = open_with_index(path, made)
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
    return _shorten(hashlib.sha512(content).digest())


def _shorten(digest: bytes) -> str:
    return base64.urlsafe_b64encode(digest[:24]).decode("ascii")
