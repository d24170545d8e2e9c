"""What an allele changes: ALT's maps where they have to be computed anew, and REF's around them.

Where the allele stands is the same in each window, so that what it reaches in every map is known beforehand.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

import numpy as np

from zoo.network.network import SEQUENCE, Average, Exit, Project
from zoo.network.operators import Operator, Span
from zoo.network.writing import GraphWriter

_DIFFERENCE_SHARE = 0.5
"""A dense layer on all positions runs in full where more than this share of them changes: its weights stay shared."""

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
        self.reach = self._network.recompute(span, joins=self.moved)
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

    def difference(self, source: str) -> str:
        """Return how much ALT's map differs from REF's, where it does."""
        return self._writer.node("Sub", [self._alt[source], self._left.part(source, self.reach[source])])

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

    Args:
        ref_whole: Returns a map of REF's windows.
    """
    source = leaving.source
    ref = ref_whole(source)
    if isinstance(leaving, Average):
        return _leave_average(writer, leaving, ref, kinds)
    reached = [len(kind.reach[source]) for kind in kinds]
    longest = _DIFFERENCE_SHARE * writer.network.maps[source].length
    short = [
        isinstance(leaving, Project) and not kind.moved and count <= longest
        for kind, count in zip(kinds, reached, strict=True)
    ]
    # What is taken whole stands behind REF in one product, so that its weights are in the graph once.
    wholes = [kind.whole(source) for kind, by_difference in zip(kinds, short, strict=True) if not by_difference]
    product = writer.leave(leaving, writer.join([ref, *wholes], 0))
    if not any(short) or not isinstance(leaving, Project):
        return product
    rows = writer.node("Shape", [ref], start=0, end=1)
    parts = [_take(writer, product, writer.constant([0]), rows) if wholes else product]
    start = rows
    for kind, by_difference in zip(kinds, short, strict=True):
        if by_difference:
            parts.append(_project_difference(writer, leaving, kind, parts[0]))
        else:
            end = writer.node("Add", [start, writer.node("Shape", [kind.row])])
            parts.append(_take(writer, product, start, end))
            start = end
    return writer.join(parts, 0)


def _take(writer: GraphWriter, tensor: str, start: str, end: str) -> str:
    return writer.node("Slice", [tensor, start, end, writer.constant([0])])


def _leave_average(writer: GraphWriter, leaving: Average, ref: str, kinds: Sequence[Change]) -> str:
    sums = [writer.sum_positions(ref)]
    for kind in kinds:
        if kind.moved:
            sums.append(writer.sum_positions(kind.whole(leaving.source)))
            continue
        row = writer.rows(sums[0], kind.row)
        if len(kind.reach[leaving.source]):
            row = writer.node("Add", [row, writer.sum_positions(kind.difference(leaving.source))])
        sums.append(row)
    return writer.average(leaving, writer.join(sums, 0))


def _project_difference(writer: GraphWriter, leaving: Project, kind: Change, ref: str) -> str:
    """Return REF's dense layer plus what the change adds: its rows of the weights are all that is multiplied."""
    row = writer.rows(ref, kind.row)
    span = kind.reach[leaving.source]
    if not len(span):
        return row
    channels = leaving.weights.shape[1]
    weights = leaving.weights[span.start : span.end].transpose(1, 0, 2).reshape(channels * len(span), -1)
    change = writer.node("Reshape", [kind.difference(leaving.source), writer.constant([-1, channels * len(span)])])
    added = writer.node("MatMul", [change, writer.constant(np.ascontiguousarray(weights))])
    return writer.node("Add", [row, added])
