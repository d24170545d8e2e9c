"""Sequences with their letters in another order that keeps every dinucleotide count.

A sequence is a trail over its letters that walks each step (dinucleotide) once, so another trail over the same steps
has the same counts. Trails are drawn uniformly: the last step out of each letter but the final one must form a tree
that leads to that letter, and all else may stand in any order. With five letters there are 125 such trees at most, so
that one is drawn by its exact weight, and none is ever drawn in vain.

Source: Altschul and Erickson 1985, doi:10.1093/oxfordjournals.molbev.a040370; Kandel, Matias, Unger and Winkler 1996,
doi:10.1016/S0166-218X(97)81456-4.
"""

from __future__ import annotations

import itertools

import numpy as np
import numpy.typing as npt

from zoo.genome.codes import UNKNOWN, Codes

_LETTERS = UNKNOWN + 1
_AT_ONCE = 1 << 22
"""Letters that are worked on at a time: some 100 MB."""


def shuffle_dinucleotides(codes: Codes, generator: np.random.Generator) -> Codes:
    """Return each sequence with its letters in a random order that keeps every dinucleotide count.

    Each is drawn uniformly among all sequences with the same counts, itself among them; all of these start with the
    same letter and end with the same letter. An unknown base is a letter like the others.

    Args:
        codes: Shape (N, L), or (L,) for one sequence.
        generator: The same state gives the same shuffles.
    """
    if codes.ndim == 1:
        one: Codes = shuffle_dinucleotides(codes[None], generator)[0]
        return one
    count, length = codes.shape
    shuffled = np.array(codes, dtype=np.uint8)
    if length < 4:  # with first and last letter in place, three letters have one order
        return shuffled
    rows = max(_AT_ONCE // length, 64)
    for first in range(0, count, rows):
        part = slice(first, first + rows)
        shuffled[part] = _walk(shuffled[part], _order_steps(shuffled[part], generator))
    return shuffled


def _order_steps(codes: Codes, generator: np.random.Generator) -> Codes:
    """Return where the steps lead, (N, L - 1), those from one letter side by side in the order they will be walked."""
    origins, targets = codes[:, :-1], codes[:, 1:]
    keys = generator.random(origins.shape)
    keys *= 0.5
    keys += origins
    parents = _draw_trees(_count_steps(codes), codes[:, -1], generator)
    rows = np.arange(len(codes))
    for letter in range(_LETTERS):
        towards_end = (origins == letter) & (targets == parents[:, letter, None])
        # Steps from one letter to another are all alike: whichever is last gives the same sequence.
        step = towards_end.argmax(axis=1)
        found = towards_end[rows, step]
        keys[rows[found], step[found]] = letter + 0.75
    return np.take_along_axis(targets, np.argsort(keys, axis=1), axis=1)


def _count_steps(codes: Codes) -> npt.NDArray[np.float64]:
    """Return how often each letter follows each, shape (N, 5, 5)."""
    steps = codes[:, :-1].astype(np.int64) * _LETTERS + codes[:, 1:]
    steps += np.arange(len(codes))[:, None] * _LETTERS**2
    counts = np.bincount(steps.ravel(), minlength=len(codes) * _LETTERS**2)
    return counts.reshape(-1, _LETTERS, _LETTERS).astype(np.float64)


def _draw_trees(counts: npt.NDArray[np.float64], ends: Codes, generator: np.random.Generator) -> npt.NDArray[np.int64]:
    """Return for each letter the one that its last step leads to, shape (N, 5); -1 where that is free.

    A tree weighs as much as there are ways to choose its steps.
    """
    present = counts.sum(axis=2) > 0
    parents = np.full((len(counts), _LETTERS), -1, dtype=np.int64)
    draws = generator.random(len(counts))
    for end in range(_LETTERS):
        rows = np.flatnonzero(ends == end)
        if not len(rows):
            continue
        trees = _TREES[end]
        # A letter that never occurs hangs on the end, in one way, so that it changes no weight.
        ways = counts[rows]
        ways[:, :, end] = np.where(present[rows], ways[:, :, end], 1.0)
        weights = np.ones((len(rows), len(trees)))
        for letter in range(_LETTERS):
            if letter != end:
                weights *= ways[:, letter, trees[:, letter]]
        totals = weights.cumsum(axis=1)
        chosen = (totals <= (draws[rows] * totals[:, -1])[:, None]).sum(axis=1)
        parents[rows] = trees[chosen]
    parents[~present] = -1
    return parents


def _list_trees(end: int) -> npt.NDArray[np.int64]:
    """Return every way to give each letter but the end another one so that all lead to the end: shape (125, 5)."""
    found = []
    choices = [[-1] if letter == end else [to for to in range(_LETTERS) if to != letter] for letter in range(_LETTERS)]
    for parents in itertools.product(*choices):
        places = set(range(_LETTERS))
        for _ in range(_LETTERS):
            places = {place if place == end else parents[place] for place in places}
        if places == {end}:
            found.append(parents)
    return np.array(found, dtype=np.int64)


_TREES = [_list_trees(end) for end in range(_LETTERS)]


def _walk(codes: Codes, targets: Codes) -> Codes:
    """Follow the steps of each sequence from its first letter on."""
    count, length = codes.shape
    before = np.stack([(codes[:, :-1] < letter).sum(axis=1) for letter in range(_LETTERS)], axis=1)
    # Where in all targets the next step out of each letter of each sequence stands.
    following = (before + np.arange(count)[:, None] * (length - 1)).ravel()
    firsts = np.arange(count) * _LETTERS
    flat = targets.ravel()
    walked = np.empty((length, count), dtype=np.uint8)
    walked[0] = codes[:, 0]
    for step in range(1, length):
        places = firsts + walked[step - 1]
        steps = following[places]
        walked[step] = flat[steps]
        following[places] = steps + 1
    return walked.T
