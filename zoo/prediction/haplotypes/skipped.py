"""The alleles of a sample that no window carries: which groups they are told with, and which stand alone."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from zoo.genome.runs import concatenate_runs
from zoo.genome.variant import Reason
from zoo.prediction.alleles.batch import Integers
from zoo.prediction.haplotypes.genotypes import UNKNOWN_HAPLOTYPE
from zoo.prediction.haplotypes.groups import Groups
from zoo.prediction.haplotypes.phasing import Haplotypes


@dataclass(frozen=True, slots=True)
class SkippedCopies:
    """The copies that are in no group.

    Attributes:
        copy: Those whose first base lies in the window of a group of their haplotype, of any where theirs is unknown;
            once for each of these groups, shape (S,).
        first: Group i is told with ``copy[first[i]:first[i + 1]]``, shape (G + 1,).
        alone: Those that no group's window holds, in the order of the contigs, shape (n,).
    """

    copy: Integers
    first: Integers
    alone: Integers

    def of_group(self, group: int) -> list[int]:
        """Return the copies that a group is told with."""
        return [int(copy) for copy in self.copy[self.first[group] : self.first[group + 1]]]


def find_skipped(haplotypes: Haplotypes, groups: Groups) -> SkippedCopies:
    """Return the copies that are in no group, by the groups whose windows hold them."""
    sample = haplotypes.sample
    left = np.flatnonzero(groups.reason != Reason.OK)
    contig, start = haplotypes.contig[left], sample.start[haplotypes.allele[left]]
    group: list[Integers] = []
    copy: list[Integers] = []
    alone: list[Integers] = []
    for number in np.unique(contig).tolist():
        rows = np.flatnonzero(contig == number)
        first, last = np.searchsorted(groups.contig, [number, number + 1])
        windows = groups.start[first:last]
        begin = first + np.searchsorted(windows, start[rows] - groups.length, "right")
        counts = first + np.searchsorted(windows, start[rows], "right") - begin
        near = concatenate_runs(begin, counts)
        of = np.repeat(left[rows], counts)
        haplotype = haplotypes.haplotype[of]
        told = (haplotype == UNKNOWN_HAPLOTYPE) | (haplotype == groups.haplotype[near])
        group.append(near[told])
        copy.append(of[told])
        alone.append(np.setdiff1d(left[rows], of[told]))
    if not group:
        nothing = np.empty(0, dtype=np.int64)
        return SkippedCopies(nothing, np.zeros(len(groups) + 1, dtype=np.int64), nothing)
    groups_told, copies = np.concatenate(group), np.concatenate(copy)
    order = np.lexsort((copies, sample.start[haplotypes.allele[copies]], groups_told))
    first_of = np.searchsorted(groups_told[order], np.arange(len(groups) + 1))
    return SkippedCopies(copies[order], first_of, np.concatenate(alone))
