"""Training in 16 bits, and over several devices: two that TensorFlow makes of one processor, in a process apart."""

import subprocess
import sys
import textwrap
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("tensorflow")

import keras

from zoo.training.choices import TrainingChoice
from zoo.training.data.batches import ArrayPart, Batch
from zoo.training.data.strands import Strands
from zoo.training.network.backend import (
    building,
    compute_outputs_in_32,
    import_backend,
    precision,
    strategy,
    to_float32,
)
from zoo.training.network.fit import fit
from zoo.training.network.predictor import Predictor
from zoo.training.network.step import _fill_up

pytestmark = pytest.mark.training

import_backend(threads=1)

LENGTH = 8
PLAIN = TrainingChoice(epochs=2, batch_size=16, learning_rate=0.05, reverse_complement="none")


def make_model(*, norm=False):
    keras.utils.set_random_seed(0)
    sequence = keras.Input((LENGTH, 4), name="sequence")
    hidden = keras.layers.Dense(4, activation="relu", kernel_regularizer="l2")(keras.layers.Flatten()(sequence))
    if norm:
        hidden = keras.layers.Dropout(0.2)(keras.layers.BatchNormalization()(hidden))
    return keras.Model(sequence, {"y": keras.layers.Dense(2, activation="sigmoid")(hidden)})


def make_part(count=68, seed=0):
    """Draw windows, half of whose first targets are missing; 68 leaves 4 for the last batch."""
    generator = np.random.default_rng(seed)
    codes = generator.integers(0, 4, (count, LENGTH), dtype=np.uint8)
    targets = np.stack([codes[:, 0] == 0, codes[:, 1] == 3], axis=1).astype(np.float32)
    targets[::2, 0] = np.nan
    return ArrayPart({"sequence": codes}, targets, generator.random(count, dtype=np.float32))


def train(model, choice, count=68, **options):
    return fit(
        model, make_part(count), make_part(seed=1), choice, loss="binary_crossentropy", output="y",
        strands=Strands(average=True), seed=0, **options,
    )  # fmt: skip


@pytest.mark.parametrize("kind", ["float16", "bfloat16"])
def test_a_network_in_16_bits_learns_and_keeps_its_weights_in_32(kind):
    choice = PLAIN.model_copy(update={"mixed_precision": kind, "epochs": 8})
    with building(choice):
        model = make_model(norm=True)

    found = train(model, choice)

    assert model.layers[2].compute_dtype == kind
    assert {weight.dtype for weight in model.weights} == {"float32"}
    assert found.best.validation_loss < 0.9 * found.history[0].validation_loss


def test_outputs_are_computed_in_32_bits_whatever_reshapes_them():
    with building(PLAIN.model_copy(update={"mixed_precision": "bfloat16"})):
        sequence = keras.Input((LENGTH, 4), name="sequence")
        hidden = keras.layers.Dense(3, name="hidden")(keras.layers.Flatten()(sequence))
        heads = [
            keras.layers.Reshape((1, 2))(keras.layers.Dense(2, activation="sigmoid", name=f"head_{number}")(hidden))
            for number in range(2)
        ]
        model = keras.Model(sequence, {"y": keras.layers.Concatenate(axis=1)(heads)})

    compute_outputs_in_32(model)

    assert model.get_layer("hidden").compute_dtype == "bfloat16"
    assert {model.get_layer(f"head_{number}").compute_dtype for number in range(2)} == {"float32"}
    one = np.full((1, LENGTH, 4), 0.1, np.float32)
    assert model(one)["y"].dtype == "float32"
    assert not np.array_equal(model(one)["y"], keras.ops.cast(model(one)["y"], "bfloat16"))


def test_networks_within_networks_are_exported_in_32():
    with building(PLAIN.model_copy(update={"mixed_precision": "float16"})):
        inner = keras.Sequential([keras.Input((LENGTH, 4)), keras.layers.Flatten(), keras.layers.Dense(2)])
        sequence = keras.Input((LENGTH, 4), name="sequence")
        model = keras.Model(sequence, {"y": inner(sequence)})

    plain = to_float32(model)

    assert {layer.compute_dtype for layer in plain._flatten_layers()} == {"float32"}
    codes = make_part().inputs["sequence"]
    np.testing.assert_allclose(Predictor(plain, "y").predict(codes), Predictor(model, "y").predict(codes), atol=0.02)


def test_a_run_in_16_bits_is_resumed_with_the_scale_of_its_loss(tmp_path):
    choice = PLAIN.model_copy(update={"mixed_precision": "float16", "epochs": 4})
    models = []
    for _ in range(2):
        with building(choice):
            models.append(make_model(norm=True))
    train(models[0], choice)
    train(models[1], choice.model_copy(update={"epochs": 2}), run_folder=tmp_path)

    train(models[1], choice, run_folder=tmp_path, resume=True)

    for one, other in zip(models[0].get_weights(), models[1].get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


def test_the_export_of_16_bits_is_in_32():
    with building(PLAIN.model_copy(update={"mixed_precision": "bfloat16"})):
        model = make_model(norm=True)

    plain = to_float32(model)

    assert {layer.compute_dtype for layer in plain.layers} == {"float32"}
    for one, other in zip(plain.get_weights(), model.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)
    codes = make_part().inputs["sequence"]
    np.testing.assert_allclose(Predictor(plain, "y").predict(codes), Predictor(model, "y").predict(codes), atol=0.02)
    assert to_float32(plain) is plain


def test_the_precision_of_other_networks_is_left_as_it_was():
    with pytest.raises(KeyError), precision(PLAIN.model_copy(update={"mixed_precision": "float16"})):
        raise KeyError

    assert keras.config.dtype_policy().name == "float32"


def test_one_device_is_trained_on_as_ever():
    assert strategy(PLAIN) is None
    assert strategy(PLAIN.model_copy(update={"devices": "all"})) is None


def test_a_batch_smaller_than_the_devices_is_filled_up_without_weight():
    batch = Batch({"sequence": np.array([[1], [2]], np.uint8)}, np.array([[3.0], [4.0]]), np.array([5.0, 6.0]))

    filled = _fill_up(batch, 5)

    assert filled.inputs["sequence"].ravel().tolist() == [1, 2, 1, 2, 1]
    assert filled.weights.tolist() == [5, 6, 0, 0, 0]


def run_on_two_devices(body):
    program = """
        import sys
        sys.path.insert(0, sys.argv[1])
        import tensorflow as tf

        tf.config.set_logical_device_configuration(
            tf.config.list_physical_devices("CPU")[0], [tf.config.LogicalDeviceConfiguration()] * 2
        )
        import numpy as np
        import test_distribution as tests
        from zoo.training.network.backend import building, to_float32
        from zoo.training.network.step import count_replicas

        def compare(tolerance, count=68, norm=False, **changes):
            weights = []
            for devices in ("one", "all"):
                choice = tests.PLAIN.model_copy(update={"devices": devices, **changes})
                with building(choice):
                    model = tests.make_model(norm=norm)
                assert count_replicas(model) == (2 if devices == "all" else 1)
                tests.train(model, choice, count)
                weights.append(to_float32(model).get_weights())
            for one, other in zip(*weights):
                np.testing.assert_allclose(one, other, atol=tolerance)
    """
    program = textwrap.dedent(program) + textwrap.dedent(body)
    command = [sys.executable, "-c", program, Path(__file__).parent]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_two_devices_learn_what_one_does_and_are_resumed(tmp_path):
    run_on_two_devices(
        f"""
        # The last batch holds one example.
        compare(1e-5, count=65, optimiser="sgd", momentum=0.5, l2=0.01, clip_norm=0.01, weight_averaging=0.5)
        compare(0.02, optimiser="sgd", clip_norm=0.01, mixed_precision="float16")

        from pathlib import Path

        folder = Path({str(tmp_path)!r})
        choice = tests.PLAIN.model_copy(update={{"devices": "all", "weight_averaging": 0.5}})
        models = []
        for _ in range(2):
            with building(choice):
                models.append(tests.make_model(norm=True))
        tests.train(models[0], choice, count=65)
        tests.train(models[1], choice.model_copy(update={{"epochs": 1}}), count=65, run_folder=folder)
        tests.train(models[1], choice, count=65, run_folder=folder, resume=True)
        for one, other in zip(models[0].get_weights(), models[1].get_weights()):
            np.testing.assert_array_equal(one, other)
            assert np.isfinite(one).all()
        """
    )
