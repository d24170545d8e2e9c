"""What a run needs of its input, whatever that is, and how a user says what it is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Literal, Protocol, Self

from zoo.errors import DataError, near_match
from zoo.genome.vcf import RecordBatch
from zoo.prediction.inputs.content import Content

RECORDS_A_BATCH = 4096
"""How many records are read, scored and written at a time."""

InputKind = Literal["auto", "vcf", "variants", "rsids", "table"]

COLUMNS = ("contig", "position", "ref", "alt", "id", "effect_allele", "other_allele", "variant", "end")
"""Our names of what a table's columns can hold; ``variant`` is contig, position, REF and ALT in one text."""


@dataclass(frozen=True, slots=True)
class InputOptions:
    """What a user says about an input.

    Attributes:
        kind: ``auto`` tells it from the content.
        columns: Names of the table's columns by ours (``COLUMNS``); the others are looked for by well-known names.
        dbsnp: A VCF or BCF whose ID column says where rsIDs lie.
    """

    kind: InputKind = "auto"
    columns: Mapping[str, str] = field(default_factory=dict)
    dbsnp: str | Path | None = None


class RecordSource(Protocol):
    """Variants as records of a VCF, in the input's order; ``VcfReader`` is one.

    Attributes:
        name: What the records come from, for messages.
        header: The header's text, ending with the ``#CHROM`` line.
        warnings: One line each; some are known only once all is read.
        undeclared_contigs: Contigs of records that the header does not declare, filled while reading.
    """

    name: str
    header: str
    warnings: list[str]
    undeclared_contigs: list[str]

    @property
    def contigs(self) -> Mapping[str, int | None]:
        """The contigs that the input itself declares, and their lengths where it states them."""
        ...

    @property
    def info_ids(self) -> set[str]:
        """The INFO keys that the records carry, as far as they are declared or known by now."""
        ...

    def batches(self, size: int) -> Iterator[RecordBatch]:
        """Yield all records in order, at most ``size`` at a time; may be called again, for another pass."""
        ...

    def text_length(self) -> int | None:
        """Return about how many characters the batches will count, or None where that can't be told."""
        ...

    def declare_contigs_of_records(self) -> None:
        """Find the undeclared contigs now, by reading through the input."""
        ...

    def close(self) -> None:
        """Close the input."""
        ...

    def __enter__(self) -> Self: ...

    def __exit__(self, kind: type[BaseException] | None, value: object, trace: TracebackType | None) -> None: ...


class ContentSource:
    """What sources of any content but VCF have in common: its name, and a header of our own.

    Args:
        content: Where the records come from; closed with this.
        header: The header's text.

    Attributes:
        renamed: The contigs that have another name in the reference, whose name records carry.
    """

    def __init__(self, content: Content, header: str) -> None:
        self.name = content.name
        self.header = header
        self.warnings: list[str] = []
        self.undeclared_contigs: list[str] = []
        self.renamed: dict[str, str] = {}
        self._content = content

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, value: object, trace: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Remove the copy of what came through a pipe."""
        self._content.close()

    @property
    def contigs(self) -> dict[str, int | None]:
        """None: the content tells no lengths, and the header's are the reference's."""
        return {}


def check_columns(columns: Mapping[str, str]) -> None:
    """Raise DataError for a name that is none of ours."""
    for name in columns:
        if name not in COLUMNS:
            raise DataError(f"columns: expected one of {', '.join(COLUMNS)}, found {name!r}{near_match(name, COLUMNS)}")
