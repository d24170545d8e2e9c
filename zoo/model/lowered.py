"""What rewritings of a graph to fewer bits share: which operators take part, and how tensors are looked up."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    import onnx

Ranges: TypeAlias = Mapping[str, tuple[float, float]]
"""The smallest and the largest value of tensors, by name."""

MOVING = frozenset(
    {"Concat", "DepthToSpace", "Expand", "Flatten", "Gather", "Identity", "Reshape", "Slice", "SpaceToDepth", "Split",
     "Squeeze", "Tile", "Transpose", "Unsqueeze"}
)  # fmt: skip
"""Operators that move numbers and make none."""

CHOOSING = frozenset({"Max", "MaxPool", "Min", "Relu", "Where"})
"""Operators that hand on one of their numbers, or a zero."""

COMPUTING = frozenset(
    {"Add", "Conv", "ConvTranspose", "Div", "Einsum", "Erf", "Gemm", "LeakyRelu", "MatMul", "Mul", "Neg", "Pad",
     "PRelu", "Sigmoid", "Sub", "Tanh"}
)  # fmt: skip
"""Operators that lose little in 16 bits. Left out: those whose result spans many powers of ten (Exp, Softplus, Pow),
those that sum up positions (pooling by average, ReduceMean, Softmax, normalisations), and whatever has a state."""


def infer_types(model: onnx.ModelProto) -> dict[str, int]:
    """Return the element type of every tensor of the main graph, as far as ONNX's shape inference knows it."""
    import onnx

    graph = onnx.shape_inference.infer_shapes(model).graph
    found = {value.name: value.type.tensor_type.elem_type for value in (*graph.input, *graph.value_info, *graph.output)}
    found.update({tensor.name: tensor.data_type for tensor in graph.initializer})
    return found


def read_constants(graph: onnx.GraphProto) -> dict[str, npt.NDArray[Any]]:
    """Return the weights of a graph by name: its initialisers, and what its Constant nodes hold."""
    from onnx import numpy_helper

    found = {tensor.name: numpy_helper.to_array(tensor) for tensor in graph.initializer}
    for node in graph.node:
        if node.op_type == "Constant" and node.attribute[0].name == "value":
            found[node.output[0]] = numpy_helper.to_array(node.attribute[0].t)
    return found


def iter_inputs(node: onnx.NodeProto) -> Iterator[str]:
    """Yield the names that a node reads, those that graphs inside of it take from around them included."""
    yield from filter(None, node.input)
    for attribute in node.attribute:
        for graph in (attribute.g, *attribute.graphs):
            for inner in graph.node:
                yield from iter_inputs(inner)
            yield from (output.name for output in graph.output)


def replace_nodes(model: onnx.ModelProto, nodes: list[onnx.NodeProto], added: list[onnx.TensorProto]) -> None:
    """Put other nodes into a model, with the initialisers that they bring; weights that nobody reads any more go."""
    graph = model.graph
    used = {name for node in nodes for name in iter_inputs(node)} | {output.name for output in graph.output}
    kept = [tensor for tensor in (*graph.initializer, *added) if tensor.name in used]
    alive = [node for node in nodes if node.op_type != "Constant" or node.output[0] in used]
    del graph.node[:], graph.initializer[:], graph.value_info[:]
    graph.node.extend(alive)
    graph.initializer.extend(kept)


def as_float32(values: npt.ArrayLike) -> npt.NDArray[np.float32]:
    """Return values as float32."""
    return np.asarray(values, dtype=np.float32)
