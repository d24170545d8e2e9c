"""Rows as records of a VCF: contigs by the genome's names, positions as whole numbers, a header of our own."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping

from zoo.errors import DataError
from zoo.genome.build import contradicting_build
from zoo.genome.reference import Reference
from zoo.genome.vcf import RecordBatch
from zoo.prediction.inputs.alleles import INDEL, build_records
from zoo.prediction.inputs.content import Content
from zoo.prediction.inputs.rows import NO_VALUE, RowReader, Rows
from zoo.prediction.inputs.source import ContentSource

EFFECT_KEY = "EFFECT_ALLELE"
UNDECIDED_KEY = "REF_UNDECIDED"

_LAST_POSITION = 2**31 - 1  # of htslib's VCF and BCF
_FLOAT = re.compile(r"\+?(\d+\.?\d*|\.\d+)([eE]\+?\d{1,2})?", re.ASCII)
_NUMBER = re.compile(r"(?:chr)?0*([1-9]\d*)(?:\.0)?", re.ASCII | re.IGNORECASE)
_SEX = {"23": "X", "24": "Y"}  # of PLINK and GWAS-SSF, which number the others differently
_UNSAFE = re.compile(r"[\s<>,;=\"]")
_BLANK = re.compile(r"\s+")
_ODD_ID = re.compile(r"\s|^$|^[nN#]|;;|^;|;$")

_BLANKS = "blanks in the ID are written as _"
_EXPONENT = "the position is written with an exponent (1e+06); look whether its last digits are still there"


class RowSource(ContentSource):
    """Variants from rows, in their order, as records of a VCF.

    Contigs get the names that they have in the reference; those that it lacks keep theirs, and are undeclared.

    Args:
        content: Where the rows come from; closed with this.
        rows: Reads them.
        oriented: Whether the first allele of a row is REF; else the genome decides.
        effects: Whether records tell the effect allele, as ``EFFECT_ALLELE``; where the genome holds both alleles,
            ``REF_UNDECIDED`` says that REF may be either.
    """

    def __init__(
        self, content: Content, rows: RowReader, reference: Reference, *, oriented: bool = True, effects: bool = False
    ) -> None:
        super().__init__(content, write_header(reference.lengths, effects=effects))
        self._rows = rows
        self._reference = reference
        self._oriented = oriented
        self._effects = effects
        self._notes: Counter[str] = Counter()
        self._builds: set[str] = set()
        self._contigs: dict[str, str | None] = {}

    @property
    def info_ids(self) -> set[str]:
        """The INFO keys that the records carry."""
        return {EFFECT_KEY, UNDECIDED_KEY} if self._effects else set()

    def batches(self, size: int) -> Iterator[RecordBatch]:
        """Yield all records in order, at most ``size`` at a time.

        Raises:
            DataError: The input is damaged, or a row is no variant; the message names the line.
        """
        first = 0
        self._notes.clear()
        for rows in self._rows.blocks(size):
            lines = self._build(rows)
            yield RecordBatch(first, lines, rows.characters)
            first += len(lines)
        self._warn()

    def text_length(self) -> int | None:
        """Return how many characters the text has, or None where that can't be told."""
        return self._rows.text_length()

    def declare_contigs_of_records(self) -> None:
        """Find the contigs that the reference lacks now, by reading through the input."""
        for rows in self._rows.blocks(1 << 14):
            self._resolve(rows)

    def _build(self, rows: Rows) -> list[str]:
        self._resolve(rows)
        self._builds |= rows.builds
        resolved = [self._contigs[name] for name in rows.contigs]
        found = build_records(
            rows, resolved, self._positions(rows), self._reference, self._notes, oriented=self._oriented
        )
        names = [contig or name for contig, name in zip(resolved, rows.contigs, strict=True)]
        dots = ["."] * len(rows)
        infos = dots
        if found.effects is not None:
            infos = ["." if effect == "." else f"{EFFECT_KEY}={effect}" for effect in found.effects]
        for row in found.undecided:
            infos[row] += f";{UNDECIDED_KEY}"
        positions = map(str, found.positions)
        ids = self._ids(rows.ids)
        columns = (names, positions, ids, found.refs, found.alts, dots, dots, infos)
        return list(map("\t".join, zip(*columns, strict=True)))

    def _resolve(self, rows: Rows) -> None:
        """Find the reference's names of contigs that stand in a row for the first time."""
        for name in dict.fromkeys(rows.contigs):
            if name in self._contigs:
                continue
            if name.lower() in NO_VALUE or _UNSAFE.search(name):
                place = rows.place(rows.contigs.index(name))
                raise DataError(f"{place}: expected the name of a contig, found {name[:40]!r}")
            found = self._reference.resolve(name) or self._resolve_number(name)
            self._contigs[name] = found
            if found is None:
                self.undeclared_contigs.append(name)
            elif found != name:
                self.renamed[name] = found

    def _resolve_number(self, name: str) -> str | None:
        """Return what tables mean by 01 or 1.0, and by 23 and 24 where the genome looks human."""
        number = _NUMBER.fullmatch(name)
        if number is None:
            return None
        plain = number[1]
        if self._reference.resolve("22") is not None and self._reference.resolve(plain) is None:
            plain = _SEX.get(plain, plain)
        found = self._reference.resolve(plain)
        if found is not None:
            self.warnings.append(f"{self.name}: contig {name!r} is read as {found!r}")
        return found

    def _positions(self, rows: Rows) -> list[int]:
        cells = rows.positions
        together = "".join(cells)
        if together.isascii() and together.isdigit() and "" not in cells and max(map(len, cells)) < 16:
            positions = list(map(int, cells))
        else:
            positions = [self._parse_position(cell, rows, row) for row, cell in enumerate(cells)]
        if max(positions) > _LAST_POSITION:
            row = next(row for row, position in enumerate(positions) if position > _LAST_POSITION)
            raise DataError(f"{rows.place(row)}: expected a position up to {_LAST_POSITION}, found {cells[row][:20]!r}")
        return positions

    def _parse_position(self, cell: str, rows: Rows, row: int) -> int:
        found = _FLOAT.fullmatch(cell)
        if found is None or len(cell) > 20 or not float(cell).is_integer():
            what = "none" if cell.lower() in NO_VALUE else "something else"
            raise DataError(
                f"{rows.place(row)}: expected a position, a whole number from 0, found {what} ({cell[:20]!r}); "
                "take such rows out"
            )
        self._notes[_EXPONENT] += found[2] is not None
        return int(float(cell))

    def _ids(self, ids: list[str]) -> list[str]:
        if not any(map(_ODD_ID.search, {*ids})):
            return ids
        mended = []
        for one in ids:
            self._notes[_BLANKS] += _BLANK.search(one) is not None
            name = ";".join(filter(None, _BLANK.sub("_", one).split(";")))
            mended.append("." if name.lower() in NO_VALUE else name)
        return mended

    def _warn(self) -> None:
        found = [
            f"{self.name}: {count:,} row{'s' if count > 1 else ''}: {note}"
            for note, count in sorted(self._notes.items())
            if count
        ]
        for build in sorted(self._builds):
            likely = contradicting_build(build, self._reference.lengths)
            if likely is not None:
                found.append(
                    f"{self.name}: its variants are named for {build}, {self._reference.path} looks like {likely}"
                )
        self.warnings += [warning for warning in found if warning not in self.warnings]  # of an earlier pass


def write_header(contigs: Mapping[str, int], *, effects: bool) -> str:
    """Return a header that declares contigs with their lengths, and the keys that records of rows carry."""
    lines = [
        "##fileformat=VCFv4.3",
        '##FILTER=<ID=PASS,Description="All filters passed">',
        *(f"##contig=<ID={name},length={length}>" for name, length in contigs.items()),
        f'##ALT=<ID={INDEL[1:-1]},Description="Insertion or deletion whose letters the input does not give">',
    ]
    if effects:
        undecided = "The genome holds both alleles; REF is the other allele than the effect's"
        lines += [
            f'##INFO=<ID={EFFECT_KEY},Number=1,Type=String,Description="The allele whose effect the input gives">',
            f'##INFO=<ID={UNDECIDED_KEY},Number=0,Type=Flag,Description="{undecided}">',
        ]
    return "\n".join([*lines, "#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO", ""])
