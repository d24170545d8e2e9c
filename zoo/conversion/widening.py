"""Widens a network of 16-bit numbers to 32 bits, in which a processor and a GPU compute the same.

What 16 bits give depends on who computes: on a processor ONNX Runtime takes 32 bits and rounds some of the results, on
a GPU all of them, TensorFlow others.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import onnx

_KINDS = frozenset({"to", "dtype", "output_dtype", "stash_type"})
"""Attributes that say of what kind numbers are."""


def widen(network: onnx.ModelProto) -> bool:
    """Let a network have 32 bits wherever it has 16, in place; return whether it had 16 anywhere.

    Its weights keep their values, which 32 bits hold as well.
    """
    return _widen_graph(network.graph)


def _widen_graph(graph: onnx.GraphProto) -> bool:
    found = [
        *(_widen_type(value.type) for value in (*graph.input, *graph.output, *graph.value_info)),
        *(_widen_tensor(tensor) for tensor in graph.initializer),
        *(_widen_tensor(sparse.values) for sparse in graph.sparse_initializer),
        *(_widen_attribute(attribute) for node in graph.node for attribute in node.attribute),
    ]
    return any(found)


def _widen_attribute(attribute: onnx.AttributeProto) -> bool:
    from onnx import AttributeProto, TensorProto

    if attribute.type == AttributeProto.INT and attribute.name in _KINDS and attribute.i == TensorProto.FLOAT16:
        attribute.i = TensorProto.FLOAT
        return True
    found = [
        *(_widen_tensor(tensor) for tensor in attribute.tensors),
        *(_widen_tensor(sparse.values) for sparse in attribute.sparse_tensors),
        *(_widen_type(kind) for kind in attribute.type_protos),
        *(_widen_graph(graph) for graph in attribute.graphs),
        attribute.HasField("t") and _widen_tensor(attribute.t),
        attribute.HasField("sparse_tensor") and _widen_tensor(attribute.sparse_tensor.values),
        attribute.HasField("tp") and _widen_type(attribute.tp),
        attribute.HasField("g") and _widen_graph(attribute.g),
    ]
    return any(found)


def _widen_type(kind: onnx.TypeProto) -> bool:
    from onnx import TensorProto

    if kind.HasField("sequence_type"):
        return _widen_type(kind.sequence_type.elem_type)
    if kind.HasField("optional_type"):
        return _widen_type(kind.optional_type.elem_type)
    if not kind.HasField("tensor_type") or kind.tensor_type.elem_type != TensorProto.FLOAT16:
        return False
    kind.tensor_type.elem_type = TensorProto.FLOAT
    return True


def _widen_tensor(tensor: onnx.TensorProto) -> bool:
    from onnx import TensorProto, numpy_helper

    if tensor.data_type != TensorProto.FLOAT16:
        return False
    tensor.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(tensor).astype(np.float32), tensor.name))
    return True
