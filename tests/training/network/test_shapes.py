import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from onnx.reference import ReferenceEvaluator

from zoo.training.network.shapes import compute_shapes

LENGTH = 6


def make_transposed(*nodes, constants=None, convolution="ConvTranspose"):
    """A transposed convolution of ``input`` (N, 4, L), ``hidden`` (N, 3, 2 L), and nodes that make ``answer`` of it."""
    kernel = np.random.default_rng(0).normal(size=(4, 3, 2)).astype(np.float32)
    nodes = [helper.make_node(convolution, ["input", "kernel"], ["hidden"], strides=[2]), *nodes]
    graph = helper.make_graph(
        nodes,
        "network",
        [helper.make_tensor_value_info("input", TensorProto.FLOAT, ["N", 4, LENGTH])],
        [helper.make_tensor_value_info("answer", TensorProto.FLOAT, None)],
        [
            numpy_helper.from_array(kernel if convolution == "ConvTranspose" else kernel.swapaxes(0, 1), "kernel"),
            *(numpy_helper.from_array(np.array(values), name) for name, values in (constants or {}).items()),
        ],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=8)


def list_operators(model):
    return [node.op_type for node in model.graph.node]


def run(model, sequences=2):
    windows = np.random.default_rng(1).normal(size=(sequences, 4, LENGTH)).astype(np.float32)
    return ReferenceEvaluator(model).run(None, {"input": windows})[0]


PADDING = (
    helper.make_node("Shape", ["hidden"], ["shape"]),
    helper.make_node("Slice", ["shape", "two", "three", "zero"], ["length"]),
    helper.make_node("Sub", ["wanted", "length"], ["missing"]),
    helper.make_node("Max", ["missing", "zero"], ["lacking"]),
    helper.make_node("Div", ["lacking", "two"], ["half"]),
    helper.make_node("Concat", ["zero", "zero", "half", "zero", "zero", "half"], ["pads"], axis=0),
    helper.make_node("Pad", ["hidden", "pads"], ["answer"]),
)
NUMBERS = {"zero": [0], "two": [2], "three": [3], "wanted": [16]}


def test_sizes_that_are_known_become_constants():
    model = make_transposed(*PADDING, constants=NUMBERS)
    expected = run(model)
    compute_shapes(model)
    onnx.checker.check_model(onnx.shape_inference.infer_shapes(model), full_check=True)
    assert list_operators(model) == ["ConvTranspose", "Pad"]
    (pads,) = [tensor for tensor in model.graph.initializer if tensor.name == "pads"]
    assert numpy_helper.to_array(pads).tolist() == [0, 0, 2, 0, 0, 2]
    assert [tensor.name for tensor in model.graph.initializer if tensor.name in NUMBERS] == []
    assert np.array_equal(run(model), expected)
    assert expected.shape == (2, 3, 16)


def test_what_follows_from_the_number_of_sequences_stays():
    nodes = (
        helper.make_node("Shape", ["hidden"], ["shape"]),
        helper.make_node("Gather", ["shape", "first"], ["sequences"]),
        helper.make_node("Unsqueeze", ["sequences", "zero"], ["rows"]),
        helper.make_node("Concat", ["rows", "rest"], ["flat"], axis=0),
        helper.make_node("Reshape", ["hidden", "flat"], ["answer"]),
    )
    model = make_transposed(*nodes, constants={"first": 0, "zero": [0], "rest": [36]})
    compute_shapes(model)
    assert list_operators(model) == ["ConvTranspose", *(node.op_type for node in nodes)]
    assert run(model, sequences=5).shape == (5, 36)


def test_sizes_that_follow_from_others_are_found_too():
    """The second shape is known once the pads of the first are."""
    again = tuple(
        helper.make_node(
            node.op_type,
            [{"hidden": "answer"}.get(name, name if name in NUMBERS else f"{name}_2") for name in node.input],
            [{"answer": "last"}.get(name, f"{name}_2") for name in node.output],
            **{attribute.name: helper.get_attribute_value(attribute) for attribute in node.attribute},
        )
        for node in PADDING
    )
    model = make_transposed(*PADDING, *again, constants=NUMBERS)
    model.graph.output[0].name = "last"
    compute_shapes(model)
    assert list_operators(model) == ["ConvTranspose", "Pad", "Pad"]
    assert run(model).shape == (2, 3, 16)


def test_a_graph_without_transposed_convolutions_is_left_as_it_is():
    model = make_transposed(*PADDING, constants=NUMBERS, convolution="Conv")
    before = model.SerializeToString(deterministic=True)
    compute_shapes(model)
    assert model.SerializeToString(deterministic=True) == before


@pytest.mark.parametrize(
    ("operator", "inputs", "expected"),
    [
        ("Add", ["seven", "two"], [9]),
        ("Sub", ["two", "seven"], [-5]),
        ("Mul", ["seven", "two"], [14]),
        ("Div", ["seven", "two"], [3]),
        ("Div", ["minus_seven", "two"], [-3]),
        ("Neg", ["seven"], [-7]),
        ("Max", ["two", "seven", "minus_seven"], [7]),
        ("Min", ["two", "seven", "minus_seven"], [-7]),
        ("Identity", ["seven"], [7]),
        ("Gather", ["several", "places"], [30, 10]),
        ("Slice", ["several", "two", "zero", "zero", "minus_one"], [30, 20]),
        ("Slice", ["several", "zero", "two"], [10, 20]),
        ("Squeeze", ["seven"], 7),
        ("Unsqueeze", ["scalar", "zero"], [5]),
    ],
)
def test_numbers_are_computed_as_onnx_has_them(operator, inputs, expected):
    constants = {
        "zero": [0], "two": [2], "seven": [7], "minus_seven": [-7], "minus_one": [-1], "several": [10, 20, 30],
        "places": [2, 0], "scalar": 5,
    }  # fmt: skip
    nodes = (
        helper.make_node(operator, inputs, ["number"]),
        helper.make_node("Cast", ["number"], ["as_float"], to=TensorProto.FLOAT),
        helper.make_node("Add", ["hidden", "as_float"], ["sum"]),
        helper.make_node("Identity", ["sum"], ["answer"]),
    )
    if np.size(expected) == 3 or np.size(expected) == 2:  # such as no tensor of this width can be added to
        nodes = (nodes[0], nodes[1], helper.make_node("ReduceSum", ["as_float"], ["total"], keepdims=0),
                 helper.make_node("Add", ["hidden", "total"], ["answer"]))  # fmt: skip
    model = make_transposed(*nodes, constants=constants)
    before = run(model)
    compute_shapes(model)
    (computed,) = [tensor for tensor in model.graph.initializer if tensor.name == "number"]
    assert numpy_helper.to_array(computed).tolist() == expected
    assert np.array_equal(run(model), before)


@pytest.mark.parametrize(("inputs", "options"), [(["several", "sizes"], {}), (["several"], {"num_outputs": 2})])
def test_a_split_gives_each_part(inputs, options):
    nodes = (
        helper.make_node("Split", inputs, ["first", "rest"], axis=0, **options),
        helper.make_node("Gather", ["first", "one"], ["number"]),
        helper.make_node("Cast", ["number"], ["as_float"], to=TensorProto.FLOAT),
        helper.make_node("Add", ["hidden", "as_float"], ["answer"]),
    )
    model = make_transposed(*nodes, constants={"several": [10, 20, 30, 40], "sizes": [2, 2], "one": 1})
    compute_shapes(model)
    assert list_operators(model) == ["ConvTranspose", "Cast", "Add"]
    (number,) = [tensor for tensor in model.graph.initializer if tensor.name == "number"]
    assert numpy_helper.to_array(number).tolist() == 20


def test_nothing_is_said_of_a_division_by_0():
    nodes = (
        helper.make_node("Div", ["two", "zero"], ["number"]),
        helper.make_node("Cast", ["number"], ["as_float"], to=TensorProto.FLOAT),
        helper.make_node("Add", ["hidden", "as_float"], ["answer"]),
    )
    model = make_transposed(*nodes, constants={"two": [2], "zero": [0]})
    compute_shapes(model)
    assert list_operators(model) == ["ConvTranspose", "Div", "Cast", "Add"]


def test_what_a_branch_reads_from_outside_stays():
    branch = helper.make_graph(
        [helper.make_node("Reshape", ["hidden", "flat"], ["inner"])],
        "branch",
        [],
        [helper.make_tensor_value_info("inner", TensorProto.FLOAT, None)],
    )
    nodes = (
        helper.make_node("Shape", ["hidden"], ["shape"]),
        helper.make_node("Slice", ["shape", "one", "three"], ["sizes"]),
        helper.make_node("Concat", ["all", "sizes"], ["flat"], axis=0),
        helper.make_node("If", ["yes"], ["answer"], then_branch=branch, else_branch=branch),
    )
    model = make_transposed(*nodes, constants={"one": [1], "three": [3], "all": [-1], "yes": True})
    compute_shapes(model)
    assert list_operators(model) == ["ConvTranspose", "If"]
    assert run(model).shape == (2, 3, 12)
