import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from onnx.reference import ReferenceEvaluator

from tests.conversion.networks import make_look_up
from zoo.conversion.widening import widen

HALF = TensorProto.FLOAT16


def make_network(input_kind=TensorProto.FLOAT):
    """Twice a number, plus 1 from a branch, plus 0.1 as 16 bits have it: all in 16 bits but for the input."""
    branches = {
        name: helper.make_graph(
            [helper.make_node("Constant", [], [f"{name}_value"], value=numpy_helper.from_array(np.float16([value])))],
            name,
            [],
            [helper.make_tensor_value_info(f"{name}_value", HALF, [1])],
        )
        for name, value in (("then", 1), ("other", 2))
    }
    nodes = [
        helper.make_node("Cast", ["input"], ["halves"], to=HALF),
        helper.make_node("Mul", ["halves", "two"], ["doubled"]),
        helper.make_node("If", ["yes"], ["one"], then_branch=branches["then"], else_branch=branches["other"]),
        helper.make_node("Add", ["doubled", "one"], ["sum"]),
        helper.make_node("Add", ["sum", "tenth"], ["answer"]),
    ]
    graph = helper.make_graph(
        nodes,
        "network",
        [helper.make_tensor_value_info("input", input_kind, ["N", 1])],
        [helper.make_tensor_value_info("answer", HALF, ["N", 1])],
        [
            numpy_helper.from_array(np.float16([2]), "two"),
            numpy_helper.from_array(np.float16([0.1]), "tenth"),
            numpy_helper.from_array(np.array(True), "yes"),
        ],
        value_info=[helper.make_tensor_value_info("halves", HALF, ["N", 1])],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=8)


@pytest.mark.parametrize("input_kind", [TensorProto.FLOAT, HALF])
def test_whatever_has_16_bits_gets_32(input_kind):
    model = make_network(input_kind)
    assert widen(model)
    onnx.checker.check_model(model, full_check=True)
    (found,) = ReferenceEvaluator(model).run(None, {"input": np.array([[4097]], np.float32)})
    # 16 bits know neither 4097 nor the tenth behind it; their own tenth stays what it is.
    assert (found.dtype, found.tolist()) == (np.float32, [[np.float32(8195) + np.float32(np.float16(0.1))]])


def test_a_network_without_16_bits_is_left_as_it_is():
    model = make_look_up(dtype=np.float64)
    before = model.SerializeToString(deterministic=True)
    assert not widen(model)
    assert model.SerializeToString(deterministic=True) == before


def test_numbers_that_become_others_keep_their_kind():
    model = make_look_up()
    model.graph.node[-1].output[0] = "number"
    model.graph.node.append(helper.make_node("Cast", ["number"], ["whole"], to=TensorProto.INT32))
    model.graph.node.append(helper.make_node("Cast", ["whole"], ["answer"], to=TensorProto.FLOAT))
    assert not widen(model)
    assert model.graph.node[2].attribute[0].i == TensorProto.INT32
