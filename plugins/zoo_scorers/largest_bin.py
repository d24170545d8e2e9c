"""The change in the bin that changes most (SAX)."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from zoo import Config, Predictions, Scorer, Scores
from zoo_scorers.outputs import Alleles, Values, score_outputs


def score_largest_bin(_config: Config, ref: Mapping[str, Predictions], alt: Mapping[str, Predictions]) -> Scores:
    """Return ALT_b - REF_b of the bin b where |ALT_b - REF_b| is largest, shape (N, T); positive where ALT has more.

    Of bins that both alleles have; the first one where several change equally. Source: the SAX of Basenji's programs,
    doi:10.1101/gr.227819.117.
    """
    return score_outputs(ref, alt, _pick)


def _pick(alleles: Alleles) -> Values:
    change = alleles.change
    if not change.shape[1]:
        return np.zeros((len(change), change.shape[2]))
    largest = np.abs(change).argmax(axis=1, keepdims=True)
    return np.take_along_axis(change, largest, axis=1)[:, 0]


LARGEST_BIN = Scorer(
    name="largest_bin",
    summary="ALT - REF in the bin of the largest change, Basenji's SAX",
    config=Config,
    score=score_largest_bin,
    takes=frozenset({"binned"}),
    source="doi:10.1101/gr.227819.117",
)
