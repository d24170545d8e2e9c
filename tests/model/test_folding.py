import numpy as np
from onnx import helper

from zoo.model.folding import fold

SHAPE = np.array([2, 3, 5])


def test_what_is_unknown_or_has_no_rule_stays_unknown():
    node = helper.make_node("Add", ["a", "b"], ["c"])
    assert fold(node, [SHAPE, None], [(3,), (3,)]) is None
    assert fold(helper.make_node("Conv", ["a", "b"], ["c"]), [SHAPE, SHAPE], [(3,), (3,)]) is None
    assert fold(helper.make_node("Shape", ["a"], ["b"]), [None], [None]) is None


def test_the_shape_of_what_is_unknown_is_known_if_its_shape_is():
    (found,) = fold(helper.make_node("Shape", ["a"], ["b"]), [None], [(7, 9)])
    assert found.tolist() == [7, 9]
