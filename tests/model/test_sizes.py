import numpy as np
import pytest
from hypothesis import given
from onnx import TensorProto, helper, numpy_helper

from tests.model.steps import FLOATS, make, make_graph
from tests.network.random_graphs import random_models
from zoo.errors import UnsafeModel
from zoo.model import sizes
from zoo.model.card import Card
from zoo.model.shapes import infer_sizes
from zoo.model.sizes import Need, reckon_need
from zoo.model.work import CALL
from zoo.testing.models import CARD, make_base_at_anchor_graph, make_model


def test_a_card_says_how_long_free_axes_are():
    model = make(("Relu", ["sequence"], "result"), length="L")
    assert reckon_need(model) is None
    assert reckon_need(model, Card.model_validate(CARD)) == Need(2 * FLOATS, 72 + CALL)


def test_a_result_that_pairs_windows_is_refused():
    model = make(
        ("Reshape", ["sequence", "rows"], "flat"), ("Transpose", ["flat"], "turned"),
        ("MatMul", ["flat", "turned"], "result"), rows=[-1, 36],
    )  # fmt: skip
    with pytest.raises(UnsafeModel, match="result 'result': expected a size that grows with the number of windows"):
        reckon_need(model)


@pytest.mark.parametrize(
    "step",
    [
        pytest.param(("Slice", ["sequence", "ten", "hundred", "first"], "result"), id="windows beyond the tenth"),
        pytest.param(("Slice", ["sequence", "zero", "ten", "first"], "result"), id="ten windows"),
        pytest.param(("Concat", ["sequence", "row"], "result", {"axis": 0}), id="a window more"),
        pytest.param(("Resize", ["sequence", "", "by"], "result"), id="half of the windows"),
    ],
)
def test_an_axis_is_constant_or_so_long_for_each_window(step):
    lists = {"zero": [0], "first": [0], "ten": [10], "hundred": [100]}
    model = make(step, row=np.zeros((1, 9, 4), np.float32), by=np.array([0.5, 1, 1], np.float32), **lists)
    with pytest.raises(UnsafeModel, match="result 'result': expected a size that grows with the number of windows"):
        reckon_need(model)


def test_the_largest_result_is_told():
    model = make(("Concat", ["sequence"] * 5, "large", {"axis": 1}), ("ReduceSum", ["large"], "result"))
    assert reckon_need(model).largest == 5 * FLOATS


def test_what_can_not_be_reckoned_is_refused_too(monkeypatch):
    def overflow(*_):
        raise OverflowError("cannot convert float infinity to integer")

    monkeypatch.setattr(sizes, "Walk", overflow)
    with pytest.raises(UnsafeModel, match="sizes that can't be reckoned: cannot convert float infinity"):
        reckon_need(make(("Relu", ["sequence"], "result")))


def test_shapes_that_onnx_infers_at_once_are_those_that_are_reckoned_one_by_one():
    model = make(("Transpose", ["sequence"], "t", {"perm": [0, 2, 1]}), ("Relu", ["t"], "result"))
    assert infer_sizes(model, {"sequence": (16, 9, 4)}) == {
        "t": ((16, 4, 9), 16 * FLOATS),
        "result": ((16, 4, 9), 16 * FLOATS),
    }


def test_what_onnx_can_not_infer_at_once_is_left_to_be_reckoned():
    unknown = make(("NonZero", ["sequence"], "where"), ("Cast", ["where"], "result", {"to": 1}))
    assert infer_sizes(unknown, {"sequence": (16, 9, 4)}) is None
    branch = make_graph([("Relu", ["sequence"], "a")], [], [("a", TensorProto.FLOAT)])
    choice = make(("If", ["yes"], "result", {"then_branch": branch, "else_branch": branch}), yes=True)
    assert infer_sizes(choice, {"sequence": (16, 9, 4)}) is None


@given(random_models())
def test_both_ways_agree_on_networks_that_exporters_write(made):
    shapes = {item.name: (1, *(dim.dim_value for dim in item.type.tensor_type.shape.dim[1:]))
              for item in made.model.graph.input}  # fmt: skip
    at_once = infer_sizes(made.model, shapes)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("zoo.model.sizes.infer_sizes", lambda *_: None)
        need = reckon_need(made.model)
    assert at_once is None or max(size for _, size in at_once.values()) <= need.held
    assert reckon_need(made.model) == need


@pytest.mark.parametrize(("numbers", "quick"), [(1_000, True), (1_100, False)])
def test_long_lists_of_whole_numbers_are_not_followed_one_by_one(monkeypatch, numbers, quick):
    # 1,024 times 1,000 are below 2^20, and times 1,100 above.
    model = make_model(make_base_at_anchor_graph())
    model.graph.initializer.append(numpy_helper.from_array(np.ones(1024, np.int64), "w"))
    model.graph.node.append(helper.make_node("Concat", ["w"] * numbers, ["made"], axis=0))
    asked = []
    infer = sizes.infer_sizes
    monkeypatch.setattr(sizes, "infer_sizes", lambda *given: asked.append(1) or infer(*given))
    reckon_need(model)
    assert bool(asked) == quick
