"""Finds the weights of a network. With ``backend``, ``export`` and the architectures the only user of Keras."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from zoo.components import Predictions
from zoo.errors import TrainingDiverged
from zoo.genome.codes import Codes, one_hot, reverse_complement
from zoo.training.choices import TrainingChoice
from zoo.training.evaluate import measure_monitor
from zoo.training.losses import Loss, make_loss
from zoo.training.targets import Targets

_PREDICTION_BATCH = 512


@dataclass(frozen=True, slots=True)
class Part:
    """Examples to learn or choose from: codes (N, L), targets (N, T), weights (N,)."""

    codes: Codes
    targets: Targets
    weights: npt.NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.codes)


@dataclass(frozen=True, slots=True)
class Epoch:
    """What one epoch came to; ``monitored`` is the value that early stopping looks at."""

    number: int
    loss: float
    validation_loss: float
    monitored: float
    learning_rate: float
    seconds: float


@dataclass(frozen=True, slots=True)
class Fit:
    """What training came to; the network holds the weights of ``best``."""

    history: tuple[Epoch, ...]
    best: Epoch

    @property
    def epochs(self) -> int:
        return len(self.history)


class Progress(Protocol):
    """Is told how training goes."""

    def start(self, epochs: int, batches: int) -> None:
        """Training begins, of at most so many epochs of so many batches each."""

    def advance(self) -> None:
        """A batch is done."""

    def report(self, epoch: Epoch, *, monitor: str, is_best: bool) -> None:
        """An epoch is done."""


@dataclass(frozen=True, slots=True)
class Strands:
    """``average``: predictions are the mean over both strands; ``mates``: each track's column on the reverse strand."""

    average: bool
    mates: npt.NDArray[np.int64] | None = None

    def turn(self, values: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """Return targets or predictions (N, T) as they are on the other strand."""
        return values if self.mates is None else values[:, self.mates]


def fit(
    model: Any,
    train: Part,
    validation: Part,
    choice: TrainingChoice,
    *,
    loss: str,
    output: str,
    strands: Strands,
    seed: int,
    progress: Progress | None = None,
) -> Fit:
    """Train ``model`` in place, up to the early stop, and leave it with its best epoch's weights.

    ``loss`` and ``output`` are names: of a loss in ``losses``, and of the network's output. ``strands`` says how the
    validation part is predicted. ``seed`` orders examples and chooses strands; initial weights and dropout come from
    Keras' own seed.

    Raises:
        TrainingDiverged: The loss became infinite or not a number.
    """
    generator = np.random.default_rng(seed)
    optimiser = _make_optimiser(choice)
    optimiser.build(model.trainable_variables)
    average = None if choice.weight_averaging is None else _WeightAverage(model, choice.weight_averaging)
    step = _make_step(model, optimiser, make_loss(loss, choice.label_smoothing), output, average)
    judge = _Judge(model, average, validation, choice, make_loss(loss), output, strands)
    if choice.reverse_complement == "both":
        train = _add_reverse_strands(train, strands)
    batches = math.ceil(len(train) / choice.batch_size)
    pace = _Pace(choice, batches)
    if progress:
        progress.start(choice.epochs, batches)
    for number in range(1, choice.epochs + 1):
        began = time.perf_counter()
        losses = []
        for codes, targets, weights in _draw_batches(train, choice, strands, generator):
            optimiser.learning_rate = pace.next()
            losses.append(step(one_hot(codes), targets, weights))
            if progress:
                progress.advance()
        mean_loss = float(np.mean([float(value) for value in losses]))
        if not math.isfinite(mean_loss):
            raise TrainingDiverged(
                f"the loss is {mean_loss} in epoch {number}, expected a finite number; "
                "lower training.learning_rate, or set training.clip_norm"
            )
        epoch = judge.judge(number, mean_loss, pace.rate, began)
        if progress:
            progress.report(epoch, monitor=choice.monitor, is_best=epoch is judge.best)
        waited = number - judge.leader.number
        if choice.keep == "best" and waited >= choice.patience:
            break
        pace.end_epoch(waited)
    model.set_weights(judge.best_weights)
    return Fit(tuple(judge.history), judge.best)


class _Judge:
    """Looks at the validation part after each epoch, and keeps the weights of the best one, or of the last.

    ``best`` is the epoch whose weights are kept, ``leader`` the one with the best monitored value.
    """

    best: Epoch
    leader: Epoch
    best_weights: list[npt.NDArray[np.float32]]

    def __init__(
        self,
        model: Any,
        average: _WeightAverage | None,
        validation: Part,
        choice: TrainingChoice,
        loss: Loss,
        output: str,
        strands: Strands,
    ) -> None:
        self._model, self._average = model, average
        self._validation, self._choice, self._loss, self._strands = validation, choice, loss, strands
        self._predictor = Predictor(model, output)
        self.history: list[Epoch] = []

    def judge(self, number: int, mean_loss: float, rate: float, began: float) -> Epoch:
        last_weights = self._model.get_weights()
        if self._average is not None:
            self._model.set_weights(self._average.values)
        part = self._validation
        predictions = self._predictor.average_strands(part.codes, self._strands)
        loss = float(self._loss(part.targets, predictions, part.weights))
        monitored = measure_monitor(self._choice.monitor, part.targets, predictions, loss)
        epoch = Epoch(number, mean_loss, loss, monitored, rate, time.perf_counter() - began)
        leads = not self.history or _improves(self._choice.monitor, epoch, self.leader)
        if leads:
            self.leader = epoch
        if leads or self._choice.keep == "last":
            self.best, self.best_weights = epoch, self._model.get_weights()
        self.history.append(epoch)
        if self._average is not None:
            self._model.set_weights(last_weights)
        return epoch


class _WeightAverage:
    """The moving average of all weights, BatchNorm's means and variances among them.

    Keras' own leaves those out: it would pair averaged kernels with the statistics of others.
    """

    def __init__(self, model: Any, momentum: float) -> None:
        import tensorflow as tf

        self._weights = model.weights
        self._momentum = momentum
        self._averages = [tf.Variable(weight) for weight in model.get_weights()]

    @property
    def values(self) -> list[npt.NDArray[np.float32]]:
        """The averages, in the order of the network's weights."""
        return [average.numpy() for average in self._averages]

    def update(self) -> None:
        """Move the averages towards the weights; called after each step, inside its graph."""
        for average, weight in zip(self._averages, self._weights, strict=True):
            average.assign(average * self._momentum + weight * (1 - self._momentum))


class Predictor:
    """Predicts codes with a Keras network, in batches."""

    def __init__(self, model: Any, output: str) -> None:
        import tensorflow as tf

        shape = tuple(model.inputs[0].shape[1:])

        @tf.function(input_signature=[tf.TensorSpec((None, *shape), tf.float32)])  # type: ignore[untyped-decorator]
        def forward(sequences: Any) -> Any:
            return model(sequences, training=False)[output]

        self._forward = forward

    def predict(self, codes: Codes) -> Predictions:
        """Return what the network itself gives for these windows, shape (N, T), or (N, members, T)."""
        parts = [
            self._forward(one_hot(codes[first : first + _PREDICTION_BATCH])).numpy()
            for first in range(0, len(codes), _PREDICTION_BATCH)
        ]
        predictions: Predictions = np.concatenate(parts)
        return predictions

    def average_strands(self, codes: Codes, strands: Strands) -> Predictions:
        """Return the predictions as users get them, (N, T): the mean of members, and of strands where asked for."""
        forward = self._average_members(codes)
        if not strands.average:
            return forward
        reverse = strands.turn(self._average_members(reverse_complement(codes)))
        mean: Predictions = (forward + reverse) * np.float32(0.5)
        return mean

    def _average_members(self, codes: Codes) -> Predictions:
        predictions = self.predict(codes)
        mean: Predictions = predictions.mean(axis=1) if predictions.ndim == 3 else predictions
        return mean


def learning_rate_at(choice: TrainingChoice, step: int, batches: int) -> float:
    """Return the learning rate of a step counted from 0, before what a plateau takes off."""
    warmup = choice.warmup_epochs * batches
    if step < warmup:
        return choice.learning_rate * (step + 1) / (warmup + 1)
    if choice.schedule == "cosine":
        share = (step - warmup) / max(choice.epochs * batches - warmup, 1)
        return choice.learning_rate * 0.5 * (1 + math.cos(math.pi * min(share, 1.0)))
    return choice.learning_rate


class _Pace:
    """The learning rate, step by step."""

    def __init__(self, choice: TrainingChoice, batches: int) -> None:
        self._choice, self._batches = choice, batches
        self._step, self._factor = 0, 1.0
        self._wait = max(1, choice.patience // 3)
        self.rate = choice.learning_rate

    def next(self) -> float:
        self.rate = learning_rate_at(self._choice, self._step, self._batches) * self._factor
        self._step += 1
        return self.rate

    def end_epoch(self, waited: int) -> None:
        if self._choice.schedule == "plateau" and waited and waited % self._wait == 0:
            self._factor *= 0.5


def _make_optimiser(choice: TrainingChoice) -> Any:
    import keras

    options: dict[str, Any] = {"learning_rate": choice.learning_rate, "clipnorm": choice.clip_norm}
    if choice.optimiser == "adamw":
        return keras.optimizers.AdamW(weight_decay=choice.weight_decay, **options)
    if choice.optimiser == "sgd":
        return keras.optimizers.SGD(momentum=0.9, nesterov=True, **options)
    kinds = {"adam": keras.optimizers.Adam, "rmsprop": keras.optimizers.RMSprop}
    return kinds[choice.optimiser](**options)


def _make_step(model: Any, optimiser: Any, loss: Loss, output: str, average: _WeightAverage | None) -> Any:
    import tensorflow as tf

    shape = tuple(model.inputs[0].shape[1:])
    tracks = model.output[output].shape[-1]
    ensemble = len(model.output[output].shape) == 3
    signature = [
        tf.TensorSpec((None, *shape), tf.float32),
        tf.TensorSpec((None, tracks), tf.float32),
        tf.TensorSpec((None,), tf.float32),
    ]

    @tf.function(input_signature=signature)  # type: ignore[untyped-decorator]
    def step(sequences: Any, targets: Any, weights: Any) -> Any:
        with tf.GradientTape() as tape:
            predictions = model(sequences, training=True)[output]
            # The sum over members, not their mean: each then gets the gradient that it would get alone.
            members = [predictions[:, member] for member in range(predictions.shape[1])] if ensemble else [predictions]
            total = tf.add_n([loss(targets, prediction, weights) for prediction in members])
            penalised = total + tf.add_n(model.losses) if model.losses else total
        variables = model.trainable_variables
        optimiser.apply(tape.gradient(penalised, variables), variables)
        if average is not None:
            average.update()
        return total / len(members)

    return step


def _draw_batches(
    train: Part, choice: TrainingChoice, strands: Strands, generator: np.random.Generator
) -> Iterator[tuple[Codes, Targets, npt.NDArray[np.float32]]]:
    order = generator.permutation(len(train))
    for first in range(0, len(order), choice.batch_size):
        rows = order[first : first + choice.batch_size]
        codes, targets = train.codes[rows], train.targets[rows]
        if choice.reverse_complement == "random":
            turned = generator.random(len(rows)) < 0.5
            codes[turned] = reverse_complement(codes[turned])
            targets[turned] = strands.turn(targets[turned])
        yield codes, targets, train.weights[rows]


def _add_reverse_strands(train: Part, strands: Strands) -> Part:
    return Part(
        np.concatenate([train.codes, reverse_complement(train.codes)]),
        np.concatenate([train.targets, strands.turn(train.targets)]),
        np.concatenate([train.weights, train.weights]),
    )


def _improves(monitor: str, epoch: Epoch, best: Epoch) -> bool:
    return epoch.monitored < best.monitored if monitor == "loss" else epoch.monitored > best.monitored
