import math

import numpy as np
import pytest

pytest.importorskip("tensorflow")

import tensorflow as tf

from zoo.training.backend import import_backend
from zoo.training.losses import make_loss

pytestmark = pytest.mark.training

import_backend(threads=2)

NAN = math.nan


def compute(name, targets, predictions, weights=None, smoothing=0.0):
    weights = [1.0] * len(targets) if weights is None else weights
    arrays = [np.array(values, np.float32) for values in (targets, predictions, weights)]
    return float(make_loss(name, smoothing)(*arrays))


def test_losses_are_the_textbooks():
    assert compute("binary_crossentropy", [[1.0], [0.0]], [[0.8], [0.4]]) == pytest.approx(
        -(math.log(0.8) + math.log(0.6)) / 2
    )
    assert compute("categorical_crossentropy", [[0, 1]], [[0.3, 0.7]]) == pytest.approx(-math.log(0.7))
    assert compute("mse", [[1.0, 5.0]], [[2.0, 3.0]]) == pytest.approx((1 + 4) / 2)


@pytest.mark.parametrize("name", ["binary_crossentropy", "mse"])
def test_a_missing_target_is_left_out_with_its_share_of_the_mean(name):
    with_gap = compute(name, [[1.0, NAN], [0.0, 1.0]], [[0.7, 0.1], [0.2, 0.9]])

    assert with_gap == pytest.approx(compute(name, [[1.0], [0.0], [1.0]], [[0.7], [0.2], [0.9]]))


def test_a_gap_in_a_softmax_takes_its_row_along():
    with_gap = compute("categorical_crossentropy", [[NAN, 1], [0, 1]], [[0.1, 0.9], [0.5, 0.5]])

    assert with_gap == pytest.approx(-math.log(0.5))


@pytest.mark.parametrize("name", ["binary_crossentropy", "categorical_crossentropy", "mse"])
def test_a_missing_target_gives_no_gradient(name):
    predictions = tf.constant([[0.4, 0.6], [0.3, 0.7]])
    with tf.GradientTape() as tape:
        tape.watch(predictions)
        value = make_loss(name)(tf.constant([[NAN, NAN], [0.0, 1.0]]), predictions, tf.ones(2))

    gradient = tape.gradient(value, predictions).numpy()

    assert gradient[0].tolist() == [0, 0]
    assert np.isfinite(gradient).all()
    assert np.abs(gradient[1]).max() > 0


def test_a_loss_without_any_target_is_zero():
    assert compute("mse", [[NAN]], [[3.0]]) == 0


def test_weights_weigh():
    assert compute("mse", [[0.0], [0.0]], [[1.0], [2.0]], weights=[3, 1]) == pytest.approx((3 * 1 + 1 * 4) / 4)
    assert compute("mse", [[0.0], [0.0]], [[1.0], [2.0]], weights=[0, 1]) == pytest.approx(4)


def test_smoothed_labels_lie_nearer_to_the_middle():
    assert compute("binary_crossentropy", [[1.0]], [[0.8]], smoothing=0.2) == pytest.approx(
        -(0.9 * math.log(0.8) + 0.1 * math.log(0.2))
    )
    assert compute("categorical_crossentropy", [[0, 1]], [[0.2, 0.8]], smoothing=0.2) == pytest.approx(
        -(0.9 * math.log(0.8) + 0.1 * math.log(0.2))
    )


def test_a_saturated_prediction_costs_much_but_not_infinitely():
    assert 10 < compute("binary_crossentropy", [[1.0]], [[0.0]]) < 20
