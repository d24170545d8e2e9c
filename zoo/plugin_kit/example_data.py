"""Drawn sequences that a made package trains on until it has data of its own: half of them hold a motif."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

MOTIF = "TGACTCA"  # the site of AP-1 (JASPAR MA0099)
LENGTH = 40  # bases

_COUNT = 360
_CONTIGS = 6
_SEED = 1


@dataclass(frozen=True, slots=True)
class Example:
    """A sequence, the contig that it is split by, and whether it holds the motif."""

    contig: str
    letters: str
    bound: bool


def draw_examples() -> list[Example]:
    """Return the same sequences each time; every other one holds the motif once, the others nowhere."""
    generator = np.random.default_rng(_SEED)
    examples = []
    for number in range(_COUNT):
        letters = _draw_without_motif(generator)
        bound = number % 2 == 0
        if bound:
            start = int(generator.integers(0, LENGTH - len(MOTIF) + 1))
            letters = letters[:start] + MOTIF + letters[start + len(MOTIF) :]
        examples.append(Example(f"chr{1 + number // 2 % _CONTIGS}", letters, bound))
    return examples


def write_fasta(examples: list[Example], *, bound: bool) -> str:
    """Return the sequences of one class as FASTA, whose headers begin with the contig: ``chr1_0``."""
    records = [f">{each.contig}_{n}\n{each.letters}\n" for n, each in enumerate(examples) if each.bound == bound]
    return "".join(records)


def write_table(examples: list[Example]) -> str:
    """Return lines of contig, sequence, and 1 or 0."""
    return "".join(f"{each.contig}\t{each.letters}\t{int(each.bound)}\n" for each in examples)


def _draw_without_motif(generator: np.random.Generator) -> str:
    while MOTIF in (letters := "".join(generator.choice(list("ACGT"), LENGTH))):
        pass
    return letters
