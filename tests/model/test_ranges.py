import numpy as np
import pytest

from tests.model.steps import make
from zoo.errors import UnsafeModel
from zoo.model import walking
from zoo.model.ranges import count_range
from zoo.model.sizes import reckon_need


@pytest.mark.parametrize(
    ("numbers", "found"),
    [
        ((0, 36, 4), 9),
        ((0, 1, 0.25), 4 + 2),  # of fractions, which ONNX Runtime rounds, there may be more
        ((5, 0, 1), 0),
    ],
)
def test_the_numbers_of_a_range_are_counted(numbers, found):
    start, limit, step = (np.float32(number) for number in numbers)
    model = make(("Range", ["a", "b", "c"], "result"), a=start, b=limit, c=step)
    assert next(size for name, _, size in walking.Walk(model, model.graph.input, None, 1, "").seen) == 4 * found


@pytest.mark.parametrize(("numbers", "width", "expected"), [((0, 10, 3), 8, (4, True)), ((3, 0, -1), 4, (3, True)),
                                                           ((0, 2**24, 1), 4, (2**24 + 16 + 2, False))])  # fmt: skip
def test_whether_there_are_just_as_many_is_told(numbers, width, expected):
    assert count_range("range", numbers, width) == expected


@pytest.mark.parametrize(
    "numbers",
    [
        np.array([-1e308, 1e308, 5e-324]),
        np.array([-3e38, 3e38, 1e-45], np.float32),
        np.array([2**62, -(2**62) - 2**61, 1]),  # whose difference turns its sign in 64 bits
        np.array([2**30, -(2**30), 1], np.int32),
    ],
)
def test_a_range_whose_ends_are_far_apart_is_refused(numbers):
    start, limit, step = numbers
    model = make(("Range", ["a", "b", "c"], "result"), a=start, b=limit, c=step)
    with pytest.raises(UnsafeModel, match=r"Range 'result': expected numbers less than [\d,]+ apart"):
        reckon_need(model)


@pytest.mark.parametrize("numbers", [(0, 1, 0), (0, float("nan"), 1), (0, float("inf"), 1)])
def test_a_range_without_an_end_is_refused(numbers):
    with pytest.raises(UnsafeModel, match=r"^range: expected steps that lead to an end, found \[0, "):
        count_range("range", numbers, 8)
