import numpy as np
from onnx import TensorProto

from tests.model.steps import FLOATS, make, make_graph
from zoo.model.bounds import CALL
from zoo.model.sizes import reckon_need


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
