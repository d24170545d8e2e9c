"""How much a prediction changes, whichever way."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from zoo import Config, Predictions, Scorer, Scores
from zoo_scorers.outputs import score_outputs


def score_absolute(_config: Config, ref: Mapping[str, Predictions], alt: Mapping[str, Predictions]) -> Scores:
    """Return |ALT - REF| in the unit of the predictions, shape (N, T); 0 or more.

    Source: the size of Basset's SAD, doi:10.1101/gr.200535.115.
    """
    return score_outputs(ref, alt, lambda alleles: np.abs(alleles.change))


ABSOLUTE = Scorer(
    name="absolute",
    summary="|ALT - REF|, in the unit of the predictions",
    config=Config,
    score=score_absolute,
    signed=False,
    source="doi:10.1101/gr.200535.115",
)
