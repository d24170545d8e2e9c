"""The difference in log odds: changes near 0 and near 1 count as much as they are improbable."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from pydantic import Field

from zoo import Config, DataError, Predictions, Scorer, Scores


class LogitDifferenceConfig(Config):
    """``epsilon``: probabilities are kept this far from 0 and 1, so that scores stay finite."""

    epsilon: float = Field(default=1e-6, gt=0, lt=0.5)


def score_logit_difference(
    config: LogitDifferenceConfig, ref: Mapping[str, Predictions], alt: Mapping[str, Predictions]
) -> Scores:
    """Return logit(ALT) - logit(REF), natural logarithm, shape (N, T).

    Raises:
        DataError: A prediction is no probability; the message names the output and the value.
    """
    scores = [_logit(name, alt[name], config.epsilon) - _logit(name, ref[name], config.epsilon) for name in ref]
    return np.concatenate(scores, axis=1).astype(np.float32)


def _logit(name: str, probabilities: Predictions, epsilon: float) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    # The averages of strands and members may lie a rounding error outside.
    outside = (probabilities < -epsilon) | (probabilities > 1 + epsilon)
    if outside.any():
        raise DataError(
            f"logit_difference: output {name!r}: expected probabilities, found {probabilities[outside][0]:.6g}; "
            "choose the scorer 'difference'"
        )
    kept = np.clip(probabilities.astype(np.float64), epsilon, 1 - epsilon)
    return np.asarray(np.log(kept) - np.log1p(-kept))


LOGIT_DIFFERENCE = Scorer(
    name="logit_difference",
    summary="logit(ALT) - logit(REF), for probabilities",
    config=LogitDifferenceConfig,
    score=score_logit_difference,
)
