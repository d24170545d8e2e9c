"""The alleles that one sample carries, as arrays: normal form, haplotypes, phase sets, and the reason against each."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from zoo.errors import VcfError
from zoo.genome.codes import Codes
from zoo.genome.runs import concatenate_runs
from zoo.genome.variant import Reason
from zoo.genome.vcf import ALT, CONTIG, POS, REF, RecordBatch
from zoo.prediction.alleles.agreement import GenomeAgreement
from zoo.prediction.alleles.batch import AlleleBatch, Integers
from zoo.prediction.haplotypes.genotypes import Genotype, parse_genotype
from zoo.prediction.haplotypes.reader import FORMAT, SampleReader
from zoo.prediction.inputs.source import RECORDS_A_BATCH

WHOLE_CONTIG = "."
"""The phase set of phased genotypes that name none: all of them on a contig belong together."""

EVERY_PHASE_SET = -1


@dataclass(frozen=True, slots=True)
class SampleAlleles:
    """What one sample carries, sorted by contig and start, whatever the order of the file.

    Attributes:
        sample: Its name.
        contigs: The contigs as the VCF names them, in the order of their first record.
        found: The reference's name of each, None where it has none.
        phase_sets: Names that ``phase_set`` points to.
        contig: Index into ``contigs``, shape (A,), ascending.
        start: First REF base of the normal form, 0-based, shape (A,), ascending within a contig; where the reason is
            not OK, POS - 1.
        ref_length: Bases of REF in the normal form, shape (A,).
        alt: A buffer of codes; allele i is ``alt[alt_start[i]:alt_start[i] + alt_length[i]]``.
        reason: A ``Reason`` each, uint8, shape (A,).
        phase_set: Index into ``phase_sets``, shape (A,); -1 where every haplotype carries the allele.
        record: Number of its record, counted from 0, shape (A,).
        number: Which ALT of that record it is, counted from 1, shape (A,).
        copy_allele: Index of the allele of each copy, shape (C,).
        copy_haplotype: Its haplotype, counted from 1; 0 where the phase is unknown, shape (C,).
        texts: ``position:ref>alt`` as the VCF has it, of the alleles whose reason is not OK.
        records: How many records were read.
    """

    sample: str
    contigs: tuple[str, ...]
    found: tuple[str | None, ...]
    phase_sets: tuple[str, ...]
    contig: Integers
    start: Integers
    ref_length: Integers
    alt: Codes
    alt_start: Integers
    alt_length: Integers
    reason: npt.NDArray[np.uint8]
    phase_set: Integers
    record: Integers
    number: Integers
    copy_allele: Integers
    copy_haplotype: Integers
    texts: dict[int, str]
    records: int

    def __len__(self) -> int:
        return len(self.start)


Spell: TypeAlias = Callable[[AlleleBatch, list[list[str]]], AlleleBatch]
"""Gives alleles that a record only describes their sequence."""


def read_sample(vcf: str | Path, sample: str, agreement: GenomeAgreement, spell: Spell | None = None) -> SampleAlleles:
    """Read the alleles that a sample carries, in one pass; memory is bounded by how many these are.

    Args:
        vcf: VCF or BCF, in any order; ``-`` for standard input.
        sample: The sample's name.
        agreement: Brings the alleles to normal form and compares REF with the genome.
        spell: Called with the alleles of some records and their columns.

    Raises:
        VcfError: The file can't be read, the sample is not in it, no record has a genotype, or one is malformed.
    """
    with SampleReader(vcf, sample) as reader:
        return read_from(reader, agreement, spell)


def read_from(reader: SampleReader, agreement: GenomeAgreement, spell: Spell | None = None) -> SampleAlleles:
    """Read all that is left of an open file; see ``read_sample``."""
    collected = _Collected(reader, agreement, spell)
    records = 0
    for batch in reader.batches(RECORDS_A_BATCH):
        collected.add(batch)
        records += len(batch)
    if records and not collected.any_genotype:
        raise VcfError(f"{reader.name}: expected GT in FORMAT, found it in none of the {records:,} records")
    return collected.join(records)


class _Collected:
    """The alleles of the batches so far, in the order of the file."""

    def __init__(self, reader: SampleReader, agreement: GenomeAgreement, spell: Spell | None) -> None:
        self.any_genotype = False
        self._reader = reader
        self._agreement = agreement
        self._spell = spell
        self._contigs: dict[str, int] = {}
        self._found: list[str | None] = []
        self._phase_sets: dict[str, int] = {WHOLE_CONTIG: 0}
        self._columns: list[list[Integers]] = [[] for _ in range(9)]
        self._codes: list[Codes] = []
        self._codes_length = 0
        self._copies: list[Integers] = []
        self._texts: dict[int, str] = {}
        self._count = 0
        self._layout: tuple[str, int, int] = ("", -1, -1)

    def add(self, batch: RecordBatch) -> None:
        """Take the alleles that the sample carries in these records."""
        carried: list[tuple[int, Genotype, int]] = []
        for index, columns in enumerate(batch.columns):
            text = columns[FORMAT] if len(columns) > FORMAT else ""
            found = self._read_genotype(text, batch.first + index)
            if found is not None and found[0].copies:
                carried.append((index, *found))
        if not carried:
            return
        records = [batch.columns[index] for index, _, _ in carried]
        alleles = self._agreement.read_records(batch.first, records)
        if self._spell is not None:
            alleles = self._spell(alleles, records)
        self._take(batch, records, carried, alleles)

    def join(self, records: int) -> SampleAlleles:
        """Return all alleles, sorted."""
        joined = [np.concatenate(parts) if parts else np.empty(0, np.int64) for parts in self._columns]
        contig, start, ref_length, alt_start, alt_length, reason, phase_set, record, number = joined
        order = np.lexsort((number, record, start, contig))
        rank = np.empty_like(order)
        rank[order] = np.arange(len(order))
        copies = np.concatenate([np.empty((0, 2), dtype=np.int64), *self._copies])
        return SampleAlleles(
            sample=self._reader.sample,
            contigs=tuple(self._contigs),
            found=tuple(self._found),
            phase_sets=tuple(self._phase_sets),
            contig=contig[order],
            start=start[order],
            ref_length=ref_length[order],
            alt=np.concatenate(self._codes) if self._codes else np.empty(0, np.uint8),
            alt_start=alt_start[order],
            alt_length=alt_length[order],
            reason=reason[order].astype(np.uint8),
            phase_set=phase_set[order],
            record=record[order],
            number=number[order],
            copy_allele=rank[copies[:, 0]],
            copy_haplotype=copies[:, 1],
            texts={int(rank[allele]): text for allele, text in self._texts.items()},
            records=records,
        )

    def _read_genotype(self, text: str, record: int) -> tuple[Genotype, int] | None:
        """Return genotype and phase set, or None where there is no genotype."""
        layout, _, values = text.partition("\t")
        if layout != self._layout[0]:
            names = layout.split(":")
            self._layout = (layout, _index(names, "GT"), _index(names, "PS"))
        _, at, set_at = self._layout
        if at < 0:
            return None
        self.any_genotype = True
        fields = values.split(":")
        try:
            genotype = parse_genotype(fields[at])
        except (ValueError, IndexError) as error:
            raise VcfError(
                f"{self._reader.name}, record {record + 1}, sample {self._reader.sample}: "
                f"{error if isinstance(error, ValueError) else 'expected a genotype, found none'}"
            ) from error
        if genotype.homozygous:
            return genotype, EVERY_PHASE_SET
        name = fields[set_at] if 0 <= set_at < len(fields) else ""
        return genotype, self._phase_sets.setdefault(name or WHOLE_CONTIG, len(self._phase_sets))

    def _take(
        self,
        batch: RecordBatch,
        records: Sequence[list[str]],
        carried: Sequence[tuple[int, Genotype, int]],
        alleles: AlleleBatch,
    ) -> None:
        bounds = np.searchsorted(alleles.record, np.arange(len(records) + 1)).tolist()
        reasons = np.where(
            (alleles.reason == Reason.OK) & alleles.holds_unknown, Reason.UNKNOWN_BASES, alleles.reason
        ).astype(np.uint8)
        scorable = (reasons == Reason.OK).tolist()
        chosen: list[int] = []
        copies: list[tuple[int, int]] = []
        phase_sets: list[int] = []
        numbers: list[tuple[int, int]] = []
        for row, ((index, genotype, phase_set), (first, last)) in enumerate(
            zip(carried, pairwise(bounds), strict=True)
        ):
            record = records[row]
            self._check_number(max(genotype.copies)[0], last - first, record, batch.first + index)
            for number in genotype.numbers:
                here = self._count + len(chosen)
                allele = first + number - 1
                if not scorable[allele]:
                    self._texts[here] = f"{record[POS]}:{record[REF]}>{record[ALT].split(',')[number - 1]}"
                copies += [(here, haplotype) for which, haplotype in genotype.copies if which == number]
                chosen.append(allele)
                phase_sets.append(phase_set)
                numbers.append((batch.first + index, number))
        rows = np.array(chosen, dtype=np.int64)
        self._copies.append(np.array(copies, dtype=np.int64))
        own = [records[record] for record in alleles.record[rows].tolist()]
        names = [record[CONTIG] for record in own]
        self._note_contigs(names, alleles, rows)
        good = reasons[rows] == Reason.OK
        # Of the others no normal form is known: their POS stands in for it.
        position = np.array([int(record[POS]) for record in own], dtype=np.int64)
        lengths = np.where(good, alleles.alt_length[rows], 0)
        codes, first_code = gather_slices(alleles.alt, alleles.alt_start[rows], lengths)
        parts = (
            np.array([self._contigs[name] for name in names], dtype=np.int64),
            np.where(good, alleles.start[rows], position - 1),
            np.where(good, alleles.ref_length[rows], 1),
            first_code + self._codes_length,
            lengths,
            reasons[rows].astype(np.int64),
            np.array(phase_sets, dtype=np.int64),
            *np.array(numbers, dtype=np.int64).T,
        )
        for column, part in zip(self._columns, parts, strict=True):
            column.append(part)
        self._codes.append(codes)
        self._codes_length += len(codes)
        self._count += len(rows)

    def _check_number(self, number: int, there: int, record: list[str], index: int) -> None:
        if number > there or record[ALT] in {".", ""}:
            count = 0 if record[ALT] in {".", ""} else there
            raise VcfError(
                f"{self._reader.name}, record {index + 1}, sample {self._reader.sample}: the genotype names ALT allele "
                f"{number}, the record has {count}; mend the record"
            )

    def _note_contigs(self, names: Sequence[str], alleles: AlleleBatch, rows: Integers) -> None:
        for name, contig in zip(names, alleles.contig[rows].tolist(), strict=True):
            if name not in self._contigs:
                self._contigs[name] = len(self._contigs)
                self._found.append(alleles.contigs[contig] if contig >= 0 else None)


def gather_slices(buffer: Codes, start: Integers, length: Integers) -> tuple[Codes, Integers]:
    """Return the slices of a buffer one after the other, and where each begins."""
    return buffer[concatenate_runs(start, length)], np.cumsum(length) - length


def _index(names: Sequence[str], name: str) -> int:
    return names.index(name) if name in names else -1
