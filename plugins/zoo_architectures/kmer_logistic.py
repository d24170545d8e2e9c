"""Logistic regression on counts of k-mers: what a network that tells classes apart has to beat."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import numpy as np

from zoo import Architecture, ExampleSet, InputSpec, OutputSpec, RecipeError
from zoo_architectures.kmers import KmerConfig, Weights, build_word_sum, solve_words
from zoo_architectures.solving import Floats, cross_entropy

_ITERATIONS = 100
_ABSENT = -20.0
"""The intercept of a class that no example has."""


class KmerLogisticConfig(KmerConfig):
    __doc__ = KmerConfig.__doc__


def fit_kmer_logistic(
    config: KmerLogisticConfig,
    train: ExampleSet,
    validation: ExampleSet,
    outputs: tuple[OutputSpec, ...],
    seed: int,  # noqa: ARG001 - there is one solution
) -> Weights:
    """Return coefficients and intercept; sigmoid tracks are solved one by one, those of a softmax together."""
    exclusive = outputs[0].activation == "softmax"
    return solve_words(config, train, validation, _solve, cross_entropy, together=exclusive)


def build_kmer_logistic(
    config: KmerLogisticConfig,
    inputs: tuple[InputSpec, ...],
    outputs: tuple[OutputSpec, ...],
    frozen: Mapping[str, Any],
) -> Any:
    """Return the regression as a network; all zeros where ``frozen`` holds no weights.

    Raises:
        RecipeError: The output's activation is neither sigmoid nor softmax.
    """
    activation = outputs[0].activation
    if activation not in {"sigmoid", "softmax"}:
        raise RecipeError(
            f"kmer_logistic needs output.activation sigmoid or softmax, found {activation}; use kmer_ridge"
        )
    return build_word_sum(config, inputs, outputs, frozen, activation, "kmer_logistic")


def _solve(
    counts: Any, targets: Floats, weights: Floats, penalties: Iterable[float]
) -> Iterator[tuple[Floats, Floats]]:
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression

    alone = targets.shape[1] == 1
    classes = (targets[:, 0] > 0.5).astype(np.int64) if alone else targets.argmax(axis=1)
    seen = np.unique(classes)
    # Each penalty starts from the coefficients of the one before.
    model = LogisticRegression(max_iter=_ITERATIONS, warm_start=True)
    for penalty in penalties:
        coefficients = np.zeros((counts.shape[1], max(targets.shape[1], 2)))
        intercept = np.full(coefficients.shape[1], _ABSENT)
        intercept[seen] = 0.0
        if len(seen) > 1:
            # scikit-learn takes half the sum of squares, and the sum of losses.
            model.set_params(C=0.5 / (penalty * len(classes)))
            with warnings.catch_warnings():
                # Where the penalty is weak the last digits of a coefficient take thousands of steps.
                warnings.simplefilter("ignore", ConvergenceWarning)
                model.fit(counts, classes, weights)
            solved = seen[-len(model.coef_) :]  # of two classes only the second gets coefficients
            coefficients[:, solved], intercept[solved] = model.coef_.T, model.intercept_
        if alone:
            yield coefficients[:, 1:] - coefficients[:, :1], intercept[1:] - intercept[:1]
        else:
            yield coefficients, intercept


KMER_LOGISTIC = Architecture(
    name="kmer_logistic",
    summary="a baseline: logistic regression on counts of k-mers, its penalty chosen on the validation part",
    config=KmerLogisticConfig,
    build=build_kmer_logistic,
    fit_weights=fit_kmer_logistic,
)
