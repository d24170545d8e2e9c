"""Which order of the channels a network was trained with: the one in which it tells positive from negative examples."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from zoo.components import Predictions
from zoo.conversion.probe import Proposal
from zoo.conversion.prove import predict_with_source
from zoo.conversion.reading import BASES
from zoo.conversion.source import Source
from zoo.errors import ConversionError, DataError
from zoo.genome.codes import Codes, encode
from zoo.genome.fasta import read_fasta

MOST_EXAMPLES = 1000
"""Of either kind that are read; as many tell orders apart that differ by a few hundredths."""

_CLEAR = 2
"""By how many standard errors one order has to beat another to count as better."""


@dataclass(frozen=True, slots=True)
class Alphabet:
    """The order that separates the examples best, the next best, and the one that was said or assumed.

    Attributes:
        letters: The bases by channel.
        auroc: What it reaches, of the track that does best.
        next_letters: The next best order.
        next_auroc: What that reaches.
        said_auroc: What the order reaches that was said or assumed.
        positives: Sequences that should be high.
        negatives: And low.
    """

    letters: str
    auroc: float
    next_letters: str
    next_auroc: float
    said_auroc: float
    positives: int
    negatives: int

    @property
    def examples(self) -> int:
        """Sequences of both kinds."""
        return self.positives + self.negatives

    @property
    def clear(self) -> bool:
        """Whether the best stands out."""
        return self._exceeds(self.next_auroc)

    @property
    def contradicts_said(self) -> bool:
        """Whether the best is better than what was said or assumed."""
        return self._exceeds(self.said_auroc)

    def _exceeds(self, other: float) -> bool:
        """Return whether the best beats another by twice the standard error that an AUROC of noise has.

        That is more than the error of a difference between two good orders. Source: Mann and Whitney 1947,
        doi:10.1214/aoms/1177730491.
        """
        error = math.sqrt((self.examples + 1) / (12 * self.positives * self.negatives))
        return self.auroc - other >= _CLEAR * error


def measure_alphabet(source: Source, proposal: Proposal, positives: Path, negatives: Path) -> Alphabet:
    """Return which of the 24 orders of the four bases separates the examples best.

    A fifth channel stays where the proposal has it.

    Args:
        source: The network in its framework.
        proposal: How it reads a window, with the order that was said or assumed.
        positives: FASTA; of each sequence the middle is read, as long as a window.
        negatives: Likewise.

    Raises:
        FastaError: A file can't be read.
        DataError: A sequence is shorter than a window.
        ConversionError: The network has inputs beside the sequence.
    """
    if proposal.contexts:
        raise ConversionError("--examples: the network reads more than a sequence, so sequences alone tell nothing")
    length = proposal.reading.length
    groups = [_read_middles(path, length) for path in (positives, negatives)]
    codes = np.concatenate(groups)
    labels = np.repeat([True, False], [len(group) for group in groups])
    aurocs: dict[str, float] = {}
    for order in itertools.permutations(BASES):
        letters = _place(order, proposal.reading.alphabet)
        reading = replace(proposal.reading, alphabet=letters)
        found = predict_with_source(source, replace(proposal, reading=reading), codes)
        tracks = np.hstack([_summarise(values) for values in found.values()])
        aurocs[letters] = max(find_auroc(labels, track) for track in tracks.T)
    best, second = sorted(aurocs, key=lambda letters: (-aurocs[letters], letters))[:2]
    said = aurocs[proposal.reading.alphabet]
    return Alphabet(best, aurocs[best], second, aurocs[second], said, *map(len, groups))


def find_auroc(labels: npt.NDArray[np.bool_], values: Predictions) -> float:
    """Return the share of pairs, one of either kind, in which the positive has the higher value; ties count half."""
    _, places, counts = np.unique(values, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(counts) - (counts - 1) / 2)[places]
    positives = int(labels.sum())
    negatives = len(labels) - positives
    return float((ranks[labels].sum() - positives * (positives + 1) / 2) / (positives * negatives))


def _place(order: tuple[str, ...], alphabet: str) -> str:
    bases: Iterator[str] = iter(order)
    return "".join(next(bases) if letter in BASES else letter for letter in alphabet)


def _summarise(values: Predictions) -> Predictions:
    """Return one number a track: the mean over bins."""
    found: Predictions = values.mean(axis=1) if values.ndim == 3 else values
    return found


def _read_middles(path: Path, length: int) -> Codes:
    rows = []
    for header, letters in itertools.islice(read_fasta(path), MOST_EXAMPLES):
        start = (len(letters) - length) // 2
        if start < 0:
            raise DataError(f"{path}: {header!r} has {len(letters)} bases, the network reads {length}")
        rows.append(encode(letters[start : start + length]))
    return np.stack(rows)
