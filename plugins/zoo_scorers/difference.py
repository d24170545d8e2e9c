"""The plain difference of two predictions."""

from __future__ import annotations

from collections.abc import Mapping

from zoo import Config, Predictions, Scorer, Scores
from zoo_scorers.outputs import score_outputs


def score_difference(_config: Config, ref: Mapping[str, Predictions], alt: Mapping[str, Predictions]) -> Scores:
    """Return ALT - REF in the unit of the predictions, shape (N, T); positive where ALT has more.

    Source: Basset's SAD, doi:10.1101/gr.200535.115.
    """
    return score_outputs(ref, alt, lambda alleles: alleles.change)


DIFFERENCE = Scorer(
    name="difference",
    summary="ALT - REF, in the unit of the predictions",
    config=Config,
    score=score_difference,
    source="doi:10.1101/gr.200535.115",
)
