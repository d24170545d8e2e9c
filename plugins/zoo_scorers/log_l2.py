"""The L2 distance of two binned predictions, in doublings."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from zoo import Config, Predictions, Scorer, Scores
from zoo_scorers.outputs import change_in_doublings, score_outputs, sum_bins


def score_log_l2(_config: Config, ref: Mapping[str, Predictions], alt: Mapping[str, Predictions]) -> Scores:
    """Return √Σ_b [log2(1 + ALT_b) - log2(1 + REF_b)]², shape (N, T); 0 or more.

    Over the bins that both alleles have; predictions below 0 count as 0. Source: Borzoi's L2 score,
    doi:10.1038/s41588-024-02053-6.
    """
    return score_outputs(ref, alt, lambda alleles: np.sqrt(sum_bins(np.square(change_in_doublings(alleles)))))


LOG_L2 = Scorer(
    name="log_l2",
    summary="√Σ [log2(1 + ALT) - log2(1 + REF)]² over bins, Borzoi's L2",
    config=Config,
    score=score_log_l2,
    takes=frozenset({"binned"}),
    signed=False,
    source="doi:10.1038/s41588-024-02053-6",
)
