"""The change of an output's total, in doublings."""

from __future__ import annotations

from collections.abc import Mapping

from zoo import Config, Predictions, Scorer, Scores
from zoo_scorers.outputs import change_of_sums_in_doublings, score_outputs


def score_log_sum(_config: Config, ref: Mapping[str, Predictions], alt: Mapping[str, Predictions]) -> Scores:
    """Return log2(1 + ΣALT) - log2(1 + ΣREF), shape (N, T); positive where ALT has more.

    Σ is the sum over bins that both alleles have, or the value itself of a flat output. Predictions below 0 count
    as 0. Source: the logSUM of Borzoi's programs, doi:10.1038/s41588-024-02053-6.
    """
    return score_outputs(ref, alt, change_of_sums_in_doublings)


LOG_SUM = Scorer(
    name="log_sum",
    summary="log2(1 + ΣALT) - log2(1 + ΣREF), of the sums over bins",
    config=Config,
    score=score_log_sum,
    takes=frozenset({"flat", "binned"}),
    source="doi:10.1038/s41588-024-02053-6",
)
