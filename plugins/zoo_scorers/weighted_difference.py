"""DeepBind's score: a difference weighs as much as the stronger of the two alleles binds."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from zoo import Config, Predictions, Scorer, Scores


class WeightedDifferenceConfig(Config):
    """Nothing to choose."""


def score_weighted_difference(
    config: WeightedDifferenceConfig,  # noqa: ARG001 - every scorer gets its configuration
    ref: Mapping[str, Predictions],
    alt: Mapping[str, Predictions],
) -> Scores:
    """Return (ALT - REF) · max(0, ALT, REF), shape (N, T); 0 where neither allele is predicted to bind."""
    scores = [(alt[name] - ref[name]) * np.maximum(0, np.maximum(alt[name], ref[name])) for name in ref]
    return np.concatenate(scores, axis=1)


WEIGHTED_DIFFERENCE = Scorer(
    name="weighted_difference",
    summary="(ALT - REF) · max(0, ALT, REF), DeepBind's",
    config=WeightedDifferenceConfig,
    score=score_weighted_difference,
    source="doi:10.1038/nbt.3300",
)
