"""Spells the symbolic alleles whose sequence is known: deletions, tandem duplications and inversions.

POS of such a record is the base before the event, which takes the next SVLEN bases, or those up to END. ``<DEL>`` and
its subtypes, and ``<CN0>``, lose them; ``<DUP>`` and ``<DUP:TANDEM>`` repeat them, the copy right beside the original;
``<INV>`` turns them into their reverse complement. All other symbols say too little, and stay SYMBOLIC.

Source: the Variant Call Format specification, versions 4.3 and 4.4, sections 1.4.5, 3 and 5.3.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Literal

import numpy as np

from zoo.genome.codes import UNKNOWN, Codes, reverse_complement
from zoo.genome.interval import Interval
from zoo.genome.reference import Reference
from zoo.genome.variant import Reason, letters_agree, normal_form
from zoo.genome.vcf import ALT, INFO, POS, REF
from zoo.prediction.alleles.batch import AlleleBatch

Event = Literal["deletion", "duplication", "inversion"]

_EVENTS: dict[str, Event] = {
    "<DEL>": "deletion",
    "<CN0>": "deletion",
    "<DUP>": "duplication",
    "<DUP:TANDEM>": "duplication",
    "<INV>": "inversion",
}
_DELETION = re.compile(r"<DEL:[^<>]+>")
_NUMBER = re.compile(r"[+-]?\d{1,18}")
_MISSING = "."
_UNCERTAIN = ("CIPOS", "CIEND")


def spell_structural(
    alleles: AlleleBatch, columns: Sequence[list[str]], reference: Reference, longest: int | None = None
) -> AlleleBatch:
    """Return the alleles with those symbolic ones spelled, in normal form, whose sequence is known.

    Args:
        columns: The records of the alleles.
        longest: An allele of which REF or ALT has more bases is not spelled; its reason becomes TOO_LONG.

    Not known is the sequence of an event whose place is IMPRECISE, or has a CIPOS or CIEND other than 0; which has
    neither END nor SVLEN, or both and they disagree; whose end is not after POS, or lies beyond the contig; or which
    only the depth of reads supports (SVCLAIM D). SVLEN counts for each ALT, its sign is not looked at for a deletion.
    """
    symbolic = np.flatnonzero((alleles.reason == Reason.SYMBOLIC) & (alleles.contig >= 0))
    if not len(symbolic):
        return alleles
    start, ref_length, reason = alleles.start.copy(), alleles.ref_length.copy(), alleles.reason.copy()
    alt_start, alt_length = alleles.alt_start.copy(), alleles.alt_length.copy()
    checkable, holds_unknown = alleles.checkable.copy(), alleles.holds_unknown.copy()
    spelled: list[bytes] = []
    used = len(alleles.alt)
    limit = math.inf if longest is None else longest
    first_of_record = np.searchsorted(alleles.record, alleles.record[symbolic])
    # One contig after the other: the reference keeps no more than two in memory.
    for place in np.argsort(alleles.contig[symbolic], kind="stable"):
        allele = symbolic[place]
        record = columns[alleles.record[allele]]
        contig = alleles.contigs[alleles.contig[allele]]
        found = _find_event(record, int(allele - first_of_record[place]), reference.lengths[contig])
        if found is None:
            continue
        event, before, length = found
        there = reference.letters(Interval(contig, before, before + len(record[REF])))
        if not letters_agree(record[REF], there):
            reason[allele] = Reason.REF_MISMATCH
            continue
        form = _spell(event, reference.codes(contig), before + 1, length, limit)
        if form is None:
            reason[allele] = Reason.TOO_LONG
            continue
        start[allele], ref_length[allele], alt, holds_unknown[allele] = form
        reason[allele] = Reason.OK
        checkable[allele] = not holds_unknown[allele]
        spelled.append(alt)
        alt_start[allele], alt_length[allele] = used, len(alt)
        used += len(alt)
    return replace(
        alleles,
        start=start,
        ref_length=ref_length,
        alt=np.concatenate([alleles.alt, np.frombuffer(b"".join(spelled), dtype=np.uint8)]),
        alt_start=alt_start,
        alt_length=alt_length,
        reason=reason,
        checkable=checkable,
        holds_unknown=holds_unknown,
    )


def _find_event(record: list[str], place: int, contig_length: int) -> tuple[Event, int, int] | None:
    """Return what happens, the base before it (0-based) and its length; None where that is not known."""
    alts = record[ALT].split(",")
    event = _EVENTS.get(alts[place]) or ("deletion" if _DELETION.fullmatch(alts[place]) else None)
    before = int(record[POS]) - 1
    if event is None or before < 0:
        return None
    info = dict(entry.partition("=")[::2] for entry in record[INFO].split(";"))
    claims = info.get("SVCLAIM", "").split(",")
    if "IMPRECISE" in info or any(set(info.get(key, "").split(",")) - {"", _MISSING, "0"} for key in _UNCERTAIN):
        return None
    if (claims[place] if len(claims) == len(alts) else claims[0]) == "D":
        return None
    length = _find_length(info, place, len(alts), event, before + 1)
    return (event, before, length) if length and before + 1 + length <= contig_length else None


def _find_length(info: dict[str, str], place: int, alts: int, event: Event, position: int) -> int | None:
    """Return the bases of an event after ``position`` (1-based), None where they are not known."""
    end_told = info.get("END", _MISSING) != _MISSING
    end = _read(info.get("END", _MISSING))
    if end_told and (end is None or end <= position):
        return None
    to_end = None if end is None else end - position
    lengths = info.get("SVLEN", _MISSING).split(",")
    if set(lengths) <= {_MISSING, ""}:
        return to_end
    length = _read(lengths[place]) if len(lengths) == alts else None
    if length == 0 and event == "inversion":  # as difference in length, the meaning that VCF 4.2 gave it
        return to_end
    disagrees = alts == 1 and length is not None and to_end not in {None, abs(length)}
    if length is None or disagrees or (length < 0 and event != "deletion"):
        return None
    return abs(length)


def _read(text: str) -> int | None:
    return int(text) if _NUMBER.fullmatch(text) else None


def _spell(event: Event, contig: Codes, first: int, length: int, limit: float) -> tuple[int, int, bytes, bool] | None:
    """Return start, REF length and ALT of the normal form, and whether it holds an unknown base; None if too long.

    Args:
        first: The first base of the event, 0-based.
        limit: The most bases that REF or ALT may have.
    """
    end = first + length
    bases = contig[first:end]
    if event == "inversion":
        turned = reverse_complement(bases)
        changed = np.flatnonzero(bases != turned)
        kept = slice(int(changed[0]), int(changed[-1]) + 1) if len(changed) else slice(0, 1)
        start, ref_length, alt = first + kept.start, kept.stop - kept.start, turned[kept]
        if ref_length > limit:
            return None
    elif length + 1 > limit:
        return None
    elif event == "deletion":
        # The padding base leads, or follows where what leads is unknown, as in any other spelling.
        start = first if contig[first - 1] == UNKNOWN and end < len(contig) else first - 1
        ref_length, alt = length + 1, contig[end : end + 1] if start == first else contig[start:first]
    else:
        start, ref_length, alt = first, 1, np.append(bases, contig[first])
    if (contig[start : start + ref_length] == UNKNOWN).any() or (alt == UNKNOWN).any():
        return start, ref_length, alt.tobytes(), True
    return (*normal_form(contig, start, ref_length, alt.tobytes()), False)
