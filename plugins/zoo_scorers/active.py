"""How active the stronger allele is: a level, no effect."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from zoo import Config, Predictions, Scorer, Scores
from zoo_scorers.outputs import score_outputs, sum_bins


def score_active(_config: Config, ref: Mapping[str, Predictions], alt: Mapping[str, Predictions]) -> Scores:
    """Return max(ΣALT, ΣREF) in the unit of the predictions, shape (N, T): a level, which equal alleles have as well.

    Σ is the sum over bins that both alleles have, or the value itself of a flat output. Source: AlphaGenome's active
    allele scores, doi:10.1038/s41586-025-10014-0.
    """
    return score_outputs(ref, alt, lambda alleles: np.maximum(sum_bins(alleles.alt), sum_bins(alleles.ref)))


ACTIVE = Scorer(
    name="active",
    summary="max(ΣALT, ΣREF): a level, no effect",
    config=Config,
    score=score_active,
    takes=frozenset({"flat", "binned"}),
    signed=False,
    level=True,
    source="doi:10.1038/s41586-025-10014-0",
)
