"""The optimiser, the learning rate step by step, and the moving average of the weights."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from zoo.training.choices import TrainingChoice


def make_optimiser(choice: TrainingChoice, *, clips: bool = True) -> Any:
    """Return the Keras optimiser, with its loss scaled where gradients are computed in float16.

    Without ``clips`` the gradients are the caller's to clip.
    """
    import keras

    clip_norm = choice.clip_norm if clips else None
    options: dict[str, Any] = {"learning_rate": choice.learning_rate, "clipnorm": clip_norm}
    if choice.optimiser == "adamw":
        optimiser = keras.optimizers.AdamW(weight_decay=choice.weight_decay, **options)
    elif choice.optimiser == "sgd":
        # Nesterov's look ahead without momentum is plain descent, which Keras refuses to be asked for so.
        optimiser = keras.optimizers.SGD(momentum=choice.momentum, nesterov=choice.momentum > 0, **options)
    else:
        kinds = {"adam": keras.optimizers.Adam, "rmsprop": keras.optimizers.RMSprop}
        optimiser = kinds[choice.optimiser](**options)
    return keras.optimizers.LossScaleOptimizer(optimiser) if choice.mixed_precision == "float16" else optimiser


def learning_rate_at(choice: TrainingChoice, step: int, batches: int) -> float:
    """Return the learning rate of a step counted from 0, before what a plateau takes off."""
    warmup = choice.warmup_epochs * batches
    if step < warmup:
        return choice.learning_rate * (step + 1) / (warmup + 1)
    if choice.schedule == "cosine":
        share = (step - warmup) / max(choice.epochs * batches - warmup, 1)
        return choice.learning_rate * 0.5 * (1 + math.cos(math.pi * min(share, 1.0)))
    return choice.learning_rate


class Pace:
    """The learning rate, step by step; ``rate`` is the last one, ``factor`` what a plateau has left of it."""

    def __init__(self, choice: TrainingChoice, batches: int) -> None:
        self._choice, self._batches = choice, batches
        self._wait = max(1, choice.patience // 3)
        self.step, self.factor = 0, 1.0
        self.rate = choice.learning_rate

    def next(self) -> float:
        """Return the learning rate of the step to come."""
        self.rate = learning_rate_at(self._choice, self.step, self._batches) * self.factor
        self.step += 1
        return self.rate

    def end_epoch(self, waited: int) -> None:
        """Heed that the monitored value has not improved for so many epochs."""
        if self._choice.schedule == "plateau" and waited and waited % self._wait == 0:
            self.factor *= 0.5


class WeightAverage:
    """The moving average of all weights, BatchNorm's means and variances among them.

    Keras' own leaves those out: it would pair averaged kernels with the statistics of others.
    """

    def __init__(self, model: Any, momentum: float) -> None:
        import tensorflow as tf

        self._weights = model.weights
        self._momentum = momentum
        self.variables = [tf.Variable(weight) for weight in model.get_weights()]

    @property
    def values(self) -> list[npt.NDArray[np.float32]]:
        """The averages, in the order of the network's weights."""
        return [average.numpy() for average in self.variables]

    def update(self) -> None:
        """Move the averages towards the weights; called after each step, inside its graph."""
        for average, weight in zip(self.variables, self._weights, strict=True):
            average.assign(average * self._momentum + weight * (1 - self._momentum))
