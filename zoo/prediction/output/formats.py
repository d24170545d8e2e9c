"""The formats of annotated records, and which of them a name asks for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from zoo.errors import OutputError
from zoo.genome.output import STANDARD_OUTPUT

ColumnType = Literal["text", "integer", "float", "flag"]
ColumnTypes = Mapping[str, ColumnType]
"""The types of a table's columns, by name; a column that is not named holds text."""

FormatName = Literal["vcf", "vcf.gz", "bcf", "tsv", "tsv.gz", "parquet"]


@dataclass(frozen=True, slots=True)
class Format:
    """How records are written.

    Attributes:
        suffixes: How the names of such files end.
        table: Rows of cells under one line of names, not VCF.
        packed: Text in BGZF blocks.
        converted: Made at the end from the finished text, or from rows that were kept column by column.
        indexed: Can have an index.
        columnar: Rows are kept column by column.
    """

    name: FormatName
    suffixes: tuple[str, ...]
    table: bool = False
    packed: bool = False
    converted: bool = False
    indexed: bool = False
    columnar: bool = False

    @property
    def kept(self) -> str:
        """In what form rows are kept till the end: what one run keeps, another goes on with."""
        if self.columnar:
            return "columns"
        return "packed text" if self.packed or self.converted else "text"


FORMATS = (
    Format("vcf", (".vcf",)),
    Format("vcf.gz", (".vcf.gz", ".vcf.bgz"), packed=True, indexed=True),
    Format("bcf", (".bcf",), converted=True, indexed=True),
    Format("tsv", (".tsv",), table=True),
    Format("tsv.gz", (".tsv.gz", ".tsv.bgz"), table=True, packed=True),
    Format("parquet", (".parquet",), table=True, converted=True, columnar=True),
)


def choose_format(path: str | Path, name: str | None = None) -> Format:
    """Return the format of that name, or else the one that the path's suffix asks for; ``-`` alone is VCF.

    Raises:
        OutputError: There is no such format, or none of that suffix, or name and suffix disagree.
    """
    shown = str(path)
    by_suffix = next((one for one in FORMATS if shown.endswith(one.suffixes)), None)
    if name is None:
        if shown == STANDARD_OUTPUT:
            return FORMATS[0]
        if by_suffix is None:
            suffixes = ", ".join(suffix for one in FORMATS for suffix in one.suffixes)
            raise OutputError(
                f"{shown}: expected a name that ends with {suffixes}, or - for standard output; "
                "or name the format with --format"
            )
        return by_suffix
    found = next((one for one in FORMATS if one.name == name), None)
    if found is None:
        raise OutputError(f"--format: expected {', '.join(one.name for one in FORMATS)}, found {name!r}")
    if by_suffix not in (None, found):
        raise OutputError(f"{shown}: the name asks for another format than --format {name}; change one of them")
    return found


def refuse_index(path: str | Path, form: Format) -> None:
    """Raise OutputError where a file can't have an index."""
    if not form.indexed or str(path) == STANDARD_OUTPUT:
        raise OutputError(f"{path}: expected a file in the format vcf.gz or bcf to index; leave --index out")
