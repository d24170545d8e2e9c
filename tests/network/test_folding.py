import numpy as np
import pytest

from tests.network.agreement import TOLERANCE, differ, draw_codes
from tests.network.random_graphs import GraphMaker, RandomModel, run, run_unfused
from zoo.network.folding import fold_affine, fold_zeros
from zoo.network.network import Average
from zoo.network.operators import Apply, Convolve, Frame, Slide
from zoo.network.reading import read_network
from zoo.network.writing import write_graph

WEIGHTS = np.array([[[1.0, 2.0]], [[3.0, 4.0]]], np.float32)  # two filters of width 2 on one channel
BIAS = np.array([10.0, 20.0], np.float32)
CONVOLUTION = Convolve("input", "c", Slide(2), WEIGHTS, BIAS)
VALUE = np.array([2.0, 4.0], np.float32).reshape(1, 2, 1, 1)
EXIT = (Average("y", "out", "NC", 1.0),)


@pytest.mark.parametrize(
    ("op_type", "operands", "weights", "bias"),
    [
        ("Add", ("c", VALUE), [[1, 2], [3, 4]], [12, 24]),
        ("Add", (VALUE, "c"), [[1, 2], [3, 4]], [12, 24]),
        ("Sub", ("c", VALUE), [[1, 2], [3, 4]], [8, 16]),
        ("Sub", (VALUE, "c"), [[-1, -2], [-3, -4]], [-8, -16]),
        ("Mul", ("c", VALUE), [[2, 4], [12, 16]], [20, 80]),
        ("Mul", (VALUE, "c"), [[2, 4], [12, 16]], [20, 80]),
        ("Div", ("c", VALUE), [[0.5, 1], [0.75, 1]], [5, 5]),
    ],
    ids=lambda one: one if isinstance(one, str) else "",
)
def test_a_convolution_takes_in_what_is_done_to_its_channels(op_type, operands, weights, bias):
    (found,) = fold_affine([CONVOLUTION, Apply(op_type, operands, "y")], EXIT)

    assert isinstance(found, Convolve)
    assert (found.source, found.output, found.slide) == ("input", "y", Slide(2))
    np.testing.assert_array_equal(found.weights[:, 0], weights)
    np.testing.assert_array_equal(found.bias, bias)


def test_one_number_is_taken_in_for_all_channels():
    number = np.array(3.0, np.float32).reshape(1, 1, 1, 1)

    (found,) = fold_affine([CONVOLUTION, Apply("Mul", ("c", number), "y")], EXIT)

    np.testing.assert_array_equal(found.bias, [30, 60])


def test_a_product_and_a_sum_are_taken_in_one_after_the_other():
    (found,) = fold_affine([CONVOLUTION, Apply("Mul", ("c", VALUE), "m"), Apply("Add", ("m", VALUE), "y")], EXIT)

    np.testing.assert_array_equal(found.bias, [10 * 2 + 2, 20 * 4 + 4])


@pytest.mark.parametrize(
    ("op_type", "operands"),
    [
        pytest.param("Div", (VALUE, "c"), id="divided by the map"),
        pytest.param("Max", ("c", VALUE), id="no product and no sum"),
        pytest.param("Mul", ("c", "c"), id="the map itself"),
        pytest.param("Add", ("c", "input"), id="another map"),
        pytest.param("Add", ("input", "c"), id="another map first"),
        pytest.param("Relu", ("c",), id="one operand"),
    ],
)
def test_other_operators_stay(op_type, operands):
    trunk = (CONVOLUTION, Apply(op_type, operands, "y"))

    assert fold_affine(trunk, EXIT) == trunk


def test_a_convolution_that_others_read_stays_as_it_is():
    scaled, joined = Apply("Mul", ("c", VALUE), "m"), Apply("Add", ("m", "c"), "y")

    assert fold_affine([CONVOLUTION, scaled, joined], EXIT) == (CONVOLUTION, scaled, joined)
    leaves = (*EXIT, Average("c", "too", "NC", 1.0))
    assert fold_affine([CONVOLUTION, Apply("Mul", ("c", VALUE), "y")], leaves)[0] == CONVOLUTION


BEHIND = Convolve("f", "y", Slide(2, stride=3, before=1), WEIGHTS, BIAS)


def test_a_convolution_adds_the_zeros_that_were_added_for_it():
    (found,) = fold_zeros([Frame("input", "f", Slide(before=2, after=5)), BEHIND], EXIT)

    assert isinstance(found, Convolve)
    assert (found.source, found.output) == ("input", "y")
    assert found.slide == Slide(2, stride=3, before=3, after=5)


@pytest.mark.parametrize(
    "frame",
    [
        pytest.param(Frame("input", "f", Slide(before=2), value=0.5), id="other numbers"),
        pytest.param(Frame("input", "f", Slide(before=-2, after=1)), id="positions cut off"),
    ],
)
def test_what_is_no_zeros_stays_before_a_convolution(frame):
    assert fold_zeros([frame, BEHIND], EXIT) == (frame, BEHIND)


def test_zeros_that_others_read_stay():
    frame = Frame("input", "f", Slide(before=2))
    other = Apply("Relu", ("f",), "z")

    assert fold_zeros([frame, BEHIND, other], EXIT) == (frame, BEHIND, other)
    assert fold_zeros([frame, BEHIND], (*EXIT, Average("f", "too", "NC", 1.0))) == (frame, BEHIND)


def test_a_normalization_behind_a_convolution_costs_nothing():
    rng = np.random.default_rng(0)
    maker = GraphMaker()
    name = maker.node("Transpose", ["sequence"], perm=[0, 2, 1])
    name = maker.node("Conv", [name, maker.constant(rng.normal(size=(6, 4, 3)))], kernel_shape=[3], pads=[1, 1])
    constants = [maker.constant(rng.normal(size=6)) for _ in range(3)]
    name = maker.node("BatchNormalization", [name, *constants, maker.constant(rng.random(6) + 0.5)], epsilon=1e-2)
    name = maker.node("Relu", [name])
    made = RandomModel(maker.model({"sequence": (30, 4)}, [maker.node("GlobalMaxPool", [name])]), "sequence", 30)
    codes = draw_codes(rng, 5, 30)

    network = read_network(made.model, "sequence", 0.0)

    assert [type(operator).__name__ for operator in network.trunk] == ["Convolve", "Apply"]
    assert differ(run_unfused(made, codes, {}), run(write_graph(network), {"zoo_codes": codes})) < TOLERANCE
