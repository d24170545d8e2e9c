import numpy as np
import pytest

pytest.importorskip("tensorflow")

import keras

from zoo.errors import TrainingDiverged
from zoo.genome.codes import reverse_complement
from zoo.training import fit as fit_module
from zoo.training.backend import import_backend
from zoo.training.choices import TrainingChoice
from zoo.training.fit import Part, Predictor, Strands, fit, learning_rate_at

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
    return Part(codes, (codes[:, :1] == 0).astype(np.float32), np.ones(count, np.float32))


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
    return Part(part.codes, 1 - part.targets, part.weights)


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

    predictions = Predictor(model, "y").predict(validation.codes)
    expected = -np.log(np.where(validation.targets > 0, predictions, 1 - predictions)).mean()
    assert found.best.validation_loss == pytest.approx(expected, rel=1e-4)


def test_training_again_gives_the_same_weights():
    first, again = make_model(), make_model()

    train(first, reverse_complement="random")
    train(again, reverse_complement="random")

    for one, other in zip(first.get_weights(), again.get_weights(), strict=True):
        np.testing.assert_allclose(one, other, rtol=0, atol=1e-6)


def draw_shown(monkeypatch, part, strands, **choice):
    """Train for an epoch and return the codes and targets that the network was shown."""
    shown = []
    original = fit_module._draw_batches

    def record(*arguments):
        for codes, targets, weights in original(*arguments):
            shown.extend(zip(codes.tolist(), targets.tolist(), strict=True))
            yield codes, targets, weights

    monkeypatch.setattr(fit_module, "_draw_batches", record)
    train(make_model(part.targets.shape[1]), part, part, strands, epochs=1, **choice)
    return sorted(shown)


def test_both_strands_are_shown_with_their_targets_turned(monkeypatch):
    part = make_part(20)
    two = Part(part.codes, np.concatenate([part.targets, 1 - part.targets], axis=1), part.weights)
    strands = Strands(average=True, mates=np.array([1, 0]))

    shown = draw_shown(monkeypatch, two, strands, reverse_complement="both")

    forward = list(zip(two.codes.tolist(), two.targets.tolist(), strict=True))
    reverse = list(zip(reverse_complement(two.codes).tolist(), two.targets[:, ::-1].tolist(), strict=True))
    assert shown == sorted([*forward, *reverse])


def test_random_strands_show_each_example_once_on_either_strand(monkeypatch):
    part = make_part(40)
    before = part.codes.copy()

    shown = draw_shown(monkeypatch, part, Strands(average=True), reverse_complement="random")

    forward = {tuple(codes) for codes in part.codes.tolist()}
    reverse = {tuple(codes) for codes in reverse_complement(part.codes).tolist()}
    kinds = [tuple(codes) in forward for codes, _ in shown]
    assert all(tuple(codes) in forward | reverse for codes, _ in shown)
    assert len(shown) == 40
    assert 8 < sum(kinds) < 32
    np.testing.assert_array_equal(part.codes, before)


def test_targets_turn_with_their_strand(monkeypatch):
    part = make_part(40)
    two = Part(part.codes, np.repeat([[1.0, 0.0]], 40, axis=0).astype(np.float32), part.weights)

    shown = draw_shown(monkeypatch, two, Strands(average=True, mates=np.array([1, 0])), reverse_complement="random")

    forward = {tuple(codes) for codes in part.codes.tolist()}
    assert all(targets == ([1, 0] if tuple(codes) in forward else [0, 1]) for codes, targets in shown)


def test_no_strand_is_turned_unless_asked(monkeypatch):
    part = make_part(20)

    shown = draw_shown(monkeypatch, part, Strands(average=False))

    assert shown == sorted(zip(part.codes.tolist(), part.targets.tolist(), strict=True))


def test_validation_sees_the_mean_of_both_strands():
    model, codes = make_model(2), make_part(10).codes
    predictor = Predictor(model, "y")
    strands = Strands(average=True, mates=np.array([1, 0]))

    forward, reverse = predictor.predict(codes), predictor.predict(reverse_complement(codes))

    np.testing.assert_allclose(predictor.average_strands(codes, strands), (forward + reverse[:, ::-1]) / 2)


def test_a_loss_that_is_no_number_names_its_epoch():
    part = make_part()
    broken = Part(part.codes, part.targets, np.full(len(part), np.inf, np.float32))

    with pytest.raises(TrainingDiverged, match=r"the loss is nan in epoch 1, .*; lower training\.learning_rate"):
        train(make_model(), broken)


def test_an_example_without_weight_teaches_nothing():
    part = make_part()
    lying = Part(
        np.concatenate([part.codes, part.codes]),
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
    codes = make_part(5).codes
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
