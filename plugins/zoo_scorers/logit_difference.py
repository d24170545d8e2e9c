"""The difference in log odds: changes near 0 and near 1 count as much as they are improbable."""

from __future__ import annotations

from collections.abc import Mapping

from zoo import Predictions, Scorer, Scores
from zoo_scorers.outputs import score_outputs
from zoo_scorers.probabilities import OddsConfig, logit_change


def score_logit_difference(
    config: OddsConfig, ref: Mapping[str, Predictions], alt: Mapping[str, Predictions]
) -> Scores:
    """Return logit(ALT) - logit(REF), natural logarithm, shape (N, T); positive where ALT is more probable.

    Source: the log fold change of odds of Zhou and Troyanskaya, doi:10.1038/nmeth.3547.

    Raises:
        DataError: A prediction is no probability; the message names the output and the value.
    """
    return score_outputs(ref, alt, lambda alleles: logit_change("logit_difference", alleles, config.epsilon))


LOGIT_DIFFERENCE = Scorer(
    name="logit_difference",
    summary="logit(ALT) - logit(REF), for probabilities",
    config=OddsConfig,
    score=score_logit_difference,
    source="doi:10.1038/nmeth.3547",
)
