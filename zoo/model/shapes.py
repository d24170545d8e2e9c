"""The shapes of all results of a network at once, as ONNX infers them: fast, but it can't tell all."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING

from zoo.model.constants import SMALL
from zoo.model.limits import RANK
from zoo.model.operators import CONTROL_FLOW

if TYPE_CHECKING:
    import onnx

WIDTHS = {1: 4, 2: 1, 3: 1, 4: 2, 5: 2, 6: 4, 7: 8, 9: 1, 10: 2, 11: 8, 12: 4, 13: 8, 16: 2}
"""Bytes by onnx.TensorProto.DataType: floats, integers and booleans; no texts, no complex numbers."""


def infer_sizes(
    model: onnx.ModelProto, shapes: Mapping[str, tuple[int, ...]]
) -> dict[str, tuple[tuple[int, ...], int]] | None:
    """Return the shape and the bytes of each result by name; None where ONNX can't tell all of them.

    Args:
        model: The network; what it says of its own results is left aside.
        shapes: Of its inputs, by name, the axis of windows among them.
    """
    import onnx

    if any(node.op_type in CONTROL_FLOW for node in model.graph.node):
        return None
    try:
        graph = onnx.shape_inference.infer_shapes(_strip(model, shapes), data_prop=True).graph
    except Exception:  # noqa: BLE001 - what is wrong is told where it is looked at node by node
        return None
    sizes = {}
    for value in graph.value_info:
        tensor = value.type.tensor_type
        if (
            tensor.HasField("shape")
            and len(tensor.shape.dim) <= RANK
            and all(dim.HasField("dim_value") for dim in tensor.shape.dim)
        ):
            shape = tuple(dim.dim_value for dim in tensor.shape.dim)
            sizes[value.name] = shape, math.prod(shape) * WIDTHS.get(tensor.elem_type, 0)
    made = {name for node in model.graph.node for name in node.output if name}
    return sizes if made <= sizes.keys() else None


def _strip(model: onnx.ModelProto, shapes: Mapping[str, tuple[int, ...]]) -> onnx.ModelProto:
    """Return a network of inputs of those shapes, without large weights and without what is said of results."""
    import onnx

    bare = onnx.ModelProto(ir_version=model.ir_version, opset_import=model.opset_import)
    bare.graph.name = "bare"
    bare.graph.node.extend(model.graph.node)
    for item in model.graph.input:
        if item.name in shapes:
            element = item.type.tensor_type.elem_type
            bare.graph.input.append(onnx.helper.make_tensor_value_info(item.name, element, shapes[item.name]))
    for tensor in model.graph.initializer:
        if math.prod(tensor.dims) > SMALL:
            bare.graph.input.append(onnx.helper.make_tensor_value_info(tensor.name, tensor.data_type, tensor.dims))
        else:
            bare.graph.initializer.append(tensor)
    return bare
