"""Rows of a text: cells between tabs, commas or blanks, or lines of one variant each, read in blocks."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import repeat
from operator import itemgetter
from typing import Protocol

from zoo.errors import DataError
from zoo.genome.bgzf import text_length
from zoo.prediction.inputs.columns import Layout
from zoo.prediction.inputs.content import Content
from zoo.prediction.inputs.variant_text import split_place, split_variant

NO_VALUE = frozenset({"", ".", "na", "n/a", "nan", "null", "none", "#n/a"})
"""What stands, in small letters, for no value; so an allele that is spelt NA is none."""


@dataclass(slots=True)
class Rows:
    """Some rows, cell by cell as text, in the order of the input.

    Attributes:
        where: What to call a row's place in messages, such as ``in.tsv, line``.
        numbers: The line, or the row, of each, from 1.
        first: REF, or the other allele.
        second: ALT, or the effect allele.
        effects: The effect alleles beside REF and ALT, where the table has them.
        ends: The last bases, where the table has them.
        builds: The builds that texts name.
        characters: The length of the rows together.
    """

    where: str
    numbers: Sequence[int]
    contigs: list[str]
    positions: list[str]
    first: list[str]
    second: list[str]
    ids: list[str]
    effects: list[str] | None = None
    ends: list[str] | None = None
    builds: set[str] = field(default_factory=set)
    characters: int = 0

    def __len__(self) -> int:
        return len(self.numbers)

    def place(self, row: int) -> str:
        """Return where a row stands, to start a message with."""
        return f"{self.where} {self.numbers[row]}"


class RowReader(Protocol):
    """Reads rows block by block; may be asked again."""

    def text_length(self) -> int | None:
        """Return how many characters all rows count, about, or None where that can't be told."""
        ...

    def blocks(self, size: int) -> Iterator[Rows]:
        """Yield all rows in order, at most ``size`` at a time."""
        ...


@dataclass(frozen=True, slots=True)
class Header:
    """The first line of a table of text.

    Attributes:
        number: The number of the line, from 1.
        names: What it calls the columns.
        separator: A tab, a comma, or a blank, which stands for any number of them.
        quoted: Whether cells may stand in quotes.
        example: The cells of the first row, where there is one.
    """

    number: int
    names: tuple[str, ...]
    separator: str
    quoted: bool
    example: tuple[str, ...] = ()


class TableReader:
    """The rows of a table with a header line."""

    def __init__(self, content: Content, header: Header, layout: Layout) -> None:
        self._content = content
        self._header = header
        self._layout = layout
        self._where = f"{content.name}, line"

    def text_length(self) -> int | None:
        """Return how many characters the text has."""
        return text_length(self._content.path)

    def blocks(self, size: int) -> Iterator[Rows]:
        """Yield all rows in order; blank lines are passed over.

        Raises:
            DataError: A line has more or fewer cells than the header.
        """
        for numbers, lines in numbered_blocks(self._content, size, self._header.number):
            yield take_cells(self._layout, self._split(lines, numbers), self._where, numbers, sum(map(len, lines)))

    def _split(self, lines: list[str], numbers: Sequence[int]) -> list[list[str]]:
        """Return the columns."""
        names, separator = self._header.names, self._header.separator
        if self._header.quoted and separator != " ":
            rows = list(csv.reader(lines, delimiter=separator))
            if len(rows) != len(lines):
                raise DataError(f"{self._where} {numbers[0]} or later: a cell in quotes goes beyond its line")
        elif separator == " ":
            rows = [[cell.strip('"') for cell in line.split()] for line in lines]
        else:
            rows = [line.split(separator) for line in map(str.rstrip, lines, repeat("\r\n"))]
        if set(map(len, rows)) - {len(names)}:
            place = next(place for place, row in enumerate(rows) if len(row) != len(names))
            raise DataError(
                f"{self._where} {numbers[place]}: expected {len(names)} cells as in the header, "
                f"found {len(rows[place])}"
            )
        needed = self._layout.needed
        return [list(map(itemgetter(place), rows)) if place in needed else [] for place in range(len(names))]


class VariantReader:
    """Lines of one variant each, and nothing else; lines that start with # are passed over."""

    def __init__(self, content: Content, skipped: int) -> None:
        self._content = content
        self._skipped = skipped

    def text_length(self) -> int | None:
        """Return how many characters the text has."""
        return text_length(self._content.path)

    def blocks(self, size: int) -> Iterator[Rows]:
        """Yield all variants in order; the ID of each is its text, where that has no blanks.

        Raises:
            DataError: A line is no variant.
        """
        where = f"{self._content.name}, line"
        for numbers, lines in numbered_blocks(self._content, size, self._skipped, comments=True):
            texts = list(map(str.strip, lines))
            yield split_rows(texts, [text if len(text.split()) == 1 else "." for text in texts], where, numbers,
                             sum(map(len, lines)))  # fmt: skip


def numbered_blocks(
    content: Content, size: int, skipped: int, *, comments: bool = False
) -> Iterator[tuple[Sequence[int], list[str]]]:
    """Yield line numbers, from 1, and lines after the first ``skipped``, without blank lines and comments."""
    before = 0
    for lines in content.line_blocks(size):
        first = before + 1
        before += len(lines)
        numbers: Sequence[int] = range(max(first, skipped + 1), before + 1)
        kept = lines[len(lines) - len(numbers) :]
        if comments or any(map(str.isspace, kept)):
            chosen = [
                place for place, line in enumerate(kept) if not line.isspace() and not (comments and line[0] == "#")
            ]
            numbers, kept = [numbers[place] for place in chosen], [kept[place] for place in chosen]
        if kept:
            yield numbers, kept


def take_cells(
    layout: Layout, columns: Sequence[list[str]], where: str, numbers: Sequence[int], characters: int
) -> Rows:
    """Return the rows of columns of cells.

    Raises:
        DataError: A cell of a column of variants, or of places, is none.
    """

    def take(place: int | None) -> list[str] | None:
        return None if place is None else list(map(str.strip, columns[place]))

    ids, effects = take(layout.id), take(layout.effect)
    if layout.variant is not None:
        texts = list(map(str.strip, columns[layout.variant]))
        rows = split_rows(texts, ids if ids is not None else texts, where, numbers, characters)
        rows.effects = effects
        return rows
    contigs, positions = take(layout.contig) or [], take(layout.position) or []
    if layout.place is not None:
        contigs, positions = _split_places(take(layout.place) or [], where, numbers)
    return Rows(
        where,
        numbers,
        contigs,
        positions,
        take(layout.first) or [],
        take(layout.second) or [],
        ids if ids is not None else ["."] * len(numbers),
        effects,
        take(layout.end),
        characters=characters,
    )


def _split_places(texts: list[str], where: str, numbers: Sequence[int]) -> tuple[list[str], list[str]]:
    parts = [split_place(text) for text in texts]
    for text, found, number in zip(texts, parts, numbers, strict=True):
        if found is None:
            raise DataError(f"{where} {number}: expected contig and position such as chr1:100, found {text[:40]!r}")
    found_parts = [part for part in parts if part is not None]
    return [contig for contig, _ in found_parts], [position for _, position in found_parts]


def split_rows(texts: list[str], ids: list[str], where: str, numbers: Sequence[int], characters: int) -> Rows:
    """Return the rows of texts of one variant each."""
    parts = [split_variant(text) for text in texts]
    for text, found, number in zip(texts, parts, numbers, strict=True):
        if found is None:
            raise DataError(f"{where} {number}: expected a variant such as chr1:100:A:G, found {text[:40]!r}")
    contigs, positions, refs, alts, builds = map(list, zip(*(part for part in parts if part is not None), strict=True))
    return Rows(where, numbers, contigs, positions, refs, alts, ids, builds={*builds} - {None}, characters=characters)


def split_header(line: str, number: int, next_line: str = "") -> Header:
    """Return the header that a line is.

    Args:
        number: The number of the line, from 1.
        next_line: What follows; R's ``write.table`` names the rows there, but not their column.
    """
    text = line.rstrip("\r\n").lstrip("#").lstrip(" ")
    separator = "\t" if "\t" in text else "," if "," in text else " "
    quoted = '"' in line or '"' in next_line
    names = _cells(text, separator)
    example = _cells(next_line.rstrip("\r\n"), separator) if next_line.strip() else []
    if len(example) == len(names) + 1 and example[-1]:
        names = ["", *names]
    return Header(number, tuple(names), separator, quoted, tuple(example))


def _cells(line: str, separator: str) -> list[str]:
    if separator == " ":
        return [cell.strip('"') for cell in line.split()]
    return [re.sub(r"^#", "", cell.strip()) for cell in next(csv.reader([line], delimiter=separator), [])]
