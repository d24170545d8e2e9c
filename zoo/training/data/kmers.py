"""Which sequences share a word: canonical k-mers, the same for a word and its reverse complement."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from zoo.genome.codes import UNKNOWN, Codes, reverse_complement

Words: TypeAlias = npt.NDArray[np.uint64]
"""Words of up to 31 bases as numbers, two bits a base, the first base highest."""

LONGEST = 31
NO_WORD = np.uint64(2**64 - 1)
"""Stands where a word holds an unknown base; no word of 31 bases reaches it."""


def find_canonical_words(codes: Codes, k: int) -> Words:
    """Return the smaller of each word of ``k`` bases and its reverse complement, shape (N, L - k + 1).

    Args:
        codes: Sequences, shape (N, L), L at least ``k``.
        k: At most ``LONGEST``.
    """
    words = np.minimum(_read_words(codes, k), _read_words(reverse_complement(codes), k)[:, ::-1])
    unknown = codes == UNKNOWN
    if unknown.any():
        before = np.cumsum(np.pad(unknown, ((0, 0), (1, 0))), axis=1, dtype=np.int32)
        words[before[:, k:] > before[:, :-k]] = NO_WORD
    return words


def list_words(pieces: Iterable[Codes], k: int) -> Words:
    """Return all canonical words of some sequences, ascending, each once."""
    found = [find_canonical_words(codes, k).ravel() for codes in pieces]
    # Not np.unique, which hashes numbers before it sorts them, and is several times slower on so many.
    words = np.sort(np.concatenate(found)) if found else np.empty(0, dtype=np.uint64)
    distinct: Words = words[(np.diff(words, prepend=NO_WORD) != 0) & (words != NO_WORD)]
    return distinct


def mark_words(words: Words, pieces: Iterable[Codes], k: int) -> npt.NDArray[np.bool_]:
    """Return which of some words, ascending and each once, stand in other sequences on either strand.

    The other sequences go by in pieces: memory does not grow with them.
    """
    marked = np.zeros(len(words), dtype=np.bool_)
    for codes in pieces:
        # Sorted, they are looked up along the words instead of across them, which is several times faster.
        others = np.sort(find_canonical_words(codes, k), axis=None)
        places = np.searchsorted(words, others)
        places, others = places[places < len(words)], others[places < len(words)]
        marked[places[words[places] == others]] = True
    return marked


def hold_marked(codes: Codes, words: Words, marked: npt.NDArray[np.bool_], k: int) -> npt.NDArray[np.bool_]:
    """Return which sequences hold one of the marked words on either strand, shape (N,)."""
    wanted = words[marked]
    if not len(wanted):
        return np.zeros(len(codes), dtype=np.bool_)
    own = find_canonical_words(codes, k)
    order = np.argsort(own, axis=None)
    others = own.ravel()[order]
    places = np.minimum(np.searchsorted(wanted, others), len(wanted) - 1)
    found = np.zeros(own.size, dtype=np.bool_)
    found[order] = wanted[places] == others
    return np.asarray(found.reshape(own.shape).any(axis=1))


def _read_words(codes: Codes, k: int) -> Words:
    """Read the words of one strand: each doubling joins two words that stand side by side."""
    doubled = (codes & 3).astype(np.uint64)
    words, length, size = None, 0, 1
    count = codes.shape[1] - k + 1
    while True:
        if k & size:
            part = doubled[:, length : length + count]
            words = part if words is None else (words << np.uint64(2 * size)) | part
            length += size
        if 2 * size > k:
            break
        doubled = (doubled[:, :-size] << np.uint64(2 * size)) | doubled[:, size:]
        size *= 2
    assert words is not None  # noqa: S101 - k is at least 1
    return words
