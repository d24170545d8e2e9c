"""How much the profile changes its shape, whatever its height."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from zoo import Config, Predictions, Scorer, Scores
from zoo_scorers.outputs import Alleles, Values, score_outputs
from zoo_scorers.profiles import PseudoCount, jensen_shannon_divergence


class JensenShannonConfig(Config):
    """``distance`` gives the distance, the root of the divergence; ``pseudocount`` is added to every bin."""

    distance: bool = True
    pseudocount: PseudoCount = 1e-6


def score_jensen_shannon(
    config: JensenShannonConfig, ref: Mapping[str, Predictions], alt: Mapping[str, Predictions]
) -> Scores:
    """Return the Jensen-Shannon distance of the two profiles, base 2, shape (N, T), from 0 to 1; no sign.

    The divergence, its square, where ``distance`` is False. Profiles are the predictions of the bins that both
    alleles have, those below 0 as 0, plus the pseudo-count, divided by their sum.

    Source: Lin 1991, doi:10.1109/18.61115; of alleles' profiles, ChromBPNet, doi:10.1101/2024.12.25.630221.
    """

    def score(alleles: Alleles) -> Values:
        divergence = jensen_shannon_divergence(alleles, config.pseudocount)
        return np.sqrt(divergence) if config.distance else divergence

    return score_outputs(ref, alt, score)


JENSEN_SHANNON = Scorer(
    name="jensen_shannon",
    summary="Jensen-Shannon distance of the profiles, base 2",
    config=JensenShannonConfig,
    score=score_jensen_shannon,
    takes=frozenset({"binned"}),
    signed=False,
    source="doi:10.1109/18.61115",
)
