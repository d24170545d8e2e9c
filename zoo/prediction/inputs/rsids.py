"""A list of rsIDs as records: one pass over a dbSNP VCF or BCF finds them, the list keeps its order."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from zoo.errors import DataError
from zoo.genome.reference import Reference
from zoo.genome.vcf import RecordBatch
from zoo.prediction.inputs.columns import is_rsid
from zoo.prediction.inputs.content import Content
from zoo.prediction.inputs.dbsnp import find_ids
from zoo.prediction.inputs.records import write_header
from zoo.prediction.inputs.rows import NO_VALUE, RowReader, Rows, numbered_blocks
from zoo.prediction.inputs.source import ContentSource

_SHOWN = 5
_BLOCK = 1 << 14


class IdReader:
    """Lines of one ID each; lines that start with # are passed over."""

    def __init__(self, content: Content, skipped: int) -> None:
        self._content = content
        self._skipped = skipped

    def text_length(self) -> int | None:
        """Return None: records are looked up before the first of them comes."""
        return None

    def blocks(self, size: int) -> Iterator[Rows]:
        """Yield all IDs in order."""
        for numbers, lines in numbered_blocks(self._content, size, self._skipped, comments=True):
            ids = list(map(str.strip, lines))
            yield Rows(f"{self._content.name}, line", numbers, [], [], [], [], ids)


class RsidSource(ContentSource):
    """The records of a dbSNP file that a list of IDs names, in the order of the list; each ID once.

    Every record of an ID comes, with every ALT. Memory grows with the list, not with dbSNP.

    Args:
        content: Where the list comes from; closed with this.
        ids: Reads it.
        dbsnp: VCF or BCF; its ID column may hold several IDs with ``;`` between.
    """

    def __init__(self, content: Content, ids: RowReader, dbsnp: str | Path, reference: Reference) -> None:
        super().__init__(content, write_header(reference.lengths, effects=False))
        self._reference = reference
        wanted = self._read_ids(ids)
        self._records = find_ids(wanted, Path(dbsnp))
        self._tell_missing(wanted, dbsnp)
        self._contigs = {name: reference.resolve(name) for _, (name, *_) in self._records}
        self.renamed = {name: found for name, found in self._contigs.items() if found and found != name}

    @property
    def info_ids(self) -> set[str]:
        """None."""
        return set()

    def batches(self, size: int) -> Iterator[RecordBatch]:
        """Yield all records in the list's order, at most ``size`` at a time."""
        self.declare_contigs_of_records()
        for first in range(0, len(self._records), size):
            found = self._records[first : first + size]
            lines = [
                "\t".join((self._contigs[contig] or contig, position, name, ref, alt, ".", ".", "."))
                for name, (contig, position, ref, alt) in found
            ]
            yield RecordBatch(first, lines, sum(len(name) for name, _ in found))

    def text_length(self) -> int | None:
        """Return how many characters the batches count."""
        return sum(len(name) for name, _ in self._records) or None

    def declare_contigs_of_records(self) -> None:
        """Name the contigs that the reference lacks."""
        self.undeclared_contigs = [name for name, found in self._contigs.items() if found is None]

    def _read_ids(self, ids: RowReader) -> dict[str, int]:
        """Return how often the list names each ID."""
        wanted: dict[str, int] = {}
        for rows in ids.blocks(_BLOCK):
            for row, text in enumerate(rows.ids):
                if text.lower() in NO_VALUE or len(text.split()) != 1:
                    raise DataError(f"{rows.place(row)}: expected an rsID such as rs12345, found {text[:40]!r}")
                name = text.lower() if is_rsid(text) else text
                wanted[name] = wanted.get(name, 0) + 1
        more = sum(count - 1 for count in wanted.values())
        if more:
            self.warnings.append(f"{self.name}: {more:,} lines repeat an ID, {_show(wanted, 2)}; each comes out once")
        return wanted

    def _tell_missing(self, wanted: dict[str, int], dbsnp: str | Path) -> None:
        found = {name for name, _ in self._records}
        missing = {name: 1 for name in wanted if name not in found}
        if missing:
            self.warnings.append(
                f"{self.name}: {len(missing):,} of {len(wanted):,} IDs are not in {dbsnp} and are left out: "
                f"{_show(missing, 1)}"
            )


def _show(counts: dict[str, int], least: int) -> str:
    """Return the first few names that are counted so often."""
    names = [name for name, count in counts.items() if count >= least]
    more = f" and {len(names) - _SHOWN:,} more" if len(names) > _SHOWN else ""
    return f"{', '.join(names[:_SHOWN])}{more}"
