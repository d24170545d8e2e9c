"""What was read so far of a graph."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import numpy.typing as npt

from zoo.network.layouts import Flat, View
from zoo.network.network import SEQUENCE, Exit, Map
from zoo.network.operators import Apply, Operator
from zoo.network.sizes import Sizes

if TYPE_CHECKING:
    import onnx

Array: TypeAlias = npt.NDArray[Any]


@dataclass(slots=True)
class Node:
    """A node with its attributes as Python values."""

    proto: onnx.NodeProto
    attributes: dict[str, Any]

    @property
    def inputs(self) -> list[str]:
        return list(self.proto.input)

    @property
    def output(self) -> str:
        return str(self.proto.output[0])


class Scope:
    """What the tensors of a graph are, by name, as far as they are known.

    Attributes:
        constants: Numbers that the graph holds.
        maps: The shapes of the maps of the trunk.
        values: Which tensor is which map, in which layout.
        sizes: Which tensor says what of shapes.
        trunk: The operators along the sequence.
        exits: Where the trunk ends.
    """

    def __init__(self, constants: Mapping[str, Array], sequence: str, length: int) -> None:
        self.constants = dict(constants)
        self.maps = {SEQUENCE: Map(4, length)}
        self.values: dict[str, View | Flat] = {sequence: View(SEQUENCE, "NLC")}
        self.sizes: dict[str, Sizes] = {}
        self.trunk: list[Operator] = []
        self.exits: dict[str, Exit] = {}

    def add(self, node: Node, operator: Operator, axes: str, shape: Map) -> None:
        """Take an operator into the trunk; the node's output is its map, in that layout."""
        self.trunk.append(operator)
        self.maps[operator.output] = shape
        self.values[node.output] = View(operator.output, axes)

    def apply(self, node: Node, operands: list[str | Array], view: View, channels: int | None = None) -> None:
        """Take the node in as it is, on each number; what comes out lies as ``view`` does."""
        shape = self.maps[view.map]
        attributes = tuple(sorted(node.attributes.items()))
        operator = Apply(node.proto.op_type, tuple(operands), node.output, attributes)
        self.add(node, operator, view.axes, Map(channels or shape.channels, shape.length))

    def keep(self, node: Node, value: View | Flat | None) -> bool:
        """Note a map that only changes its layout, and return whether there is one."""
        if value is not None:
            self.values[node.output] = value
        return value is not None

    def read_axes(self, node: Node) -> list[int] | None:
        """Return the axes that a node names, as an operand or, in older versions, as an attribute."""
        if len(node.inputs) > 1 and node.inputs[1]:
            found = self.constants.get(node.inputs[1])
            return None if found is None else found.tolist()
        return node.attributes.get("axes")

    def read_sizes(self, name: str) -> Sizes | None:
        """Return what a tensor says of sizes, a constant or reckoned."""
        constant = self.constants.get(name)
        return self.sizes.get(name) if constant is None else constant.astype(np.float64)

    def read_known(self, name: str) -> Array | None:
        """Return a constant, or sizes that do not hang on the number of windows."""
        sizes = self.sizes.get(name)
        if sizes is None or not np.isfinite(sizes).all():
            return self.constants.get(name)
        return sizes.astype(np.int64)


JointReader: TypeAlias = Callable[[Scope, Node], bool]
"""Reads an operator on several maps, or on maps and constants in any order."""

Reader: TypeAlias = Callable[[Scope, Node, View], bool]
"""Reads an operator whose first operand is a map, and the rest constants."""
