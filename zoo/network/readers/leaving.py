"""Where the trunk ends: averages over all positions, and dense layers on them."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from zoo.network.layouts import Flat, View
from zoo.network.network import Average, Project
from zoo.network.readers.pointwise import LAYOUT_FREE
from zoo.network.readers.scope import Node, Reader, Scope


def _read_reducemean(scope: Scope, node: Node, view: View) -> bool:
    return _read_average(scope, node, view, 1 / scope.maps[view.map].length)


def _read_reducesum(scope: Scope, node: Node, view: View) -> bool:
    return _read_average(scope, node, view, 1.0)


def _read_globalaveragepool(scope: Scope, node: Node, view: View) -> bool:
    if view.axes[:2] != "NC":
        return False
    axes = view.axes.replace("L", "1")
    scope.exits[node.output] = Average(view.map, node.output, axes, 1 / scope.maps[view.map].length)
    return True


def _read_average(scope: Scope, node: Node, view: View, scale: float) -> bool:
    axes = scope.read_axes(node)
    if not axes:
        return False
    chosen = {view.axes[axis] for axis in axes}
    if "L" not in chosen or chosen - {"L", "1"}:
        return False
    gone = {axis % len(view.axes) for axis in axes}
    kept = [
        ("1" if index in gone else axis)
        for index, axis in enumerate(view.axes)
        if node.attributes.get("keepdims", 1) or index not in gone
    ]
    scope.exits[node.output] = Average(view.map, node.output, "".join(kept), scale)
    return True


def read_flat(scope: Scope, node: Node, flat: Flat) -> bool:
    """Read what follows a flatten: operators on each number, which are the same before it, or a dense layer."""
    reader = LAYOUT_FREE.get(node.proto.op_type)
    if reader is None:
        return _read_dense(scope, node, flat)
    if not reader(scope, node, View(flat.map, flat.axes)):
        return False
    scope.values[node.output] = Flat(scope.values[node.output].map, flat.axes)
    return True


def _read_dense(scope: Scope, node: Node, flat: Flat) -> bool:
    """Read a dense layer on all positions."""
    kind, attributes = node.proto.op_type, node.attributes
    if kind not in {"MatMul", "Gemm"} or attributes.get("transA") or node.inputs[0] == node.inputs[1]:
        return False
    weights = scope.constants.get(node.inputs[1])
    if weights is None or weights.ndim != 2 or attributes.get("alpha", 1.0) != 1 or attributes.get("beta", 1.0) != 1:
        return False
    bias = None
    if len(node.inputs) > 2 and node.inputs[2]:
        bias = scope.constants.get(node.inputs[2])
        if bias is None:
            return False
        bias = bias.astype(np.float32).ravel()
    weights = (weights.T if attributes.get("transB") else weights).astype(np.float32, copy=False)
    shape = scope.maps[flat.map]
    if flat.order == "LC":
        dense = weights.reshape(shape.length, shape.channels, -1)
    else:
        dense = weights.reshape(shape.channels, shape.length, -1).transpose(1, 0, 2)
    if bias is not None:
        bias = np.broadcast_to(bias, (dense.shape[2],))
    scope.exits[node.output] = Project(flat.map, node.output, np.ascontiguousarray(dense), bias)
    return True


READERS: Mapping[str, Reader] = {
    "GlobalAveragePool": _read_globalaveragepool,
    "ReduceMean": _read_reducemean,
    "ReduceSum": _read_reducesum,
}
