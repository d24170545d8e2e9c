"""Counts of k-mers: a sparse matrix to solve with, and the layer that adds up what was solved."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Annotated, Any, TypeAlias

import numpy as np
import numpy.typing as npt
from pydantic import Field

from zoo import UNKNOWN, Codes, Config, ExampleSet, InputSpec, OutputSpec, RecipeError
from zoo_architectures.solving import Floats, Solver, solve_tracks

Weights: TypeAlias = Mapping[str, npt.NDArray[np.float32]]
"""``coefficients`` (4**k, T), one row a word, A C G T counting from the left; ``intercept`` (T,)."""

_BLOCK = 20_000  # sequences that are counted at a time


class KmerConfig(Config):
    """What is counted, and how much the coefficients are held down.

    Args:
        k: Bases of a word.
        canonical: A word and its reverse complement count as one, so that both strands predict the same.
        penalties: What the sum of the coefficients' squares weighs against the mean loss of an example; of several the
            one is taken that predicts the validation part best, track by track.
    """

    k: int = Field(default=6, ge=1, le=8)
    canonical: bool = True
    penalties: tuple[Annotated[float, Field(gt=0)], ...] = Field(
        default=(1.0, 0.3, 0.1, 0.03, 0.01, 0.003, 0.001), min_length=1
    )


def solve_words(
    config: KmerConfig,
    train: ExampleSet,
    validation: ExampleSet,
    solve: Solver,
    loss: Callable[[Floats, Floats], Floats],
    *,
    together: bool = False,
) -> dict[str, npt.NDArray[np.float32]]:
    """Return the weights that ``solve_tracks`` finds on the words of the examples."""
    columns = number_words(config.k, canonical=config.canonical)
    counts, held = (count_words(examples.sequences, config.k, columns) for examples in (train, validation))
    coefficients, intercept = solve_tracks(
        (counts, train), (held, validation), config.penalties, solve, loss, together=together
    )
    return {
        "coefficients": coefficients[columns].astype(np.float32),
        "intercept": intercept.astype(np.float32),
    }


def number_words(k: int, *, canonical: bool) -> npt.NDArray[np.int32]:
    """Return the column of each of the 4**k words; a canonical word shares that of its reverse complement."""
    words = np.arange(4**k, dtype=np.int32)
    if not canonical:
        return words
    reverse = np.zeros_like(words)
    for place in range(k):
        reverse = reverse * 4 + (3 - (words >> (2 * place)) % 4)
    _, columns = np.unique(np.minimum(words, reverse), return_inverse=True)
    return columns.astype(np.int32)


def count_words(codes: Codes, k: int, columns: npt.NDArray[np.int32]) -> Any:
    """Return how often each word stands in each sequence, a CSR matrix; words with an unknown base are left out."""
    from scipy import sparse

    width, places = int(columns.max()) + 1, max(codes.shape[1] - k + 1, 0)
    parts = []
    for first in range(0, max(len(codes), 1), _BLOCK):
        block = codes[first : first + _BLOCK]
        words = np.zeros((len(block), places), dtype=np.int32)
        known = np.ones((len(block), places), dtype=np.bool_)
        for place in range(k):
            letters = block[:, place : place + places]
            words = words * 4 + letters
            known &= letters < UNKNOWN
        ends = np.concatenate([[0], np.cumsum(known.sum(axis=1))])
        found = columns[words[known]]
        part = sparse.csr_matrix((np.ones(len(found), dtype=np.float32), found, ends), (len(block), width))
        part.sum_duplicates()
        parts.append(part)
    return sparse.vstack(parts, format="csr")


def build_word_sum(
    config: KmerConfig,
    inputs: tuple[InputSpec, ...],
    outputs: tuple[OutputSpec, ...],
    frozen: Weights,
    activation: Any,
    name: str,
) -> Any:
    """Return the Keras model: the intercept and the coefficients of all words, added up, through ``activation``.

    Raises:
        RecipeError: The sequences are shorter than a word, or there is more than one output.
    """
    import keras

    length = inputs[0].shape[0]
    if length < config.k:
        raise RecipeError(f"{name} with k {config.k} needs at least {config.k} bases, the sequences have {length}")
    if len(outputs) != 1:
        raise RecipeError(f"{name} makes one output, {len(outputs)} are asked for")
    sequence = keras.Input(inputs[0].shape, name=inputs[0].name)
    tracks = len(outputs[0].tracks)
    layer = make_word_sum()(config.k, tracks, name="words")
    hidden = keras.layers.Activation(activation, name=f"head_{outputs[0].name}")(layer(sequence))
    coefficients = frozen.get("coefficients", np.zeros((4**config.k, tracks), dtype=np.float32))
    layer.set_weights([coefficients, frozen.get("intercept", np.zeros(tracks, dtype=np.float32))])
    return keras.Model(sequence, {outputs[0].name: hidden})


def make_word_sum() -> Any:
    """Return the layer's class, from one-hot (N, L, 4) to sums (N, T); made here, as Keras is imported late."""
    import keras

    class WordSum(keras.layers.Layer):  # type: ignore[misc]
        def __init__(self, k: int, tracks: int, **options: Any) -> None:
            super().__init__(trainable=False, **options)
            self.k, self.tracks = k, tracks

        def build(self, _shape: tuple[int | None, ...]) -> None:
            self.coefficients = self.add_weight(shape=(4**self.k, self.tracks), initializer="zeros", name="words")
            self.intercept = self.add_weight(shape=(self.tracks,), initializer="zeros", name="intercept")

        def call(self, sequence: Any) -> Any:
            # Two fixed filters: one reads a word as a number to base 4, the other counts its known bases.
            powers = 4.0 ** np.arange(self.k)[::-1]
            numbers, ones = np.outer(powers, np.arange(4)), np.ones((self.k, 4))
            read = keras.ops.conv(sequence, np.stack([numbers, ones], axis=-1).astype(np.float32), padding="valid")
            known = keras.ops.cast(read[..., 1] > self.k - 0.5, "float32")
            rows = keras.ops.cast(keras.ops.round(read[..., 0] * known), "int32")
            found = keras.ops.take(self.coefficients, rows, axis=0)
            return keras.ops.sum(found * known[..., None], axis=1) + self.intercept

        def get_config(self) -> dict[str, Any]:
            return {**super().get_config(), "k": self.k, "tracks": self.tracks}

    return WordSum
