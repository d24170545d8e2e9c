import numpy as np
import pytest

from zoo.network.sizes import WINDOWS, read_target, reckon_sizes

SHAPE = np.array([WINDOWS, 3.0, 5.0])


def reckon(op_type, *operands, **attributes):
    return reckon_sizes(op_type, [np.asarray(operand, np.float64) for operand in operands], attributes)


@pytest.mark.parametrize(
    ("op_type", "operands", "attributes", "expected"),
    [
        ("Gather", (SHAPE, 2), {}, 5),
        ("Gather", (SHAPE, 0), {"axis": 0}, WINDOWS),
        ("Gather", (SHAPE, [1, 2]), {"axis": 0}, [3, 5]),
        ("Unsqueeze", (5, [0]), {}, [5]),
        ("Squeeze", ([5], [0]), {}, 5),
        ("Concat", ([WINDOWS], [-1]), {"axis": 0}, [WINDOWS, -1]),
        ("Slice", (SHAPE, [1], [2**63 - 1]), {}, [3, 5]),
        ("Slice", (SHAPE, [0], [-1], [0]), {}, [WINDOWS, 3]),
        ("Cast", (SHAPE,), {"to": 7}, SHAPE),
        ("Add", (5, 3), {}, 8),
        ("Sub", (5, 3), {}, 2),
        ("Mul", (5, 3), {}, 15),
        ("Mul", (WINDOWS, 3), {}, WINDOWS),
        ("Div", (5, 2), {}, 2),
    ],
    ids=lambda one: one if isinstance(one, str) else "",
)
def test_sizes_are_reckoned_as_the_operator_does(op_type, operands, attributes, expected):
    np.testing.assert_array_equal(reckon(op_type, *operands, **attributes), expected)


def test_other_operators_reckon_nothing():
    assert reckon("Range", 0, 5, 1) is None
    assert reckon("Slice", [[1, 2]], [0], [1]) is None


def test_a_target_copies_the_number_of_windows():
    assert read_target(np.array([WINDOWS, -1.0])) == [0, -1]
    assert read_target(np.array([-1.0, 15.0])) == [-1, 15]


def test_a_target_with_the_number_of_windows_elsewhere_is_none():
    assert read_target(np.array([3.0, WINDOWS])) is None
    assert read_target(np.array(WINDOWS)) is None
