import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from onnx import TensorProto, helper, numpy_helper
from onnx.reference import ReferenceEvaluator

from zoo.model.folding import fold


def run(operator, inputs, outputs=1, **attributes):
    """Return what the reference implementation makes of a node, and what is folded."""
    names = ["" if value is None else f"in_{number}" for number, value in enumerate(inputs)]
    node = helper.make_node(operator, names, [f"out_{number}" for number in range(outputs)], **attributes)
    given_values = {name: value for name, value in zip(names, inputs, strict=True) if name}
    expected = ReferenceEvaluator(node, opsets={"": 18}).run(None, given_values)
    return expected, fold(node, inputs, [None if value is None else value.shape for value in inputs])


def integers(*values):
    return np.array(values, np.int64)


SHAPE = integers(2, 3, 5)


@pytest.mark.parametrize(
    ("operator", "inputs", "attributes"),
    [
        ("Abs", [integers(-2, 3)], {}),
        ("Add", [SHAPE, integers(7)], {}),
        ("And", [np.array([True, False]), np.array([True])], {}),
        ("Cast", [SHAPE], {"to": TensorProto.FLOAT}),
        ("Ceil", [np.array([1.5], np.float32)], {}),
        ("Concat", [SHAPE, integers(7)], {"axis": 0}),
        ("Constant", [], {"value": numpy_helper.from_array(SHAPE)}),
        ("Constant", [], {"value_int": 3}),
        ("Constant", [], {"value_ints": [3, 4]}),
        ("Constant", [], {"value_float": 1.5}),
        ("ConstantOfShape", [integers(2, 3)], {}),
        ("ConstantOfShape", [integers(2)], {"value": numpy_helper.from_array(integers(7))}),
        ("Div", [integers(7, -7, 7, -7), integers(2, 2, -2, -2)], {}),
        ("Div", [np.array([7.0], np.float32), np.array([2.0], np.float32)], {}),
        ("Equal", [SHAPE, integers(3)], {}),
        ("Expand", [integers(1), integers(2, 3)], {}),
        ("Floor", [np.array([-1.5], np.float32)], {}),
        ("Gather", [SHAPE, np.array(-1, np.int64)], {}),
        ("Gather", [SHAPE, integers(0, 2)], {"axis": 0}),
        ("Greater", [SHAPE, integers(3)], {}),
        ("GreaterOrEqual", [SHAPE, integers(3)], {}),
        ("Identity", [SHAPE], {}),
        ("Less", [SHAPE, integers(3)], {}),
        ("LessOrEqual", [SHAPE, integers(3)], {}),
        ("Max", [SHAPE, integers(3), integers(4)], {}),
        ("Min", [SHAPE, integers(3)], {}),
        ("Min", [SHAPE], {}),
        ("Mod", [integers(7, -7), integers(3)], {}),
        ("Mod", [integers(7, -7), integers(3)], {"fmod": 1}),
        ("Mul", [SHAPE, integers(7)], {}),
        ("Neg", [SHAPE], {}),
        ("Not", [np.array([True])], {}),
        ("Or", [np.array([True, False]), np.array([False])], {}),
        ("Range", [np.array(value, np.int64) for value in (2, 11, 3)], {}),
        ("Range", [np.array(value, np.int64) for value in (5, 0, -2)], {}),
        ("ReduceMax", [SHAPE], {"keepdims": 0}),
        ("ReduceMin", [SHAPE, integers(0)], {}),
        ("ReduceProd", [SHAPE], {"keepdims": 0}),
        ("ReduceSum", [SHAPE, integers(0)], {"keepdims": 1}),
        ("ReduceSum", [SHAPE], {"noop_with_empty_axes": 1}),
        ("Reshape", [integers(1, 2, 3, 4), integers(2, -1)], {}),
        ("Reshape", [SHAPE, integers(0, 1)], {}),
        ("Slice", [SHAPE, integers(1), integers(2**62)], {}),
        ("Slice", [SHAPE, integers(-1), integers(-(2**62)), integers(0), integers(-1)], {}),
        ("Slice", [SHAPE, integers(0), integers(-1), None, integers(2)], {}),
        ("Slice", [SHAPE.reshape(1, 3), integers(1), integers(3), integers(1)], {}),
        ("Sqrt", [np.array([4.0], np.float32)], {}),
        ("Squeeze", [SHAPE.reshape(1, 3), integers(0)], {}),
        ("Squeeze", [SHAPE.reshape(1, 3)], {}),
        ("Sub", [SHAPE, integers(7)], {}),
        ("Tile", [SHAPE, integers(2)], {}),
        ("Transpose", [SHAPE.reshape(1, 3)], {}),
        ("Transpose", [SHAPE.reshape(1, 3, 1)], {"perm": [1, 0, 2]}),
        ("Unsqueeze", [SHAPE, integers(0, 2)], {}),
        ("Where", [np.array([True, False, True]), SHAPE, integers(-1)], {}),
        ("Shape", [SHAPE.reshape(1, 3)], {}),
        ("Shape", [SHAPE.reshape(1, 3, 1)], {"start": 1, "end": -1}),
        ("Size", [SHAPE.reshape(1, 3)], {}),
    ],
)
def test_what_is_folded_is_what_the_operator_is_defined_to_be(operator, inputs, attributes):
    expected, found = run(operator, inputs, **attributes)
    assert found is not None
    assert len(found) == len(expected)
    for one, other in zip(expected, found, strict=True):
        assert (np.asarray(one).dtype, np.asarray(one).shape) == (other.dtype, other.shape)
        np.testing.assert_array_equal(one, other)


def test_a_split_gives_each_part():
    expected, found = run("Split", [SHAPE, integers(1, 2)], outputs=2)
    assert [part.tolist() for part in found] == [part.tolist() for part in expected] == [[2], [3, 5]]


@given(st.lists(st.integers(-5, 5), min_size=1, max_size=6), st.data())
def test_any_slice_is_as_defined(values, data):
    step = data.draw(st.integers(-3, 3).filter(bool))
    # From before the first element the reference goes backwards as numpy does: see below.
    start, end = data.draw(st.integers(-8 if step > 0 else -len(values), 8)), data.draw(st.integers(-8, 8))
    inputs = [integers(*values), integers(start), integers(end), integers(0), integers(step)]
    expected, found = run("Slice", inputs)
    assert found[0].tolist() == expected[0].tolist()


def test_a_slice_backwards_from_before_the_first_element_has_the_first():
    # The standard clamps a start to the elements that there are; numpy finds nothing.
    node = helper.make_node("Slice", ["a", "b", "c", "d", "e"], ["f"])
    inputs = [SHAPE, integers(-100), integers(-(2**62)), integers(0), integers(-1)]
    assert [values.tolist() for values in fold(node, inputs, [])] == [[2]]
    assert [values.tolist() for values in fold(node, [integers(), *inputs[1:]], [])] == [[]]


def floats(*values):
    return np.array(values, np.float32)


@pytest.mark.parametrize(
    ("operator", "inputs", "attributes"),
    [
        ("ReduceMax", [floats(2**33, np.nan)], {}),
        ("Max", [floats(np.nan), floats(1)], {}),
        ("Neg", [floats(np.inf)], {}),
        ("Mul", [floats(3e38), floats(3e38)], {}),
        ("Add", [np.array([1], np.float16), np.array([1], np.float16)], {}),
        ("Cast", [floats(1e20)], {"to": TensorProto.INT32}),
        ("Cast", [floats(-1)], {"to": TensorProto.UINT32}),
        ("ReduceSum", [floats(2**24, 1, 1)], {}),
        ("ReduceProd", [floats(0.1, 0.1, 0.1)], {}),
        ("Range", [np.float32(value) for value in (0, 1, 0.1)], {}),
        ("Range", [np.array(value, np.int64) for value in (-(2**60), 2**60 + 1, 2**52)], {}),
        ("Div", [SHAPE, integers(0)], {}),
        ("Mod", [SHAPE, integers(0)], {}),
    ],
)
def test_what_processors_find_different_numbers_for_is_unknown(operator, inputs, attributes):
    node = helper.make_node(operator, [f"in_{number}" for number in range(len(inputs))], ["out"], **attributes)
    assert fold(node, inputs, [value.shape for value in inputs]) is None


@pytest.mark.parametrize(
    ("operator", "inputs"),
    [
        ("Tile", [SHAPE, integers(2**40)]),
        ("ConstantOfShape", [integers(2**40)]),
        ("ConstantOfShape", [integers(0, 2**62)]),
        ("Expand", [integers(1), integers(2**40)]),
        ("Range", [np.array(value, np.int64) for value in (0, 2**62, 1)]),
        ("Range", [np.array(value, np.int64) for value in (0, 1, 0)]),
        ("Reshape", [SHAPE, integers(7)]),
        ("Gather", [SHAPE, integers(99)]),
        ("Add", [SHAPE, integers(1, 2)]),
        ("Slice", [SHAPE, integers(0), integers(1), integers(99)]),
    ],
)
def test_what_would_be_large_or_is_wrong_is_not_made(operator, inputs):
    node = helper.make_node(operator, [f"in_{number}" for number in range(len(inputs))], ["out"])
    assert fold(node, inputs, [value.shape for value in inputs]) is None
