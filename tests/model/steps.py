"""Networks of a few nodes, whose needs can be reckoned by hand."""

import numpy as np
from onnx import TensorProto, helper, numpy_helper

FLOATS = 4 * 9 * 4  # bytes of the input of one window


def make(*steps, length=9, opset=18, result="result", **tensors):
    """Return a network of these nodes: operator, inputs, output and attributes; it reads (N, 9, 4)."""
    nodes = [
        helper.make_node(operator, inputs, [output] if isinstance(output, str) else output, **dict(*attributes))
        for operator, inputs, output, *attributes in steps
    ]
    constants = [numpy_helper.from_array(np.asarray(values), name) for name, values in tensors.items()]
    sequence = helper.make_tensor_value_info("sequence", TensorProto.FLOAT, ["N", length, 4])
    told = helper.make_tensor_value_info(result, TensorProto.FLOAT, None)
    graph = helper.make_graph(nodes, "test", [sequence], [told], constants)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=9)


def make_graph(steps, inputs, outputs, **tensors):
    nodes = [helper.make_node(operator, names, [output], **dict(*more)) for operator, names, output, *more in steps]
    values = [[helper.make_tensor_value_info(name, kind, None) for name, kind in side] for side in (inputs, outputs)]
    constants = [numpy_helper.from_array(np.asarray(value), name) for name, value in tensors.items()]
    return helper.make_graph(nodes, "inner", *values, constants)
