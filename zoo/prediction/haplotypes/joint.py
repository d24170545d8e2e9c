"""Alleles of one haplotype scored together: windows that carry all of a group, and each of its alleles alone.

All windows of a group start at the same base of the contig. REF's is the reference's; the joint one carries every
allele of the group, a single one carries one of them. What the joint score has beyond the sum of the single ones is
what the alleles do to one another.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from zoo.genome.reference import Reference
from zoo.genome.runs import concatenate_runs
from zoo.genome.variant import Reason
from zoo.prediction.alleles.batch import AlleleBatch, Integers
from zoo.prediction.haplotypes.groups import Groups
from zoo.prediction.haplotypes.phasing import Haplotypes
from zoo.prediction.haplotypes.surgery import carry_alleles
from zoo.prediction.scoring.engine import Engine
from zoo.prediction.windows.centred import gather_windows
from zoo.prediction.windows.placement import Placement, Reasons, WindowBatch

Doubles = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class JointScores:
    """What one model says of some groups.

    Attributes:
        joint: The score of all alleles together, shape (n, T), NaN where there is none.
        total: The sum of the scores of each alone, likewise.
        reason: Why there is none, a ``Reason`` each, uint8, shape (n,).
    """

    joint: Doubles
    total: Doubles
    reason: Reasons

    @property
    def excess(self) -> Doubles:
        """The joint score less the sum, shape (n, T); 0 for an allele alone."""
        return self.joint - self.total


class GroupScorer:
    """Scores groups of one window's length and anchor with an engine whose models all read such windows."""

    def __init__(self, engine: Engine, haplotypes: Haplotypes, groups: Groups, anchor: int) -> None:
        self._engine = engine
        self._haplotypes = haplotypes
        self._groups = groups
        self._placer = _GroupPlacer(haplotypes, groups.length)
        engine.use_placers({(groups.length, anchor): self._placer})

    def score(self, first: int, last: int, contig: str) -> list[JointScores]:
        """Return the scores of groups ``first`` to ``last - 1``, all on one contig, by each model of the engine."""
        groups = self._groups
        copies = groups.copies[groups.first[first] : groups.first[last]]
        allele = self._haplotypes.allele[copies]
        bounds = groups.first[first : last + 1] - groups.first[first]
        distinct, same = _find_distinct(allele.tolist(), bounds.tolist())
        kept = np.array(distinct, dtype=np.int64)
        rows = _Rows.of_groups(allele, bounds, kept, groups.start[first + kept])
        found = self._engine.score(self._placer.lay_out(rows, contig))
        return [self._gather(one.allele, one.scores, one.reason, rows, np.array(same, np.int64)) for one in found]

    @staticmethod
    def _gather(
        scored: Integers, scores: npt.NDArray[np.float32], reason: Reasons, rows: _Rows, same: Integers
    ) -> JointScores:
        values = np.full((len(reason), scores.shape[1]), np.nan)
        values[scored] = scores
        groups = rows.groups
        joint, total = values[:groups], values[:groups].copy()
        reasons = reason[:groups].copy()
        if len(reason) > groups:
            owner = rows.owner[groups:]
            bounds = np.flatnonzero(np.diff(owner, prepend=-1))
            total[owner[bounds]] = np.add.reduceat(values[groups:], bounds, axis=0)
            reasons[owner[bounds]] = np.maximum(reasons[owner[bounds]], np.maximum.reduceat(reason[groups:], bounds))
        joint[reasons != Reason.OK] = np.nan  # one of its alleles alone may have too many unknown bases
        total[reasons != Reason.OK] = np.nan
        return JointScores(joint[same], total[same], reasons[same])


@dataclass(frozen=True, slots=True)
class _Rows:
    """The windows of some groups: first the joint ones, then, of groups of several alleles, each allele alone.

    ``owner`` is each row's group, ``start`` its window's first base; row i carries ``allele[first[i]:first[i + 1]]``.
    """

    groups: int
    owner: Integers
    start: Integers
    first: Integers
    allele: Integers

    @classmethod
    def of_groups(cls, allele: Integers, bounds: Integers, kept: Integers, start: Integers) -> _Rows:
        counts = np.diff(bounds)[kept]
        members = allele[concatenate_runs(bounds[kept], counts)]
        group = np.repeat(np.arange(len(kept)), counts)
        apart = counts[group] > 1
        owner = np.concatenate([np.arange(len(kept)), group[apart]])
        alone = np.arange(np.count_nonzero(apart)) + len(members)
        first = np.concatenate([[0], np.cumsum(counts)[:-1], alone, [len(members) + len(alone)]])
        return cls(len(kept), owner, start[owner], first, np.concatenate([members, members[apart]]))


class _GroupPlacer:
    """Gives the engine the windows of the rows that were laid out last."""

    averages = False

    def __init__(self, haplotypes: Haplotypes, length: int) -> None:
        self.length = length
        self._haplotypes = haplotypes
        self._rows = _Rows(0, *(np.empty(0, np.int64) for _ in range(4)))

    def lay_out(self, rows: _Rows, contig: str) -> AlleleBatch:
        """Return a batch of one entry a row, which stands where the row's group does, and is as long in REF and ALT.

        How long alleles may be was asked when they were grouped; together they may add any number of bases.
        """
        self._rows = rows
        sample = self._haplotypes.sample
        count = len(rows.owner)
        # A row counts as what its group spans: regions choose groups, not alleles.
        start, end = self._span(rows)
        zeros = np.zeros(count, dtype=np.int64)
        return AlleleBatch(
            record=np.arange(count),
            contigs=(contig,),
            contig=zeros,
            start=start[rows.owner],
            ref_length=(end - start)[rows.owner],
            alt=sample.alt,
            alt_start=zeros,
            alt_length=(end - start)[rows.owner],
            reason=np.zeros(count, dtype=np.uint8),
            checkable=np.ones(count, dtype=np.bool_),
        )

    def place(self, alleles: AlleleBatch, reason: Reasons) -> Placement:  # noqa: ARG002 - the rows are the alleles
        """Return one window a row."""
        chosen = np.flatnonzero(reason == Reason.OK)
        return Placement(chosen, np.full(len(chosen), -1, dtype=np.int64))

    def build(self, alleles: AlleleBatch, placement: Placement, reference: Reference, shift: int = 0) -> WindowBatch:
        """Return the windows of some rows."""
        rows, sample = self._rows, self._haplotypes.sample
        genome = reference.codes(alleles.contigs[0])
        chosen = placement.allele
        counts = np.diff(rows.first)[chosen]
        ends = np.cumsum(counts)
        members = rows.allele[concatenate_runs(rows.first[chosen], counts)]
        starts = rows.start[chosen] + shift
        row = np.repeat(np.arange(len(chosen)), counts)
        alt = carry_alleles(genome, starts, self.length, row, members, self._haplotypes.changes, sample.alt)
        distinct, ref_of = np.unique(starts, return_inverse=True)
        first = np.minimum.reduceat(sample.start[members], ends - counts)
        last = np.maximum.reduceat((sample.start + sample.ref_length)[members], ends - counts)
        grown = np.add.reduceat((sample.alt_length - sample.ref_length)[members], ends - counts)
        return WindowBatch(
            ref=gather_windows(genome, distinct, self.length),
            ref_of=ref_of,
            alt=alt,
            ref_start=first - starts,
            alt_start=first - starts,
            ref_length=last - first,
            alt_length=last - first + grown,
        )

    def _span(self, rows: _Rows) -> tuple[Integers, Integers]:
        sample = self._haplotypes.sample
        members = rows.allele[: rows.first[rows.groups]]
        first = rows.first[: rows.groups]
        start = np.minimum.reduceat(sample.start[members], first)
        return start, np.maximum.reduceat((sample.start + sample.ref_length)[members], first)


def _find_distinct(allele: Sequence[int], bounds: Sequence[int]) -> tuple[list[int], list[int]]:
    """Return the groups whose alleles no earlier one has, and for each group its place among them.

    What every haplotype carries makes the same windows on each; they go through the network once.
    """
    seen: dict[tuple[int, ...], int] = {}
    distinct: list[int] = []
    same: list[int] = []
    for group, (first, last) in enumerate(pairwise(bounds)):
        place = seen.setdefault(tuple(allele[first:last]), len(distinct))
        if place == len(distinct):
            distinct.append(group)
        same.append(place)
    return distinct, same
