"""Predictions of pairs merged over shifts and members, and what the scorer makes of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

import numpy as np

from zoo.components import Predictions, Scores
from zoo.errors import ModelError, ScorerMismatch
from zoo.genome.codes import decode
from zoo.plugins import guard
from zoo.prediction.scoring.pairing import ScoredModel
from zoo.prediction.windows.bins import align_bins
from zoo.prediction.windows.placement import WindowBatch

Named: TypeAlias = dict[str, Predictions]
"""Predictions by output, shape (n, M, T) or (n, M, B, T) with the axis of M members, else without."""

_AROUND = 10  # bases at either side of an allele that a message names
_SHOWN = 20  # bases of an allele


def average_shifts(parts: Sequence[Named]) -> Named:
    """Return the mean of predictions, which is the first where there is but one."""
    if len(parts) == 1:
        return parts[0]
    return {name: np.mean([part[name] for part in parts], axis=0, dtype=np.float32) for name in parts[0]}


def average_members(predictions: Named) -> Named:
    """Return the mean over an ensemble's members, shape (n, T) or (n, B, T)."""
    return {name: values.mean(axis=1) if values.shape[1] > 1 else values[:, 0] for name, values in predictions.items()}


def take_member(predictions: Named, member: int) -> Named:
    """Return one member's predictions; an output without members counts for each."""
    return {name: values[:, min(member, values.shape[1] - 1)] for name, values in predictions.items()}


def score_pairs(scored: ScoredModel, ref: Named, alt: Named, windows: WindowBatch) -> Scores:
    """Return the scores of n pairs for the tracks that are asked for, bins brought side by side before; shape (n, T).

    Raises:
        ScorerMismatch: The scorer gave scores of another shape.
        ModelError: A score is no finite number.
    """
    card = scored.model.card
    for output in card.outputs:
        if output.bins is not None:
            ref[output.name], alt[output.name] = align_bins(
                ref[output.name], alt[output.name], windows, card.sequence_window.length, output.crop or 0
            )
    with guard("scorer", scored.scorer.name):
        found = scored.scorer.score(scored.config, ref, alt)
    if isinstance(found, np.ma.MaskedArray) or np.asarray(found).dtype.kind not in "fiub":
        raise ScorerMismatch(
            f"scorer {scored.scorer.name!r}: expected an array of numbers, found {type(found).__name__} of "
            f"{np.asarray(found).dtype}"
        )
    scores = np.asarray(found, dtype=np.float32)
    return _check_scores(scored, scores, windows)[:, list(scored.columns)]


def _check_scores(scored: ScoredModel, scores: Scores, windows: WindowBatch) -> Scores:
    expected = (len(windows), len(scored.model.card.track_names))
    if scores.shape != expected:
        raise ScorerMismatch(
            f"scorer {scored.scorer.name!r}: expected scores of shape {expected}, found {scores.shape}"
        )
    wrong = np.flatnonzero(~np.isfinite(scores).all(axis=1))
    if wrong.size:
        raise ModelError(
            f"{scored.model.card.full_name}: scorer {scored.scorer.name!r} gave a score that is no finite number, for "
            f"{_name_pair(windows, int(wrong[0]))}; the model can't be used for it"
        )
    return scores


def _name_pair(windows: WindowBatch, row: int) -> str:
    """Return the alleles of a pair between the bases around them, as the window has them: ``ACGT[A>G]TTCA``."""
    window, start = windows.ref[windows.ref_of[row]], int(windows.ref_start[row])
    end = start + int(windows.ref_length[row])
    first = int(windows.alt_start[row])
    alleles = window[start:end], windows.alt[row][first : first + int(windows.alt_length[row])]
    ref, alt = (decode(allele[:_SHOWN]) + ("…" if len(allele) > _SHOWN else "") for allele in alleles)
    return f"{decode(window[max(0, start - _AROUND) : start])}[{ref}>{alt}]{decode(window[end : end + _AROUND])}"
