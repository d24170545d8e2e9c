"""Rows of a table of haplotypes: a group of alleles, a model and a track each."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from zoo.genome.codes import Codes, decode
from zoo.genome.reference import fetch_window
from zoo.genome.variant import Reason
from zoo.prediction.haplotypes.genotypes import UNKNOWN_HAPLOTYPE
from zoo.prediction.haplotypes.groups import Groups
from zoo.prediction.haplotypes.joint import JointScores
from zoo.prediction.haplotypes.phasing import Haplotypes
from zoo.prediction.haplotypes.reasons import reason_name
from zoo.prediction.haplotypes.skipped import SkippedCopies
from zoo.prediction.output.cells import MISSING, format_floats
from zoo.prediction.output.formats import ColumnTypes

COLUMNS: ColumnTypes = {
    "sample": "text", "contig": "text", "haplotype": "integer", "phase_set": "text", "window": "text",
    "alleles": "text", "model": "text", "track": "text", "score": "float", "sum": "float", "excess": "float",
    "skipped": "text",
}  # fmt: skip
"""What each row holds; ``window`` is 0-based and half-open, positions of alleles are counted from 1."""

HEADER = "\t".join(COLUMNS) + "\n"
"""The line of column names."""


class RowWriter:
    """Makes the rows of groups, and of copies that are in none."""

    def __init__(self, haplotypes: Haplotypes, models: Sequence[tuple[str, tuple[str, ...]]]) -> None:
        self._haplotypes = haplotypes
        self._models = models

    def of_groups(
        self,
        genome: Codes,
        groups: Groups,
        chosen: range,
        skipped: SkippedCopies,
        scores: Sequence[JointScores],
    ) -> Iterator[list[str]]:
        """Yield the rows of each group, in order.

        Args:
            genome: Their contig.
            chosen: Which groups.
            scores: Those of each model, n = ``len(chosen)``.
        """
        columns = [[self._texts_of(one.joint), self._texts_of(one.total), self._texts_of(one.excess)] for one in scores]
        reasons = [one.reason.tolist() for one in scores]
        good = [(one.reason == Reason.OK).tolist() for one in scores]
        for place, group in enumerate(chosen):
            copies = groups.copies[groups.first[group] : groups.first[group + 1]].tolist()
            start = int(groups.start[group])
            contig, window = self._contig(copies[0]), f"{start}-{start + groups.length}"
            head = [*self._head(copies[0], int(groups.phase_set[group])), f"{contig}:{window}"]
            texts = [self._spell(genome, copy) for copy in copies]
            left = [
                f"{self._spell(genome, copy)}={reason_name(groups.reason[copy])}" for copy in skipped.of_group(group)
            ]
            rows = []
            for number, (model, tracks) in enumerate(self._models):
                if good[number][place]:
                    alleles, why = ";".join(texts), ";".join(left) or MISSING
                else:
                    reason = reason_name(reasons[number][place])
                    alleles, why = MISSING, ";".join([*(f"{text}={reason}" for text in texts), *left])
                for track, name in enumerate(tracks):
                    cells = [column[track][place] for column in columns[number]]
                    rows.append("\t".join((*head, alleles, model, name, *cells, why)))
            yield rows

    def of_copy(self, genome: Codes | None, copy: int, reason: int) -> list[str]:
        """Return the rows of a copy that no window carries, one a model."""
        left = f"{self._spell(genome, copy)}={reason_name(reason)}"
        head = [*self._head(copy, int(self._haplotypes.phase_set[copy])), MISSING, MISSING]
        return ["\t".join((*head, model, *(MISSING,) * 4, left)) for model, _ in self._models]

    def _head(self, copy: int, phase_set: int) -> list[str]:
        haplotypes = self._haplotypes
        haplotype = int(haplotypes.haplotype[copy])
        if haplotype == UNKNOWN_HAPLOTYPE:
            return [haplotypes.sample.sample, self._contig(copy), MISSING, MISSING]
        name = haplotypes.sample.phase_sets[phase_set]
        return [haplotypes.sample.sample, self._contig(copy), str(haplotype), name]

    def _contig(self, copy: int) -> str:
        sample = self._haplotypes.sample
        return sample.contigs[int(sample.contig[self._haplotypes.allele[copy]])]

    def _spell(self, genome: Codes | None, copy: int) -> str:
        """Return ``position:ref>alt`` of the normal form, or as the VCF has it where there is none."""
        sample = self._haplotypes.sample
        allele = int(self._haplotypes.allele[copy])
        if genome is None or allele in sample.texts:
            return sample.texts[allele]
        start, first = int(sample.start[allele]), int(sample.alt_start[allele])
        ref = decode(fetch_window(genome, start, int(sample.ref_length[allele])))
        return f"{start + 1}:{ref}>{decode(sample.alt[first : first + int(sample.alt_length[allele])])}"

    @staticmethod
    def _texts_of(values: np.ndarray[tuple[int, ...], np.dtype[np.float64]]) -> list[list[str]]:
        return [format_floats(column) for column in values.T.astype(np.float32)]


def join_rows(rows: Sequence[Sequence[str]]) -> str:
    """Return rows as lines."""
    return "".join(f"{line}\n" for lines in rows for line in lines)
