"""Operators along a sequence: each output position reads the same few input positions, wherever it stands.

A map is a tensor with a position axis, in the layout (N, C, 1, L). Spans of positions are counted from 0 and half-open.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias, TypeVar

import numpy as np
import numpy.typing as npt

Weights: TypeAlias = npt.NDArray[np.float32]

Places: TypeAlias = npt.NDArray[np.int64]
"""Positions counted from 0, one an item."""

Place = TypeVar("Place", int, Places)


@dataclass(frozen=True, slots=True)
class Span:
    """The positions ``start`` to ``end - 1`` of a map; none where ``end`` is not beyond ``start``."""

    start: int
    end: int

    def __len__(self) -> int:
        return max(0, self.end - self.start)

    def clip(self, length: int) -> Span:
        """Return the part within a map of that length."""
        start = min(max(self.start, 0), length)
        return Span(start, max(start, min(self.end, length)))

    def cover(self, other: Span) -> Span:
        """Return the smallest span that holds both."""
        if not len(self) or not len(other):
            return self if len(self) else other
        return self.join(other)

    def join(self, other: Span) -> Span:
        """Return the smallest span that holds both, empty ones with the place where they are."""
        return Span(min(self.start, other.start), max(self.end, other.end))


NOTHING = Span(0, 0)


@dataclass(frozen=True, slots=True)
class Slide:
    """Which positions an output reads: the k-th of output j stands at ``j * stride - before + k * dilation``.

    Attributes:
        width: Positions that are read.
        before: Positions that are added in front of the map; cut off where negative.
        after: Likewise behind it.
    """

    width: int = 1
    stride: int = 1
    dilation: int = 1
    before: int = 0
    after: int = 0

    @property
    def extent(self) -> int:
        """Positions from the first to the last that one output reads."""
        return (self.width - 1) * self.dilation + 1

    @property
    def padded(self) -> bool:
        """Whether outputs at the ends read positions that the map does not have."""
        return self.before > 0 or self.after > 0

    def count(self, length: int) -> int:
        """Return the outputs of a map of that length."""
        return (length + self.before + self.after - self.extent) // self.stride + 1

    def reads(self, span: Span) -> Span:
        """Return what outputs read, beyond the map's ends too."""
        return Span(span.start * self.stride - self.before, (span.end - 1) * self.stride - self.before + self.extent)

    def reached_by(self, span: Span, outputs: int) -> Span:
        """Return the outputs that read any of some positions, of so many as there are."""
        return self.join_reached_by(span, outputs) if len(span) else NOTHING

    def join_reached_by(self, span: Span, outputs: int) -> Span:
        """Return the outputs that read any of some positions, or from both sides of them where there are none."""
        return Span(*self.readers(span.start, span.end)).clip(outputs)

    def readers(self, start: Place, end: Place) -> tuple[Place, Place]:
        """Return the first output that reads any of the positions from start to end - 1, and the one behind the last.

        Whether the map has that many is not looked at; starts and ends may be arrays.
        """
        first = -((self.extent - 1 - self.before - start) // self.stride)
        return first, (end - 1 + self.before) // self.stride + 1

    def within(self, span: Span) -> Span:
        """Return the outputs that read nothing but some positions; none where the end is not beyond the start."""
        first = -((-span.start - self.before) // self.stride)
        return Span(first, (span.end + self.before - self.extent) // self.stride + 1)


@dataclass(frozen=True, slots=True)
class Convolve:
    """A convolution: weights (F, C / groups, width), bias (F,)."""

    source: str
    output: str
    slide: Slide
    weights: Weights
    bias: Weights
    groups: int = 1

    @property
    def sources(self) -> tuple[str, ...]:
        return (self.source,)

    @property
    def multiply_adds(self) -> int:
        """Multiplications of one output position."""
        return self.weights.size


@dataclass(frozen=True, slots=True)
class Pool:
    """The largest, or the average, of the positions that are read; added positions count only if they are said to."""

    source: str
    output: str
    slide: Slide
    kind: Literal["max", "average"]
    counts_added: bool = False

    @property
    def sources(self) -> tuple[str, ...]:
        return (self.source,)


@dataclass(frozen=True, slots=True)
class Frame:
    """Positions cut off, or added with one value, at the ends."""

    source: str
    output: str
    slide: Slide
    value: float = 0.0

    @property
    def sources(self) -> tuple[str, ...]:
        return (self.source,)


@dataclass(frozen=True, slots=True)
class Pick:
    """Some of the channels, from ``start`` to ``end - 1``."""

    source: str
    output: str
    start: int
    end: int
    slide: Slide = field(default=Slide())

    @property
    def sources(self) -> tuple[str, ...]:
        return (self.source,)


@dataclass(frozen=True, slots=True)
class Join:
    """Maps side by side, as channels of one."""

    sources: tuple[str, ...]
    output: str
    slide: Slide = field(default=Slide())


@dataclass(frozen=True, slots=True)
class Apply:
    """An ONNX operator on each number: of one map, of several of one shape, of maps and constants.

    Attributes:
        operands: Names of maps, and constants of shape (1, C or 1, 1, 1), or any shape where the operator asks so.
        attributes: The operator's own.
    """

    op_type: str
    operands: tuple[str | npt.NDArray[Any], ...]
    output: str
    attributes: tuple[tuple[str, Any], ...] = ()
    slide: Slide = field(default=Slide())

    @property
    def sources(self) -> tuple[str, ...]:
        return tuple(operand for operand in self.operands if isinstance(operand, str))


Operator: TypeAlias = Convolve | Pool | Frame | Pick | Join | Apply
