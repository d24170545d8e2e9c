"""One step of training, as one TensorFlow graph."""

from __future__ import annotations

from typing import Any

from zoo.training.choices import TrainingChoice
from zoo.training.losses import Loss
from zoo.training.optimise import WeightAverage
from zoo.training.predictor import run_network, sign_inputs

_EPSILON = 1e-7


def make_step(
    model: Any,
    optimiser: Any,
    loss: Loss,
    output: str,
    choice: TrainingChoice,
    average: WeightAverage | None,
    *,
    binned: bool,
) -> Any:
    """Return ``step(inputs, targets, weights, rate)``, which moves the weights and returns the loss as a tensor.

    Inputs come by name, the sequence as codes. The loss is without penalties, and a mean over the members of an
    ensemble.
    """
    import tensorflow as tf

    shape = model.output[output].shape
    ensemble = len(shape) == (4 if binned else 3)
    target_shape = (*shape[2:],) if ensemble else (*shape[1:],)
    kernels = [variable for variable in model.trainable_variables if variable.name.endswith("kernel")]
    variables = model.trainable_variables

    def learn(inputs: Any, targets: Any, weights: Any) -> Any:
        with tf.GradientTape() as tape:
            predictions = run_network(model, inputs, training=True)[output]
            members = tf.unstack(predictions, axis=1) if ensemble else [predictions]
            sums, shares = zip(*(loss.sums(targets, member, weights) for member in members), strict=True)
            # The sum over members, not their mean: each then gets the gradient that it would get alone.
            total = tf.add_n(sums) / tf.maximum(shares[0], _EPSILON)
            penalised = total + _penalise(choice, kernels, model.losses)
            scaled = optimiser.scale_loss(penalised)
        optimiser.apply(tape.gradient(scaled, variables), variables)
        return total / len(members)

    signature = [
        sign_inputs(model),
        tf.TensorSpec((None, *target_shape), tf.float32),
        tf.TensorSpec((None,), tf.float32),
        tf.TensorSpec((), tf.float32),
    ]

    @tf.function(input_signature=signature, autograph=False)  # type: ignore[untyped-decorator]
    def step(inputs: Any, targets: Any, weights: Any, rate: Any) -> Any:
        optimiser.learning_rate.assign(rate)
        total = learn(inputs, targets, weights)
        if average is not None:
            average.update()
        return total

    return step


def _penalise(choice: TrainingChoice, kernels: list[Any], own: list[Any]) -> Any:
    """Return the recipe's penalties on kernels, with those that the architecture has of its own."""
    import tensorflow as tf

    penalties = [tf.cast(penalty, tf.float32) for penalty in own]
    for kernel in kernels:
        values = tf.convert_to_tensor(kernel)
        if choice.l1:
            penalties.append(choice.l1 * tf.reduce_sum(tf.abs(values)))
        if choice.l2:
            penalties.append(choice.l2 * tf.reduce_sum(tf.square(values)))
    return tf.add_n(penalties) if penalties else 0.0
