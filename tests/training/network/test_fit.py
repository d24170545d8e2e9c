import dataclasses

import numpy as np
import pytest

pytest.importorskip("tensorflow")

import keras
import tensorflow as tf

from zoo.errors import TrainingDiverged
from zoo.genome.codes import reverse_complement
from zoo.training.choices import TrainingChoice
from zoo.training.data.batches import ArrayPart
from zoo.training.data.strands import Strands
from zoo.training.network.backend import import_backend
from zoo.training.network.fit import fit
from zoo.training.network.optimise import learning_rate_at
from zoo.training.network.predictor import Predictor
from zoo.training.network.step import penalise

pytestmark = pytest.mark.training

import_backend(threads=2)

LENGTH = 8


def make_model(tracks=1):
    keras.utils.set_random_seed(0)
    sequence = keras.Input((LENGTH, 4), name="sequence")
    hidden = keras.layers.Flatten()(sequence)
    return keras.Model(sequence, {"y": keras.layers.Dense(tracks, activation="sigmoid")(hidden)})


def make_part(count=64, seed=0):
    """Draw windows; the target is whether the first base is an A."""
    codes = np.random.default_rng(seed).integers(0, 4, (count, LENGTH), dtype=np.uint8)
    return ArrayPart({"sequence": codes}, (codes[:, :1] == 0).astype(np.float32), np.ones(count, np.float32))


def train(model, train_part=None, validation=None, strands=None, progress=None, **choice):
    settings = {"epochs": 3, "batch_size": 16, "learning_rate": 0.05, "reverse_complement": "none", **choice}
    return fit(
        model,
        train_part or make_part(),
        validation or make_part(seed=1),
        TrainingChoice.model_validate(settings),
        loss="binary_crossentropy",
        output="y",
        strands=strands or Strands(average=False),
        seed=0,
        progress=progress,
    )


class Recorder:
    def __init__(self):
        self.calls = []

    def start(self, epochs, batches):
        self.calls.append(("start", epochs, batches))

    def advance(self):
        self.calls.append("batch")

    def report(self, epoch, *, monitor, is_best):
        self.calls.append((epoch.number, monitor, is_best))


def test_the_loss_falls_and_progress_is_told():
    recorder = Recorder()

    found = train(make_model(), progress=recorder)

    assert found.history[-1].loss < found.history[0].loss
    assert recorder.calls[0] == ("start", 3, 4)
    assert recorder.calls.count("batch") == 12
    assert [call[0] for call in recorder.calls if call[0] in {1, 2, 3}] == [1, 2, 3]


@pytest.mark.parametrize(
    "optimiser", [{"optimiser": "adamw", "weight_decay": 0.01}, {"optimiser": "sgd"}, {"optimiser": "rmsprop"}]
)
def test_every_optimiser_learns(optimiser):
    found = train(make_model(), clip_norm=1.0, **optimiser)

    assert found.history[-1].loss < found.history[0].loss


def opposite(part):
    """Return the part with its classes swapped: the better the training, the worse here."""
    return dataclasses.replace(part, targets=1 - part.targets)


@pytest.mark.parametrize("monitor", ["loss", "auroc"])
def test_an_early_stop_restores_the_best_epochs_weights(monitor):
    validation = opposite(make_part(seed=1))
    model, reference = make_model(), make_model()

    found = train(model, validation=validation, epochs=10, patience=2, monitor=monitor)
    train(reference, validation=validation, epochs=1, monitor=monitor)

    assert found.best.number == 1
    assert found.epochs == 3
    for kept, expected in zip(model.get_weights(), reference.get_weights(), strict=True):
        np.testing.assert_array_equal(kept, expected)


def test_the_weights_kept_give_the_loss_reported():
    model, validation = make_model(), make_part(seed=1)

    found = train(model, validation=validation, epochs=6)

    predictions = Predictor(model, "y").predict(validation.inputs)
    expected = -np.log(np.where(validation.targets > 0, predictions, 1 - predictions)).mean()
    assert found.best.validation_loss == pytest.approx(expected, rel=1e-4)


def test_training_again_gives_the_same_weights():
    first, again = make_model(), make_model()

    train(first, reverse_complement="random", shift=1)
    train(again, reverse_complement="random", shift=1)

    for one, other in zip(first.get_weights(), again.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


def test_validation_sees_the_mean_of_both_strands():
    model, codes = make_model(2), make_part(10).inputs["sequence"]
    predictor = Predictor(model, "y")
    strands = Strands(average=True, mates=np.array([1, 0]))

    forward, reverse = (predictor.predict({"sequence": shown}) for shown in (codes, reverse_complement(codes)))

    averaged = predictor.average_strands({"sequence": codes}, strands)
    np.testing.assert_allclose(averaged, (forward + reverse[:, ::-1]) / 2)


def test_a_loss_that_is_no_number_names_its_epoch():
    part = make_part()
    broken = dataclasses.replace(part, weights=np.full(len(part), np.inf, np.float32))

    with pytest.raises(TrainingDiverged, match=r"is nan in epoch 1, step 1, .*; lower training\.learning_rate"):
        train(make_model(), broken)


def test_a_validation_loss_that_is_no_number_stops_the_run():
    part = make_part(seed=1)
    broken = dataclasses.replace(part, weights=np.full(len(part), np.inf, np.float32))

    with pytest.raises(TrainingDiverged, match="on the validation part is nan after epoch 1, expected a number;"):
        train(make_model(), validation=broken)


def test_a_loss_that_is_no_number_stops_before_the_epoch_is_over():
    part, recorder = make_part(64), Recorder()
    broken = dataclasses.replace(part, weights=np.full(len(part), np.inf, np.float32))

    with pytest.raises(TrainingDiverged):
        train(make_model(), broken, batch_size=1, progress=recorder)

    assert recorder.calls.count("batch") == 50


def test_an_example_without_weight_teaches_nothing():
    part = make_part()
    lying = ArrayPart(
        {"sequence": np.tile(part.inputs["sequence"], (2, 1))},
        np.concatenate([part.targets, 1 - part.targets]),
        np.repeat([1.0, 0.0], len(part)).astype(np.float32),
    )

    found = train(make_model(), lying, epochs=15)

    assert found.best.validation_loss < 0.3


def test_averaged_weights_lag_behind_the_last():
    plain, averaged = make_model(), make_model()

    train(plain, epochs=2)
    train(averaged, epochs=2, weight_averaging=0.9)

    start = make_model().get_weights()[0]
    moved = [np.linalg.norm(model.get_weights()[0] - start) for model in (plain, averaged)]
    assert 0 < moved[1] < moved[0]


def test_averaging_does_not_change_the_way_of_training():
    plain, averaged = train(make_model()), train(make_model(), weight_averaging=0.9)

    assert [epoch.loss for epoch in averaged.history] == pytest.approx([epoch.loss for epoch in plain.history])
    assert averaged.best.validation_loss != pytest.approx(plain.best.validation_loss, abs=1e-4)


def test_the_cosine_falls_to_zero_after_the_warmup():
    choice = TrainingChoice(schedule="cosine", learning_rate=1.0, epochs=10, warmup_epochs=2)

    rates = [learning_rate_at(choice, step, batches=5) for step in range(50)]

    assert rates[0] == pytest.approx(1 / 11)
    assert rates[9] == pytest.approx(10 / 11)
    assert rates[10] == 1.0
    assert rates[30] == pytest.approx(0.5)
    assert rates[49] < 0.01


@pytest.mark.parametrize("keep", ["best", "last"])
def test_a_plateau_halves_the_learning_rate(keep):
    found = train(
        make_model(),
        validation=opposite(make_part(seed=1)),
        epochs=6,
        patience=6,
        schedule="plateau",
        learning_rate=0.08,
        keep=keep,
    )

    # Epoch 1 is best; two epochs without improvement are a third of six.
    assert [epoch.learning_rate for epoch in found.history] == pytest.approx([0.08, 0.08, 0.08, 0.04, 0.04, 0.02])


def make_ensemble(members=2):
    """Networks as ``make_model`` builds them, side by side on an axis of members."""
    keras.utils.set_random_seed(0)
    sequence = keras.Input((LENGTH, 4), name="sequence")
    rows = []
    for _ in range(members):
        prediction = keras.layers.Dense(1, activation="sigmoid")(keras.layers.Flatten()(sequence))
        rows.append(keras.layers.Reshape((1, 1))(prediction))
    return keras.Model(sequence, {"y": keras.layers.Concatenate(axis=1)(rows)})


def test_a_member_of_an_ensemble_learns_as_if_it_were_alone():
    ensemble, alone = make_ensemble(), make_model()
    alone.set_weights(ensemble.get_weights()[:2])

    # Plain descent: an optimiser that scales gradients would hide a factor.
    together = train(ensemble, optimiser="sgd")
    single = train(alone, optimiser="sgd")

    np.testing.assert_allclose(ensemble.get_weights()[0], alone.get_weights()[0], atol=1e-6)
    assert together.history[0].loss < 2 * single.history[0].loss


def test_an_ensembles_prediction_is_the_mean_of_its_members():
    codes = make_part(5).inputs["sequence"]
    predictor = Predictor(make_ensemble(), "y")

    members = predictor.predict(codes)

    assert members.shape == (5, 2, 1)
    np.testing.assert_allclose(predictor.average_strands(codes, Strands(average=False)), members.mean(axis=1))


def test_averaging_takes_the_statistics_of_batch_norm_along():
    sequence = keras.Input((LENGTH, 4), name="sequence")
    hidden = keras.layers.BatchNormalization(momentum=0.5)(keras.layers.Flatten()(sequence))
    model = keras.Model(sequence, {"y": keras.layers.Dense(1, activation="sigmoid")(hidden)})

    train(model, weight_averaging=0.9999, epochs=1)

    # Hardly moved from their start, 0 and 1, while the last ones are near the data's 0.25 and 0.19.
    norm = model.layers[2]
    np.testing.assert_allclose(norm.moving_mean, 0.0, atol=0.01)
    np.testing.assert_allclose(norm.moving_variance, 1.0, atol=0.01)


def test_keeping_the_last_epoch_never_stops_early():
    worse_and_worse = opposite(make_part(seed=1))

    best = train(make_model(), validation=worse_and_worse, epochs=6, patience=2)
    last = train(make_model(), validation=worse_and_worse, epochs=6, patience=2, keep="last")

    assert (best.epochs, best.best.number) == (3, 1)
    assert (last.epochs, last.best.number) == (6, 6)


def test_a_network_without_a_sequence_learns():
    generator = np.random.default_rng(0)
    features = generator.normal(size=(64, 3)).astype(np.float32)
    part = ArrayPart({"features": features}, (features[:, :1] > 0).astype(np.float32), np.ones(64, np.float32))
    keras.utils.set_random_seed(0)
    inputs = keras.Input((3,), name="features")
    model = keras.Model(inputs, {"y": keras.layers.Dense(1, activation="sigmoid")(inputs)})

    found = train(model, part, part, Strands(average=True), epochs=5, reverse_complement="random")

    assert found.history[-1].validation_loss < 0.8 * found.history[0].validation_loss


@pytest.mark.parametrize("structure", [list, dict])
def test_inputs_go_by_their_names_whatever_their_order(structure):
    keras.utils.set_random_seed(0)
    tensors = [keras.Input((LENGTH, 4), name="sequence"), keras.Input((2,), name="a"), keras.Input((1,), name="b")]
    answer = keras.layers.Concatenate()([tensors[1], tensors[2]])
    given = tensors if structure is list else {tensor.name: tensor for tensor in tensors}
    model = keras.Model(given, {"y": answer})
    codes = make_part(2).inputs["sequence"]
    numbers = np.array([[1, 2], [3, 4]], np.float32)

    found = Predictor(model, "y").predict({"b": numbers[:, :1] * 10, "a": numbers, "sequence": codes})

    assert found.tolist() == [[1, 2, 10], [3, 4, 30]]


def make_binned(members=0, bins=4):
    """A network of (N, B, T), or of (N, K, B, T), whose bins see two bases each."""
    keras.utils.set_random_seed(0)
    sequence = keras.Input((LENGTH, 4), name="sequence")
    rows = [
        keras.layers.Conv1D(2, LENGTH // bins, strides=LENGTH // bins, activation="softplus")(sequence)
        for _ in range(members or 1)
    ]
    if members:
        rows = [keras.layers.Reshape((1, bins, 2))(row) for row in rows]
        return keras.Model(sequence, {"y": keras.layers.Concatenate(axis=1)(rows)})
    return keras.Model(sequence, {"y": rows[0]})


def make_binned_part(count=64, seed=0):
    """Draw windows; the target is the A in each two bases, and the T."""
    codes = np.random.default_rng(seed).integers(0, 4, (count, LENGTH), dtype=np.uint8)
    targets = [(codes == letter).reshape(count, 4, 2).sum(axis=2) for letter in (0, 3)]
    return ArrayPart({"sequence": codes}, np.stack(targets, axis=2).astype(np.float32), np.ones(count, np.float32))


@pytest.mark.parametrize("loss", ["mse", "mae", "poisson", "poisson_multinomial", "multinomial_mse"])
@pytest.mark.parametrize("members", [0, 2])
def test_a_network_of_bins_learns_with_its_strands(loss, members):
    model = make_binned(members)
    part, validation = make_binned_part(), make_binned_part(seed=1)
    part.targets[0] = np.nan
    part.targets[1, 2] = np.nan
    strands = Strands(average=True, mates=np.array([1, 0]))
    choice = TrainingChoice(epochs=4, batch_size=16, learning_rate=0.05, monitor="pearson")

    found = fit(model, part, validation, choice, loss=loss, output="y", strands=strands, seed=0)

    assert found.history[-1].validation_loss < found.history[0].validation_loss
    averaged = Predictor(model, "y", binned=True).average_strands(validation.inputs, strands)
    assert averaged.shape == (64, 4, 2)
    assert np.corrcoef(averaged.ravel(), validation.targets.ravel())[0, 1] == pytest.approx(
        found.best.monitored, abs=0.2
    )


def test_penalties_draw_kernels_and_nothing_else_towards_zero():
    free, drawn = make_model(), make_model()

    train(free, epochs=10)
    train(drawn, epochs=10, l1=0.01, l2=0.1)

    assert np.abs(drawn.get_weights()[0]).sum() < 0.5 * np.abs(free.get_weights()[0]).sum()


def test_the_penalties_are_those_of_the_recipe():
    kernel = tf.Variable([[1.0, -2.0]])

    assert float(penalise(TrainingChoice(l1=0.5), [kernel], [])) == pytest.approx(0.5 * 3)
    assert float(penalise(TrainingChoice(l2=0.5), [kernel], [tf.constant(1.0)])) == pytest.approx(0.5 * 5 + 1)
    assert penalise(TrainingChoice(), [kernel], []) == 0


def test_descent_heeds_its_momentum():
    slow, fast = make_model(), make_model()

    train(slow, optimiser="sgd", momentum=0.0)
    train(fast, optimiser="sgd", momentum=0.9)

    start = make_model().get_weights()[0]
    moved = [np.linalg.norm(model.get_weights()[0] - start) for model in (slow, fast)]
    assert moved[1] > 2 * moved[0]


def test_a_small_norm_of_gradients_keeps_descent_near_its_start():
    model = make_model()

    train(model, optimiser="sgd", momentum=0.0, clip_norm=0.001)

    # 12 steps of 0.05 times at most 0.001.
    assert 0 < np.linalg.norm(model.get_weights()[0] - make_model().get_weights()[0]) <= 12 * 0.05 * 0.001


def test_smoothed_labels_are_learned_and_plain_ones_validated():
    plain, smooth = train(make_model(), epochs=1), train(make_model(), epochs=1, label_smoothing=0.4)

    # A sigmoid of 0.5 or so costs the same either way; the labels' entropy stays with the smooth ones.
    assert smooth.history[0].loss != pytest.approx(plain.history[0].loss, abs=1e-3)
    part, model = make_part(seed=1), make_model()
    kept = train(model, epochs=1, label_smoothing=0.4)
    predictions = Predictor(model, "y").predict(part.inputs)
    expected = -np.log(np.where(part.targets > 0, predictions, 1 - predictions)).mean()
    assert kept.best.validation_loss == pytest.approx(expected, rel=1e-4)


def test_the_count_of_a_profile_weighs_as_much_as_was_asked():
    losses = []
    for weight in (0.0, 1.0, 3.0):
        choice = TrainingChoice(epochs=1, batch_size=64, count_weight=weight)
        found = fit(
            make_binned(), make_binned_part(), make_binned_part(), choice, loss="multinomial_mse", output="y",
            strands=Strands(average=False), seed=0,
        )  # fmt: skip
        losses.append((found.best.loss, found.best.validation_loss))

    (training, validation) = zip(*losses, strict=True)
    assert (training[2] - training[0]) == pytest.approx(3 * (training[1] - training[0]), rel=1e-3)
    assert validation[0] < validation[1] < validation[2]


def test_the_validation_loss_is_the_weighted_mean_over_all_its_batches():
    model, part = make_model(), make_part(1200, seed=1)
    weights = np.arange(1200, dtype=np.float32)

    found = train(model, validation=dataclasses.replace(part, weights=weights), epochs=1)

    predictions = Predictor(model, "y").predict(part.inputs)
    losses = -np.log(np.where(part.targets > 0, predictions, 1 - predictions))[:, 0]
    assert found.best.validation_loss == pytest.approx((weights * losses).sum() / weights.sum(), rel=1e-4)
