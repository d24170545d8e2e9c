"""The rows of a table of haplotypes, contig after contig: what any number of models say of one sample's groups."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from typing import TypeAlias

import numpy as np

from zoo.genome.codes import Codes
from zoo.genome.reference import Reference
from zoo.genome.variant import Reason
from zoo.prediction.alleles.batch import Integers
from zoo.prediction.haplotypes.groups import Groups, group_alleles
from zoo.prediction.haplotypes.joint import GroupScorer, JointScores
from zoo.prediction.haplotypes.phasing import Haplotypes
from zoo.prediction.haplotypes.reasons import reason_name
from zoo.prediction.haplotypes.rows import RowWriter, join_rows
from zoo.prediction.haplotypes.skipped import SkippedCopies, find_skipped
from zoo.prediction.output.sinks import Sink
from zoo.prediction.pipeline import WriteBehind
from zoo.prediction.scoring.engine import Engine
from zoo.prediction.scoring.settings import ScoringSettings
from zoo.prediction.summary import HaplotypeSummary, Progress

GROUPS_A_BATCH = 2048

Engines: TypeAlias = Mapping[tuple[int, int], Engine]
"""The engine of all models that read windows of one length and anchor, by these."""


def write_table(
    haplotypes: Haplotypes,
    engines: Engines,
    reference: Reference,
    settings: ScoringSettings,
    summary: HaplotypeSummary,
    sink: Sink,
    report: Callable[[Progress], None] | None = None,
) -> None:
    """Write the rows of all groups and of the copies that are in none, and count them in the summary.

    Of each contig come the rows of all models before the next contig: the reference keeps but two large ones in memory.
    """
    summary.copies = len(haplotypes)
    summary.add_skipped(_count_reasons(haplotypes.reason[haplotypes.reason != Reason.OK]))
    parts = [_Part(haplotypes, window, engine, settings) for window, engine in engines.items()]
    done, total = 0, sum(len(part.groups) for part in parts)
    with WriteBehind(sink.write) as behind:
        for contig, found in enumerate(haplotypes.sample.found):
            genome = None if found is None else reference.codes(found)
            for part in parts:
                for groups, rows in part.rows_of(contig, found, genome):
                    behind.put(join_rows(rows))
                    done += groups
                    if report is not None:
                        report(Progress(done, done / total if total else None))
    for part in parts:
        part.count(summary)
    summary.skipped = dict(sorted(summary.skipped.items()))


class _Part:
    """What the models of one engine say, whose windows hold the same groups."""

    def __init__(
        self, haplotypes: Haplotypes, window: tuple[int, int], engine: Engine, settings: ScoringSettings
    ) -> None:
        length, self._anchor = window
        self.groups: Groups = group_alleles(haplotypes, length, self._anchor, settings.shifts, settings.max_indel)
        self._haplotypes = haplotypes
        self._scorer = GroupScorer(engine, haplotypes, self.groups, self._anchor)
        self._skipped: SkippedCopies = find_skipped(haplotypes, self.groups)
        self._names = [scored.model.card.full_name for scored in engine.models]
        tracks = [scored.tracks for scored in engine.models]
        self._writer = RowWriter(haplotypes, list(zip(self._names, tracks, strict=True)))
        models = len(self._names)
        self._scored = [0] * models
        self._together = [0] * models
        self._unscored: list[Counter[str]] = [Counter() for _ in range(models)]

    def rows_of(self, contig: int, found: str | None, genome: Codes | None) -> Iterator[tuple[int, list[list[str]]]]:
        """Yield the rows of a contig, batch by batch, and how many groups each batch has.

        Args:
            contig: Its number among the sample's.
            found: The reference's name of it, None where it has none; then no group stands on it.
            genome: The whole contig.
        """
        groups = self.groups
        first, last = (int(place) for place in np.searchsorted(groups.contig, [contig, contig + 1]))
        before, alone = self._place_alone(contig, first, last)
        at = 0
        if found is not None and genome is not None:
            for begin in range(first, last, GROUPS_A_BATCH):
                end = min(begin + GROUPS_A_BATCH, last)
                rows: list[list[str]] = []
                for group, scored in zip(range(begin, end), self._score(begin, end, found, genome), strict=True):
                    while at < len(alone) and before[at] <= group:
                        rows.append(self._tell(genome, alone[at]))
                        at += 1
                    rows.append(scored)
                yield end - begin, rows
        yield 0, [self._tell(genome, copy) for copy in alone[at:]]

    def count(self, summary: HaplotypeSummary) -> None:
        """Add what became of the groups, and of the copies that are in none."""
        new = _count_reasons(self.groups.reason[self.groups.reason != self._haplotypes.reason])
        for number, name in enumerate(self._names):
            summary.groups[name], summary.together[name] = self._scored[number], self._together[number]
            summary.add_skipped(new, name)
            summary.add_skipped(self._unscored[number], name)

    def _place_alone(self, contig: int, first: int, last: int) -> tuple[list[int], list[int]]:
        """Return the copies of a contig that no window holds, and the group that each stands before.

        Rows stand in the order of their windows; what has none stands where its own would.
        """
        haplotypes, alone = self._haplotypes, self._skipped.alone
        alone = alone[haplotypes.contig[alone] == contig]
        start: Integers = haplotypes.sample.start[haplotypes.allele[alone]] - self._anchor
        order = np.argsort(start, kind="stable")
        before = np.searchsorted(self.groups.start[first:last], start[order], "right") + first
        return before.tolist(), alone[order].tolist()

    def _tell(self, genome: Codes | None, copy: int) -> list[str]:
        return self._writer.of_copy(genome, copy, int(self.groups.reason[copy]))

    def _score(self, begin: int, end: int, found: str, genome: Codes) -> Iterator[list[str]]:
        scores = self._scorer.score(begin, end, found)
        sizes = np.diff(self.groups.first[begin : end + 1])
        for number, one in enumerate(scores):
            self._note(number, one, sizes)
        return self._writer.of_groups(genome, self.groups, range(begin, end), self._skipped, scores)

    def _note(self, number: int, scores: JointScores, sizes: Integers) -> None:
        good = scores.reason == Reason.OK
        self._scored[number] += int(np.count_nonzero(good))
        self._together[number] += int(np.count_nonzero(good & (sizes > 1)))
        for reason in np.unique(scores.reason[~good]).tolist():
            self._unscored[number][reason_name(reason)] += int(sizes[scores.reason == reason].sum())


def _count_reasons(reasons: np.ndarray[tuple[int, ...], np.dtype[np.uint8]]) -> dict[str, int]:
    return {reason_name(reason): count for reason, count in Counter(reasons.tolist()).items()}
