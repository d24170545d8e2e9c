"""Operators on each number: of one map, of several of one layout, of maps and constants."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from zoo.network.layouts import Flat, View
from zoo.network.operators import Apply
from zoo.network.readers.scope import Array, Node, Reader, Scope

_UNARY = frozenset({
    "Abs", "Celu", "Ceil", "Elu", "Erf", "Exp", "Floor", "Gelu", "HardSigmoid", "HardSwish", "LeakyRelu", "Log", "Mish",
    "Neg", "Reciprocal", "Relu", "Round", "Selu", "Sigmoid", "Sign", "Softplus", "Softsign", "Sqrt", "Tanh",
    "ThresholdedRelu",
})  # fmt: skip
JOINT = frozenset(["Add", "Div", "Max", "Min", "Mul", "Pow", "PRelu", "Sub"])


def read_joint(scope: Scope, node: Node) -> bool:
    """Read an operator on maps of one layout, and constants that do not differ between positions."""
    views = [scope.values.get(name) for name in node.inputs]
    found = [view for view in views if view is not None]
    if not found or any(isinstance(view, Flat) for view in found):
        return False
    first = found[0]
    assert isinstance(first, View)  # noqa: S101 - flat ones went above
    shapes = [scope.maps[view.map] for view in found]
    channels = max(shape.channels for shape in shapes)
    if any(
        view.axes != first.axes or shape.length != shapes[0].length or shape.channels not in {1, channels}
        for view, shape in zip(found, shapes, strict=True)
    ):
        return False
    operands: list[str | Array] = []
    for name, view in zip(node.inputs, views, strict=True):
        if view is not None:
            operands.append(view.map)
            continue
        constant = scope.constants.get(name)
        aligned = None if constant is None else first.align(constant, channels)
        if aligned is None:
            return False
        operands.append(aligned)
    scope.apply(node, operands, first, channels)
    return True


def _read_clip(scope: Scope, node: Node, view: View) -> bool:
    limits = [scope.constants.get(name) for name in node.inputs[1:] if name]
    if any(limit is None for limit in limits) or len(limits) != len(node.inputs) - 1:
        return False
    scope.apply(node, [view.map, *(limit for limit in limits if limit is not None)], view)
    return True


def _read_batchnormalization(scope: Scope, node: Node, view: View) -> bool:
    """Read it as a product and a sum, which a convolution before it takes in."""
    scale, shift, mean, variance = (scope.constants.get(name) for name in node.inputs[1:5])
    if scale is None or shift is None or mean is None or variance is None or view.axes[1] != "C":
        return False
    factor = scale.astype(np.float64) / np.sqrt(variance.astype(np.float64) + node.attributes.get("epsilon", 1e-5))
    offset = shift - mean * factor
    scaled = f"zoo_scaled/{node.output}"
    shape = scope.maps[view.map]
    as_channels = (1, -1, 1, 1)
    scope.trunk.append(Apply("Mul", (view.map, factor.astype(np.float32).reshape(as_channels)), scaled))
    scope.maps[scaled] = shape
    scope.add(
        node, Apply("Add", (scaled, offset.astype(np.float32).reshape(as_channels)), node.output), view.axes, shape
    )
    return True


def _read_identity(scope: Scope, node: Node, view: View) -> bool:
    scope.values[node.output] = view
    return True


def _read_cast(scope: Scope, node: Node, view: View) -> bool:
    from onnx import TensorProto

    return bool(node.attributes["to"] == TensorProto.FLOAT) and _read_identity(scope, node, view)


def _read_dropout(scope: Scope, node: Node, view: View) -> bool:
    training = scope.constants.get(node.inputs[2]) if len(node.inputs) > 2 else np.zeros(())
    return training is not None and not training.any() and _read_identity(scope, node, view)


def _read_unary(scope: Scope, node: Node, view: View) -> bool:
    scope.apply(node, [view.map], view)
    return True


LAYOUT_FREE: Mapping[str, Reader] = {
    **dict.fromkeys(_UNARY, _read_unary),
    "Cast": _read_cast,
    "Dropout": _read_dropout,
    "Identity": _read_identity,
}
"""Readers of operators that care neither for the layout nor for the channels."""

READERS: Mapping[str, Reader] = {
    **LAYOUT_FREE,
    "BatchNormalization": _read_batchnormalization,
    "Clip": _read_clip,
}
