"""ChromBPNet's integrated score: how much the shape changes, times how much the total does."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from zoo import Config, Predictions, Scorer, Scores
from zoo_scorers.outputs import Alleles, Values, change_of_sums_in_doublings, score_outputs
from zoo_scorers.profiles import PseudoCount, jensen_shannon_divergence


class ProfileTimesCountConfig(Config):
    """``pseudocount`` is added to every bin of the profiles; totals get 1 each."""

    pseudocount: PseudoCount = 1e-6


def score_profile_times_count(
    config: ProfileTimesCountConfig, ref: Mapping[str, Predictions], alt: Mapping[str, Predictions]
) -> Scores:
    """Return the profiles' Jensen-Shannon distance · [log2(1 + ΣALT) - log2(1 + ΣREF)], shape (N, T).

    The totals give the sign: positive where ALT has more; 0 where only the shape changes, or only the height. Over
    the bins that both alleles have; predictions below 0 count as 0.

    Source: ChromBPNet, doi:10.1101/2024.12.25.630221.
    """

    def score(alleles: Alleles) -> Values:
        distance = np.sqrt(jensen_shannon_divergence(alleles, config.pseudocount))
        return distance * change_of_sums_in_doublings(alleles)

    return score_outputs(ref, alt, score)


PROFILE_TIMES_COUNT = Scorer(
    name="profile_times_count",
    summary="Jensen-Shannon distance of the profiles · log2 fold change of the totals",
    config=ProfileTimesCountConfig,
    score=score_profile_times_count,
    takes=frozenset({"binned"}),
    source="doi:10.1101/2024.12.25.630221",
)
