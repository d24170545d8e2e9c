"""Genotypes as VCF writes them: which allele lies on which haplotype, and where that is not told.

Haplotypes are counted from 1, in the order of the genotype's alleles. An allele is phased where ``|`` stands before it.
Before the first one only VCF 4.4 may write it; where nothing stands, the first is phased if all the others are. Where
all copies are one known allele, or there is but one copy, every haplotype carries it, whatever stands between them.
"""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass

UNKNOWN_HAPLOTYPE = 0

_GENOTYPE = re.compile(r"[|/]?(?:\.|[0-9]+)(?:[|/](?:\.|[0-9]+))*")
_COPY = re.compile(r"([|/]?)(\.|[0-9]+)")


@dataclass(frozen=True, slots=True)
class Genotype:
    """The ALT alleles that a sample carries at one record.

    Attributes:
        copies: ALT allele (1 is the first) and haplotype of each copy; 0 for a haplotype that is not told, once an
            allele.
        homozygous: Every haplotype carries the same ALT allele.
    """

    copies: tuple[tuple[int, int], ...]
    homozygous: bool

    @property
    def numbers(self) -> list[int]:
        """The different ALT alleles, ascending."""
        return sorted({number for number, _ in self.copies})


@functools.lru_cache(maxsize=4096)
def parse_genotype(text: str) -> Genotype:
    """Return what a GT value says.

    Raises:
        ValueError: It is no genotype.
    """
    if not _GENOTYPE.fullmatch(text):
        raise ValueError(f"expected a genotype such as 0|1, found {text[:40]!r}")
    marks, alleles = zip(*_COPY.findall(text), strict=True)
    numbers = [0 if allele == "." else int(allele) for allele in alleles]
    if len(set(numbers)) == 1:
        carried = tuple((number, haplotype) for haplotype, number in enumerate(numbers, start=1) if number)
        return Genotype(carried, homozygous=bool(carried))
    first = marks[0] or ("/" if "/" in marks[1:] else "|")
    copies: dict[tuple[int, int], None] = {}
    for haplotype, (mark, number) in enumerate(zip((first, *marks[1:]), numbers, strict=True), start=1):
        if number:
            copies[number, haplotype if mark == "|" else UNKNOWN_HAPLOTYPE] = None
    return Genotype(tuple(copies), homozygous=False)
