"""Branches and loops in a network: how large their results are, and that they end before long."""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Protocol

from zoo.errors import UnsafeModel
from zoo.model.bounds import Value
from zoo.model.limits import TURNS
from zoo.model.operators import name_node
from zoo.model.turns import takes_all_turns

if TYPE_CHECKING:
    import onnx

_NEW_SCAN = 9  # the opset since which a scan has no axis of batches
_BOOL, _INT64 = 9, 7  # of onnx.TensorProto.DataType


class Walking(Protocol):
    """Who goes through the network around.

    Attributes:
        where: Names the network in messages.
        version: Of the operators.
        windows: For how many it goes.
    """

    where: str
    version: int
    windows: int

    def make(self, what: str, element: int, shape: tuple[int, ...]) -> Value:
        """Return a value whose shape is known."""

    def run(
        self, graph: onnx.GraphProto, given: Sequence[Value], around: ChainMap[str, Value], turns: int
    ) -> list[Value]:
        """Return the results of a graph that runs ``turns`` times."""

    def refuse_unknown(self, node: onnx.NodeProto) -> UnsafeModel:
        """Return the error for a node of whose results nobody knows the size."""


def reckon_graphs(
    walk: Walking, node: onnx.NodeProto, inputs: Sequence[Value | None], values: ChainMap[str, Value], turns: int
) -> dict[str, Value]:
    """Return the results by name of a node that runs graphs of its own.

    Args:
        walk: Goes through them.
        node: An If, Loop or Scan.
        inputs: Of the node, None for those that are left out.
        values: What the graphs see around them.
        turns: How often the node runs.
    """
    graphs = {item.name: item.g for item in node.attribute if item.HasField("g")}
    if node.op_type == "If":
        results = _reckon_branches(walk, list(graphs.values()), values, turns)
    elif "body" not in graphs:
        raise UnsafeModel(f"{walk.where}: {name_node(node)}: expected a body, found none")
    elif node.op_type == "Loop":
        results = _reckon_loop(walk, node, graphs["body"], inputs, values, turns)
    else:
        results = _reckon_scan(walk, node, graphs["body"], inputs, values, turns)
    if len(results) < len(node.output):
        raise UnsafeModel(f"{walk.where}: {name_node(node)}: expected {len(node.output)} results of its graph")
    return {name: value for name, value in zip(node.output, results, strict=False) if name}


def _reckon_branches(
    walk: Walking, graphs: Sequence[onnx.GraphProto], values: ChainMap[str, Value], turns: int
) -> list[Value]:
    """Return the larger of what both branches give; which one runs is known only then."""
    ways = [walk.run(graph, [], values, turns) for graph in graphs]
    results = []
    for choices in zip(*ways, strict=False):
        largest = max(choices, key=lambda value: value.size)
        alike = largest.shape is not None and all(value.shape == largest.shape for value in choices)
        results.append(largest.forget() if alike else largest.forget_shape())
    return results


def _reckon_loop(
    walk: Walking,
    node: onnx.NodeProto,
    body: onnx.GraphProto,
    inputs: Sequence[Value | None],
    values: ChainMap[str, Value],
    turns: int,
) -> list[Value]:
    limit = inputs[0].constant if inputs and inputs[0] is not None else None
    if limit is None or limit.size != 1:
        raise UnsafeModel(
            f"{walk.where}: {name_node(node)}: expected a loop whose largest number of turns is a constant, "
            "found one that ends when it likes"
        )
    count = _count_turns(walk, node, int(limit.item()), turns)
    states = [value.forget() for value in inputs[2:] if value is not None]
    given = [walk.make("turn", _INT64, ()), walk.make("condition", _BOOL, ()), *states]
    found = walk.run(body, given, values, turns * count)[1:]
    _refuse_growth(walk, node, states, found)
    stacked = [_stack(walk, value, count) for value in found[len(states) :]]
    if not takes_all_turns(body, count, inputs, values):  # of a loop that ends early, there is less
        stacked = [_forget_turns(value) for value in stacked]
    return [*found[: len(states)], *stacked]


def _forget_turns(value: Value) -> Value:
    """Return a value of which all is known but how many turns it is of."""
    if value.shape is None:
        return value.forget_shape()
    forgotten = value.forget_shape()
    for size in (None, *value.shape[1:]):
        axis = forgotten.kind.tensor_type.shape.dim.add()
        if size is not None:
            axis.dim_value = size
    return forgotten


def _reckon_scan(
    walk: Walking,
    node: onnx.NodeProto,
    body: onnx.GraphProto,
    inputs: Sequence[Value | None],
    values: ChainMap[str, Value],
    turns: int,
) -> list[Value]:
    attributes = {item.name: item for item in node.attribute}
    present = [value for value in inputs if value is not None]
    scanned = attributes["num_scan_inputs"].i if "num_scan_inputs" in attributes else 0
    if walk.version < _NEW_SCAN or not 0 < scanned <= len(present):
        raise UnsafeModel(f"{walk.where}: {name_node(node)}: expected a scan as of opset {_NEW_SCAN} or later")
    axes = list(attributes["scan_input_axes"].ints) if "scan_input_axes" in attributes else [0] * scanned
    states, slices, counts = [value.forget() for value in present[:-scanned]], [], set()
    for value, axis in zip(present[-scanned:], axes, strict=False):
        if value.shape is None or not -len(value.shape) <= axis < len(value.shape):
            raise walk.refuse_unknown(node)
        place = axis % len(value.shape)
        counts.add(value.shape[place])
        shape = value.shape[:place] + value.shape[place + 1 :]
        slices.append(walk.make("slice", value.kind.tensor_type.elem_type, shape))
    if len(counts) != 1:
        raise UnsafeModel(f"{walk.where}: {name_node(node)}: expected one length, found {sorted(counts)}")
    count = _count_turns(walk, node, counts.pop(), turns)
    found = walk.run(body, [*states, *slices], values, turns * count)
    _refuse_growth(walk, node, states, found)
    # Along which axis they are stacked does not change how many elements there are.
    stacked = [_stack(walk, value, count).forget_shape() for value in found[len(states) :]]
    return [*found[: len(states)], *stacked]


def _count_turns(walk: Walking, node: onnx.NodeProto, count: int, around: int) -> int:
    if count * around > TURNS * walk.windows:
        raise UnsafeModel(
            f"{walk.where}: {name_node(node)}: expected at most {TURNS:,} turns, those of the loops around it "
            f"among them, found {count * around:,}"
        )
    return max(count, 0)


def _refuse_growth(walk: Walking, node: onnx.NodeProto, states: Sequence[Value], found: Sequence[Value]) -> None:
    for before, after in zip(states, found, strict=False):
        if before.shape is None or before.shape != after.shape:
            raise UnsafeModel(
                f"{walk.where}: {name_node(node)}: expected a loop that keeps the shapes it starts with, "
                f"found {before.shape} that becomes {after.shape}"
            )


def _stack(walk: Walking, value: Value, count: int) -> Value:
    if value.shape is None:
        return replace(value.forget_shape(), most=value.most * count)
    return walk.make("result of a loop", value.kind.tensor_type.elem_type, (count, *value.shape))
