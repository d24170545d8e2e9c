"""Graphs of 16 bits."""

import numpy as np
import onnx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from ml_dtypes import bfloat16
from onnx import TensorProto, helper, numpy_helper
from onnx.reference import ReferenceEvaluator

from tests.model.networks import draw_codes, make_card, make_convolution, make_network
from zoo.errors import ModelError
from zoo.genome.codes import one_hot
from zoo.model.graph import check_graph
from zoo.model.precision import find_lowered, lower_to_half, round_to_bfloat16
from zoo.model.session import Session

HALVES = ["float16", "bfloat16"]


def types_read(model):
    """The element types that each operator of a graph reads."""
    types = {
        value.name: value.type.tensor_type.elem_type
        for value in (*onnx.shape_inference.infer_shapes(model).graph.value_info, *model.graph.input)
    }
    types.update({tensor.name: tensor.data_type for tensor in model.graph.initializer})
    found = {}
    for node in model.graph.node:
        found.setdefault(node.op_type, set()).update(types[name] for name in node.input)
    return found


def dense(operator):
    """The sum of a window's A, and one operator on it."""
    weights = {"flat": np.array([0, 36]), "kernel": np.tile(np.float32([1, 0, 0, 0]), 9)[:, np.newaxis]}
    nodes = [
        helper.make_node("Reshape", ["sequence", "flat"], ["flattened"]),
        helper.make_node("MatMul", ["flattened", "kernel"], ["count"]),
        operator,
    ]
    return make_network(nodes, weights)


@pytest.mark.parametrize("precision", HALVES)
def test_inputs_and_outputs_stay_float32(precision):
    lowered = lower_to_half(make_convolution(), precision)
    onnx.checker.check_model(lowered, full_check=True)
    check_graph(lowered, make_card())


@pytest.mark.parametrize("precision", HALVES)
def test_the_given_network_stays_as_it_is(precision):
    network = make_convolution()
    before = network.SerializeToString()
    lower_to_half(network, precision)
    assert network.SerializeToString() == before


def test_float16_is_what_layers_read_and_float32_what_loses_range():
    read = types_read(lower_to_half(make_convolution(tail=("Sigmoid", "Exp")), "float16"))
    assert read["Conv"] == {TensorProto.FLOAT16}
    assert read["MatMul"] == {TensorProto.FLOAT16}
    assert read["Exp"] == {TensorProto.FLOAT}


def test_float16_rounds_weights():
    kernel = {tensor.name: tensor for tensor in make_convolution().graph.initializer}["kernel"]
    lowered = {tensor.name: tensor for tensor in lower_to_half(make_convolution(), "float16").graph.initializer}
    assert "kernel" not in lowered
    expected = numpy_helper.to_array(kernel).astype(np.float16)
    assert np.array_equal(numpy_helper.to_array(lowered["kernel__float16"]), expected)


def test_float16_predicts_nearly_the_same_and_not_the_same():
    codes = draw_codes(50)
    plain = Session(make_convolution(), make_card(), "cpu").predict(codes)["prediction"]
    low = Session(lower_to_half(make_convolution(), "float16"), make_card(), "cpu").predict(codes)["prediction"]
    assert 0 < np.abs(plain - low).max() < 2e-3


def test_what_reaches_too_far_for_float16_stays_float32():
    network = make_convolution(rectifier="Exp")
    assert "rectified" in find_lowered(network)
    ranges = dict.fromkeys(find_lowered(network), (0.0, 1.0))
    assert types_read(lower_to_half(network, "float16", ranges))["MaxPool"] == {TensorProto.FLOAT16}
    wide = lower_to_half(network, "float16", {**ranges, "rectified": (0.0, 60_000.0)})
    assert types_read(wide)["MaxPool"] == {TensorProto.FLOAT}
    assert types_read(wide)["Conv"] == {TensorProto.FLOAT16}


def test_a_weight_that_float16_does_not_hold_stays_float32():
    network = dense(helper.make_node("Mul", ["count", "million"], ["prediction"]))
    network.graph.initializer.append(numpy_helper.from_array(np.float32([1e6]), "million"))
    lowered = Session(lower_to_half(network, "float16"), make_card(), "cpu")
    assert lowered.predict(np.zeros((1, 9), np.uint8))["prediction"].tolist() == [[9e6]]


def test_a_tensor_that_both_kinds_read_is_there_in_both():
    network = dense(helper.make_node("Exp", ["count"], ["power"]))
    network.graph.node.append(helper.make_node("Relu", ["count"], ["kept"]))
    network.graph.node.append(helper.make_node("Pow", ["kept", "power"], ["prediction"]))
    lowered = lower_to_half(network, "float16")
    onnx.checker.check_model(lowered, full_check=True)
    one_a = np.array([[0, 1, 1, 1, 1, 1, 1, 1, 1]], dtype=np.uint8)
    assert Session(lowered, make_card(), "cpu").predict(one_a)["prediction"].tolist() == [[1.0]]


def test_a_graph_inside_an_operator_reads_float32():
    """Of a window with an A, twice the number of A."""
    inner = helper.make_graph(
        [helper.make_node("Add", ["kept", "kept"], ["twice"])],
        "then",
        [],
        [helper.make_tensor_value_info("twice", TensorProto.FLOAT, None)],
    )
    other = helper.make_graph(
        [helper.make_node("Identity", ["kept"], ["same"])],
        "else",
        [],
        [helper.make_tensor_value_info("same", TensorProto.FLOAT, None)],
    )
    network = dense(helper.make_node("ReduceMax", ["count"], ["most"], keepdims=0))
    network.graph.node.append(helper.make_node("Relu", ["count"], ["kept"]))
    network.graph.initializer.append(numpy_helper.from_array(np.float32(0), "nothing"))
    network.graph.node.append(helper.make_node("Greater", ["most", "nothing"], ["any"]))
    network.graph.node.append(helper.make_node("If", ["any"], ["chosen"], then_branch=inner, else_branch=other))
    network.graph.initializer.append(numpy_helper.from_array(np.array([-1, 1]), "column"))
    network.graph.node.append(helper.make_node("Reshape", ["chosen", "column"], ["prediction"]))
    for precision in HALVES:
        session = Session(lower_to_half(network, precision), make_card(), "cpu")
        assert session.predict(np.zeros((1, 9), np.uint8))["prediction"].tolist() == [[18.0]]


def test_bfloat16_rounds_weights_and_activations_of_each_layer():
    network = make_convolution(tail=())
    weights = {tensor.name: numpy_helper.to_array(tensor) for tensor in network.graph.initializer}

    def rounded(values):
        return np.asarray(values).astype(bfloat16).astype(np.float32)

    windows = one_hot(draw_codes(20))
    padded = np.pad(windows, ((0, 0), (1, 1), (0, 0)))
    stretches = np.stack([padded[:, first : first + 9] for first in range(3)], axis=-1)  # (N, 9, 4, 3)
    sums = np.einsum("nlck,fck->nlf", stretches, rounded(weights["kernel"])) + rounded(weights["bias"])
    features = rounded(np.maximum(rounded(sums), 0)).reshape(20, 3, 3, 8).max(axis=2)
    product = rounded(features.transpose(0, 2, 1).reshape(20, 24) @ rounded(weights["dense"]))
    expected = rounded(product + rounded(weights["dense_bias"]))
    lowered = lower_to_half(network, "bfloat16")
    for found in (
        ReferenceEvaluator(lowered).run(None, {"sequence": windows})[0],
        Session(lowered, make_card(), "cpu").predict(draw_codes(20))["prediction"],
    ):
        # Sums in another order may round to the neighbour, 1/128 away; nearly none does.
        assert np.mean(found == expected) > 0.9
        assert np.allclose(found, expected, rtol=0.02, atol=0.02)


@given(st.lists(st.floats(width=32), min_size=1, max_size=20))
def test_rounding_to_bfloat16_is_that_of_ieee(values):
    floats = np.array(values, dtype=np.float32)
    with np.errstate(over="ignore"):
        expected = floats.astype(bfloat16).astype(np.float32)
    assert np.array_equal(round_to_bfloat16(floats), expected, equal_nan=True)


@pytest.mark.parametrize(
    ("value", "rounded"),
    [
        pytest.param(1 + 2**-8, 1.0, id="a tie goes down to the even neighbour"),
        pytest.param(1 + 3 * 2**-8, 1 + 2**-6, id="a tie goes up to the even neighbour"),
        pytest.param(1 + 2**-8 + 2**-20, 1 + 2**-7, id="above a tie"),
        pytest.param(np.inf, np.inf, id="infinity"),
        pytest.param(np.array(0x7FFFFFFF, np.uint32).view(np.float32), np.nan, id="no number, all bits set"),
    ],
)
def test_rounding_to_bfloat16(value, rounded):
    found = round_to_bfloat16(np.array([value], dtype=np.float32))
    assert np.array_equal(found, np.array([rounded], np.float32), equal_nan=True)


def test_a_weight_in_a_node_is_rounded_like_any_other_and_the_node_goes():
    network = make_convolution()
    (kernel,) = (tensor for tensor in network.graph.initializer if tensor.name == "kernel")
    network.graph.node.insert(0, helper.make_node("Constant", [], ["kernel"], value=kernel))
    network.graph.initializer.remove(kernel)
    lowered = lower_to_half(network, "float16")
    assert "Constant" not in {node.op_type for node in lowered.graph.node}
    assert types_read(lowered)["Conv"] == {TensorProto.FLOAT16}


def test_a_graph_too_old_is_told():
    network = make_convolution()
    network.opset_import[0].version = 12
    with pytest.raises(
        ModelError, match=r"^precision bfloat16 needs a network of opset 13, found 12; export it again$"
    ):
        lower_to_half(network, "bfloat16")
