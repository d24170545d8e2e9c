"""One graph for both alleles: REF's windows as a whole, of ALT's only what the allele can reach.

Where the allele stands is the same in each window, so that what it reaches in every map is known beforehand. Around
that, ALT's maps are REF's. Alleles that reach differently far are kinds of their own, with REF in common.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from zoo.network.network import CODES_INPUT, SEQUENCE, Average, Exit, Network, Project
from zoo.network.operators import Operator, Span
from zoo.network.writing import GraphWriter, write_trunk

if TYPE_CHECKING:
    import onnx

_DIFFERENCE_SHARE = 0.5
"""A dense layer on all positions runs in full where more than this share of them changes: its weights stay shared."""


def alt_input(kind: int) -> str:
    """Return the name of the input with the bases of ALT's windows that change, uint8 (n, width of the change)."""
    return f"zoo_alt_{kind}"


def row_input(kind: int) -> str:
    """Return the name of the input that says which REF window each of them belongs to, int64 (n,)."""
    return f"zoo_row_{kind}"


def write_pair_graph(network: Network, changes: Sequence[Span]) -> onnx.ModelProto:
    """Return the graph of pairs.

    Its inputs are ``zoo_codes``, REF's windows (U, L), and for each kind of change what the two functions above name;
    further inputs have a row for each row of the outputs: U for REF, then those of each kind in turn.

    Args:
        changes: For each kind, the bases of a window that may differ from REF's.
    """
    writer = GraphWriter(network)
    ref = write_trunk(writer, writer.input(CODES_INPUT, "UINT8", ["U", network.length]))
    kinds = [_Kind(writer, network, ref, number, change) for number, change in enumerate(changes)]
    return writer.finish({one.output: _leave(writer, one, ref, kinds) for one in network.exits}, "zoo_pairs")


class _Kind:
    """The alleles whose windows differ from REF's within one span of bases."""

    def __init__(self, writer: GraphWriter, network: Network, ref: dict[str, str], number: int, change: Span) -> None:
        self._writer = writer
        self._network = network
        self._ref = ref
        self.reach = network.reach(change)
        self.row = writer.input(row_input(number), "INT64", [f"N{number}"])
        codes = writer.input(alt_input(number), "UINT8", [f"N{number}", len(change)])
        self.alt = {SEQUENCE: writer.one_hot(codes)}
        for operator in network.trunk:
            if len(self.reach[operator.output]):
                self.alt[operator.output] = self._apply(operator)

    def ref_positions(self, source: str, span: Span) -> str:
        """Return some positions of REF's map, a row for each allele."""
        part = self._ref[source]
        if len(span) < self._network.maps[source].length:
            part = self._writer.positions(part, span.start, span.end)
        return self._writer.rows(part, self.row)

    def assemble(self, source: str, span: Span) -> str:
        """Return some positions of ALT's map: its own where they changed, REF's around them."""
        changed = self.reach[source]
        own = Span(max(span.start, changed.start), min(span.end, changed.end))
        if not len(own):
            return self.ref_positions(source, span)
        middle = self.alt[source]
        if own != changed:
            middle = self._writer.positions(middle, own.start - changed.start, own.end - changed.start)
        parts = [middle]
        if span.start < own.start:
            parts.insert(0, self.ref_positions(source, Span(span.start, own.start)))
        if own.end < span.end:
            parts.append(self.ref_positions(source, Span(own.end, span.end)))
        return self._writer.join(parts, 3)

    def whole(self, source: str) -> str:
        """Return ALT's map."""
        return self.assemble(source, Span(0, self._network.maps[source].length))

    def difference(self, source: str) -> str:
        """Return how much ALT's map differs from REF's, where it does."""
        return self._writer.node("Sub", [self.alt[source], self.ref_positions(source, self.reach[source])])

    def _apply(self, operator: Operator) -> str:
        wanted = operator.slide.reads(self.reach[operator.output])
        sources, before, after = [], 0, 0
        for source in operator.sources:
            length = self._network.maps[source].length
            held = wanted.clip(length)
            before, after = held.start - wanted.start, wanted.end - held.end
            sources.append(self.assemble(source, held))
        return self._writer.apply(operator, sources, max(0, before), max(0, after))


def _leave(writer: GraphWriter, leaving: Exit, ref: dict[str, str], kinds: Sequence[_Kind]) -> str:
    """Return what the tail reads: REF's rows, then those of each kind."""
    source = leaving.source
    length = writer.network.maps[source].length
    reached = [len(kind.reach[source]) for kind in kinds]
    if isinstance(leaving, Average):
        return _leave_average(writer, leaving, ref[source], kinds)
    by_difference = [isinstance(leaving, Project) and count <= _DIFFERENCE_SHARE * length for count in reached]
    wholes = [kind.whole(source) for kind, short in zip(kinds, by_difference, strict=True) if not short]
    if not any(by_difference):
        return writer.leave(leaving, writer.join([ref[source], *wholes], 0))
    assert isinstance(leaving, Project)  # noqa: S101 - others are never taken by difference
    # Kinds that are taken whole stand behind REF in one product, so that its weights are there once.
    product = writer.project(leaving, writer.join([ref[source], *wholes], 0))
    parts, behind = [], [product]
    if wholes:
        rows = writer.node("Shape", [ref[source]], start=0, end=1)
        parts = [writer.node("Slice", [product, writer.constant([0]), rows, writer.constant([0])])]
        behind = parts
    results = [behind[0]]
    start = writer.node("Shape", [ref[source]], start=0, end=1) if wholes else ""
    for kind, short in zip(kinds, by_difference, strict=True):
        if short:
            results.append(_project_difference(writer, leaving, kind, product))
            continue
        end = writer.node("Add", [start, writer.node("Shape", [kind.row])])
        results.append(writer.node("Slice", [product, start, end, writer.constant([0])]))
        start = end
    return writer.join(results, 0)


def _leave_average(writer: GraphWriter, leaving: Average, ref: str, kinds: Sequence[_Kind]) -> str:
    over = writer.constant([3])
    sums = [writer.node("ReduceSum", [ref, over], keepdims=1)]
    for kind in kinds:
        row = writer.rows(sums[0], kind.row)
        if len(kind.reach[leaving.source]):
            change = writer.node("ReduceSum", [kind.difference(leaving.source), over], keepdims=1)
            row = writer.node("Add", [row, change])
        sums.append(row)
    return writer.average(leaving, writer.join(sums, 0))


def _project_difference(writer: GraphWriter, leaving: Project, kind: _Kind, ref: str) -> str:
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
