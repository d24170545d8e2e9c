"""Log odds of probabilities that may be 0 or 1."""

from __future__ import annotations

import numpy as np
from pydantic import Field

from zoo import Config, DataError
from zoo_scorers.outputs import Alleles, Values


class OddsConfig(Config):
    """``epsilon``: probabilities are kept this far from 0 and 1, so that scores stay finite."""

    epsilon: float = Field(default=1e-6, gt=0, lt=0.5)


def logit_change(scorer: str, alleles: Alleles, epsilon: float) -> Values:
    """Return logit(ALT) - logit(REF), natural logarithm, of probabilities clamped to epsilon and 1 - epsilon.

    Raises:
        DataError: A prediction is no probability; the message names the scorer, the output and the value.
    """
    return _logit(scorer, alleles.name, alleles.alt, epsilon) - _logit(scorer, alleles.name, alleles.ref, epsilon)


def _logit(scorer: str, output: str, probabilities: Values, epsilon: float) -> Values:
    # The averages of strands and members may lie a rounding error outside.
    outside = (probabilities < -epsilon) | (probabilities > 1 + epsilon)
    if outside.any():
        raise DataError(
            f"{scorer}: output {output!r}: expected probabilities, found {probabilities[outside][0]:.6g}; "
            "choose the scorer 'difference'"
        )
    # Both are clamped: 1 - epsilon is 1 where epsilon is below the precision of float64.
    kept, rest = (np.clip(values, epsilon, 1 - epsilon) for values in (probabilities, 1 - probabilities))
    return np.asarray(np.log(kept) - np.log(rest))
