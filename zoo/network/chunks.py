"""One graph for many windows of one stretch of a contig: what neighbouring windows share is computed once.

A convolution gives the same at the same base, whichever window it is asked for. A pool does so only where windows begin
in the same phase of it, so each pool is run in all its phases, which ride along as a batch. Of the maps that come out
each window takes its own positions; dense layers run for each window. ALT's maps are cut from the same.

Where a network adds positions at the ends of a window, windows differ there from the contig: those ends are computed
for each window.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from zoo.network.changes import Change, Maps, leave_alleles, row_input
from zoo.network.network import CODES_INPUT, SEQUENCE, Network
from zoo.network.operators import Frame, Operator, Span
from zoo.network.stretches import Course, find_courses, find_ends, is_shared
from zoo.network.writing import GraphWriter, WrittenGraph

_SHORTEST = 3  # a window that holds an allele and what stands on either side of it

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
    """Return whether neighbouring windows share maps: there are any, and branches that meet pool alike."""
    if not network.trunk or network.length < _SHORTEST or find_courses(network) is None:
        return False
    ends = find_ends(network)
    return is_shared(ends, network.trunk[0].output)


def chunk_lead(network: Network) -> int:
    """Return how many bases a chunk needs before the first window, for what is added there to have a place."""
    return -min(0, *(course.offset for course in _courses(network).values()))


def chunk_margin(network: Network) -> int:
    """Return how many bases a chunk needs behind its last window, so that all phases have as many positions."""
    return max(course.bases for course in _courses(network).values())


def write_chunk_graph(network: Network, changes: Sequence[ChunkChange]) -> WrittenGraph:
    """Return the graph of a chunk.

    Its inputs are ``zoo_codes``, the chunk (1, M) of any length with ``chunk_lead`` bases before the first window and
    ``chunk_margin`` behind the last, ``zoo_start``, and for each kind of change what ``alt_input`` and ``row_input``
    name, and ``moved_input`` where a side of it moves. Outputs are as a pair graph's.

    Args:
        network: One that fits chunks.
    """
    writer = GraphWriter(network)
    chunk = _Chunk(writer)
    windows = _Windows(chunk, writer.input(START_INPUT, "INT64", ["U"]))
    kinds = []
    for number, change in enumerate(changes):
        row = writer.input(row_input(number), "INT64", [f"N{number}"])
        left: Maps = _Rows(windows, row)
        right = left
        if change.moved:
            by = writer.input(moved_input(number), "INT64", [f"N{number}"])
            elsewhere = _Windows(chunk, writer.node("Add", [writer.rows(windows.begin, row), by]))
            left, right = (elsewhere, right) if change.moved == "left" else (left, elsewhere)
        kinds.append(Change(writer, number, change.span, left, right))
    exits = {one.output: leave_alleles(writer, one, windows.whole, kinds) for one in network.exits}
    return writer.finish(exits, "zoo_chunk")


def _courses(network: Network) -> dict[str, Course]:
    courses = find_courses(network)
    if courses is None:
        raise ValueError("expected a network whose branches lie alike, see fits_chunks")
    return courses


@dataclass(slots=True)
class _Chunk:
    """The maps of a chunk, (phases, C, 1, positions), and the same with a row for each phase and position."""

    writer: GraphWriter
    courses: dict[str, Course] = field(init=False)
    ends: dict[str, tuple[Span, Span]] = field(init=False)
    producers: dict[str, Operator] = field(init=False)
    _tensors: dict[str, str] = field(init=False)
    _by_position: dict[str, tuple[str, str]] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        network = self.writer.network
        self.courses = _courses(network)
        self.ends = find_ends(network)
        self.producers = {operator.output: operator for operator in network.trunk}
        self._tensors = {SEQUENCE: self.writer.one_hot(self.writer.input(CODES_INPUT, "UINT8", ["one", "M"]))}

    def by_position(self, source: str) -> tuple[str, str]:
        """Return a map as (phases * positions, C), and the number of its positions."""
        if source not in self._by_position:
            writer, tensor = self.writer, self._find(source)
            channels = writer.network.maps[source].channels
            turned = writer.node("Transpose", [tensor], perm=[0, 3, 2, 1])
            rows = writer.node("Reshape", [turned, writer.constant([-1, channels])])
            self._by_position[source] = rows, writer.node("Shape", [tensor], start=3, end=4)
        return self._by_position[source]

    def _find(self, source: str) -> str:
        """Return a map; one that no window reads is never computed."""
        if source not in self._tensors:
            self._tensors[source] = self._apply(self.producers[source])
        return self._tensors[source]

    def _apply(self, operator: Operator) -> str:
        writer, stride = self.writer, operator.slide.stride
        sources = self._align(operator.sources)
        if isinstance(operator, Frame):
            return sources[0]  # it only moves where windows begin
        if stride == 1:
            return writer.apply(operator, sources, 0, 0)
        phases = []
        for phase in range(stride):
            # All phases get as many outputs: each begins later than the one before, and ends later.
            left_over = stride - 1 - phase
            end = -left_over if left_over else np.iinfo(np.int64).max
            phases.append(writer.apply(operator, [writer.positions(sources[0], phase, end)], 0, 0))
        return writer.join(phases, 0)

    def _align(self, sources: Sequence[str]) -> list[str]:
        """Return maps that begin at the same base and have as many positions as the shortest."""
        writer = self.writer
        tensors = [self._find(source) for source in sources]
        if len(tensors) < 2:
            return tensors
        courses = [self.courses[source] for source in sources]
        first = min(course.offset for course in courses)
        aligned = []
        for tensor, course in zip(tensors, courses, strict=True):
            late = (course.offset - first) // course.bases
            # What begins later in a window begins as many positions earlier in its map.
            aligned.append(self._lead(tensor, late) if late else tensor)
        counts = [writer.node("Shape", [tensor], start=3, end=4) for tensor in aligned]
        shortest = writer.node("Min", counts)
        return [
            writer.node("Slice", [tensor, writer.constant([0]), shortest, writer.constant([3])]) for tensor in aligned
        ]

    def _lead(self, tensor: str, positions: int) -> str:
        return self.writer.positions(tensor, positions, np.iinfo(np.int64).max)


@dataclass(slots=True)
class _Windows:
    """The maps of windows that begin somewhere in a chunk."""

    chunk: _Chunk
    begin: str
    _ends: dict[tuple[str, Span], str] = field(default_factory=dict)
    _found: dict[tuple[Course, str], tuple[str, str]] = field(default_factory=dict)

    def whole(self, source: str) -> str:
        """Return a map of the windows."""
        return self.part(source, Span(0, self.chunk.writer.network.maps[source].length))

    def part(self, source: str, span: Span) -> str:
        """Return some positions of a map: the contig's, and at the ends the windows' own."""
        return self.put_together(source, span, lambda tensor: tensor, self.begin)

    def put_together(self, source: str, span: Span, choose: Callable[[str], str], begin: str) -> str:
        """Return some positions of a map, of other rows than the windows'.

        Args:
            choose: Returns the rows of a tensor that has one for each window.
            begin: Where the rows' windows begin.
        """
        writer = self.chunk.writer
        if not len(span):
            # What reads added positions alone is given none of the map.
            one = min(span.start, writer.network.maps[source].length - 1)
            return writer.positions(self.put_together(source, Span(one, one + 1), choose, begin), 0, 0)
        left, right = self.chunk.ends[source]
        parts = []
        for end in (left, right):
            own = Span(max(span.start, end.start), min(span.end, end.end))
            if not len(own):
                continue
            tensor = self._end(source, end)
            if own != end:
                tensor = writer.positions(tensor, own.start - end.start, own.end - end.start)
            parts.append((own.start, choose(tensor)))
        shared = Span(max(span.start, left.end), min(span.end, right.start))
        if len(shared):
            parts.append((shared.start, self._shared(source, shared, begin)))
        return writer.join([tensor for _, tensor in sorted(parts)], 3)

    def _end(self, source: str, end: Span) -> str:
        """Return the positions at one end of a map, with what the network adds there."""
        if (source, end) not in self._ends:
            chunk, operator = self.chunk, self.chunk.producers[source]
            wanted = operator.slide.reads(end)
            sources, before, after = [], 0, 0
            for one in operator.sources:
                held = wanted.clip(chunk.writer.network.maps[one].length)
                before, after = held.start - wanted.start, wanted.end - held.end
                sources.append(self.part(one, held))
            self._ends[source, end] = chunk.writer.apply(operator, sources, max(0, before), max(0, after))
        return self._ends[source, end]

    def _shared(self, source: str, span: Span, begin: str) -> str:
        """Return some positions of the contig's map."""
        writer = self.chunk.writer
        rows, count = self.chunk.by_position(source)
        phase, position = self._find(self.chunk.courses[source], begin)
        first = writer.node("Add", [writer.node("Mul", [phase, count]), position])
        along = writer.constant(np.arange(span.start, span.end, dtype=np.int64)[np.newaxis])
        chosen = writer.node("Add", [writer.node("Unsqueeze", [first, writer.constant([1])]), along])
        found = writer.node("Transpose", [writer.rows(rows, chosen)], perm=[0, 2, 1])
        return writer.node("Unsqueeze", [found, writer.constant([2])])

    def _find(self, course: Course, begin: str) -> tuple[str, str]:
        """Return in which phase windows that begin there lie, and at which position of it."""
        key = course, begin
        if key in self._found:
            return self._found[key]
        writer = self.chunk.writer
        phase = writer.constant([0])
        position = writer.node("Add", [begin, writer.constant([course.offset])]) if course.offset else begin
        earlier = 1
        for stride in course.strides:
            # The phases of a later pool stand one after the other, each with all of the earlier ones.
            own = writer.node("Mod", [position, writer.constant([stride])])
            phase = writer.node("Add", [writer.node("Mul", [own, writer.constant([earlier])]), phase])
            position = writer.node("Div", [position, writer.constant([stride])])
            earlier *= stride
        self._found[key] = phase, position
        return phase, position


@dataclass(slots=True)
class _Rows:
    """The maps of windows that some alleles have, a row for each allele."""

    windows: _Windows
    row: str
    _begin: str = field(init=False)

    def __post_init__(self) -> None:
        self._begin = self.windows.chunk.writer.rows(self.windows.begin, self.row)

    def part(self, source: str, span: Span) -> str:
        """Return some positions of the allele's own REF map."""
        writer = self.windows.chunk.writer
        return self.windows.put_together(source, span, lambda tensor: writer.rows(tensor, self.row), self._begin)
