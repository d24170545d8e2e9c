"""The change of the total near the variant, where distant bins say nothing about it."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import Field

from zoo import Config, Predictions, Scorer, Scores
from zoo_scorers.outputs import Alleles, Values, score_outputs, sum_bins


class CentreConfig(Config):
    """``width``: how many bins in the middle are summed; all of them where there are fewer."""

    width: int = Field(default=4, ge=1)


def score_centre(config: CentreConfig, ref: Mapping[str, Predictions], alt: Mapping[str, Predictions]) -> Scores:
    """Return Σ_b (ALT_b - REF_b) over the ``width`` bins in the middle, shape (N, T); positive where ALT has more.

    Bin ``B // 2``, in which the middle base of the window lies, is always among them: where B and ``width`` are not
    both even or both odd, the mask stands half a bin to the right. A bin that only one allele has counts as 0.

    Source: AlphaGenome's centre masks, doi:10.1038/s41586-025-10014-0.
    """
    return score_outputs(ref, alt, lambda alleles: _sum_middle(alleles, config.width))


def _sum_middle(alleles: Alleles, width: int) -> Values:
    change = alleles.change
    first = max(0, (change.shape[1] - width + 1) // 2)
    return sum_bins(change[:, first : first + width])


CENTRE = Scorer(
    name="centre",
    summary="Σ (ALT - REF) over the bins in the middle",
    config=CentreConfig,
    score=score_centre,
    takes=frozenset({"binned"}),
    source="doi:10.1038/s41586-025-10014-0",
)
