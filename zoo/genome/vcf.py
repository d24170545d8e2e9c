"""Reading VCF and BCF: batches of records as htslib prints them, and the header as it stands.

``POS`` is counted from 1. Records are lines of text, without their ends: what is written again is what ``bcftools
view`` would print. Undeclared contigs, INFO, FORMAT and FILTER are read and remembered, never refused.
"""

from __future__ import annotations

import contextlib
import gzip
import itertools
import re
import shutil
import sys
import tempfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, Self

from zoo.errors import VcfError
from zoo.genome.bgzf import ends_with_marker, is_bgzf, is_gzip, text_length
from zoo.genome.vcf_faults import UNKNOWN_FAULT, explain_header, explain_record
from zoo.genome.wide import MIN_SAMPLES, WideReader

_COLUMNS = 8
CONTIG, POS, ID, REF, ALT, QUAL, FILTER, INFO = range(_COLUMNS)
"""The columns of a record; FORMAT and the samples, where there are any, stand together in a ninth."""

STANDARD_INPUT = "-"

_MAX_CHARACTERS = 8_000_000  # of a batch: a record of ten thousand samples has 40,000

_DECLARATION = re.compile(r"^##(contig|INFO|FORMAT|FILTER)=<(.*)>\s*$", re.MULTILINE)
_ID = re.compile(r"(?:^|,)ID=([^,]+)")
_LENGTH = re.compile(r"(?:^|,)length=(\d+)")


@dataclass(frozen=True)
class RecordBatch:
    """Records in file order.

    Attributes:
        first: The number of records before them.
        lines: A line each, without its end, of 8 columns or of 9 and more.
        characters: How far they are in the input: the length of their lines there together.
    """

    first: int
    lines: list[str]
    characters: int

    def __len__(self) -> int:
        return len(self.lines)

    @cached_property
    def columns(self) -> list[list[str]]:
        """8 or 9 texts a record; not to be changed."""
        return [line.split("\t", _COLUMNS) for line in self.lines]

    def column(self, number: int) -> list[str]:
        """Return one of the first eight columns, a text for each record."""
        return self._sites[number::_COLUMNS]

    @property
    def has_samples(self) -> bool:
        """Whether records have more than eight columns; those of one file are alike."""
        return bool(self.lines) and self.lines[0].count("\t") >= _COLUMNS

    @cached_property
    def _sites(self) -> list[str]:
        """The first eight columns of all records, one record after the other."""
        if self.has_samples:
            return [cell for record in self.columns for cell in record[:_COLUMNS]]
        # Splitting all lines at once takes a third of the time of splitting each, and makes no list for each record.
        return "\t".join(self.lines).split("\t") if self.lines else []


class VcfReader:
    """One VCF or BCF file, ``-`` for standard input.

    Attributes:
        header: The header's text, ending with the ``#CHROM`` line.
        contigs: The declared contigs and their lengths, None where not stated.
        undeclared_contigs: Contigs of records that the header does not declare, filled while reading.

    Raises:
        VcfError: The file is missing, empty, cut, or no VCF.
    """

    def __init__(self, path: str | Path) -> None:
        self.name = "standard input" if str(path) == STANDARD_INPUT else str(path)
        self.warnings: list[str] = []
        self.undeclared_contigs: list[str] = []
        self._spool: Any = None
        self._path = Path(path)
        try:
            if str(path) == STANDARD_INPUT:
                self._spool_input(_open_standard_input())
            elif self._path.is_fifo():
                with self._path.open("rb") as pipe:
                    self._spool_input(pipe)
            self._check_file()
            self._vcf = self._open()
        except BaseException:
            self._close_spool()
            raise
        self.header: str = self._vcf.raw_header.rstrip("\n\0") + "\n"
        if "\ufffd" in self.header:
            self.warnings.append(f"{self.name}: the header holds bytes that are not UTF-8; they are written as U+FFFD")
        self._declared = _declarations(self.header)
        self._learned: set[tuple[str, str]] = set()
        self._samples = max(0, self.header.rstrip("\n").rpartition("\n")[2].count("\t") - (INFO + 1))
        self.contigs: dict[str, int | None] = {}
        for name, length in _contig_lengths(self.header):
            self.contigs.setdefault(name, length)  # of two declarations htslib takes the first, too

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, value: object, trace: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Close the file."""
        self._vcf.close()
        self._close_spool()

    @property
    def info_ids(self) -> set[str]:
        """The INFO keys that the header declares; once all is read, also those that it should have declared."""
        return {name for kind, name in self._declared | self._found() if kind == "INFO"}

    def batches(self, size: int) -> Iterator[RecordBatch]:
        """Yield all records in order, at most ``size`` at a time, fewer where they are long.

        Raises:
            VcfError: A record can't be read; the message names its number.
        """
        first = characters = 0
        lines: list[str] = []
        for line in self._records():
            lines.append(line)
            characters += len(line)
            if len(lines) == size or characters > _MAX_CHARACTERS:
                yield RecordBatch(first, lines, characters)
                first += len(lines)
                lines, characters = [], 0
        if lines:
            yield RecordBatch(first, lines, characters)
        self._warn_of_undeclared()

    def _records(self) -> Iterator[str]:
        """Yield the line of each record, as fast as its samples allow."""
        done = 0
        if self._samples >= MIN_SAMPLES and ("FORMAT", "GT") in self._declared and self._is_text():
            with contextlib.closing(WideReader(self._path, self._samples)) as wide:
                for columns in wide.columns(self.contigs):
                    yield "\t".join(columns)
                    done += 1
                if wide.is_whole:
                    self._learned = _declarations(wide.raw_header)
                    return
        if self._samples and not self.undeclared_contigs:
            # Of a record on an undeclared contig htslib lets faults of genotypes pass, and dies of them.
            self.declare_contigs_of_records()
        yield from itertools.islice(self._lines(), done, None)

    def text_length(self) -> int | None:
        """Return about how many characters the records have, for a progress bar; None where that can't be told."""
        return max(0, (text_length(self._path) or 0) - len(self.header)) or None if self._is_text() else None

    def declare_contigs_of_records(self) -> None:
        """Find the undeclared contigs now, by reading through the file, for a header that can't be mended later."""
        if self._is_text():
            self._declare(self._scan_contigs())

    def _lines(self) -> Iterator[str]:
        known = {*self.contigs, *self.undeclared_contigs}
        last = None
        line = ""
        number = 0
        iterator = iter(self._vcf)
        while True:
            try:
                for record in iterator:
                    contig = record.CHROM
                    if contig != last and contig not in known:
                        break
                    line = str(record)
                    last = contig
                    yield line[:-1]
                    number += 1
                else:
                    return
            except Exception as error:  # cyvcf2 raises a bare Exception with an error code
                raise self._describe(error, number, line) from error
            # htslib lets faults of such a record pass, and printing one may crash: declare first, then read again.
            if not contig and self._is_empty_from(number):
                self.warnings.append(f"{self.name}: the last line is empty; it is left out")
                return
            iterator = self._start_again(contig, number)
            known.update(self.undeclared_contigs)

    def _start_again(self, contig: str, number: int) -> Iterator[Any]:
        """Declare a contig that a record brought up, and return an iterator that stands before that record again."""
        where = f"{self.name}, record {number + 1}"
        if not contig:
            raise VcfError(f"{where}: expected a contig's name, found an empty one; is it an empty line? remove it")
        self.declare_contigs_of_records()
        if contig not in self.undeclared_contigs:
            raise VcfError(f"{where}: contig {contig!r} is not in the file's dictionary")
        iterator: Iterator[Any] = iter(self._vcf)
        for _ in range(number):
            next(iterator)
        return iterator

    def _describe(self, error: Exception, number: int, line_before: str) -> VcfError:
        where = f"{self.name}, record {number + 1}"
        if isinstance(error, UnicodeDecodeError):
            return VcfError(f"{where}: expected UTF-8, found other bytes; convert the text: iconv -f latin1 -t utf-8")
        before = f"; the record before it is {':'.join(line_before.split(chr(9), 2)[:2])}" if number else ""
        return VcfError(f"{where}: {self._explain(number)}{before}")

    def _explain(self, number: int) -> str:
        """Say what is wrong with record ``number`` (from 0), which htslib refused, as far as its text tells."""
        if not self._is_text():
            return UNKNOWN_FAULT
        try:
            with self._open_bytes() as lines:
                return explain_record(lines, number)
        except (OSError, EOFError, zlib.error):
            return "the file is cut or damaged there; copy or compress it again"

    def _is_empty_from(self, number: int) -> bool:
        """Tell whether only empty lines follow the first ``number`` records."""
        if not self._is_text():
            return False
        with self._open_bytes() as lines:
            records = (line for line in lines if not line.startswith(b"#"))
            return not any(line.strip() for line in itertools.islice(records, number, None))

    def _open(self) -> Any:
        import cyvcf2
        from cyvcf2.cyvcf2 import set_htslib_log_level

        set_htslib_log_level(0)
        try:
            str(self._path).encode()
        except UnicodeEncodeError as error:
            raise VcfError(f"{self.name!r}: the file's name is not UTF-8; rename it, or pipe it: - < FILE") from error
        try:
            return cyvcf2.VCF(str(self._path))
        except Exception as error:
            try:
                with self._open_bytes() as file:
                    file.read(1 << 16)
            except (OSError, EOFError, zlib.error):
                fault = "the file is cut or damaged; copy or compress it again"
            else:
                with self._open_bytes() as lines:
                    fault = explain_header(lines)
            raise VcfError(f"{self.name}: {fault}") from error

    def _declare(self, names: list[str]) -> None:
        self.undeclared_contigs = [name for name in names if name and name not in self.contigs]
        if not self.undeclared_contigs:
            return
        self._vcf.close()
        self._vcf = self._open()
        for name in self.undeclared_contigs:
            try:
                self._vcf.add_to_header(f"##contig=<ID={name}>")
            except Exception as error:  # cyvcf2 raises a bare Exception
                raise VcfError(
                    f"{self.name}, record {self._find_first_record(name) + 1}: contig {name[:60]!r} is not declared, "
                    "and can't be, for VCF allows no such name; rename it"
                ) from error

    def _find_first_record(self, contig: str) -> int:
        start = contig.encode() + b"\t"
        with self._open_bytes() as lines:
            records = (line for line in lines if not line.startswith(b"#"))
            return next((number for number, line in enumerate(records) if line.startswith(start)), 0)

    def _scan_contigs(self) -> list[str]:
        names: dict[bytes, None] = {}
        last = b"#"
        try:
            with self._open_bytes() as lines:
                for line in lines:
                    if line.startswith(last):
                        continue
                    name = line[: line.find(b"\t")] if b"\t" in line else line.strip()
                    names[name] = None
                    last = name + b"\t" if name and not name.startswith(b"#") else last
        except (OSError, EOFError) as error:
            raise VcfError(f"{self.name}: can't be read: {error}") from error
        return [name.decode("utf-8", "replace") for name in names if not name.startswith(b"#")]

    def _is_text(self) -> bool:
        with self._open_bytes() as file:
            return file.read(3) != b"BCF"

    def _open_bytes(self) -> gzip.GzipFile | BinaryIO:
        return gzip.open(self._path) if is_gzip(self._path) else self._path.open("rb")

    def _check_file(self) -> None:
        path = self._path
        if not path.exists():
            raise VcfError(f"{self.name}: expected a VCF or BCF file, found nothing; check the path")
        if path.is_dir():
            raise VcfError(f"{self.name}: expected a VCF or BCF file, found a folder")
        try:
            if path.stat().st_size == 0:
                raise VcfError(f"{self.name}: expected a VCF or BCF file, found an empty one")
            if is_bgzf(path):
                if not ends_with_marker(path):
                    raise VcfError(
                        f"{self.name}: the file is cut: its BGZF end marker is missing; copy or compress it again"
                    )
            elif not is_gzip(path) and self._is_text() and not _ends_with_newline(path):
                self.warnings.append(f"{self.name}: the last line has no newline at its end: the file may be cut there")
        except OSError as error:
            raise VcfError(f"{self.name}: can't be read: {error.strerror or error}") from error

    def _spool_input(self, source: BinaryIO) -> None:
        # Checks for cut files and for undeclared contigs need to look twice, which a pipe does not allow.
        try:
            self._spool = tempfile.NamedTemporaryFile(prefix="zoo-input-")  # noqa: SIM115 - closed by close()
            shutil.copyfileobj(source, self._spool)
            self._spool.flush()
        except OSError as error:
            folder = tempfile.gettempdir()
            raise VcfError(
                f"{self.name}: can't be kept in {folder}: {error.strerror or error}; "
                "set TMPDIR to a folder with room, or name a file"
            ) from error
        self._path = Path(self._spool.name)

    def _close_spool(self) -> None:
        if self._spool is not None:
            with contextlib.suppress(OSError):  # of a full disk, which was told already
                self._spool.close()

    def _found(self) -> set[tuple[str, str]]:
        """Return what the header declares by now: htslib adds to it what records bring up."""
        return self._learned | _declarations(self._vcf.raw_header)

    def _warn_of_undeclared(self) -> None:
        found = self._found() - self._declared
        if found:
            shown = ", ".join(f"{kind} {name}" for kind, name in sorted(found)[:8])
            more = f" and {len(found) - 8} more" if len(found) > 8 else ""
            self.warnings.append(f"{self.name}: the header does not declare {shown}{more}; kept as found")


def _open_standard_input() -> BinaryIO:
    if sys.stdin is None:
        raise VcfError("standard input is closed: pipe a VCF into it, or name a file")
    return sys.stdin.buffer


def _declarations(header: str) -> set[tuple[str, str]]:
    return {(kind, found[1]) for kind, body in _DECLARATION.findall(header) if (found := _ID.search(body))}


def _contig_lengths(header: str) -> Iterator[tuple[str, int | None]]:
    for kind, body in _DECLARATION.findall(header):
        name = _ID.search(body)
        if kind == "contig" and name:
            length = _LENGTH.search(body)
            yield name[1], int(length[1]) if length else None


def _ends_with_newline(path: Path) -> bool:
    with path.open("rb") as file:
        file.seek(-1, 2)
        return file.read(1) == b"\n"
