"""What a model says of the alleles of a batch: scores, or the reason why there are none."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from zoo.components import Scores
from zoo.prediction.alleles.batch import Integers
from zoo.prediction.windows.placement import Reasons


@dataclass(frozen=True, slots=True)
class ModelScores:
    """R scores of A alleles by one model, for T tracks.

    Attributes:
        allele: The allele of each row, shape (R,), ascending; one row for each of its windows, none where skipped.
        window: Which window: the number of a region, -1 where it is centred on the allele, shape (R,).
        scores: Shape (R, T).
        reason: Of each allele, window included, OK where it has a row; shape (A,).
        spread: Standard deviation of the members' scores (of a sample), shape (R, T); None where not asked for, NaN
            where a model has one member.
        disagree: Where members' scores differ in sign, shape (R, T); None as ``spread``, or of an unsigned scorer.
        percentile: Share of common variants whose score is lower, 0 to 100, shape (R, T); None where not asked for.
        p: Empirical p-value, likewise.
        seen: Alleles on contigs that the model was trained on, shape (A,); None where not asked for.
    """

    allele: Integers
    window: Integers
    scores: Scores
    reason: Reasons
    spread: Scores | None = None
    disagree: npt.NDArray[np.bool_] | None = None
    percentile: Scores | None = None
    p: Scores | None = None
    seen: npt.NDArray[np.bool_] | None = None

    def strongest(self) -> Integers:
        """Return for each allele the row of largest absolute score (of any track), the first of equals; -1 for none."""
        rows = np.full(len(self.reason), -1, dtype=np.int64)
        if len(self.allele):
            strength = np.abs(self.scores).max(axis=1, initial=0)
            order = np.lexsort((-np.arange(len(strength)), strength))  # the last to be written wins
            rows[self.allele[order]] = order
        return rows

    def column_of(self, values: Scores, rows: Integers) -> Scores:
        """Return values of some rows, shape (len(rows), T), NaN where a row is -1."""
        found = np.full((len(rows), values.shape[1]), np.nan, dtype=np.float32)
        found[rows >= 0] = values[rows[rows >= 0]]
        return found

    def average_windows(self) -> ModelScores:
        """Return one row an allele: the mean over its windows."""
        alleles, first, counts = np.unique(self.allele, return_index=True, return_counts=True)
        if len(alleles) == len(self.allele):
            return self

        def average(values: Scores) -> Scores:
            sums = np.add.reduceat(values.astype(np.float64), first, axis=0)
            mean: Scores = (sums / counts[:, np.newaxis]).astype(np.float32)
            return mean

        return replace(
            self,
            allele=alleles,
            window=self.window[first],
            scores=average(self.scores),
            spread=None if self.spread is None else average(self.spread),
            disagree=None if self.disagree is None else np.logical_or.reduceat(self.disagree, first, axis=0),
        )
