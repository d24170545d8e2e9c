"""What the network is to say: tracks, targets and loss, from what the loader measured and the recipe asks for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from zoo.components import Architecture, ExampleSet, OutputSpec
from zoo.errors import DataError, RecipeError
from zoo.model.card import Track
from zoo.training.recipe import Recipe

Targets: TypeAlias = npt.NDArray[np.float32]
"""Measured values, shape (N, T), NaN where missing."""

ABSENT_PRESENT = ("absent", "present")
"""The tracks of a softmax over one target of two classes, unless the recipe names them."""

_LOSSES = {
    "sigmoid": ("binary_crossentropy", "mse"),
    "softmax": ("categorical_crossentropy", "mse"),
}
"""The losses that fit an activation, the usual one first; any other activation is for regression."""


@dataclass(frozen=True, slots=True)
class Task:
    """What the network learns.

    Args:
        targets: Shape (N, T), one column a track of the output.
        evaluated: The tracks that get metrics; of a softmax over one binary target only its presence.
        classes: Targets are 0 and 1, so that metrics are of classification.
    """

    targets: Targets
    tracks: tuple[Track, ...]
    evaluated: tuple[int, ...]
    loss: str
    classes: bool
    output: OutputSpec


def define_task(recipe: Recipe, examples: ExampleSet, architecture: Architecture, where: str) -> Task:
    """Match the loader's targets with the recipe's output; ``where`` names the recipe in messages.

    Raises:
        DataError: The loader gives no targets, or values that the loss can't take.
        RecipeError: Tracks, activation and loss do not fit each other.
    """
    choice = recipe.output
    if examples.targets is None or examples.targets.ndim != 2:
        raise DataError(f"{where}: data.loader {recipe.data.loader}: expected targets of shape (N, T), found none such")
    targets, names = examples.targets, examples.tracks
    evaluated = tuple(range(len(names)))
    if choice.activation == "softmax" and len(names) == 1:
        targets = _expand_binary(targets, names[0], where)
        names = tuple(track.name for track in choice.tracks) if choice.tracks else ABSENT_PRESENT
        evaluated = (1,)
    observed = targets[~np.isnan(targets)]
    loss = _choose_loss(recipe, architecture, where)
    if loss.endswith("crossentropy") and ((observed < 0) | (observed > 1)).any():
        wrong = observed[(observed < 0) | (observed > 1)][0]
        raise DataError(f"{where}: loss {loss} needs targets from 0 to 1, found {wrong:g}; use loss: mse")
    if recipe.training.label_smoothing and loss == "mse":
        raise RecipeError(f"{where}: training.label_smoothing needs a cross-entropy, the loss is mse")
    classes = choice.activation in _LOSSES and bool(np.isin(observed, (0, 1)).all())
    if recipe.training.class_weights == "balanced" and not (classes and len(evaluated) == 1):
        raise RecipeError(f"{where}: training.class_weights: balanced needs one target of two classes")
    tracks = _name_tracks(recipe, names, where)
    return Task(
        targets=targets,
        tracks=tracks,
        evaluated=evaluated,
        loss=loss,
        classes=classes,
        output=OutputSpec(choice.name, tuple(track.name for track in tracks), choice.activation),
    )


def balance_classes(targets: Targets, weights: npt.NDArray[np.float32], where: str) -> npt.NDArray[np.float32]:
    """Return weights under which both classes of the last track weigh the same, with the same mean as before.

    Raises:
        DataError: One class weighs nothing; ``where`` names the recipe.
    """
    positive = targets[:, -1] > 0.5
    balanced = weights.copy()
    total = float(weights.sum())
    for label, rows in ((1, positive), (0, ~positive)):
        weight = float(weights[rows].sum())
        if not weight > 0:
            raise DataError(
                f"{where}: training.class_weights: balanced needs weight in both classes, "
                f"found a sum of {weight:g} in class {label} of the train part; give its examples a weight above 0"
            )
        balanced[rows] *= total / (2.0 * weight)
    return balanced


def _expand_binary(targets: Targets, name: str, where: str) -> Targets:
    observed = targets[~np.isnan(targets)]
    if not np.isin(observed, (0, 1)).all():
        wrong = observed[~np.isin(observed, (0, 1))][0]
        raise DataError(f"{where}: softmax over target {name!r} needs classes 0 and 1, found {wrong:g}")
    return np.concatenate([1 - targets, targets], axis=1)


def _choose_loss(recipe: Recipe, architecture: Architecture, where: str) -> str:
    activation = recipe.output.activation
    fitting = _LOSSES.get(activation, ("mse",))
    asked = recipe.training.loss
    if asked is None:
        return architecture.loss if architecture.loss in fitting else fitting[0]
    if asked not in fitting:
        raise RecipeError(
            f"{where}: training.loss {asked} does not fit output.activation {activation}; use {' or '.join(fitting)}"
        )
    return asked


def _name_tracks(recipe: Recipe, names: tuple[str, ...], where: str) -> tuple[Track, ...]:
    choice = recipe.output
    if choice.tracks is None:
        return tuple(
            Track(name=name, assay=recipe.assay, biosample=recipe.biosample, unit=choice.unit) for name in names
        )
    given = tuple(track.name for track in choice.tracks)
    expected = 2 if choice.activation == "softmax" and len(names) == 2 else len(names)
    if given != names or len(given) != expected:
        raise RecipeError(
            f"{where}: output.tracks names {', '.join(given)}, the data give {', '.join(names)}; "
            "they must be the same, in the same order"
        )
    return choice.tracks
