"""Variants and their normal form.

``position`` is VCF's POS, counted from 1; ``start`` is counted from 0. The normal form is the one that VCF
recommends: trimmed, left-aligned on the reference, with one padding base on a pure insertion or deletion.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from enum import IntEnum
from typing import Protocol

import numpy as np

from zoo.errors import RefMismatch
from zoo.genome.codes import IUPAC_BITS, UNKNOWN, Codes, decode, encode
from zoo.genome.interval import Interval


class Reason(IntEnum):
    """Why an allele gets no score; OK where it gets one. The names are written into the output."""

    OK = 0
    REF_MISMATCH = 1
    SYMBOLIC = 2
    BREAKEND = 3
    SPANNING_DELETION = 4
    UNSPECIFIED = 5
    NO_ALT = 6
    AMBIGUOUS_ALT = 7
    UNKNOWN_CONTIG = 8
    TOO_LONG = 9
    UNKNOWN_BASES = 10
    NO_REGION = 11


_UNSPECIFIED = frozenset({"<*>", "<NON_REF>", "<X>", "."})
"""Any other allele, none in particular: of VCF 4.3, of GATK, and of samtools before 1.3."""

MODEL_REASONS = frozenset({Reason.TOO_LONG, Reason.UNKNOWN_BASES, Reason.NO_REGION})
"""The reasons that depend on the model's window."""


@dataclass(frozen=True, slots=True, order=True)
class Variant:
    """One REF>ALT at ``position`` (1-based) of a contig."""

    contig: str
    position: int
    ref: str
    alt: str

    def __str__(self) -> str:
        return f"{self.contig}:{self.position}:{self.ref}>{self.alt}"

    @property
    def start(self) -> int:
        """The first REF base, 0-based."""
        return self.position - 1


class ContigSource(Protocol):
    """What normalising needs of a reference genome."""

    def codes(self, contig: str) -> Codes:
        """Return the codes of a whole contig, shape (L,)."""
        ...

    def letters(self, interval: Interval) -> str:
        """Return the letters of an interval as they stand in the file."""
        ...


def normalise(variant: Variant, reference: ContigSource) -> Variant:
    """Return the normal form of a variant; every spelling of one allele has the same.

    Raises:
        UnknownContig: The reference has no such contig.
        RefMismatch: REF is not what the reference holds there.
        ValueError: ALT holds letters other than A, C, G and T.
    """
    if classify_alt(variant.alt) is not Reason.OK:
        raise ValueError(f"{variant}: only sequence alleles have a normal form")
    codes = reference.codes(variant.contig)
    interval = Interval(variant.contig, variant.start, variant.start + len(variant.ref))
    found = reference.letters(interval)
    if not letters_agree(variant.ref, found):
        raise RefMismatch(f"{variant}: REF is {variant.ref}, the reference holds {found or 'nothing'} there")
    start, ref_length, alt = normal_form(codes, variant.start, len(variant.ref), encode(variant.alt).tobytes())
    ref = reference.letters(Interval(variant.contig, start, start + ref_length)).upper()
    return Variant(variant.contig, start + 1, ref, decode(np.frombuffer(alt, dtype=np.uint8)))


def normal_form(contig: Codes, start: int, ref_length: int, alt: bytes) -> tuple[int, int, bytes]:
    """Return start (0-based), REF length and ALT of the normal form.

    Args:
        contig: Codes of the whole contig; REF is what it holds from ``start`` on.
        alt: ALT as the bytes of its codes, at least one, all known.

    Alleles never move across a base outside ACGT, nor across the contig's start; there the padding base follows
    instead of leading, as VCF has it for the first base of a contig.
    """
    end = start + ref_length
    common, most = 0, min(ref_length, len(alt)) - 1
    while common < most and alt[-1 - common] == contig[end - 1 - common]:
        common += 1
    end -= common
    alt = alt[: len(alt) - common]
    if end - start != len(alt) and min(end - start, len(alt)) == 1:
        # Shifting: while both alleles end in one base, drop it, and borrow the base before.
        moving = deque(alt)
        while moving[-1] == contig[end - 1] and start > 0 and contig[start - 1] != UNKNOWN:
            start -= 1
            end -= 1
            moving.pop()
            moving.appendleft(int(contig[start]))
        alt = bytes(moving)
    lead = 0
    longest = min(end - start, len(alt)) - 1
    while lead < longest and contig[start + lead] == alt[lead]:
        lead += 1
    return start + lead, end - start - lead, alt[lead:]


def classify_alt(alt: str) -> Reason:
    """Return OK for an ALT allele of letters ACGT, else the reason why it can't be scored."""
    if alt and not alt.upper().strip("ACGT"):
        return Reason.OK
    if alt == "*":
        return Reason.SPANNING_DELETION
    if alt in _UNSPECIFIED:
        return Reason.UNSPECIFIED
    if "[" in alt or "]" in alt or (len(alt) > 1 and (alt[0] == "." or alt[-1] == ".")):
        return Reason.BREAKEND
    if "<" in alt:  # also C<ctg1>, the insertion of an assembled contig
        return Reason.SYMBOLIC
    return Reason.AMBIGUOUS_ALT


def letters_agree(ref: str, found: str) -> bool:
    """Tell whether two spellings can be the same bases: letter by letter, a base in common by IUPAC, any case."""
    if len(ref) != len(found):
        return False
    ours = IUPAC_BITS[list(ref.encode("latin-1", "replace"))]
    theirs = IUPAC_BITS[list(found.encode("latin-1", "replace"))]
    return bool(((ours & theirs) != 0).all())
