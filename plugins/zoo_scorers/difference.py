"""The plain difference of two predictions."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from zoo import Config, Predictions, Scorer, Scores


class DifferenceConfig(Config):
    """Nothing to choose."""


def score_difference(
    config: DifferenceConfig,  # noqa: ARG001 - every scorer gets its configuration
    ref: Mapping[str, Predictions],
    alt: Mapping[str, Predictions],
) -> Scores:
    """Return ALT - REF in the unit of the predictions, shape (N, T)."""
    return np.concatenate([alt[name] - ref[name] for name in ref], axis=1)


DIFFERENCE = Scorer(
    name="difference",
    summary="ALT - REF, in the unit of the predictions",
    config=DifferenceConfig,
    score=score_difference,
)
