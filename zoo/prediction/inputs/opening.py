"""Opens whatever variants come in; what that is, its content tells."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Literal, get_args

from zoo.errors import DataError, VcfError
from zoo.genome.bgzf import is_gzip
from zoo.genome.reference import Reference
from zoo.genome.vcf import STANDARD_INPUT, VcfReader
from zoo.prediction.inputs.columns import Layout, find_columns, is_id_name, is_rsid, recognises
from zoo.prediction.inputs.content import HEAD_SIZE, Content
from zoo.prediction.inputs.parquet import ParquetReader, parquet_columns
from zoo.prediction.inputs.records import RowSource
from zoo.prediction.inputs.rows import Header, RowReader, TableReader, VariantReader, split_header
from zoo.prediction.inputs.rsids import IdReader, RsidSource
from zoo.prediction.inputs.source import InputKind, InputOptions, RecordSource, check_columns
from zoo.prediction.inputs.variant_text import split_variant

ACCEPTED = (
    "VCF or BCF; lines such as chr1:100:A:G; lines of rsIDs; or a table (tab, comma or blanks between, gzip, Parquet) "
    "whose header line names contig, position and alleles"
)

_Kind = Literal["vcf", "variants", "rsids", "table"]

_VCF_COLUMNS = "#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO"


def open_records(path: str | Path, reference: Reference, options: InputOptions | None = None) -> RecordSource:
    """Return the records of VCF, BCF, a list of variants or of rsIDs, or a table.

    Args:
        path: The input, plain or gzip; ``-`` for standard input.
        reference: The genome; it says which of effect and other allele is REF, and gives padding bases. Stays open.
        options: What the user says; by default all is told from the content.

    Raises:
        VcfError: VCF or BCF, the input's or dbSNP's, is missing, empty, cut or malformed.
        DataError: The input is none of these, or is damaged, or the options do not fit it.
    """
    options = options or InputOptions()
    if options.kind not in get_args(InputKind):
        raise ValueError(f"kind: expected one of {', '.join(get_args(InputKind))}, found {options.kind!r}")
    check_columns(options.columns)
    content = _open_content(path)
    if content is None:
        return VcfReader(path)
    try:
        source = _open_kind(path, content, reference, options)
        if options.dbsnp is not None and not isinstance(source, RsidSource):
            source.warnings.append(
                f"{source.name}: {options.dbsnp} is not needed: the input says where its variants lie"
            )
    except BaseException:
        content.close()
        raise
    return source


class PipedVcf(VcfReader):
    """A VCF or BCF that came through a pipe, and is kept in a copy."""

    def __init__(self, content: Content) -> None:
        self._content = content
        copy = str(content.path)
        try:
            super().__init__(content.path)
        except VcfError as error:
            raise VcfError(str(error).replace(copy, content.name)) from error
        self.name = content.name
        self.warnings = [warning.replace(copy, content.name) for warning in self.warnings]

    def close(self) -> None:
        """Close the copy and remove it."""
        super().close()
        self._content.close()


def _open_content(path: str | Path) -> Content | None:
    """Return the content, or None for a path without a file, of which the reader of VCF tells what is wrong."""
    if str(path) == STANDARD_INPUT or Path(path).is_fifo() or Path(path).is_file():
        return Content(path)
    return None


def _open_kind(path: str | Path, content: Content, reference: Reference, options: InputOptions) -> RecordSource:
    head = content.head()
    kind = _tell_kind(head, content, options)
    if kind == "vcf":
        if options.columns:
            raise DataError(f"{content.name}: found VCF or BCF, whose columns have fixed names; leave out columns")
        return PipedVcf(content) if content.copied else VcfReader(path)
    content.check_whole()
    if kind == "table" and head.startswith(b"PAR1"):
        names, example = parquet_columns(content)
        layout = find_columns(names, options.columns, content.name, example)
        return _open_rows(content, ParquetReader(content, layout), layout, reference, options)
    lines = _decode(head)
    warning = _warn_of_cut_line(content, head)
    if kind == "table":
        header = _find_header(lines, content, options)
        layout = find_columns(header.names, options.columns, f"{content.name}, line {header.number}", header.example)
        source: RowSource | RsidSource = _open_rows(
            content, TableReader(content, header, layout), layout, reference, options
        )
    elif kind == "variants":
        source = RowSource(content, VariantReader(content, _count_skipped(lines)), reference)
    else:
        source = _look_up(content, IdReader(content, _count_skipped(lines)), reference, options)
    source.warnings += warning
    return source


def _open_rows(
    content: Content, rows: RowReader, layout: Layout, reference: Reference, options: InputOptions
) -> RowSource | RsidSource:
    if not layout.has_place:
        return _look_up(content, rows, reference, options)
    effects = layout.effect is not None or not layout.oriented
    return RowSource(content, rows, reference, oriented=layout.oriented, effects=effects)


def _look_up(content: Content, ids: RowReader, reference: Reference, options: InputOptions) -> RsidSource:
    if options.dbsnp is None:
        raise DataError(
            f"{content.name}: found IDs without positions; give a dbSNP VCF or BCF that says where they lie "
            "(--dbsnp FILE)"
        )
    return RsidSource(content, ids, options.dbsnp, reference)


def _tell_kind(head: bytes, content: Content, options: InputOptions) -> _Kind:
    if options.kind != "auto":
        return options.kind
    if not head or head.startswith((b"BCF", b"##fileformat")):
        return "vcf"  # whose reader also tells what is wrong with an empty or a damaged file
    if head.startswith(b"PAR1"):
        return "table"
    if b"\0" in head:
        raise DataError(f"{content.name}: expected {ACCEPTED}; found bytes that are no text")
    return _tell_text(_decode(head), content, options)


def _tell_text(lines: list[str], content: Content, options: InputOptions) -> _Kind:
    if lines[0].startswith("##fileformat") or any(line.startswith(_VCF_COLUMNS) for line in lines):
        return "vcf"
    texts = [line.strip() for line in lines if line.strip() and not line.startswith("#")][:2]
    if len(texts) > 1 and is_id_name(texts[0]):
        texts = texts[1:]
    if texts and is_rsid(texts[0]):
        return "rsids"
    if texts and split_variant(texts[0]):
        return "variants"
    try:
        _find_header(lines, content, options)
    except DataError:
        if lines[0].startswith("##"):
            return "vcf"  # most likely without its first line, which the reader misses
        raise
    return "table"


def _find_header(lines: list[str], content: Content, options: InputOptions) -> Header:
    """Return the header of a table: the first line that is no comment, or one of those if it names columns."""
    for number, line in enumerate(lines, start=1):
        if not line.strip() or line.startswith("##"):
            continue
        following = next((other for other in lines[number:] if other.strip()), "")
        header = split_header(line, number, following)
        if recognises(header.names, options.columns, header.example):
            return header
        if line.startswith("#"):
            continue
        if options.kind == "table" or options.columns:
            return header  # its columns are judged one by one
        found = repr(line.strip()[:60])
        if len(header.names) > 2 and all(name.isdecimal() for name in header.names[1:3]):
            found += ", which looks like BED: regions have no alleles"
        raise DataError(f"{content.name}, line {number}: expected {ACCEPTED}; found {found}")
    raise DataError(f"{content.name}: expected {ACCEPTED}; found no line that is no comment")


def _count_skipped(lines: list[str]) -> int:
    """Return how many lines stand before the first of a list, where a line names it."""
    for number, line in enumerate(lines, start=1):
        if line.strip() and not line.startswith("#"):
            return number if is_id_name(line.strip()) else 0
    return 0


def _decode(head: bytes) -> list[str]:
    """Return the lines of an input's beginning, at least one, those alone that are there as a whole."""
    lines = list(io.StringIO(head.decode("utf-8-sig", "replace"), newline=None)) or [""]
    return lines if len(lines) < 2 or lines[-1].endswith("\n") or len(head) < HEAD_SIZE else lines[:-1]


def _warn_of_cut_line(content: Content, head: bytes) -> list[str]:
    if len(head) < HEAD_SIZE:
        whole = head.endswith((b"\n", b"\r"))
    elif is_gzip(content.path):
        return []  # checked by its own length and checksum
    else:
        with content.path.open("rb") as file:
            file.seek(-1, 2)
            whole = file.read() in {b"\n", b"\r"}
    return [] if whole else [f"{content.name}: the last line has no newline at its end: the file may be cut there"]
