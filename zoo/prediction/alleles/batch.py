"""From columns of text to a batch of alleles in normal form, each with the reason why it can't be scored, if any."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from zoo.genome.codes import IUPAC_BITS, UNKNOWN, Codes, encode
from zoo.genome.interval import Interval
from zoo.genome.reference import Reference
from zoo.genome.runs import concatenate_runs
from zoo.genome.variant import Reason, classify_alt, letters_agree, normal_form

_CODE_BITS = np.array([1, 2, 4, 8, 0], dtype=np.uint8)
_IS_ACGT = np.zeros(256, dtype=np.bool_)
_IS_ACGT[list(b"ACGTacgt")] = True

Integers = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class AlleleBatch:
    """The ALT alleles of some records, in order. A record without ALT has one entry, of reason NO_ALT.

    Attributes:
        record: Index of each allele's record, shape (A,), ascending.
        contig: Index into ``contigs``, the reference's names, shape (A,); -1 where unknown.
        start: First REF base of the normal form, 0-based, shape (A,).
        ref_length: Bases of REF in the normal form, shape (A,).
        alt: A buffer of codes; allele i is ``alt[alt_start[i]:alt_start[i] + alt_length[i]]``.
        reason: A ``Reason`` each, uint8, shape (A,); the other columns count only where it is OK.
        checkable: True where REF could be compared with known bases, shape (A,).
        holds_unknown: True where REF of the normal form, or ALT, holds a base outside ACGT, shape (A,).
    """

    record: Integers
    contigs: tuple[str, ...]
    contig: Integers
    start: Integers
    ref_length: Integers
    alt: Codes
    alt_start: Integers
    alt_length: Integers
    reason: npt.NDArray[np.uint8]
    checkable: npt.NDArray[np.bool_]
    holds_unknown: npt.NDArray[np.bool_] = field(default_factory=lambda: np.zeros(0, dtype=np.bool_))

    def __post_init__(self) -> None:
        if len(self.holds_unknown) != len(self.record):
            object.__setattr__(self, "holds_unknown", np.zeros(len(self.record), dtype=np.bool_))

    def __len__(self) -> int:
        return len(self.record)


def build_alleles(
    contigs: Sequence[str | None],
    positions: Sequence[int],
    refs: Sequence[str],
    alts: Sequence[str],
    reference: Reference,
) -> AlleleBatch:
    """Return the alleles of records.

    Args:
        contigs: The reference's name of each record's contig; None where it has none.
        positions: POS, 1-based.
        refs: REF.
        alts: ALT as VCF writes it, alleles separated by commas.
        reference: The genome that REF is compared with, and that alleles are left-aligned on.
    """
    texts, record = _split_alts(alts)
    letters, alt_start, alt_length = _concatenate(texts)
    reason = _classify(texts, letters, alt_start, alt_length, record)
    names = tuple(sorted(name for name in set(contigs) if name is not None))
    index = {name: number for number, name in enumerate(names)} | {None: -1}
    contig_of_record = np.fromiter(map(index.__getitem__, contigs), np.int64, len(contigs))
    start_of_record = np.fromiter(positions, np.int64, len(positions)) - 1
    ref_letters, ref_start, ref_length = _concatenate(refs)

    status = np.full(len(refs), Reason.UNKNOWN_CONTIG, dtype=np.uint8)
    known = np.zeros(len(refs), dtype=np.bool_)
    contig, start, length = contig_of_record[record], start_of_record[record], ref_length[record]
    codes = encode(letters.tobytes())
    extra: list[bytes] = []
    used = len(codes)
    # One contig after the other: the reference keeps no more than two large ones in memory.
    for number, name in enumerate(names):
        rows = np.flatnonzero(contig_of_record == number)
        genome = reference.codes(name)
        status[rows], known[rows] = _compare_ref(
            rows, genome, name, start_of_record, ref_letters, ref_start, ref_length, reference
        )
        scorable = (contig == number) & (reason == Reason.OK) & (status[record] == Reason.OK)
        longer = np.flatnonzero(scorable & ((length > 1) | (alt_length > 1)))
        # Alleles of which one has a single base, and that end in different ones, are in normal form: nearly all are.
        last, alt_last = (start + length - 1)[longer], (alt_start + alt_length - 1)[longer]
        differ = (np.minimum(length, alt_length)[longer] == 1) & (genome[last] != codes[alt_last])
        for allele in longer[~differ].tolist():
            first = alt_start[allele]
            spelled = codes[first : first + alt_length[allele]].tobytes()
            start[allele], length[allele], alt = normal_form(genome, int(start[allele]), int(length[allele]), spelled)
            extra.append(alt)
            alt_start[allele], alt_length[allele] = used, len(alt)
            used += len(alt)
    reason = np.where(reason == Reason.OK, status[record], reason)
    return AlleleBatch(
        record=record,
        contigs=names,
        contig=contig,
        start=start,
        ref_length=length,
        alt=np.concatenate([codes, np.frombuffer(b"".join(extra), dtype=np.uint8)]) if extra else codes,
        alt_start=alt_start,
        alt_length=alt_length,
        reason=reason,
        checkable=known[record] & (reason != Reason.NO_ALT),
        # No base of ALT equals an unknown one of REF, so none is trimmed away, and alleles never move onto one.
        holds_unknown=~known[record] & (reason == Reason.OK),
    )


def _split_alts(alts: Sequence[str]) -> tuple[Sequence[str], Integers]:
    if "," not in "".join(alts):
        return alts, np.arange(len(alts))
    texts: list[str] = []
    record: list[int] = []
    for index, text in enumerate(alts):
        if "," in text:
            parts = text.split(",")
            texts += parts
            record += [index] * len(parts)
        else:
            texts.append(text)
            record.append(index)
    return texts, np.array(record, dtype=np.int64)


def _concatenate(texts: Sequence[str]) -> tuple[npt.NDArray[np.uint8], Integers, Integers]:
    letters = np.frombuffer("".join(texts).encode("latin-1", "replace"), dtype=np.uint8)
    lengths = np.fromiter(map(len, texts), np.int64, len(texts))
    return letters, np.cumsum(lengths) - lengths, lengths


def _classify(
    texts: Sequence[str], letters: npt.NDArray[np.uint8], first: Integers, length: Integers, record: Integers
) -> npt.NDArray[np.uint8]:
    reason = np.zeros(len(texts), dtype=np.uint8)
    odd = length == 0
    strange = np.flatnonzero(~_IS_ACGT[letters])
    odd[np.searchsorted(first + length, strange, "right")] = True
    for allele in np.flatnonzero(odd).tolist():
        alone = np.searchsorted(record, record[allele], "right") - np.searchsorted(record, record[allele]) == 1
        reason[allele] = Reason.NO_ALT if alone and texts[allele] in {".", ""} else classify_alt(texts[allele])
    return reason


def _compare_ref(
    rows: Integers,
    genome: Codes,
    name: str,
    start: Integers,
    letters: npt.NDArray[np.uint8],
    first: Integers,
    length: Integers,
    reference: Reference,
) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.bool_]]:
    """Return the reason of each row, OK or REF_MISMATCH, and whether all bases of the reference there are known."""
    status = np.full(len(rows), Reason.REF_MISMATCH, dtype=np.uint8)
    known = np.ones(len(rows), dtype=np.bool_)
    inside = np.flatnonzero((start[rows] >= 0) & (start[rows] <= len(genome) - length[rows]) & (length[rows] > 0))
    if not len(inside):
        return status, known
    chosen = rows[inside]
    lengths = length[chosen]
    ends = np.cumsum(lengths)
    found = genome[concatenate_runs(start[chosen], lengths)]
    spelled = IUPAC_BITS[letters[concatenate_runs(first[chosen], lengths)]]
    unknown = found == UNKNOWN
    differs = np.add.reduceat(((_CODE_BITS[found] & spelled) == 0) & ~unknown, ends - lengths, dtype=np.int64) > 0
    partly = np.add.reduceat(unknown, ends - lengths, dtype=np.int64) > 0
    status[inside] = np.where(differs, Reason.REF_MISMATCH, Reason.OK)
    known[inside] = ~partly
    # Codes don't tell R from N: where the reference is ambiguous, its letters do.
    for place in np.flatnonzero(partly & ~differs):
        row = chosen[place]
        text = letters[first[row] : first[row] + length[row]].tobytes().decode("latin-1")
        there = reference.letters(Interval(name, int(start[row]), int(start[row] + length[row])))
        if not letters_agree(text, there):
            status[inside[place]] = Reason.REF_MISMATCH
    return status, known
