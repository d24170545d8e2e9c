"""Which sequences repeat words of others too often; a word and its reverse complement are one."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from zoo.genome.codes import Codes
from zoo.training.data.kmers import Words, find_canonical_words

_BASES_AT_ONCE = 1 << 16
"""Arrays that stay in the processor's cache are made several times as fast."""


class HeldWords:
    """The words that are held already, to find the sequences that would repeat too many of them."""

    def __init__(self, length: int) -> None:
        self._length = length
        self._runs: list[Words] = []  # each sorted, and more than twice as long as the next

    def find_distinct(self, sequences: Sequence[Codes], most: float) -> npt.NDArray[np.bool_]:
        """Return which sequences repeat at most this share of their words, and hold the words of these from now on.

        A word is repeated if it is held, or stands in a sequence further up. The sequences have no unknown base.
        """
        words, owners = list_words(sequences, self._length)
        order = np.argsort(words)  # not stable, which would take four times as long
        words, owners = words[order], owners[order]
        held = self._is_held(words)
        if len(words):
            starts = np.concatenate([[True], words[1:] != words[:-1]])
            earliest = np.minimum.reduceat(owners, np.flatnonzero(starts))[starts.cumsum() - 1]
            # That a word stands twice in one sequence is no matter.
            repeated = held | (owners != earliest)
        else:
            repeated = held
        totals = np.bincount(owners, minlength=len(sequences))
        shared = np.bincount(owners[repeated], minlength=len(sequences))
        distinct = shared <= most * totals
        self._hold(words[distinct[owners] & ~held])
        return distinct

    def _is_held(self, words: Words) -> npt.NDArray[np.bool_]:
        held = np.zeros(len(words), dtype=np.bool_)
        for run in self._runs:
            places = np.minimum(np.searchsorted(run, words), len(run) - 1)
            held |= run[places] == words
        return held

    def _hold(self, words: Words) -> None:
        if not len(words):
            return
        self._runs.append(words)
        while len(self._runs) > 1 and len(self._runs[-2]) < 2 * len(self._runs[-1]):
            joined = np.concatenate([self._runs.pop(), self._runs.pop()])
            joined.sort(kind="stable")  # merges the two in one pass
            self._runs.append(joined)


def list_words(sequences: Sequence[Codes], length: int) -> tuple[Words, npt.NDArray[np.int64]]:
    """Return every word of ``length`` (at most 31) bases of all sequences, and the number of the sequence it is of.

    A word and its reverse complement are one number.
    """
    lengths = np.array([len(codes) for codes in sequences], dtype=np.int64)
    pieces = lengths.cumsum() // _BASES_AT_ONCE
    firsts = np.flatnonzero(np.diff(pieces, prepend=-1))
    found = [(np.zeros(0, dtype=np.uint64), np.zeros(0, dtype=np.int64))]
    for first, last in itertools.pairwise([*firsts.tolist(), len(sequences)]):
        words, owners = _list_words(sequences[first:last], lengths[first:last], length)
        found.append((words, owners + first))
    return np.concatenate([words for words, _ in found]), np.concatenate([owners for _, owners in found])


def _list_words(
    sequences: Sequence[Codes], lengths: npt.NDArray[np.int64], length: int
) -> tuple[Words, npt.NDArray[np.int64]]:
    joined = np.concatenate(sequences)
    if len(joined) < length:
        return np.zeros(0, dtype=np.uint64), np.zeros(0, dtype=np.int64)
    words = find_canonical_words(joined[np.newaxis], length)[0]
    owners = np.repeat(np.arange(len(sequences)), lengths)[: len(words)]
    inside = np.arange(len(words)) + length <= lengths.cumsum()[owners]
    return words[inside], owners[inside]
