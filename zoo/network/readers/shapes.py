"""Axes that move, come or go, and sizes that a graph reckons from shapes for them."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from zoo.network.layouts import Flat, View, reshape, squeeze, transpose, unsqueeze
from zoo.network.readers.scope import Node, Reader, Scope
from zoo.network.sizes import WINDOWS, read_target, reckon_sizes


def _read_transpose(scope: Scope, node: Node, view: View) -> bool:
    return scope.keep(node, transpose(view, node.attributes.get("perm")))


def _read_squeeze(scope: Scope, node: Node, view: View) -> bool:
    return scope.keep(node, squeeze(view, scope.read_axes(node)))


def _read_unsqueeze(scope: Scope, node: Node, view: View) -> bool:
    axes = scope.read_axes(node)
    return axes is not None and scope.keep(node, unsqueeze(view, axes))


def _read_reshape(scope: Scope, node: Node, view: View) -> bool:
    sizes = scope.read_sizes(node.inputs[1])
    target = None if sizes is None else read_target(sizes)
    if target is None or node.attributes.get("allowzero"):
        return False
    return scope.keep(node, reshape(view, scope.maps[view.map], target))


def _read_flatten(scope: Scope, node: Node, view: View) -> bool:
    return node.attributes.get("axis", 1) == 1 and scope.keep(node, Flat(view.map, view.axes))


def reckon(scope: Scope, node: Node) -> None:
    """Note what a node says of sizes; it stays in the tail as long as somebody reads it there."""
    if not node.inputs or not node.inputs[0]:
        return
    value = scope.values.get(node.inputs[0])
    if node.proto.op_type == "Shape" and value is not None:
        shape = scope.maps[value.map]
        known = {"N": WINDOWS, "C": shape.channels, "L": shape.length, "1": 1}
        sizes = [known[axis] for axis in value.axes]
        if isinstance(value, Flat):
            sizes = [WINDOWS, shape.channels * shape.length]
        scope.sizes[node.output] = np.array(sizes[slice(node.attributes.get("start"), node.attributes.get("end"))])
        return
    if not any(name in scope.sizes for name in node.inputs):
        return
    operands = [scope.read_sizes(name) for name in node.inputs]
    found = [operand for operand in operands if operand is not None]
    reckoned = reckon_sizes(node.proto.op_type, found, node.attributes) if len(found) == len(operands) else None
    if reckoned is not None:
        scope.sizes[node.output] = reckoned


READERS: Mapping[str, Reader] = {
    "Flatten": _read_flatten,
    "Reshape": _read_reshape,
    "Squeeze": _read_squeeze,
    "Transpose": _read_transpose,
    "Unsqueeze": _read_unsqueeze,
}
