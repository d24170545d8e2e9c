import numpy as np
import pytest

from tests.model.steps import FLOATS, make
from zoo.model.sizes import reckon_need
from zoo.model.work import CALL

TURN = ("Transpose", ["sequence"], "t", {"perm": [0, 2, 1]})


@pytest.mark.parametrize(
    ("steps", "tensors", "work"),
    [
        ([("MatMul", ["sequence", "w"], "result")], {"w": np.zeros((4, 5), np.float32)}, 9 * 4 * 5),
        ([("Flatten", ["sequence"], "flat"), ("Gemm", ["flat", "w"], "result")],
         {"w": np.zeros((36, 5), np.float32)}, 36 + 36 + 36 * 5),
        ([("Transpose", ["sequence"], "t", {"perm": [0, 2, 1]}), ("Conv", ["t", "w"], "result")],
         {"w": np.zeros((5, 4, 3), np.float32)}, 36 + 36 + 7 * 5 * 4 * 3),
        ([("MaxPool", ["sequence"], "result", {"kernel_shape": [2]})], {}, 9 * 3 * 2),
        ([("Einsum", ["sequence", "sequence"], "result", {"equation": "nid,njd->nij"})], {}, 9 * 9 * 4),
        ([("Relu", ["sequence"], "result")], {}, 36 + 36),
    ],
    ids=["MatMul", "Gemm", "Conv", "MaxPool", "Einsum", "Relu"],
)  # fmt: skip
def test_work_is_what_a_hand_would_multiply(steps, tensors, work):
    assert reckon_need(make(*steps, **tensors)).work == work + CALL * len(steps)


def run_recurrent(operator, gates, *, both=False):
    """Return a network of one recurrent layer of 5 units over the bases."""
    ways = 2 if both else 1
    return make(
        ("Transpose", ["sequence"], "bases_first", {"perm": [1, 0, 2]}),
        (operator, ["bases_first", "w", "r"], ["result", "last"],
         {"hidden_size": 5, "direction": "bidirectional" if both else "forward"}),
        w=np.zeros((ways, gates * 5, 4), np.float32), r=np.zeros((ways, gates * 5, 5), np.float32),
    )  # fmt: skip


@pytest.mark.parametrize("both", [False, True])
@pytest.mark.parametrize(("operator", "gates"), [("LSTM", 4), ("GRU", 3), ("RNN", 1)])
def test_recurrent_layers_are_reckoned(operator, gates, both):
    ways = 2 if both else 1
    weights = ways * gates * 5 * (4 + 5)
    assert reckon_need(run_recurrent(operator, gates, both=both)).work == 36 + 36 + 9 * weights + 2 * CALL


@pytest.mark.parametrize(("operator", "each"), [("MaxPool", 1), ("AveragePool", 1), ("LpPool", 200)])
def test_a_power_is_the_work_of_many_multiplications(operator, each):
    model = make((operator, ["sequence"], "result", {"kernel_shape": [2]}))
    assert reckon_need(model).work == each * 9 * 3 * 2 + CALL


def test_powers_of_all_places_are_counted():
    assert reckon_need(make(("GlobalLpPool", ["sequence"], "result"))).work == 200 * 9 * 4 + CALL


@pytest.mark.parametrize(
    ("step", "weights", "result", "scratch"),
    [
        pytest.param(("Conv", ["t", "w"], "result"), (5, 4, 3), (5, 7), 0, id="Conv"),
        pytest.param(("ConvTranspose", ["t", "w"], "result"), (4, 8, 2), (8, 10), 9 * 8 * 2, id="ConvTranspose"),
        pytest.param(("Einsum", ["t", "w"], "result", {"equation": "ncl,cd->nld"}), (4, 5), (9, 5), 0, id="a pair"),
        pytest.param(("Einsum", ["t", "w", "w"], "result", {"equation": "ncl,cd,ce->nlde"}), (4, 5), (9, 5, 5),
                     2 * 4 * 9 * 5 * 5, id="three"),
    ],
)  # fmt: skip
def test_what_operators_keep_while_they_run_is_held(step, weights, result, scratch):
    model = make(TURN, step, w=np.zeros(weights, np.float32))
    numbers = np.prod(weights) + np.prod(result) + scratch
    assert reckon_need(model).held == 2 * FLOATS + 4 * numbers


def test_a_convolution_of_integers_lays_out_all_places():
    model = make(
        TURN, ("Cast", ["t"], "i", {"to": 2}), ("ConvInteger", ["i", "w"], "result"), w=np.zeros((8, 4, 3), np.uint8)
    )
    assert reckon_need(model).held == FLOATS + 8 * 12 + 36 + 4 * 8 * 7 + 7 * 12


def test_a_quantized_convolution_lays_out_all_groups_or_points_to_them():
    scales, zeros = ["s", "z"], {"s": np.float32(1), "z": np.uint8(0)}
    model = make(
        TURN, ("QuantizeLinear", ["t", *scales], "q"), ("QLinearConv", ["q", *scales, "w", *scales, *scales], "result"),
        w=np.zeros((2, 4, 3), np.uint8), **zeros,
    )  # fmt: skip
    assert reckon_need(model).held == FLOATS + (24 + 4 + 1) + 36 + 2 * 7 + 7 * (12 + 8 * 3)


@pytest.mark.parametrize("both", [False, True])
@pytest.mark.parametrize(("operator", "gates"), [("LSTM", 4), ("GRU", 3), ("RNN", 1)])
def test_recurrent_layers_keep_all_gates_of_all_steps(operator, gates, both):
    model = run_recurrent(operator, gates, both=both)
    ways = 2 if both else 1
    numbers = ways * (gates * 5 * (4 + 5) + 9 * 5 + 5 + 2 * 9 * gates * 5)
    assert reckon_need(model).held == 2 * FLOATS + 4 * numbers
