"""The change of an output's total (SAD)."""

from __future__ import annotations

from collections.abc import Mapping

from zoo import Config, Predictions, Scorer, Scores
from zoo_scorers.outputs import score_outputs, sum_bins


def score_sum_difference(_config: Config, ref: Mapping[str, Predictions], alt: Mapping[str, Predictions]) -> Scores:
    """Return Σ_b (ALT_b - REF_b) over the bins that both alleles have, shape (N, T); positive where ALT has more.

    Source: Basenji's SAD, doi:10.1101/gr.227819.117.
    """
    return score_outputs(ref, alt, lambda alleles: sum_bins(alleles.change))


SUM_DIFFERENCE = Scorer(
    name="sum_difference",
    summary="Σ (ALT - REF) over bins, Basenji's SAD",
    config=Config,
    score=score_sum_difference,
    takes=frozenset({"binned"}),
    source="doi:10.1101/gr.227819.117",
)
