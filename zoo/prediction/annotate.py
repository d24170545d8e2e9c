"""Annotates a VCF: one pass, any number of models, each allele with a number or the reason why not."""

from __future__ import annotations

import contextlib
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt

from zoo.errors import RefMismatch, UnknownContig, UnknownModel
from zoo.genome.build import likely_build
from zoo.genome.interval import Interval
from zoo.genome.output import STANDARD_OUTPUT, refuse_same_file
from zoo.genome.reference import Reference
from zoo.genome.variant import Reason, Variant
from zoo.genome.vcf import ALT, CONTIG, POS, REF, RecordBatch, VcfReader
from zoo.model.folder import Model
from zoo.plugins import discover
from zoo.prediction.alleles import AlleleBatch, build_alleles
from zoo.prediction.engine import Engine, ModelScores, pair_with_scorers
from zoo.prediction.keys import ModelKeys, all_keys, declare, name_keys, refuse_collisions
from zoo.prediction.lines import format_table, format_vcf, table_header
from zoo.prediction.pipeline import WriteBehind, read_ahead
from zoo.prediction.sinks import check_suffix, open_sink
from zoo.registry import load

RECORDS_A_BATCH = 4096
CHECKED_ALLELES = 1000
"""The build is judged by that many alleles, the first whose REF can be compared with known bases."""
MIN_CHECKED_ALLELES = 100
MAX_MISMATCHES = 0.1
DRY_RUN_ALLELES = 1000

OnRefMismatch = Literal["skip", "error"]


@dataclass(frozen=True, slots=True)
class Progress:
    """How far an annotation is: ``fraction`` of the input, None where its length is unknown."""

    alleles: int
    fraction: float | None


@dataclass(slots=True)
class AnnotationSummary:
    """What an annotation did.

    Attributes:
        scored: Alleles that at least one model gave a number.
        skipped: Alleles by reason; those that depend on the model as ``model: REASON``.
        devices: Where each model ran.
        bridged: Contigs whose name in the reference is another one.
        keys: The INFO keys of each model.
        contig_digests: Refget digests of the contigs that were read, where asked for.
    """

    output: str = ""
    records: int = 0
    alleles: int = 0
    scored: int = 0
    skipped: dict[str, int] = field(default_factory=dict)
    seconds: float = 0.0
    models: list[str] = field(default_factory=list)
    devices: dict[str, str] = field(default_factory=dict)
    scorers: dict[str, str] = field(default_factory=dict)
    windows: dict[str, str] = field(default_factory=dict)
    keys: dict[str, list[str]] = field(default_factory=dict)
    bridged: dict[str, str] = field(default_factory=dict)
    unknown_contigs: list[str] = field(default_factory=list)
    contig_digests: dict[str, str] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)

    @property
    def alleles_per_second(self) -> float:
        return self.alleles / self.seconds if self.seconds > 0 else 0.0

    def as_dict(self) -> dict[str, object]:
        """Return everything as plain values, for JSON."""
        return asdict(self) | {"alleles_per_second": round(self.alleles_per_second, 1)}


class _Annotation:
    """One run over one file: the reader, the reference and the engine, and what was seen so far."""

    def __init__(self, reader: VcfReader, reference: Reference, engine: Engine, on_ref_mismatch: OnRefMismatch) -> None:
        self.reader = reader
        self.reference = reference
        self.engine = engine
        self.summary = AnnotationSummary()
        self._on_ref_mismatch = on_ref_mismatch
        self._contigs: dict[str, str | None] = {}
        self._agreements: list[bool] = []
        self._judged = False
        self._reasons: Counter[str] = Counter()

    def name_keys(self, renames: Mapping[str, str] | None) -> list[ModelKeys]:
        """Return the keys of each model, and note them in the summary."""
        named = name_keys(self.engine.models, renames)
        self.summary.keys = {
            name: list(model.scores) for name, model in zip(self.summary.models, named, strict=True)
        }
        return named

    def score(self, batch: RecordBatch) -> tuple[AlleleBatch, list[ModelScores]]:
        """Return the alleles of a batch and the scores of each model."""
        alleles = self._read_alleles(batch)
        scores = self.engine.score(alleles)
        self._count(batch, alleles, scores)
        return alleles, scores

    def look(self, batch: RecordBatch) -> None:
        """Count the reasons of a batch without running a network."""
        alleles = self._read_alleles(batch)
        self._count(batch, alleles, self.engine.explain(alleles))

    @property
    def contigs_read(self) -> list[str]:
        """The reference's contigs that records stood on."""
        return sorted({found for found in self._contigs.values() if found})

    def finish(self) -> AnnotationSummary:
        """Judge what could only be judged at the end, and return the summary."""
        if self._contigs and not any(self._contigs.values()):
            raise UnknownContig(self._nothing_known())
        self._judge_build(at_end=True)
        summary = self.summary
        summary.skipped = dict(sorted(self._reasons.items()))
        summary.bridged = {name: found for name, found in self._contigs.items() if found and found != name}
        summary.unknown_contigs = [name for name, found in self._contigs.items() if not found]
        if summary.unknown_contigs:
            shown = ", ".join(summary.unknown_contigs[:5])
            more = f" and {len(summary.unknown_contigs) - 5} more" if len(summary.unknown_contigs) > 5 else ""
            self.summary.warnings.append(f"contigs that {self.reference.path} has not, or not of that length: {shown}{more}")
        summary.warnings = [*self.reader.warnings, *summary.warnings]
        return summary

    def _read_alleles(self, batch: RecordBatch) -> AlleleBatch:
        names = [columns[CONTIG] for columns in batch.columns]
        for name in set(names) - self._contigs.keys():
            self._contigs[name] = self.reference.resolve(name, self.reader.contigs.get(name))
        if batch.first == 0 and not any(self._contigs.values()) and self._no_declared_contig_known():
            raise UnknownContig(self._nothing_known())
        alleles = build_alleles(
            [self._contigs[name] for name in names],
            [int(columns[POS]) for columns in batch.columns],
            [columns[REF] for columns in batch.columns],
            [columns[ALT] for columns in batch.columns],
            self.reference,
        )
        self._check_ref(batch, alleles)
        return alleles

    def _no_declared_contig_known(self) -> bool:
        declared = self.reader.contigs
        return bool(declared) and not any(self.reference.resolve(name, length) for name, length in declared.items())

    def _check_ref(self, batch: RecordBatch, alleles: AlleleBatch) -> None:
        mismatch = alleles.reason == Reason.REF_MISMATCH
        if self._on_ref_mismatch == "error" and mismatch.any():
            record = int(alleles.record[np.flatnonzero(mismatch)[0]])
            columns = batch.columns[record]
            variant = Variant(columns[CONTIG], int(columns[POS]), columns[REF], columns[ALT])
            raise RefMismatch(
                f"{self.reader.name}, record {batch.first + record + 1} ({variant}): REF is {_short(variant.ref)}, "
                f"{self.reference.path} holds {_short(self._letters_at(variant)) or 'nothing'} there"
            )
        if not self._judged:
            relevant = alleles.checkable & ((alleles.reason == Reason.OK) | mismatch)
            self._agreements.extend((~mismatch[relevant]).tolist())
            self._judge_build(at_end=False)

    def _letters_at(self, variant: Variant) -> str:
        contig = self._contigs[variant.contig] or variant.contig
        return self.reference.letters(Interval(contig, variant.start, variant.start + len(variant.ref)))

    def _judge_build(self, *, at_end: bool) -> None:
        if self._judged or (len(self._agreements) < CHECKED_ALLELES and not at_end):
            return
        self._judged = True
        checked = self._agreements[:CHECKED_ALLELES]
        wrong = checked.count(False)
        if not checked or wrong <= MAX_MISMATCHES * len(checked):
            return
        message = (
            f"REF disagrees with {self.reference.path} for {wrong} of the first {len(checked)} alleles"
            f"{self._builds()}; annotate with the genome that the variants were called on"
        )
        if len(checked) >= MIN_CHECKED_ALLELES:
            raise RefMismatch(f"{self.reader.name}: {message}")
        self.summary.warnings.append(message)

    def _nothing_known(self) -> str:
        ours, theirs = list(self._contigs)[:3], list(self.reference.lengths)[:3]
        lengths = ""
        for name in self._contigs:
            declared = self.reader.contigs.get(name)
            twin = self.reference.resolve(name)
            if twin is not None and declared is not None:
                lengths = f"; {name} has {declared:,} bases there and {self.reference.lengths[twin]:,} here"
                break
        return (
            f"{self.reader.name}: none of its contigs ({', '.join(ours)} …) is in {self.reference.path} "
            f"({', '.join(theirs)} …){lengths}{self._builds()}; annotate with the genome that the variants were called on"
        )

    def _builds(self) -> str:
        variants, genome = likely_build(self.reader.contigs), likely_build(self.reference.lengths)
        parts = [
            f"{what} {build}"
            for what, build in (("the variants look like", variants), ("the genome looks like", genome))
            if build
        ]
        return f" ({', '.join(parts)})" if parts else ""

    def _count(self, batch: RecordBatch, alleles: AlleleBatch, scores: list[ModelScores]) -> None:
        summary = self.summary
        summary.records += len(batch)
        summary.alleles += int(np.count_nonzero(alleles.reason != Reason.NO_ALT))
        scored = np.zeros(len(alleles), dtype=np.bool_)
        for name, model in zip(summary.models, scores, strict=True):
            scored |= model.reason == Reason.OK
            own = model.reason[alleles.reason == Reason.OK]
            self._reasons.update({f"{name}: {reason}": count for reason, count in _by_reason(own)})
        summary.scored += int(np.count_nonzero(scored))
        self._reasons.update(dict(_by_reason(alleles.reason)))


def annotate(
    vcf: str | Path,
    genome: str | Path,
    models: Sequence[str | Path | Model] | str | Path | Model,
    output: str | Path,
    *,
    scorer: str | None = None,
    device: str = "auto",
    batch_size: int | None = None,
    threads: int | None = None,
    on_ref_mismatch: OnRefMismatch = "skip",
    keys: Mapping[str, str] | None = None,
    overwrite: bool = False,
    digests: bool = False,
    command: str | None = None,
    report: Callable[[Progress], None] | None = None,
) -> AnnotationSummary:
    """Write a VCF, BCF or table with the score of each ALT allele by each model, and return what was done.

    Args:
        vcf: VCF or BCF, plain or compressed; ``-`` for standard input.
        genome: FASTA, plain or BGZF, of the build that the variants were called on.
        models: Names (``gm12878-ctcf``, ``gm12878-ctcf@1.0.0``), folders, or loaded models.
        output: ``.vcf``, ``.vcf.gz``, ``.bcf`` or ``.tsv``; ``-`` for VCF on standard output.
        scorer: By default the one that each model's card names.
        batch_size: Alleles in one run of a network.
        on_ref_mismatch: ``skip`` writes REF_MISMATCH for the allele, ``error`` stops.
        keys: Other INFO keys, by model or ``model:track``.
        overwrite: Replace keys that the input carries already.
        digests: Compute the refget digests of the contigs for the summary.
        command: The command line that the header names.
        report: Called after each batch.

    Raises:
        ZooError: Any leaf of the tree, with one line that says what to do. Nothing stands under the output's name.
    """
    started = time.perf_counter()
    check_suffix(str(output))
    refuse_same_file(output, vcf, genome)
    with _prepare(vcf, genome, models, scorer, device, batch_size, threads, on_ref_mismatch) as run:
        named = run.name_keys(keys)
        run.summary.output = str(output)
        table = str(output).endswith(".tsv")
        if not table and not overwrite:
            refuse_collisions(named, run.reader.info_ids, run.reader.name)
        ours = all_keys(named)
        declared = declare(run.engine.models, named, run.reference, command or "zoo.annotate (Python)")
        if str(output) == STANDARD_OUTPUT:
            run.reader.declare_contigs_of_records()

        def header() -> str:
            if table:
                return table_header(named)
            return _extend_header(run.reader, run.reference, declared, ours)

        total = run.reader.text_length()
        characters = 0
        with open_sink(output) as sink:
            headed = False
            with WriteBehind(sink.write) as writer:
                for batch in read_ahead(run.reader.batches(RECORDS_A_BATCH)):
                    if not headed:
                        sink.write_header(header())
                        headed = True
                    characters += batch.characters
                    alleles, scores = run.score(batch)
                    if table:
                        writer.put(format_table(batch.columns, alleles, scores, named))
                    else:
                        writer.put(format_vcf(batch.columns, alleles, scores, named, ours if overwrite else ()))
                    if report is not None:
                        report(Progress(run.summary.alleles, min(1.0, characters / total) if total else None))
            if not headed:
                sink.write_header(header())
            summary = run.finish()
            sink.finish(header())
        if digests:
            summary.contig_digests = {name: run.reference.digest(name) for name in run.contigs_read}
        summary.seconds = time.perf_counter() - started
        return summary


def preview(
    vcf: str | Path,
    genome: str | Path,
    models: Sequence[str | Path | Model] | str | Path | Model,
    *,
    scorer: str | None = None,
    device: str = "auto",
    on_ref_mismatch: OnRefMismatch = "skip",
    keys: Mapping[str, str] | None = None,
    overwrite: bool = False,
) -> AnnotationSummary:
    """Return what an annotation would do, from the first thousand alleles; nothing is written, no network runs."""
    started = time.perf_counter()
    with _prepare(vcf, genome, models, scorer, device, None, None, on_ref_mismatch) as run:
        named = run.name_keys(keys)
        if not overwrite:
            refuse_collisions(named, run.reader.info_ids, run.reader.name)
        for batch in run.reader.batches(DRY_RUN_ALLELES // 4):
            run.look(batch)
            if run.summary.alleles >= DRY_RUN_ALLELES:
                break
        summary = run.finish()
        summary.seconds = time.perf_counter() - started
        return summary


@contextlib.contextmanager
def _prepare(
    vcf: str | Path,
    genome: str | Path,
    models: Sequence[str | Path | Model] | str | Path | Model,
    scorer: str | None,
    device: str,
    batch_size: int | None,
    threads: int | None,
    on_ref_mismatch: OnRefMismatch,
) -> Iterator[_Annotation]:
    if batch_size is not None and batch_size < 1:
        raise ValueError(f"batch_size: expected at least 1, found {batch_size}")
    scored = pair_with_scorers(load_models(models, device, threads), scorer, discover())
    with Reference(genome) as reference, VcfReader(vcf) as reader:
        run = _Annotation(reader, reference, Engine(scored, reference, batch_size), on_ref_mismatch)
        summary = run.summary
        for one in scored:
            card = one.model.card
            summary.models.append(card.full_name)
            summary.devices[card.full_name] = one.model.session.device
            summary.scorers[card.full_name] = one.scorer.name
            summary.windows[card.full_name] = f"{card.window.length} bases, anchor {card.window.anchor}"
        yield run


def load_models(
    models: Sequence[str | Path | Model] | str | Path | Model, device: str, threads: int | None
) -> list[Model]:
    """Return the models that are named, loaded for a device; each may stand there once.

    Raises:
        UnknownModel: A name is in no registry, or one is named twice, or none is named.
    """
    listed = [models] if isinstance(models, str | Path | Model) else list(models)
    loaded = [one if isinstance(one, Model) else load(str(one), device=device, threads=threads) for one in listed]
    if not loaded:
        raise UnknownModel("expected at least one model, found none; `zoo list` shows what there is")
    names = Counter(model.card.full_name for model in loaded)
    twice = [name for name, count in names.items() if count > 1]
    if twice:
        raise UnknownModel(f"model {twice[0]} is named twice; name it once")
    return loaded


def _extend_header(reader: VcfReader, reference: Reference, declared: list[str], ours: list[str]) -> str:
    """Return the input's header with our lines, and its undeclared contigs, before the line of columns."""
    *lines, columns = reader.header.splitlines()
    replaced = tuple(f"##INFO=<ID={key}," for key in ours)
    kept = [line for line in lines if not line.startswith(replaced)]
    contigs = []
    for name in reader.undeclared_contigs:
        found = reference.resolve(name)
        contigs.append(f"##contig=<ID={name},length={reference.lengths[found]}>" if found else f"##contig=<ID={name}>")
    return "\n".join([*kept, *contigs, *declared, columns, ""])


def _by_reason(reasons: npt.NDArray[np.uint8]) -> list[tuple[str, int]]:
    counts = np.bincount(reasons, minlength=len(Reason))
    return [(reason.name, int(counts[reason])) for reason in Reason if reason is not Reason.OK and counts[reason]]


def _short(letters: str) -> str:
    return letters if len(letters) <= 20 else f"{letters[:17]}… ({len(letters)} bases)"
