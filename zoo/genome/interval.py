"""A stretch of a contig: 0-based and half-open, as in BED."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, order=True)
class Interval:
    """The bases ``start`` to ``end - 1`` of one contig, counted from 0."""

    contig: str
    start: int
    end: int
    name: str = ""
    strand: str = "."

    def __len__(self) -> int:
        return self.end - self.start

    def __str__(self) -> str:
        return f"{self.contig}:{self.start}-{self.end}"
