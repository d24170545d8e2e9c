"""How many times more signal ALT has than REF, in doublings."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from pydantic import Field

from zoo import Config, Predictions, Scorer, Scores
from zoo_scorers.outputs import Alleles, Values, clamp_negative, score_outputs


class Log2RatioConfig(Config):
    """``pseudocount`` is added to both predictions, so that scores stay finite where one is 0."""

    pseudocount: float = Field(default=1.0, gt=0, allow_inf_nan=False)


def score_log2_ratio(config: Log2RatioConfig, ref: Mapping[str, Predictions], alt: Mapping[str, Predictions]) -> Scores:
    """Return log2((ALT + pseudocount) / (REF + pseudocount)), shape (N, T); positive where ALT has more.

    Predictions below 0 count as 0. Source: ChromBPNet's log fold change of counts, doi:10.1101/2024.12.25.630221.
    """
    return score_outputs(ref, alt, lambda alleles: _compare(alleles, config.pseudocount))


def _compare(alleles: Alleles, pseudocount: float) -> Values:
    alt, ref = (np.log2(clamp_negative(values) + pseudocount) for values in (alleles.alt, alleles.ref))
    return alt - ref


LOG2_RATIO = Scorer(
    name="log2_ratio",
    summary="log2((ALT + 1) / (REF + 1)), in doublings",
    config=Log2RatioConfig,
    score=score_log2_ratio,
    source="doi:10.1101/2024.12.25.630221",
)
