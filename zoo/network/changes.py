"""What an allele changes: ALT's maps where they have to be computed anew, and REF's around them.

Where the allele stands is the same in each window, so that what it reaches in every map is known beforehand.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from typing import Protocol

from zoo.network.network import SEQUENCE, Average, Exit, Project
from zoo.network.operators import Operator, Span
from zoo.network.recomputing import recompute
from zoo.network.writing import GraphWriter

_ALONG = 3  # the axis of positions


def alt_input(kind: int) -> str:
    """Return the name of the input with the bases of ALT's windows that change, uint8 (n, width of the change)."""
    return f"zoo_alt_{kind}"


def row_input(kind: int) -> str:
    """Return the name of the input that says which REF window each of them belongs to, int64 (n,)."""
    return f"zoo_row_{kind}"


class Maps(Protocol):
    """Maps of windows that are there already."""

    def part(self, source: str, span: Span) -> str:
        """Return some positions of a map, a row for each allele of a kind, shape (n, C, 1, positions)."""
        ...


class Change:
    """The alleles whose windows differ from REF's within one span of bases.

    Args:
        number: Which kind they are.
        span: The bases that may differ.
        left: What ALT's maps are in front of what the span reaches.
        right: Likewise behind it; other maps than ``left`` where bases were taken away or added.
    """

    def __init__(self, writer: GraphWriter, number: int, span: Span, left: Maps, right: Maps) -> None:
        self._writer = writer
        self._network = writer.network
        self._left = left
        self._right = right
        self.moved = left is not right
        self.row = row_input(number)
        self.reach = recompute(self._network, span, joins=self.moved)
        codes = writer.input(alt_input(number), "UINT8", [f"N{number}", len(span)])
        self._alt = {SEQUENCE: writer.one_hot(codes)}
        for operator in self._network.trunk:
            if len(self.reach[operator.output]):
                self._alt[operator.output] = self._apply(operator)

    def assemble(self, source: str, span: Span) -> str:
        """Return some positions of ALT's map: its own where they changed, what was there around them."""
        changed = self.reach[source]
        if not len(changed) and not self.moved:
            return self._left.part(source, span)
        parts = []
        before = Span(span.start, min(span.end, changed.start))
        own = Span(max(span.start, changed.start), min(span.end, changed.end))
        behind = Span(max(span.start, changed.end), span.end)
        if len(before):
            parts.append(self._left.part(source, before))
        if len(own):
            middle = self._alt[source]
            if own != changed:
                middle = self._writer.positions(middle, own.start - changed.start, own.end - changed.start)
            parts.append(middle)
        if len(behind):
            parts.append(self._right.part(source, behind))
        return self._writer.join(parts, _ALONG)

    def whole(self, source: str) -> str:
        """Return ALT's map."""
        return self.assemble(source, Span(0, self._network.maps[source].length))

    def _apply(self, operator: Operator) -> str:
        wanted = operator.slide.reads(self.reach[operator.output])
        sources, before, after = [], 0, 0
        for source in operator.sources:
            held = wanted.clip(self._network.maps[source].length)
            before, after = held.start - wanted.start, wanted.end - held.end
            sources.append(self.assemble(source, held))
        return self._writer.apply(operator, sources, max(0, before), max(0, after))


def leave_alleles(writer: GraphWriter, leaving: Exit, ref_whole: Callable[[str], str], kinds: Sequence[Change]) -> str:
    """Return what the tail reads: REF's rows, then those of each kind.

    Sums over positions are made segment by segment, and an allele takes REF's where nothing changes. What ALT has not
    is never taken away from a sum again: where REF's is large and ALT's small, its rounding would be all that is left.

    Args:
        ref_whole: Returns a map of REF's windows.
    """
    source = leaving.source
    ref = ref_whole(source)
    if not isinstance(leaving, Average | Project):
        return writer.leave(leaving, writer.join([ref, *(kind.whole(source) for kind in kinds)], 0))
    groups: list[list[str]] = [[] for _ in range(len(kinds) + 1)]
    for span in _cut(writer.network.maps[source].length, [kind.reach[source] for kind in kinds if not kind.moved]):
        own = [number for number, kind in enumerate(kinds) if kind.moved or _meet(kind.reach[source], span)]
        parts = [writer.positions(ref, span.start, span.end), *(kinds[number].assemble(source, span) for number in own)]
        summed = _add_up(writer, leaving, parts, span, [kinds[number].row for number in own])
        groups[0].append(summed[0])
        for number, kind in enumerate(kinds):
            found = summed[1 + own.index(number)] if number in own else writer.rows(summed[0], kind.row)
            groups[1 + number].append(found)
    rows = [writer.node("Sum", terms) if len(terms) > 1 else terms[0] for terms in groups]
    total = writer.join(rows, 0)
    if isinstance(leaving, Average):
        return writer.average(leaving, total)
    return total if leaving.bias is None else writer.node("Add", [total, writer.constant(leaving.bias)])


def _cut(length: int, spans: Sequence[Span]) -> list[Span]:
    """Return the segments of a map between the places where a span begins or ends."""
    places = sorted({0, length, *(place for span in spans if len(span) for place in (span.start, span.end))})
    return [Span(start, end) for start, end in itertools.pairwise(places)]


def _meet(one: Span, other: Span) -> bool:
    return max(one.start, other.start) < min(one.end, other.end)


def _add_up(
    writer: GraphWriter, leaving: Average | Project, parts: Sequence[str], span: Span, kind_rows: Sequence[str]
) -> list[str]:
    """Return what a segment adds to the sums: of REF's windows, and of each kind that has numbers of its own there."""
    if isinstance(leaving, Average):
        return [writer.sum_positions(part) for part in parts]
    # One product for all, so that its weights are read from memory once.
    product = writer.project(leaving, writer.join(parts, 0), span)
    if len(parts) == 1:
        return [product]
    found, start = [], writer.constant([0])
    for part, counted in zip(parts, ("", *kind_rows), strict=True):
        count = writer.node("Shape", [counted or part], start=0, end=1)
        end = writer.node("Add", [start, count])
        found.append(writer.node("Slice", [product, start, end, writer.constant([0])]))
        start = end
    return found
