import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("tensorflow")

import keras

from zoo.errors import OutputError, TrainingError
from zoo.training.choices import TrainingChoice
from zoo.training.data.batches import ArrayPart
from zoo.training.data.strands import Strands
from zoo.training.network.backend import import_backend
from zoo.training.network.checkpoint import CHECKPOINT_FILE
from zoo.training.network.fit import fit

pytestmark = pytest.mark.training

import_backend(threads=1)

LENGTH = 8


def make_model(units=4, seed=0):
    keras.utils.set_random_seed(seed)
    sequence = keras.Input((LENGTH, 4), name="sequence")
    hidden = keras.layers.Dense(units, activation="relu")(keras.layers.Flatten()(sequence))
    hidden = keras.layers.Dropout(0.5)(keras.layers.BatchNormalization()(hidden))
    return keras.Model(sequence, {"y": keras.layers.Dense(1, activation="sigmoid")(hidden)})


def make_part(seed=0):
    codes = np.random.default_rng(seed).integers(0, 4, (64, LENGTH), dtype=np.uint8)
    return ArrayPart({"sequence": codes}, (codes[:, :1] == 0).astype(np.float32), np.ones(64, np.float32))


def train(model, folder=None, *, resume=False, progress=None, fingerprint="a recipe", validation=None, **choice):
    settings = {"epochs": 4, "batch_size": 16, "learning_rate": 0.05, "shift": 1, **choice}
    return fit(
        model,
        make_part(),
        validation or make_part(seed=1),
        TrainingChoice.model_validate(settings),
        loss="binary_crossentropy",
        output="y",
        strands=Strands(average=True),
        seed=0,
        progress=progress,
        run_folder=folder,
        resume=resume,
        fingerprint=fingerprint,
    )


class Break(Exception):
    """What a test ends a run with."""


class BreakAfter:
    """Ends the run once an epoch is done, or in the middle of the one after it."""

    def __init__(self, epoch, batches):
        self.epoch, self.left, self.batches = epoch, None, batches

    def start(self, epochs, batches):
        pass

    def advance(self):
        if self.left is not None:
            self.left -= 1
            if not self.left:
                raise Break

    def report(self, epoch, *, monitor, is_best):
        if epoch.number == self.epoch:
            if not self.batches:
                raise Break
            self.left = self.batches


def without_seconds(found):
    return [(epoch.number, epoch.loss, epoch.validation_loss, epoch.learning_rate) for epoch in found.history]


def assert_same(first, second):
    for one, other in zip(first.get_weights(), second.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize(
    ("batches", "choice"),
    [
        pytest.param(2, {}, id="adam, in an epoch"),
        pytest.param(0, {"optimiser": "sgd", "weight_averaging": 0.9, "keep": "last"}, id="averaged"),
        pytest.param(0, {"schedule": "plateau", "patience": 2, "learning_rate": 0.5, "epochs": 6}, id="plateau"),
        pytest.param(
            2, {"schedule": "cosine", "warmup_epochs": 1.5, "reverse_complement": "both"}, id="cosine, in an epoch"
        ),
    ],
)
def test_a_run_that_was_broken_off_ends_as_one_that_was_not(tmp_path, batches, choice):
    whole, broken, resumed = make_model(), make_model(), make_model(seed=5)
    expected = train(whole, **choice)
    with pytest.raises(Break):
        train(broken, tmp_path, progress=BreakAfter(2, batches), **choice)

    found = train(resumed, tmp_path, resume=True, **choice)

    assert_same(resumed, whole)
    assert without_seconds(found) == without_seconds(expected)
    assert found.best.number == expected.best.number


def test_a_resumed_run_knows_which_epoch_was_best(tmp_path):
    part = make_part(seed=1)
    opposite = ArrayPart(part.inputs, 1 - part.targets, part.weights)  # the better the training, the worse here
    options = {"validation": opposite, "epochs": 8, "patience": 3}
    whole, resumed = make_model(), make_model(seed=5)
    expected = train(whole, **options)
    with pytest.raises(Break):
        train(make_model(), tmp_path, progress=BreakAfter(2, 0), **options)

    found = train(resumed, tmp_path, resume=True, **options)

    assert (found.best.number, found.epochs) == (expected.best.number, expected.epochs) == (1, 4)
    assert_same(resumed, whole)


def test_a_run_that_is_over_trains_no_more(tmp_path):
    model, again = make_model(), make_model(seed=5)
    found = train(model, tmp_path)

    assert train(again, tmp_path, resume=True) == found

    assert_same(again, model)


def test_a_start_heeds_no_checkpoint_and_needs_none(tmp_path):
    train(make_model(seed=3), tmp_path, epochs=1)
    model, resumed, expected = make_model(), make_model(), make_model()

    train(model, tmp_path, epochs=1)
    train(resumed, tmp_path / "new", resume=True, epochs=1)
    train(expected, epochs=1)

    assert_same(model, expected)
    assert_same(resumed, expected)


def test_the_progress_of_a_resumed_run_starts_where_it_stopped(tmp_path):
    calls = []

    class Counter(BreakAfter):
        def advance(self):
            calls.append("batch")

        def report(self, epoch, *, monitor, is_best):
            calls.append(epoch.number)

    with pytest.raises(Break):
        train(make_model(), tmp_path, progress=BreakAfter(3, 0))

    train(make_model(), tmp_path, resume=True, progress=Counter(0, 0))

    assert calls == ["batch"] * 16 + [4]


def test_the_checkpoint_of_another_recipe_is_refused(tmp_path):
    train(make_model(), tmp_path, epochs=1)

    with pytest.raises(TrainingError, match=r"checkpoint-last\.npz: expected the checkpoint of this recipe"):
        train(make_model(), tmp_path, resume=True, fingerprint="another recipe")


def test_the_checkpoint_of_another_network_is_refused(tmp_path):
    train(make_model(), tmp_path, epochs=1)

    with pytest.raises(TrainingError, match=r"found variables of the model of other shapes"):
        train(make_model(units=5), tmp_path, resume=True)


@pytest.mark.parametrize("keep", [0, 10, 1000])
def test_a_damaged_checkpoint_is_refused(tmp_path, keep):
    train(make_model(), tmp_path, epochs=1)
    path = tmp_path / CHECKPOINT_FILE
    path.write_bytes(path.read_bytes()[:keep])

    with pytest.raises(TrainingError, match=r"checkpoint-last\.npz: is no checkpoint, or is damaged"):
        train(make_model(), tmp_path, resume=True)


def test_a_checkpoint_holds_nothing_that_runs(tmp_path):
    np.savez(tmp_path / CHECKPOINT_FILE, state=np.array([{"fingerprint": "a recipe"}], dtype=object))

    with pytest.raises(TrainingError, match="Object arrays cannot be loaded"):
        train(make_model(), tmp_path, resume=True)


def test_a_checkpoint_that_cant_be_written_leaves_the_one_before(tmp_path, monkeypatch):
    def fill_the_disk(descriptor):
        raise OSError(28, "No space left on device")

    train(make_model(), tmp_path, epochs=1)
    before = (tmp_path / CHECKPOINT_FILE).read_bytes()
    monkeypatch.setattr(os, "fsync", fill_the_disk)

    with pytest.raises(OutputError, match=r"checkpoint-last\.npz: can't be written: No space left on device"):
        train(make_model(), tmp_path, epochs=1)

    assert (tmp_path / CHECKPOINT_FILE).read_bytes() == before
    assert {path.name for path in tmp_path.iterdir()} == {CHECKPOINT_FILE, "training.csv"}


def test_a_run_that_was_killed_ends_as_one_that_was_not(tmp_path):
    program = textwrap.dedent(
        """
        import os, pathlib, signal, sys
        sys.path.insert(0, sys.argv[1])
        import test_checkpoint as tests

        class Kill(tests.BreakAfter):
            def advance(self):
                try:
                    super().advance()
                except tests.Break:
                    os.kill(os.getpid(), signal.SIGKILL)

        tests.train(tests.make_model(), pathlib.Path(sys.argv[2]), progress=Kill(1, 3))
        """
    )
    command = [sys.executable, "-c", program, Path(__file__).parent, tmp_path]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    assert done.returncode == -signal.SIGKILL, done.stderr
    whole, resumed = make_model(), make_model(seed=5)

    found = train(resumed, tmp_path, resume=True)
    expected = train(whole)

    assert_same(resumed, whole)
    assert without_seconds(found) == without_seconds(expected)
