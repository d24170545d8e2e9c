"""What the scorers share: both alleles in float64, bins that have no partner, and scores that float32 can hold."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from zoo import Predictions, Scores

Values: TypeAlias = npt.NDArray[np.float64]
"""Of one output: (N, T), or (N, B, T) where it is binned."""

LARGEST = float(np.finfo(np.float32).max)


@dataclass(frozen=True, slots=True)
class Alleles:
    """The predictions of one output for both alleles, in float64.

    Args:
        name: The output's.
        ref: (N, T), or (N, B, T) with 0 in bins that are left out.
        alt: Likewise.
        paired: The bins that count, of the same shape; all of them where the output is flat.
    """

    name: str
    ref: Values
    alt: Values
    paired: npt.NDArray[np.bool_]

    @property
    def change(self) -> Values:
        """ALT - REF; 0 in bins that are left out."""
        return self.alt - self.ref


def score_outputs(
    ref: Mapping[str, Predictions], alt: Mapping[str, Predictions], score: Callable[[Alleles], Values]
) -> Scores:
    """Score each output on its own, (N, T), and return all tracks side by side, clipped to what float32 holds.

    A bin that is NaN in both alleles has no partner in the other one and is left out. NaN elsewhere, and infinity, is
    a fault of the network: it makes the score NaN, which the engine refuses.
    """
    scores = np.concatenate([score(_pair(name, ref[name], alt[name])) for name in ref], axis=1)
    clipped: Scores = np.clip(scores, -LARGEST, LARGEST).astype(np.float32)
    return clipped


def sum_bins(values: Values) -> Values:
    """Return the sum over bins, (N, T); the values themselves where the output is flat."""
    return values if values.ndim == 2 else values.sum(axis=1)


def change_in_doublings(alleles: Alleles) -> Values:
    """Return log2(1 + ALT) - log2(1 + REF) of each value, as the predictions came; those below 0 count as 0."""
    return _log2_of_one_more(alleles.alt) - _log2_of_one_more(alleles.ref)


def change_of_sums_in_doublings(alleles: Alleles) -> Values:
    """Return log2(1 + ΣALT) - log2(1 + ΣREF), (N, T), of sums over bins; predictions below 0 count as 0."""
    alt, ref = (sum_bins(clamp_negative(values)) for values in (alleles.alt, alleles.ref))
    return _log2_of_one_more(alt) - _log2_of_one_more(ref)


def clamp_negative(values: Values) -> Values:
    """Return values with 0 in place of those below."""
    return np.maximum(values, 0)


def _pair(name: str, ref: Predictions, alt: Predictions) -> Alleles:
    given, other = (np.where(np.isinf(values), np.nan, values.astype(np.float64)) for values in (ref, alt))
    if given.ndim == 2:
        return Alleles(name, given, other, np.ones(given.shape, dtype=np.bool_))
    # Asked of the predictions as they came: two infinities are no bins without a partner.
    paired = ~(np.isnan(ref) & np.isnan(alt))
    return Alleles(name, np.where(paired, given, 0), np.where(paired, other, 0), paired)


def _log2_of_one_more(values: Values) -> Values:
    return np.asarray(np.log1p(clamp_negative(values)) / np.log(2))
