"""From cells to REF and ALT: which of two alleles is the genome's, and bases around alleles that are empty.

Strands are never flipped: an allele that agrees with the genome only as its complement does not agree.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from zoo.errors import DataError
from zoo.genome.codes import IUPAC, IUPAC_BITS, UNKNOWN, Codes, decode
from zoo.genome.reference import Reference
from zoo.genome.runs import concatenate_runs
from zoo.prediction.inputs.rows import NO_VALUE, Rows

INDEL = "<INDEL>"
"""The ALT of rows whose alleles are I and D, as PLINK writes insertions and deletions without their letters."""

NEITHER = "neither allele is what the genome holds there (another strand or build?); the other allele stands as REF"
BOTH = (
    "both alleles agree with the genome there (an indel in a repeat, or unknown bases); the other allele stands as REF"
)
STRAY = "the effect allele is neither REF nor ALT"
BEFORE = "REF is '-' and no end is given; inserted before the position, as Ensembl has it (ANNOVAR and MAF: after it)"
LETTERLESS = "the alleles are I and D, whose letters are not known; written as <INDEL>"

_EMPTY = "-"
_LETTERLESS = frozenset("IDR")  # R: the reference allele of either
_REF = re.compile(f"[{''.join(IUPAC)}]+|-")
_ALT = re.compile(r"(?:[A-Z]+|\*|\.|-|<[^<>\s;=]+>)(?:,(?:[A-Z]+|\*|-|<[^<>\s;=]+>))*")
_CODE_BITS = np.array([1, 2, 4, 8, 15], dtype=np.uint8)


@dataclass(slots=True)
class Alleles:
    """The alleles of some rows, as VCF writes them.

    Attributes:
        effects: The effect alleles, spelt as in REF or ALT, ``.`` where unknown; None where the input has none.
        undecided: The rows of which the genome holds both alleles.
    """

    positions: list[int]
    refs: list[str]
    alts: list[str]
    effects: list[str] | None
    undecided: list[int] = field(default_factory=list)


def build_records(
    rows: Rows,
    contigs: Sequence[str | None],
    positions: list[int],
    reference: Reference,
    notes: Counter[str],
    *,
    oriented: bool,
) -> Alleles:
    """Return REF and ALT of rows.

    Args:
        contigs: The reference's name of each row's contig, None where it has none.
        positions: Of the first base that a row speaks of, 1-based.
        notes: Counts of what is worth a warning; added to.
        oriented: Whether the first allele of a row is REF; else it is the other allele, and the second the effect's.

    Raises:
        DataError: An allele is missing or spelt as no allele is.
    """  # fmt: skip
    first, second = _upper(rows.first), _upper(rows.second)
    effects = _upper(rows.effects) if rows.effects is not None else None
    _check(rows, first, second, oriented=oriented)
    undecided: list[int] = []
    if not oriented:
        turned, undecided = _compare(first, second, contigs, positions, reference, notes)
        effects = list(second)
        for row in turned:
            first[row], second[row] = second[row], first[row]
    found = Alleles(positions, first, second, effects, undecided)
    if any("-" in allele for allele in {*first, *second}) or _LETTERLESS & {*first, *second}:
        for row, (ref, alt) in enumerate(zip(first, second, strict=True)):
            if _EMPTY in (ref, *alt.split(",")) or {ref, alt} <= _LETTERLESS:
                _mend(found, row, contigs[row], reference, notes, rows)
    if found.effects is not None and oriented:
        _check_effects(found, notes)
    return found


def _upper(texts: list[str]) -> list[str]:
    if "".join(texts).isupper():
        return list(texts)
    # Letters outside ASCII may become others in upper case: a German ß two S.
    return [text.upper() if text.isascii() and text.isalpha() else text for text in texts]


def _check(rows: Rows, first: list[str], second: list[str], *, oriented: bool) -> None:
    names = ("REF", "ALT") if oriented else ("the other allele", "the effect allele")
    for name, alleles, known in ((names[0], first, _REF), (names[1], second, _ALT if oriented else _REF)):
        for allele in {*alleles}:
            if allele.lower() in NO_VALUE or allele == "0":
                # An allele that nobody gave is VCF's missing ALT; without a REF there is no record.
                if name == names[0]:
                    raise DataError(f"{rows.place(alleles.index(allele))}: {name} is missing ({allele!r})")
                alleles[:] = ["." if other == allele else other for other in alleles]
            elif not known.fullmatch(allele) and allele not in _LETTERLESS:
                raise DataError(
                    f"{rows.place(alleles.index(allele))}: {name}: expected letters of bases, or - for none, "
                    f"found {allele[:40]!r}"
                )


def _compare(
    other: list[str],
    effect: list[str],
    contigs: Sequence[str | None],
    positions: list[int],
    reference: Reference,
    notes: Counter[str],
) -> tuple[list[int], list[int]]:
    """Return the rows of which the genome holds the effect allele alone, and those of which it holds both."""
    turned: list[int] = []
    undecided: list[int] = []
    rows_of: dict[str, list[int]] = {}
    for row, (contig, ours, theirs) in enumerate(zip(contigs, other, effect, strict=True)):
        if contig is not None and theirs != "." and not {ours, theirs} <= _LETTERLESS:
            rows_of.setdefault(contig, []).append(row)
    for contig in sorted(rows_of):
        rows = rows_of[contig]
        codes = reference.codes(contig)
        starts = np.fromiter((positions[row] - 1 for row in rows), np.int64, len(rows))
        of_other = _agree(codes, starts, [other[row] for row in rows])
        of_effect = _agree(codes, starts, [effect[row] for row in rows])
        turned += [rows[place] for place in np.flatnonzero(of_effect & ~of_other)]
        notes[NEITHER] += int(np.count_nonzero(~of_effect & ~of_other))
        undecided += [rows[place] for place in np.flatnonzero(of_effect & of_other)]
    notes[BOTH] += len(undecided)
    return turned, undecided


def _agree(genome: Codes, starts: npt.NDArray[np.int64], alleles: list[str]) -> npt.NDArray[np.bool_]:
    """Tell which alleles the genome holds; an empty one it always does, nothing beyond its ends."""
    letters = np.frombuffer("".join(alleles).encode("ascii"), dtype=np.uint8)
    lengths = np.fromiter(map(len, alleles), np.int64, len(alleles))
    first = np.cumsum(lengths) - lengths
    agrees = (starts >= 0) & (starts + lengths <= len(genome))
    inside = np.flatnonzero(agrees)
    if len(inside):
        sizes = lengths[inside]
        ends = np.cumsum(sizes)
        there = _CODE_BITS[genome[concatenate_runs(starts[inside], sizes)]]
        differs = (IUPAC_BITS[letters[concatenate_runs(first[inside], sizes)]] & there) == 0
        agrees[inside] = np.add.reduceat(differs, ends - sizes, dtype=np.int64) == 0
    agrees |= letters[first] == ord(_EMPTY)
    return agrees


def _mend(found: Alleles, row: int, contig: str | None, reference: Reference, notes: Counter[str], rows: Rows) -> None:
    """Give a row's empty alleles a padding base, and letterless ones a symbol."""
    codes = reference.codes(contig) if contig is not None else None
    ref, alts = found.refs[row], found.alts[row].split(",")
    start = found.positions[row] - 1
    if {ref, *alts} <= _LETTERLESS:
        found.refs[row], found.alts[row] = _letter(codes, start), INDEL
        notes[LETTERLESS] += 1
        return
    if any(alt[0] in "<*." for alt in alts):
        alts = [alt for alt in alts if alt != "."]
        padded = {alt: alt for alt in alts if alt[0] in "<*"}
    else:
        padded = {}
    bare = "" if ref == _EMPTY else ref
    if not bare:
        if rows.ends is None:
            notes[BEFORE] += 1
        elif _reaches(rows.ends[row], start + 1):
            start += 1
    lead = _letter(codes, start - 1) if start > 0 else ""
    # Before the first base there is none to pad with: VCF takes the one that follows.
    follow = "" if lead else _letter(codes, start + len(bare))
    for allele in (ref, *alts):
        padded.setdefault(allele, lead + ("" if allele == _EMPTY else allele) + follow)
    found.positions[row] = start if lead else max(start + 1, 0)
    found.refs[row], found.alts[row] = padded[ref], ",".join(padded[alt] for alt in alts) or "."
    if found.effects is not None:
        found.effects[row] = padded.get(found.effects[row], found.effects[row])


def _reaches(end: str, position: int) -> bool:
    """Tell whether an insertion's end is its position or beyond: ANNOVAR's and MAF's mark for after the position."""
    return end.isdecimal() and int(end) >= position


def _letter(codes: Codes | None, start: int) -> str:
    if codes is None or not 0 <= start < len(codes) or codes[start] == UNKNOWN:
        return "N"
    return decode(codes[start : start + 1])


def _check_effects(found: Alleles, notes: Counter[str]) -> None:
    effects = found.effects or []
    for row, (effect, ref, alt) in enumerate(zip(effects, found.refs, found.alts, strict=True)):
        if effect in (alt, ref) or effect in alt.split(","):
            continue
        if effect.lower() in NO_VALUE or effect == "0":
            effects[row] = "."
        elif not (effect in _LETTERLESS and alt == INDEL):
            notes[STRAY] += 1
            if not _REF.fullmatch(effect):
                effects[row] = "."
