import numpy as np
import pytest
from onnx import TensorProto, helper, numpy_helper

from tests.model.steps import make
from zoo.errors import UnsafeModel
from zoo.model.growth import MANY, compare_shape, follow_growth
from zoo.model.sizes import reckon_need


def integers(*values):
    return np.array(values, np.int64)


N = integers(6)  # of 6 for each window


def follow(operator, inputs, masks, results, **attributes):
    node = helper.make_node(operator, [f"in_{number}" for number in range(len(inputs))], ["out"], **attributes)
    given = [None if mask is None else np.array(mask) for mask in masks]
    found = follow_growth(node, inputs, given, results)
    return None if found is None else [None if mask is None else mask.tolist() for mask in found]


YES, NO = [True], None


@pytest.mark.parametrize(
    ("operator", "inputs", "masks", "result", "expected"),
    [
        ("Mul", [N, integers(2)], [YES, NO], integers(12), YES),
        ("Mul", [N, integers(0)], [YES, NO], integers(0), NO),
        ("Add", [N, integers(0)], [YES, NO], integers(6), YES),
        ("Add", [N, N], [YES, YES], integers(12), YES),
        ("Div", [N, integers(3)], [YES, NO], integers(2), YES),
        ("Max", [N, N], [YES, YES], N, YES),
        ("Max", [N, integers(1)], [YES, NO], N, YES),
        ("Equal", [N, integers(-1)], [YES, NO], np.array([False]), NO),
        ("Gather", [integers(6, 9), integers(0)], [[True, False], NO], integers(6), YES),
        ("Gather", [integers(6, 9), integers(1)], [[True, False], NO], integers(9), NO),
        ("ReduceProd", [integers(6, 9)], [[True, False]], integers(54), YES),
        ("Where", [np.array([True]), N, integers(3)], [NO, YES, NO], integers(6), YES),
        ("Where", [np.array([False]), N, integers(3)], [NO, YES, NO], integers(3), NO),
    ],
)
def test_multiples_of_the_windows_are_followed(operator, inputs, masks, result, expected):
    assert follow(operator, inputs, masks, [result]) == [expected]


@pytest.mark.parametrize(
    ("operator", "inputs", "masks", "result"),
    [
        ("Mul", [N, N], [YES, YES], integers(36)),
        ("Mul", [N, integers(-1)], [YES, NO], integers(-6)),
        ("Mul", [N, integers(2**40)], [YES, NO], integers(6 * 2**40)),  # too large for 64 bits, for enough windows
        ("Add", [N, integers(1)], [YES, NO], integers(7)),
        ("Add", [integers(1), N], [NO, YES], integers(7)),
        ("Sub", [N, integers(1)], [YES, NO], integers(5)),
        ("Mod", [N, integers(15)], [YES, NO], integers(6)),
        ("Div", [N, integers(4)], [YES, NO], integers(1)),
        ("Max", [N, integers(7)], [YES, NO], integers(7)),
        ("Max", [integers(7), N], [NO, YES], integers(7)),
        ("Max", [N, N, N], [YES, YES, YES], N),
        ("Div", [integers(12), N], [NO, YES], integers(2)),
        ("Equal", [N, integers(64)], [YES, NO], np.array([False])),
        ("Less", [integers(64), N], [NO, YES], np.array([False])),
        ("Equal", [N, N], [YES, YES], np.array([True])),
        ("Gather", [integers(*range(9)), N], [NO, YES], N),
        ("ReduceProd", [integers(6, 6)], [[True, True]], integers(36)),
        ("Where", [np.array([True]), N, N], [YES, NO, NO], N),
    ],
)
def test_what_other_arithmetic_makes_of_the_windows_is_unknown(operator, inputs, masks, result):
    assert follow(operator, inputs, masks, [result]) is None


@pytest.mark.parametrize(
    ("kind", "known"), [(np.int32, True), (np.int64, True), (np.int16, False), (np.float32, False)]
)
def test_numbers_of_windows_stay_whole_and_of_enough_bits(kind, known):
    found = follow("Cast", [N], [YES], [N.astype(kind)], to=TensorProto.INT32)
    assert (found is not None) == known


def test_a_shape_tells_which_of_its_axes_grow():
    assert compare_shape((1, 9, 4), (MANY, 9, 4), whole=False).tolist() == [True, False, False]
    assert compare_shape((1, 9, 4), (MANY, 9, 4), whole=True).tolist() is True
    assert compare_shape((1, 1), (MANY, MANY), whole=True) is None
    assert compare_shape((1, 9), None, whole=False) is None


@pytest.mark.parametrize("operator", ["Sub", "Mod", "Equal", "Min"])
def test_a_size_that_is_reckoned_of_the_windows_otherwise_than_in_multiples_is_refused(operator):
    # Each of them gives 0 or 1 for one window, and may give anything for others.
    model = make(
        ("Shape", ["sequence"], "s"), ("Gather", ["s", "zero"], "n"), (operator, ["n", "k"], "found"),
        ("Cast", ["found"], "size", {"to": 7}), ("ConstantOfShape", ["size"], "result"), zero=[0], k=[7],
    )  # fmt: skip
    with pytest.raises(UnsafeModel, match=r"result 'result': expected a size|ConstantOfShape 'result': |does not fit"):
        reckon_need(model)


def test_a_size_of_so_many_for_each_window_is_known():
    model = make(
        ("Shape", ["sequence"], "s"), ("Slice", ["s", "zero", "two"], "rows"), ("ReduceProd", ["rows"], "n"),
        ("ConstantOfShape", ["n"], "result", {"value": numpy_helper.from_array(np.zeros(1, np.float32))}),
        zero=[0], two=[2],
    )  # fmt: skip
    assert reckon_need(model).largest == 9 * 4 * 1
