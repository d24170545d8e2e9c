import numpy as np
import pytest
from onnx import TensorProto

from tests.model.steps import FLOATS, make, make_graph
from zoo.errors import UnsafeModel
from zoo.model.sizes import reckon_need
from zoo.model.work import CALL


def test_a_loop_does_its_work_every_turn():
    body = make_graph(
        [("Identity", ["go"], "go_on"), ("MatMul", ["state", "w"], "next")],
        [("turn", TensorProto.INT64), ("go", TensorProto.BOOL), ("state", TensorProto.FLOAT)],
        [("go_on", TensorProto.BOOL), ("next", TensorProto.FLOAT)],
        w=np.zeros((4, 4), np.float32),
    )
    model = make(("Loop", ["turns", "", "sequence"], "result", {"body": body}), turns=np.int64(10))
    around = 36 + 36 + 1  # the loop itself: what it gives, what it is given
    assert reckon_need(model).work == 10 * (9 * 4 * 4 + 2 + 2 * CALL) + around + CALL


def test_a_scan_takes_a_turn_for_each_base():
    body = make_graph(
        [("Add", ["state", "base"], "next"), ("Identity", ["next"], "seen")],
        [("state", TensorProto.FLOAT), ("base", TensorProto.FLOAT)],
        [("next", TensorProto.FLOAT), ("seen", TensorProto.FLOAT)],
    )
    model = make(
        ("Squeeze", ["sequence", "first"], "bases"),
        ("Scan", ["start", "bases"], ["end", "result"], {"body": body, "num_scan_inputs": 1}),
        first=[0], start=np.zeros(4, np.float32),
    )  # fmt: skip
    model.graph.input[0].type.tensor_type.shape.dim[0].dim_value = 1
    inside = 9 * ((4 + 4 + 4) + (4 + 4) + 2 * CALL)
    assert reckon_need(model).work == (36 + 36 + 1) + inside + (4 + 36 + 4 + 36) + 2 * CALL


def test_the_larger_branch_counts():
    small = make_graph([("Relu", ["sequence"], "a")], [], [("a", TensorProto.FLOAT)])
    large = make_graph([("Concat", ["sequence"] * 5, "b", {"axis": 1})], [], [("b", TensorProto.FLOAT)])
    model = make(("If", ["yes"], "result", {"then_branch": small, "else_branch": large}), yes=True)
    assert reckon_need(model).held == FLOATS + 1 + 5 * FLOATS


def take(rows, width, name):
    """Return a branch that gives as many of its rows as it likes."""
    steps = [("ConstantOfShape", [f"size_{name}"], f"rows_{name}"),
             ("Compress", [f"rows_{name}", f"yes_{name}"], name, {"axis": 0})]  # fmt: skip
    tensors = {f"size_{name}": [rows, width], f"yes_{name}": np.ones(rows, bool)}
    return make_graph(steps, [], [(name, TensorProto.FLOAT)], **tensors)


def test_of_branches_of_unknown_rows_nobody_knows_the_columns():
    # The first has more numbers, the second more columns: it is the second whose sums are 1,000 by 1,000.
    branches = {"then_branch": take(600, 4, "a"), "else_branch": take(2, 1000, "b")}
    model = make(
        ("If", ["yes"], "rows", branches), ("ReduceSum", ["rows", "first"], "sums", {"keepdims": 0}),
        ("Unsqueeze", ["sums", "second"], "column"), ("Mul", ["sums", "column"], "result"),
        yes=True, first=[0], second=[1],
    )  # fmt: skip
    assert reckon_need(model).largest >= 4 * 1000 * 1000


def loop(condition, start=""):
    """Return a network of zeros, as many as a loop of 10 turns gives results."""
    steps = {"handed on": ("Identity", ["go"], "go_on"), "looked for": ("Less", ["state", "half"], "go_on")}
    body = make_graph(
        [steps[condition], ("Identity", ["state"], "next"), ("Identity", ["state"], "item")],
        [("turn", TensorProto.INT64), ("go", TensorProto.BOOL), ("state", TensorProto.FLOAT)],
        [("go_on", TensorProto.BOOL), ("next", TensorProto.FLOAT), ("item", TensorProto.FLOAT)],
        half=np.float32(0.5),
    )
    return make(
        ("ReduceMax", ["sequence"], "most", {"keepdims": 0}),
        ("Loop", ["turns", start, "most"], ["last", "items"], {"body": body}), ("Shape", ["items"], "count"),
        ("ConstantOfShape", ["count"], "result"), turns=np.int64(10), yes=True, no=False,
    )  # fmt: skip


@pytest.mark.parametrize("start", ["", "yes"])
def test_a_loop_that_hands_its_condition_on_takes_all_its_turns(start):
    assert reckon_need(loop("handed on", start)).largest == 10 * 4


@pytest.mark.parametrize(("condition", "start"), [("looked for", ""), ("handed on", "no")])
def test_a_loop_that_may_end_early_gives_nobody_knows_how_much(condition, start):
    with pytest.raises(UnsafeModel, match="ConstantOfShape 'result': how large its result gets can't be told"):
        reckon_need(loop(condition, start))
