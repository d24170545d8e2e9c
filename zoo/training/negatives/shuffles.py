"""Negatives that are the positives with their letters in another order, every dinucleotide count kept."""

from __future__ import annotations

import numpy as np

from zoo.components import ExampleSet
from zoo.errors import DataError
from zoo.genome.shuffle import shuffle_dinucleotides
from zoo.training.data.batches import Rows
from zoo.training.data.parts import name_example
from zoo.training.negatives.drawn import Drawn, KnownSequences

_TRIES = 100
"""Draws for one positive before it counts as having no other order; a sequence of 20 random bases needs one or two."""


def draw_shuffles(
    examples: ExampleSet, positives: Rows, known: KnownSequences, generator: np.random.Generator, where: str
) -> Drawn:
    """Return a shuffle for each positive: no example, and no other negative, on either strand.

    A positive that has no such shuffle, a run of one letter say, is left out, and another one is shuffled once more.

    Raises:
        DataError: Too few positives have as many orders as are asked for.
    """
    origins = positives.copy()
    sequences = np.zeros((len(positives), examples.length), dtype=np.uint8)
    pending = np.arange(len(positives))
    without: set[int] = set()
    while len(pending):
        left = _draw(examples, origins, sequences, pending, known, generator)
        without.update(origins[left].tolist())
        able = np.array(sorted(set(positives.tolist()) - without), dtype=np.int64)
        if len(left) and not len(able):
            raise DataError(
                f"{where}: asked for {len(positives):,} negatives, found {len(positives) - len(left):,}: positives "
                f"such as {name_example(examples.ids, int(origins[left[0]]))} have no further order of letters with "
                "the same dinucleotides; lower per_positive, or choose another method"
            )
        pending = left
        origins[pending] = generator.choice(able, len(pending)) if len(pending) else 0
    order = np.argsort(origins, kind="stable")
    notes = [f"{len(positives):,} negatives are dinucleotide shuffles of the positives"]
    if without:
        example = name_example(examples.ids, min(without))
        notes.append(
            f"{len(without):,} positives, such as {example}, have too few orders of letters with the same "
            "dinucleotides; others were shuffled once more in their stead"
        )
    return Drawn(origins[order], sequences[order], _number(origins[order]), notes=tuple(notes))


def _draw(
    examples: ExampleSet,
    origins: Rows,
    sequences: np.ndarray[tuple[int, ...], np.dtype[np.uint8]],
    pending: Rows,
    known: KnownSequences,
    generator: np.random.Generator,
) -> Rows:
    """Fill in the sequences of the pending places, and return the places that found none."""
    for _ in range(_TRIES):
        if not len(pending):
            break
        shuffled = shuffle_dinucleotides(examples.sequences[origins[pending]], generator)
        new = known.find_new(shuffled)
        known.add(shuffled[new])
        sequences[pending[new]] = shuffled[new]
        pending = pending[~new]
    return pending


def _number(origins: Rows) -> tuple[str, ...]:
    """Return ``shuffled`` for the first shuffle of each positive, ``shuffled 2`` for its second; ascending origins."""
    firsts = np.searchsorted(origins, origins, side="left")
    numbers = np.arange(len(origins)) - firsts + 1
    return tuple("shuffled" if number == 1 else f"shuffled {number}" for number in numbers.tolist())
