"""The L2 distance of two binned predictions."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from zoo import Config, Predictions, Scorer, Scores
from zoo_scorers.outputs import score_outputs, sum_bins


def score_l2(_config: Config, ref: Mapping[str, Predictions], alt: Mapping[str, Predictions]) -> Scores:
    """Return √Σ_b (ALT_b - REF_b)² over the bins that both alleles have, shape (N, T); 0 or more.

    Source: the D2 of Borzoi's programs, doi:10.1038/s41588-024-02053-6.
    """
    return score_outputs(ref, alt, lambda alleles: np.sqrt(sum_bins(np.square(alleles.change))))


L2 = Scorer(
    name="l2",
    summary="√Σ (ALT - REF)² over bins",
    config=Config,
    score=score_l2,
    takes=frozenset({"binned"}),
    signed=False,
    source="doi:10.1038/s41588-024-02053-6",
)
