import math

import numpy as np
import pytest

pytest.importorskip("tensorflow")

from zoo.training.layers import dilated_residual, gated_dilation, grow_dilations, residual, sigmoid_gelu
from zoo.training.network.backend import import_backend

pytestmark = pytest.mark.training

_, keras = import_backend(threads=2)


def spike(length, at):
    rows = np.zeros((1, length, 1), np.float32)
    rows[0, at] = 1
    return rows


def test_the_gelu_is_the_input_times_a_sigmoid_of_it():
    values = keras.Input((3,))
    model = keras.Model(values, sigmoid_gelu(values, "gelu"))

    found = model(np.array([[0, 1, -2]], np.float32)).numpy()

    assert found == pytest.approx(np.array([[0, 1 / (1 + math.exp(-1.702)), -2 / (1 + math.exp(2 * 1.702))]]))


def test_a_residual_adds_what_its_branch_makes():
    values = keras.Input((3,))
    model = keras.Model(values, residual(values, keras.layers.Rescaling(2.0), "sum"))

    assert model(np.array([[1, 2, 3]], np.float32)).numpy().tolist() == [[3, 6, 9]]
    assert model.layers[-1].name == "sum"


def test_a_residual_whose_branch_changes_the_shape_is_refused():
    with pytest.raises(ValueError, match=r"sum: expected a branch that keeps the shape \(None, 4, 3\), found .* 1\)"):
        residual(keras.Input((4, 3)), keras.layers.Dense(1), "sum")


def test_a_dilated_block_lets_its_input_through_at_first():
    hidden = keras.Input((9, 2))
    model = keras.Model(hidden, dilated_residual(hidden, 3, 2, "first", dropout=0.5))
    batch = np.random.default_rng(0).normal(size=(2, 9, 2)).astype(np.float32)

    assert (model(batch).numpy() == batch).all()
    # Convolutions 3 x 2 x 3 and 3 x 2 without biases, four numbers of each channel in the two norms.
    assert model.count_params() == 18 + 6 + 4 * 3 + 4 * 2
    assert {"first_dilated", "first_norm", "first_return", "first_return_norm", "first_dropout", "first_residual"} <= {
        layer.name for layer in model.layers
    }


def test_a_dilated_block_reads_positions_that_are_apart():
    hidden = keras.Input((9, 1))
    model = keras.Model(hidden, dilated_residual(hidden, 1, 3, "first"))
    model.get_layer("first_dilated").set_weights([np.array([1, 2, 4], np.float32).reshape(3, 1, 1)])
    model.get_layer("first_return").set_weights([np.ones((1, 1, 1), np.float32)])
    one, nothing = np.ones(1), np.zeros(1)
    model.get_layer("first_return_norm").set_weights([one, nothing, nothing, one])

    changed = (model(spike(9, 4)).numpy() - spike(9, 4))[0, :, 0]

    assert np.flatnonzero(changed).tolist() == [1, 4, 7]
    assert changed[1] > changed[4] > changed[7]


def test_a_gated_dilation_is_a_tangent_times_a_sigmoid():
    hidden = keras.Input((7, 1))
    model = keras.Model(hidden, gated_dilation(hidden, 1, 2, "first", regulariser=keras.regularizers.L2(1.0)))
    model.get_layer("first_signal").set_weights([np.array([1, 2, 3], np.float32).reshape(3, 1, 1), np.zeros(1)])
    model.get_layer("first_gate").set_weights([np.zeros((3, 1, 1), np.float32), np.array([1.0])])

    found = model(spike(7, 3)).numpy()[0, :, 0]

    gate = 1 / (1 + math.exp(-1))
    expected = [0, math.tanh(3) * gate, 0, math.tanh(2) * gate, 0, math.tanh(1) * gate, 0]
    assert found == pytest.approx(expected)
    assert float(sum(model.losses)) == pytest.approx(1 + 4 + 9)


def test_dilations_grow_by_their_factor_and_are_rounded_on_the_way():
    assert grow_dilations(4, 2) == (1, 2, 4, 8)
    # 1.5 is rounded to 2, 4.5 to 4, 13.5 to 14; halves go to the even number.
    assert grow_dilations(11, 1.5) == (1, 2, 3, 4, 6, 9, 14, 21, 32, 48, 72)
    assert grow_dilations(0, 2) == ()
