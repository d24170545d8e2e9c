"""Whether variants and genome belong together: contigs by name and length, REF by the bases that stand there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal, get_args

import numpy as np

from zoo.errors import RefMismatch, UnknownContig
from zoo.genome.build import contradicting_build, likely_build
from zoo.genome.contig_lines import named_assembly
from zoo.genome.interval import Interval
from zoo.genome.reference import Reference
from zoo.genome.variant import Reason, Variant
from zoo.genome.vcf import ALT, CONTIG, POS, REF
from zoo.prediction.alleles.batch import AlleleBatch, build_alleles
from zoo.prediction.alleles.digests import ContigDigests

CHECKED_ALLELES = 1000
"""The build is judged by that many alleles, the first whose REF can be compared with known bases."""
MIN_CHECKED_ALLELES = 100
MAX_MISMATCHES = 0.1

OnRefMismatch = Literal["skip", "error"]

_SHOWN = 5
_ADVICE = "annotate with the genome that the variants were called on"


class GenomeAgreement:
    """Reads alleles on a reference, and stops a run whose variants were called on another one.

    Args:
        reference: The genome.
        source: What the variants come from, for messages.
        declared: The lengths of contigs that the variants' header states.
        on_ref_mismatch: ``error`` stops at the first allele whose REF disagrees.
        header: The text of a VCF's header. Where it states a contig's digest, and the genome's is another, a warning
            tells so, and a contig of another name does not stand for it. Its names of the assembly help to say what is
            wrong.
    """

    def __init__(
        self,
        reference: Reference,
        source: str,
        declared: Mapping[str, int | None],
        on_ref_mismatch: OnRefMismatch = "skip",
        *,
        header: str = "",
    ) -> None:
        _check_choice(on_ref_mismatch)
        self.reference = reference
        self.warnings: list[str] = []
        self._source = source
        self._declared = declared
        self._on_ref_mismatch = on_ref_mismatch
        self._assembly = named_assembly(header)
        self._digests = ContigDigests(reference, header)
        self._differing: list[str] = []
        self._foreign: dict[str, str] = {}
        self._contigs: dict[str, str | None] = {}
        self._agreements: list[bool] = []
        self._judged = False

    @property
    def bridged(self) -> dict[str, str]:
        """The contigs that have another name in the reference."""
        return {name: found for name, found in self._contigs.items() if found and found != name}

    @property
    def unknown(self) -> list[str]:
        """The contigs that the reference has not, or not of the declared length or digest."""
        return [name for name, found in self._contigs.items() if not found]

    @property
    def found(self) -> list[str]:
        """The reference's contigs that variants stood on."""
        return sorted({found for found in self._contigs.values() if found})

    def expect(self, model: str, build: str | None, digests: Mapping[str, str]) -> None:
        """Compare the genome with the one that a model was trained on.

        Another one is no error, since a model reads sequence, whatever the build; but a warning tells of a genome that
        looks like another build than the card names, and of the first contig that records stand on whose digest is
        another one.

        Args:
            model: Its full name, for messages.
            build: The card's name of the genome.
            digests: Refget digests of contigs, by the card's names of them.
        """
        self._digests.expect(model, build, digests)
        likely = contradicting_build(build or "", self.reference.lengths)
        if likely is not None:
            self.warnings.append(f"{model} was trained on {build}; {self.reference.path} looks like {likely}")

    def read(
        self, first: int, contigs: Sequence[str], positions: Sequence[int], refs: Sequence[str], alts: Sequence[str]
    ) -> AlleleBatch:
        """Return the alleles of records; see ``build_alleles``.

        Args:
            first: The number of records before these.

        Raises:
            UnknownContig: None of the contigs is known, and none that the header declares either.
            RefMismatch: Too many REF disagree, or one does and each should be an error.
        """
        for name in (name for name in dict.fromkeys(contigs) if name not in self._contigs):
            self._contigs[name] = self._find(name)
        if first == 0 and not any(self._contigs.values()) and self._no_declared_contig_known():
            raise UnknownContig(self._nothing_known())
        known = list(map(self._contigs.__getitem__, contigs))
        alleles = build_alleles(known, positions, refs, alts, self.reference)
        mismatch = alleles.reason == Reason.REF_MISMATCH
        if self._on_ref_mismatch == "error" and mismatch.any():
            record = int(alleles.record[np.flatnonzero(mismatch)[0]])
            self._refuse(first + record + 1, Variant(contigs[record], positions[record], refs[record], alts[record]))
        if not self._judged:
            relevant = alleles.checkable & ((alleles.reason == Reason.OK) | mismatch)
            self._agreements.extend((~mismatch[relevant]).tolist())
            self._judge(at_end=False)
        return alleles

    def read_records(self, first: int, records: Sequence[Sequence[str]]) -> AlleleBatch:
        """Return the alleles of records, given as a reader's columns; see ``read``."""
        return self.read(
            first,
            [record[CONTIG] for record in records],
            [int(record[POS]) for record in records],
            [record[REF] for record in records],
            [record[ALT] for record in records],
        )

    def finish(self, *, at_end: bool = True) -> None:
        """Judge what only the last record decides; ``at_end`` is False where more records follow, unread.

        Raises:
            UnknownContig: No contig was known.
            RefMismatch: Too many REF disagree.
        """
        if self._contigs and not any(self._contigs.values()) and (at_end or self._no_declared_contig_known()):
            raise UnknownContig(self._nothing_known())
        self._judge(at_end=True)
        if self._differing:
            self.warnings.append(
                f"contigs whose digest in the header of {self._source} is not that of {self.reference.path}: "
                f"{_list(self._differing)}{self._builds()}; {_ADVICE}"
            )
        self.warnings.extend(self._foreign.values())
        lacking = [name for name in self.unknown if name not in self._differing]
        if lacking:
            self.warnings.append(
                f"contigs that {self.reference.path} lacks, or has in another length: "
                f"{_list(lacking)}{self._contrast()}"
            )

    def state(self) -> dict[str, Any]:
        """Return what was found so far, in plain values, for a run that goes on behind the same record."""
        agreements = "".join("1" if agrees else "0" for agrees in self._agreements)
        return {
            "contigs": dict(self._contigs),
            "differing": list(self._differing),
            "foreign": dict(self._foreign),
            "agreements": agreements,
            "judged": self._judged,
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Take over what ``state`` returned."""
        self._contigs = dict(state["contigs"])
        self._differing = list(state["differing"])
        self._foreign = dict(state["foreign"])
        self._agreements = [agrees == "1" for agrees in state["agreements"]]
        self._judged = state["judged"]

    def _find(self, name: str) -> str | None:
        found = self.reference.resolve(name, self._declared.get(name))
        if found is None:
            return None
        if self._digests.differs(name, found):
            self._differing.append(name)
            if found != name:
                return None
        for line in self._digests.list_models_of_other_sequences(found):
            self._foreign.setdefault(line.split(" ", 1)[0], line)
        return found

    def _no_declared_contig_known(self) -> bool:
        return bool(self._declared) and not any(
            self.reference.resolve(name, length) for name, length in self._declared.items()
        )

    def _refuse(self, number: int, variant: Variant) -> None:
        contig = self._contigs[variant.contig] or variant.contig
        found = self.reference.letters(Interval(contig, variant.start, variant.start + len(variant.ref)))
        raise RefMismatch(
            f"{self._source}, record {number} ({variant.contig}:{variant.position}): REF is {_short(variant.ref)}, "
            f"{self.reference.path} holds {_short(found) or 'nothing'} there{self._contrast()}; "
            f"{_ADVICE}, mend the record, or skip such records: --on-ref-mismatch skip"
        )

    def _judge(self, *, at_end: bool) -> None:
        if self._judged or (len(self._agreements) < CHECKED_ALLELES and not at_end):
            return
        self._judged = True
        checked = self._agreements[:CHECKED_ALLELES]
        wrong = checked.count(False)
        self._agreements = []  # no longer asked for
        if not checked or wrong <= MAX_MISMATCHES * len(checked):
            return
        message = (
            f"REF disagrees with {self.reference.path} for {wrong} of the first {len(checked)} alleles"
            f"{self._builds()}; {_ADVICE}"
        )
        if len(checked) >= MIN_CHECKED_ALLELES:
            raise RefMismatch(f"{self._source}: {message}")
        self.warnings.append(message)

    def _nothing_known(self) -> str:
        ours, theirs = list(self._contigs)[:3], list(self.reference.lengths)[:3]
        lengths = f"; the header states another digest of {_list(self._differing)}" if self._differing else ""
        for name in self._contigs:
            declared, twin = self._declared.get(name), self.reference.resolve(name)
            if twin is not None and declared is not None and self.reference.lengths[twin] != declared:
                lengths += f"; {name} has {declared:,} bases there and {self.reference.lengths[twin]:,} here"
                break
        return (
            f"{self._source}: none of its contigs ({', '.join(ours)}) is in {self.reference.path} "
            f"({', '.join(theirs)}){lengths}{self._builds()}; {_ADVICE}"
        )

    def _builds(self) -> str:
        """Return which builds variants and genome look like, as far as that can be told."""
        variants, genome = self._likely_builds()
        parts = [f"the variants look like {variants}"] * bool(variants) + [f"the genome looks like {genome}"] * bool(
            genome
        )
        return f" ({', '.join(parts)})" if parts else ""

    def _contrast(self) -> str:
        """Return the same where both are known and differ."""
        variants, genome = self._likely_builds()
        return self._builds() if variants and genome and variants != genome else ""

    def _likely_builds(self) -> tuple[str | None, str | None]:
        return likely_build(self._declared) or self._assembly, likely_build(self.reference.lengths)


def _check_choice(choice: str) -> None:
    """Raise ValueError for a choice that there is not."""
    if choice not in get_args(OnRefMismatch):
        raise ValueError(
            f"on_ref_mismatch: expected {' or '.join(map(repr, get_args(OnRefMismatch)))}, found {choice!r}"
        )


def _list(names: Sequence[str]) -> str:
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return f"{', '.join(names[:_SHOWN])}{more}"


def _short(letters: str) -> str:
    return letters if len(letters) <= 20 else f"{letters[:17]}… ({len(letters)} bases)"
