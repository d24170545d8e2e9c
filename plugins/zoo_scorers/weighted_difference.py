"""DeepBind's score: a difference weighs as much as the stronger of the two alleles binds."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from zoo import Config, Predictions, Scorer, Scores
from zoo_scorers.outputs import Alleles, Values, clamp_negative, score_outputs


def score_weighted_difference(
    _config: Config, ref: Mapping[str, Predictions], alt: Mapping[str, Predictions]
) -> Scores:
    """Return (ALT - REF) · max(0, ALT, REF), shape (N, T); 0 where neither allele is predicted to bind.

    Positive where ALT has more. Source: DeepBind, doi:10.1038/nbt.3300.
    """
    return score_outputs(ref, alt, _weigh)


def _weigh(alleles: Alleles) -> Values:
    return alleles.change * clamp_negative(np.maximum(alleles.alt, alleles.ref))


WEIGHTED_DIFFERENCE = Scorer(
    name="weighted_difference",
    summary="(ALT - REF) · max(0, ALT, REF), DeepBind's",
    config=Config,
    score=score_weighted_difference,
    source="doi:10.1038/nbt.3300",
)
