"""One graph for many windows of one stretch of a contig: what neighbouring windows share is computed once.

A convolution gives the same at the same base, whichever window it is asked for. A pool does so only where windows begin
in the same phase of it, so each pool is run in all its phases, which ride along as a batch. Of the maps that come out
each window takes its own positions; dense layers run for each window. ALT's maps are cut from the same.

Where a network adds positions at the ends of a window, windows differ at their ends from the contig: such networks
take another way.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

import numpy as np

from zoo.network.changes import Change, leave_alleles, row_input
from zoo.network.network import CODES_INPUT, SEQUENCE, Network
from zoo.network.operators import Frame, Operator, Span
from zoo.network.writing import GraphWriter

if TYPE_CHECKING:
    import onnx

START_INPUT = "zoo_start"
"""Where each REF window begins in the chunk, int64 (U,)."""


def moved_input(kind: int) -> str:
    """Return the name of the input that says by how many bases the side that moves reads further right, int64 (n,)."""
    return f"zoo_moved_{kind}"


@dataclass(frozen=True, slots=True)
class ChunkChange:
    """A kind of change in a chunk.

    Attributes:
        span: The bases that may differ.
        moved: The side of them, ``left`` or ``right``, that may read on elsewhere, as where bases are added or gone.
    """

    span: Span
    moved: Literal["", "left", "right"] = ""


def fits_chunks(network: Network) -> bool:
    """Return whether neighbouring windows share maps: there are any, no positions are added, branches pool alike."""
    if not network.trunk:
        return False
    strides = count_strides(network)
    for operator in network.trunk:
        if operator.slide.padded:
            return False
        if len({strides[source] for source in operator.sources}) > 1:
            return False
    return True


def count_strides(network: Network) -> dict[str, tuple[int, ...]]:
    """Return the strides that lead to each map, the first operator's first."""
    strides: dict[str, tuple[int, ...]] = {SEQUENCE: ()}
    for operator in network.trunk:
        before = strides[operator.sources[0]] if operator.sources else ()
        stride = operator.slide.stride
        strides[operator.output] = before if stride == 1 else (*before, stride)
    return strides


def chunk_margin(network: Network) -> int:
    """Return how many bases a chunk needs behind its last window, so that all phases have as many positions."""
    return max(math.prod(strides) for strides in count_strides(network).values())


def write_chunk_graph(network: Network, changes: Sequence[ChunkChange]) -> onnx.ModelProto:
    """Return the graph of a chunk.

    Its inputs are ``zoo_codes``, the chunk (1, M) of any length with ``chunk_margin`` bases more than any window reads,
    ``zoo_start``, and for each kind of change what ``alt_input`` and ``row_input`` name, and ``moved_input`` where a
    side of it moves. Outputs are as a pair graph's.

    Args:
        network: One that fits chunks.
    """
    writer = GraphWriter(network)
    chunk = _Chunk(writer)
    starts = _Places(chunk, writer.input(START_INPUT, "INT64", ["U"]))
    kinds = []
    for number, change in enumerate(changes):
        row = writer.input(row_input(number), "INT64", [f"N{number}"])
        begin = writer.rows(starts.begin, row)
        left = right = _Places(chunk, begin)
        if change.moved:
            by = writer.input(moved_input(number), "INT64", [f"N{number}"])
            elsewhere = _Places(chunk, writer.node("Add", [begin, by]))
            left, right = (elsewhere, right) if change.moved == "left" else (left, elsewhere)
        kinds.append(Change(writer, number, change.span, left, right))
    exits = {one.output: leave_alleles(writer, one, starts.whole, kinds) for one in network.exits}
    return writer.finish(exits, "zoo_chunk")


@dataclass(slots=True)
class _Chunk:
    """The maps of a chunk, (phases, C, 1, positions), and the same with a row for each phase and position."""

    writer: GraphWriter
    strides: dict[str, tuple[int, ...]] = field(init=False)
    _tensors: dict[str, str] = field(init=False)
    _by_position: dict[str, tuple[str, str]] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        network = self.writer.network
        self.strides = count_strides(network)
        self._tensors = {SEQUENCE: self.writer.one_hot(self.writer.input(CODES_INPUT, "UINT8", ["one", "M"]))}
        for operator in network.trunk:
            self._tensors[operator.output] = self._apply(operator)

    def by_position(self, source: str) -> tuple[str, str]:
        """Return a map as (phases * positions, C), and the number of its positions."""
        if source not in self._by_position:
            writer, tensor = self.writer, self._tensors[source]
            channels = writer.network.maps[source].channels
            turned = writer.node("Transpose", [tensor], perm=[0, 3, 2, 1])
            rows = writer.node("Reshape", [turned, writer.constant([-1, channels])])
            self._by_position[source] = rows, writer.node("Shape", [tensor], start=3, end=4)
        return self._by_position[source]

    def _apply(self, operator: Operator) -> str:
        writer, slide = self.writer, operator.slide
        sources = self._cut_alike([self._tensors[source] for source in operator.sources])
        if isinstance(operator, Frame):
            # Positions are counted from the window's first: what is cut off behind it stays, unread.
            return writer.positions(sources[0], -slide.before, np.iinfo(np.int64).max) if slide.before else sources[0]
        if slide.stride == 1:
            return writer.apply(operator, sources, 0, 0)
        phases = []
        for phase in range(slide.stride):
            # All phases get as many outputs: each begins later than the one before, and ends later.
            left_over = slide.stride - 1 - phase
            end = -left_over if left_over else np.iinfo(np.int64).max
            phases.append(writer.apply(operator, [writer.positions(sources[0], phase, end)], 0, 0))
        return writer.join(phases, 0)

    def _cut_alike(self, tensors: list[str]) -> list[str]:
        """Return maps of as many positions as the shortest has."""
        if len(tensors) < 2:
            return tensors
        writer = self.writer
        counts = [writer.node("Shape", [tensor], start=3, end=4) for tensor in tensors]
        shortest = writer.node("Min", counts)
        return [
            writer.node("Slice", [tensor, writer.constant([0]), shortest, writer.constant([3])]) for tensor in tensors
        ]


@dataclass(slots=True)
class _Places:
    """The maps of windows that begin somewhere in a chunk."""

    chunk: _Chunk
    begin: str
    _found: dict[tuple[int, ...], tuple[str, str]] = field(default_factory=dict)

    def whole(self, source: str) -> str:
        """Return a map of the windows."""
        return self.part(source, Span(0, self.chunk.writer.network.maps[source].length))

    def part(self, source: str, span: Span) -> str:
        """Return some positions of a map."""
        writer = self.chunk.writer
        rows, count = self.chunk.by_position(source)
        phase, position = self._find(self.chunk.strides[source])
        first = writer.node("Add", [writer.node("Mul", [phase, count]), position])
        along = writer.constant(np.arange(span.start, span.end, dtype=np.int64)[np.newaxis])
        chosen = writer.node("Add", [writer.node("Unsqueeze", [first, writer.constant([1])]), along])
        found = writer.node("Transpose", [writer.rows(rows, chosen)], perm=[0, 2, 1])
        return writer.node("Unsqueeze", [found, writer.constant([2])])

    def _find(self, strides: tuple[int, ...]) -> tuple[str, str]:
        """Return in which phase the windows begin behind some strides, and at which position of it."""
        writer = self.chunk.writer
        if not strides:
            return writer.constant([0]), self.begin
        if strides not in self._found:
            phase, position = self._find(strides[:-1])
            stride = writer.constant([strides[-1]])
            # The phases of a later pool stand one after the other, each with all of the earlier ones.
            earlier = writer.constant([math.prod(strides[:-1])])
            own = writer.node("Mod", [position, stride])
            self._found[strides] = (
                writer.node("Add", [writer.node("Mul", [own, earlier]), phase]),
                writer.node("Div", [position, stride]),
            )
        return self._found[strides]
