import numpy as np
import pytest

pytest.importorskip("tensorflow")

from zoo.training.layers import highway
from zoo.training.network.backend import import_backend

pytestmark = pytest.mark.training

_, keras = import_backend(threads=2)


def test_a_gate_lets_the_input_through_or_what_was_made_of_it():
    vectors = keras.Input((3,))
    model = keras.Model(vectors, highway(vectors, "first"))
    made, gate = model.get_layer("first_transform"), model.get_layer("first_gate")
    made.set_weights([2 * np.eye(3), np.zeros(3)])
    given = np.array([[1, 2, 3]], dtype=np.float32)

    for bias, expected in ((-50, given), (50, 2 * given), (0, 1.5 * given)):
        gate.set_weights([np.zeros((3, 3)), np.full(3, bias)])
        assert np.allclose(model(given).numpy(), expected, atol=1e-6)


def test_a_gate_begins_with_a_bias_that_carries():
    vectors = keras.Input((3,))
    model = keras.Model(vectors, highway(vectors, "first", carry_bias=-3.0))

    assert (model.get_layer("first_gate").bias.numpy() == -3).all()
