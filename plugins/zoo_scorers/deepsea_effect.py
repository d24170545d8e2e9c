"""DeepSEA's size of an effect: large where a probability changes much, and also much against its odds."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from zoo import Predictions, Scorer, Scores
from zoo_scorers.outputs import score_outputs
from zoo_scorers.probabilities import OddsConfig, logit_change


def score_deepsea_effect(config: OddsConfig, ref: Mapping[str, Predictions], alt: Mapping[str, Predictions]) -> Scores:
    """Return |ALT - REF| · |logit(ALT) - logit(REF)|, natural logarithm, shape (N, T); 0 or more.

    Source: Zhou and Troyanskaya, doi:10.1038/nmeth.3547.

    Raises:
        DataError: A prediction is no probability; the message names the output and the value.
    """
    return score_outputs(
        ref,
        alt,
        lambda alleles: np.abs(alleles.change * logit_change("deepsea_effect", alleles, config.epsilon)),
    )


DEEPSEA_EFFECT = Scorer(
    name="deepsea_effect",
    summary="|ALT - REF| · |logit(ALT) - logit(REF)|, for probabilities, DeepSEA's",
    config=OddsConfig,
    score=score_deepsea_effect,
    signed=False,
    source="doi:10.1038/nmeth.3547",
)
