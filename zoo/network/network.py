"""A network in two parts: the trunk, which works along the sequence, and the tail, which mixes all positions."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
import numpy.typing as npt

from zoo.network.operators import Operator, Span, Weights

if TYPE_CHECKING:
    import onnx

CODES_INPUT = "zoo_codes"
"""The input of a graph that takes the place of the one-hot sequence."""

SEQUENCE = "zoo_sequence"
"""The map that the codes become, one channel a letter."""


@dataclass(frozen=True, slots=True)
class Map:
    """The shape of a tensor along the sequence."""

    channels: int
    length: int


@dataclass(frozen=True, slots=True)
class Average:
    """The average over all positions, as a tensor of the tail.

    Attributes:
        axes: The tensor's, ``N``, ``C`` and any number of ``1``.
        scale: 1 / L, or 1 where positions are summed.
    """

    source: str
    output: str
    axes: str
    scale: float


@dataclass(frozen=True, slots=True)
class Project:
    """A dense layer on all positions and channels of a map, shape (N, U), before what the tail adds to it.

    Attributes:
        weights: Shape (L, C, U).
        bias: Shape (U,).
    """

    source: str
    output: str
    weights: Weights
    bias: Weights | None


@dataclass(frozen=True, slots=True)
class Whole:
    """A map as a tensor of the tail.

    Attributes:
        axes: The tensor's: ``N``, ``C``, ``L`` and any number of ``1``.
        flat: Whether all but ``N`` are one axis.
    """

    source: str
    output: str
    axes: str
    flat: bool = False


Exit: TypeAlias = Average | Project | Whole


@dataclass(frozen=True, slots=True)
class Tail:
    """The rest of the graph, as it came.

    Attributes:
        nodes: In an order in which they can run.
        constants: What they read beside the exits and the inputs.
        inputs: The network's inputs, the sequence left out.
        outputs: The network's outputs.
        opset: The version of the operators.
        ir_version: The version of the file's format.
        multiply_adds: Multiplications for one window, of the dense layers whose weights are constants.
    """

    nodes: tuple[onnx.NodeProto, ...]
    constants: tuple[onnx.TensorProto, ...]
    inputs: tuple[onnx.ValueInfoProto, ...]
    outputs: tuple[onnx.ValueInfoProto, ...]
    opset: int
    ir_version: int
    multiply_adds: int


@dataclass(frozen=True, slots=True)
class Network:
    """A network that reads codes.

    Attributes:
        table: What each code becomes, shape (5, 4).
        maps: The shape of every map, by name; the first is the sequence's.
        trunk: The operators along the sequence, in an order in which they can run.
        exits: Where the trunk ends.
    """

    table: npt.NDArray[np.float32]
    maps: Mapping[str, Map]
    trunk: tuple[Operator, ...]
    exits: tuple[Exit, ...]
    tail: Tail

    @property
    def length(self) -> int:
        """Bases of a window."""
        return self.maps[SEQUENCE].length

    @property
    def tail_weights(self) -> int:
        """Numbers in the dense layers behind the trunk."""
        projected = sum(one.weights.size for one in self.exits if isinstance(one, Project))
        return projected + self.tail.multiply_adds

    def reach(self, change: Span, *, joins: bool = False) -> dict[str, Span]:
        """Return which positions of each map may change where some bases do.

        Args:
            joins: Whether what stands on the two sides of the change is of different places, so that positions that
                read from both change too; a map of which none does has an empty span where the sides meet.
        """
        changed = {SEQUENCE: change}
        for operator in self.trunk:
            outputs = self.maps[operator.output].length
            reach = operator.slide.join_reached_by if joins else operator.slide.reached_by
            spans = [reach(changed[source], outputs) for source in operator.sources]
            cover = Span.join if joins else Span.cover
            changed[operator.output] = functools.reduce(cover, spans)
        return changed


def one_hot_table(unknown: float) -> npt.NDArray[np.float32]:
    """Return what each code becomes, shape (5, 4); the last row, of an unknown base, holds one value throughout."""
    return np.vstack([np.eye(4), np.full((1, 4), unknown)]).astype(np.float32)
