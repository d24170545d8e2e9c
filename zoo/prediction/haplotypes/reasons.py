"""Why an allele of a sample has no place on a haplotype, beside the reasons of ``zoo.genome.variant.Reason``."""

from __future__ import annotations

from enum import IntEnum

from zoo.genome.variant import Reason


class LeftOut(IntEnum):
    """Reasons that depend on the sample's genotypes; the names are written into the output."""

    UNPHASED = 100  # beyond every Reason, so that one array can hold both
    OVERLAPS = 101


def reason_name(code: int) -> str:
    """Return the name of a Reason or a LeftOut."""
    return LeftOut(code).name if code >= LeftOut.UNPHASED else Reason(code).name
