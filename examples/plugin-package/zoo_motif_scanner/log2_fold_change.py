"""How many times more signal ALT has than REF, in doublings."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from pydantic import Field

from zoo import Config, Predictions, Scorer, Scores


class Log2FoldChangeConfig(Config):
    """``pseudocount`` is added to both predictions, so that scores stay finite where one is 0."""

    pseudocount: float = Field(default=1e-3, gt=0)


def score_log2_fold_change(
    config: Log2FoldChangeConfig, ref: Mapping[str, Predictions], alt: Mapping[str, Predictions]
) -> Scores:
    """Return log2((ALT + pseudocount) / (REF + pseudocount)), shape (N, T), for predictions of 0 or more."""
    little = np.float32(config.pseudocount)
    return np.concatenate([np.log2((alt[name] + little) / (ref[name] + little)) for name in ref], axis=1)


LOG2_FOLD_CHANGE = Scorer(
    name="log2_fold_change",
    summary="log2(ALT / REF), in doublings",
    config=Log2FoldChangeConfig,
    score=score_log2_fold_change,
)
