"""The change of every bin in doublings, summed."""

from __future__ import annotations

from collections.abc import Mapping

from zoo import Config, Predictions, Scorer, Scores
from zoo_scorers.outputs import change_in_doublings, score_outputs, sum_bins


def score_log_sum_difference(_config: Config, ref: Mapping[str, Predictions], alt: Mapping[str, Predictions]) -> Scores:
    """Return Σ_b [log2(1 + ALT_b) - log2(1 + REF_b)], shape (N, T); positive where ALT has more.

    Over the bins that both alleles have; predictions below 0 count as 0. Weak bins weigh more than they do in
    ``log_sum``. Source: Basenji's log-transformed SAD, doi:10.1101/gr.227819.117.
    """
    return score_outputs(ref, alt, lambda alleles: sum_bins(change_in_doublings(alleles)))


LOG_SUM_DIFFERENCE = Scorer(
    name="log_sum_difference",
    summary="Σ [log2(1 + ALT) - log2(1 + REF)] over bins",
    config=Config,
    score=score_log_sum_difference,
    takes=frozenset({"binned"}),
    source="doi:10.1101/gr.227819.117",
)
