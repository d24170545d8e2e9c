import numpy as np
import pytest

pytest.importorskip("tensorflow")

from zoo.errors import TrainingError
from zoo.training.network.backend import import_backend
from zoo.training.network.ensemble import count_members, finish, join_members
from zoo.training.network.weights import WEIGHTS_FILE, read_weights, save_weights, start_from

pytestmark = pytest.mark.training

SEQUENCE = (6, 4)


def build(tracks=2, units=3):
    _, keras = import_backend(1)
    sequence = keras.Input(SEQUENCE, name="sequence")
    hidden = keras.layers.Conv1D(units, 3, use_bias=False, name="convolution")(sequence)
    hidden = keras.layers.BatchNormalization(name="norm")(hidden)
    hidden = keras.layers.Flatten(name="flatten")(hidden)
    return keras.Model(sequence, {"prediction": keras.layers.Dense(tracks, name="head")(hidden)})


def test_weights_come_back_as_they_were_without_a_pickle(tmp_path):
    model = build()
    save_weights([model], tmp_path / WEIGHTS_FILE)
    other = build()

    told = start_from(other, read_weights(tmp_path))

    assert told == "7 of 7 weights were taken over"
    for one, two in zip(model.get_weights(), other.get_weights(), strict=True):
        np.testing.assert_array_equal(one, two)


def test_what_does_not_fit_is_told_and_left_as_drawn(tmp_path):
    save_weights([build(tracks=2)], tmp_path / WEIGHTS_FILE)
    other = build(tracks=1)
    drawn = other.get_layer("head").get_weights()[0].copy()

    told = start_from(other, read_weights(tmp_path))

    assert told.startswith(
        "5 of 7 weights were taken over; left as drawn: head/kernel has shape (12, 1) here and (12, 2)"
    )
    np.testing.assert_array_equal(other.get_layer("head").get_weights()[0], drawn)


def test_the_networks_of_an_ensemble_start_from_their_own(tmp_path):
    models = [build(), build()]
    save_weights(models, tmp_path / WEIGHTS_FILE)
    weights = read_weights(tmp_path)
    second, third = build(), build()

    start_from(second, weights, 2)
    start_from(third, weights, 3)

    np.testing.assert_array_equal(second.get_weights()[0], models[1].get_weights()[0])
    np.testing.assert_array_equal(third.get_weights()[0], models[0].get_weights()[0])


def test_weights_of_another_network_are_refused():
    with pytest.raises(TrainingError, match="no weight fits: convolution/kernel is new"):
        start_from(build(), {"else": np.zeros(1)})


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "is missing: training.start_from needs a model"),
        (b"PK\x03\x04cut", "expected an archive of plain arrays"),
    ],
)
def test_a_file_that_is_no_archive_is_refused(tmp_path, content, message):
    if content is not None:
        (tmp_path / WEIGHTS_FILE).write_bytes(content)

    with pytest.raises(TrainingError, match=message):
        read_weights(tmp_path)


def test_a_pickled_array_is_refused(tmp_path):
    np.savez(tmp_path / WEIGHTS_FILE, weight=np.array([{"a": 1}], dtype=object))

    with pytest.raises(TrainingError, match="expected an archive of plain arrays: Object arrays cannot be loaded"):
        read_weights(tmp_path)


def test_joined_networks_stack_their_predictions():
    from zoo.components import InputSpec, OutputSpec

    models = [build(), build()]
    output = OutputSpec("prediction", ("a", "b"), "linear")
    codes = np.random.default_rng(0).random((5, *SEQUENCE), dtype=np.float32)

    joined = join_members(models, (InputSpec("sequence", SEQUENCE),), output)

    found = np.asarray(joined(codes)["prediction"])
    assert found.shape == (5, 2, 2)
    for number, model in enumerate(models):
        np.testing.assert_allclose(found[:, number], np.asarray(model(codes)["prediction"]), atol=1e-5)
    assert count_members(joined, output) == 2
    assert count_members(models[0], output) == 1


def test_what_is_exported_has_the_unit_of_the_targets_and_no_auxiliary_track():
    import dataclasses

    from zoo.components import OutputSpec
    from zoo.model.card import Track
    from zoo.training.data.targets import Task, standardise

    learned, output = (OutputSpec("prediction", names, "linear") for names in (("a", "b", "c"), ("a", "c")))
    tracks = tuple(Track(name=name, assay="MPRA") for name in output.tracks)
    task = Task(tracks, (0, 1), "mse", classes=False, output=output, learned=learned, kept=(0, 2))
    measured = np.array([[1, 5, -1], [3, np.nan, 1], [8, 5, 3]], np.float32)
    task = standardise(task, [measured[:1], measured[1:]])
    model = build(tracks=3)
    codes = np.random.default_rng(0).random((5, *SEQUENCE), dtype=np.float32)

    found = np.asarray(finish(model, task)(codes)["prediction"])

    raw = np.asarray(model(codes)["prediction"])
    expected = np.stack([raw[:, 0] * measured[:, 0].std() + 4, raw[:, 2] * measured[:, 2].std() + 1], axis=1)
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(task.restore(task.transform(measured)), measured, rtol=1e-6)
    assert np.nanmean(task.transform(measured), axis=0) == pytest.approx([0, 0, 0], abs=1e-6)
    plain = dataclasses.replace(task, mean=None, deviation=None, output=learned, kept=(0, 1, 2))
    assert finish(model, plain) is model


@pytest.mark.parametrize("values", [np.array(["a"]), np.array([1j])], ids=["text", "complex"])
def test_weights_that_are_no_numbers_are_refused(tmp_path, values):
    np.savez(tmp_path / WEIGHTS_FILE, kernel=values)

    with pytest.raises(TrainingError, match="kernel: expected numbers, found"):
        read_weights(tmp_path)


def test_a_lone_array_is_no_archive(tmp_path):
    with (tmp_path / WEIGHTS_FILE).open("wb") as file:
        np.save(file, np.zeros(3))

    with pytest.raises(TrainingError, match="expected an archive of plain arrays"):
        read_weights(tmp_path)


def test_a_weight_too_large_for_32_bits_is_left_as_drawn(tmp_path):
    model = build()
    save_weights([model], tmp_path / WEIGHTS_FILE)
    with np.load(tmp_path / WEIGHTS_FILE) as archive:
        weights = dict(archive)
    np.savez(tmp_path / WEIGHTS_FILE, **{**weights, "head/bias": np.full(2, 1e300)})

    assert "head/bias is not finite there" in start_from(build(), read_weights(tmp_path))
