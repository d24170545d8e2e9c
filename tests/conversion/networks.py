"""Networks of other frameworks whose answers can be checked by eye, as ONNX files."""

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

CARD = {
    "license": "CC0-1.0",
    "authors": ["The assayzoo authors"],
    "organism": "none",
    "assay": "none",
    "limitations": "Made for tests.",
    "tracks": ["c"],
}
"""All that a conversion asks for."""


def make_look_up(
    layout="NCL", channel=1, base=3, length=7, channels=4, *, opset=17, batch="N", last=None, dtype=np.float32
):
    """A network that says what one channel holds at one base: input ``input`` in ``layout``, output ``answer`` (N, 1).

    ``last`` is an operator behind it, Sigmoid say.
    """
    kind = helper.np_dtype_to_tensor_dtype(np.dtype(dtype))
    sizes = {"N": batch, "C": channels, "L": length, "1": 1}
    constants = {
        "starts": [channel, base],
        "ends": [channel + 1, base + 1],
        "axes": [layout.index("C"), layout.index("L")],
    }
    nodes = [
        helper.make_node("Slice", ["input", *constants], ["slice"]),
        helper.make_node("Flatten", ["slice"], ["answer" if last is None else "flat"]),
    ]
    if last is not None:
        nodes.append(helper.make_node(last, ["flat"], ["answer"]))
    graph = helper.make_graph(
        nodes,
        "look_up",
        [helper.make_tensor_value_info("input", kind, [sizes[axis] for axis in layout])],
        [helper.make_tensor_value_info("answer", kind, [batch, 1])],
        [numpy_helper.from_array(np.array(values, np.int64), name) for name, values in constants.items()],
    )
    return helper.make_model(
        graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8, producer_name="pytorch"
    )


def make_channel_along_the_window(layout="NCL", channel=0, length=7):
    """A network whose output is one channel along the window, its axes those of the input."""
    sizes = {"N": "N", "C": 4, "L": length, "1": 1}
    after = sizes | {"C": 1}
    constants = {"starts": [channel], "ends": [channel + 1], "axes": [layout.index("C")]}
    graph = helper.make_graph(
        [helper.make_node("Slice", ["input", *constants], ["answer"])],
        "channel",
        [helper.make_tensor_value_info("input", TensorProto.FLOAT, [sizes[axis] for axis in layout])],
        [helper.make_tensor_value_info("answer", TensorProto.FLOAT, [after[axis] for axis in layout])],
        [numpy_helper.from_array(np.array(values, np.int64), name) for name, values in constants.items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def make_two_outputs(length=7):
    """A network (N, L, 4) that says of its second base whether it is an A, and whether it is a C or a G."""
    constants = {"start": [1], "end": [2], "base_axis": [1]}
    weights = {"a": [[1], [0], [0], [0]], "cg": [[0, 0], [1, 0], [0, 1], [0, 0]]}
    graph = helper.make_graph(
        [
            helper.make_node("Slice", ["input", *constants], ["second"]),
            helper.make_node("Squeeze", ["second", "base_axis"], ["bases"]),
            helper.make_node("MatMul", ["bases", "a"], ["is/a:0"]),
            helper.make_node("MatMul", ["bases", "cg"], ["is/cg:0"]),
        ],
        "two_outputs",
        [helper.make_tensor_value_info("input", TensorProto.FLOAT, ["N", length, 4])],
        [
            helper.make_tensor_value_info("is/a:0", TensorProto.FLOAT, ["N", 1]),
            helper.make_tensor_value_info("is/cg:0", TensorProto.FLOAT, ["N", 2]),
        ],
        [
            *(numpy_helper.from_array(np.array(values, np.int64), name) for name, values in constants.items()),
            *(numpy_helper.from_array(np.array(values, np.float32), name) for name, values in weights.items()),
        ],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def save(model, folder, name="network.onnx"):
    path = folder / name
    onnx.save(model, path)
    return path
