"""What alleles change: the bases of their normal form without the padding base of an indel."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from zoo.genome.codes import Codes
from zoo.prediction.alleles.batch import Integers


@dataclass(frozen=True, slots=True)
class Changes:
    """What alleles change: the reference's bases ``start`` to ``end - 1`` give way to a slice of a buffer of codes.

    ``start`` equals ``end`` for an insertion, which goes before that base. All of shape (A,).
    """

    start: Integers
    end: Integers
    alt_start: Integers
    alt_length: Integers

    def take(self, rows: Integers | npt.NDArray[np.bool_]) -> Changes:
        """Return what some of the alleles change."""
        return Changes(self.start[rows], self.end[rows], self.alt_start[rows], self.alt_length[rows])

    def put(self, rows: Integers, found: Changes) -> None:
        """Write over what the alleles at ``rows`` change."""
        self.start[rows], self.end[rows] = found.start, found.end
        self.alt_start[rows], self.alt_length[rows] = found.alt_start, found.alt_length


def find_changes(
    genome: Codes, start: Integers, ref_length: Integers, alt: Codes, alt_start: Integers, alt_length: Integers
) -> Changes:
    """Return what alleles in normal form change on one contig: each without its padding base, if it has one."""
    padded = np.flatnonzero((ref_length != alt_length) & (np.minimum(ref_length, alt_length) == 1))
    first, last = start[padded], start[padded] + ref_length[padded] - 1
    alt_first, alt_last = alt_start[padded], alt_start[padded] + alt_length[padded] - 1
    leading = genome[first] == alt[alt_first]
    # Only at the contig's start, or after an unknown base, does the padding base follow.
    trailing = ~leading & (genome[last] == alt[alt_last])
    begin, end = start.copy(), start + ref_length
    alt_begin, alt_count = alt_start.copy(), alt_length.copy()
    begin[padded] += leading
    alt_begin[padded] += leading
    end[padded] -= trailing
    alt_count[padded] -= leading | trailing
    return Changes(begin, end, alt_begin, alt_count)
