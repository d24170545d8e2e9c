"""Annotates a VCF: one pass, any number of models, each allele with a number or the reason why not."""

from __future__ import annotations

import contextlib
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt

from zoo.errors import UnknownModel
from zoo.genome.output import STANDARD_OUTPUT, refuse_same_file
from zoo.genome.reference import Reference
from zoo.genome.variant import Reason
from zoo.genome.vcf import ALT, CONTIG, POS, REF, RecordBatch, VcfReader
from zoo.model.folder import Model
from zoo.plugins import discover
from zoo.prediction.alleles.agreement import GenomeAgreement, OnRefMismatch
from zoo.prediction.alleles.batch import AlleleBatch
from zoo.prediction.output.keys import ModelKeys, all_keys, declare, name_keys, refuse_collisions
from zoo.prediction.output.lines import format_table, format_vcf, table_header
from zoo.prediction.output.sinks import Sink, check_suffix, open_sink
from zoo.prediction.pipeline import WriteBehind, read_ahead
from zoo.prediction.scoring.engine import Engine, ModelScores, pair_with_scorers
from zoo.prediction.support import refuse_model_folder
from zoo.registry import load

RECORDS_A_BATCH = 4096
DRY_RUN_ALLELES = 1000


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
    """One run over one file: reader, agreement with the genome, engine, and what was counted so far."""

    def __init__(self, reader: VcfReader, agreement: GenomeAgreement, engine: Engine) -> None:
        self.reader = reader
        self.agreement = agreement
        self.engine = engine
        self.summary = AnnotationSummary()
        self._reasons: Counter[str] = Counter()

    def name_keys(self, renames: Mapping[str, str] | None) -> list[ModelKeys]:
        """Return the keys of each model, and note them in the summary."""
        named = name_keys(self.engine.models, renames)
        self.summary.keys = {name: list(model.scores) for name, model in zip(self.summary.models, named, strict=True)}
        return named

    def score(self, batch: RecordBatch) -> tuple[AlleleBatch, list[ModelScores]]:
        """Return the alleles of a batch and the scores of each model."""
        alleles = self._read(batch)
        scores = self.engine.score(alleles)
        self._count(batch, alleles, scores)
        return alleles, scores

    def look(self, batch: RecordBatch) -> None:
        """Count the reasons of a batch without running a network."""
        alleles = self._read(batch)
        self._count(batch, alleles, self.engine.explain(alleles))

    def finish(self, *, at_end: bool = True) -> AnnotationSummary:
        """Judge what could only be judged at the end, and return the summary."""
        self.agreement.finish(at_end=at_end)
        summary = self.summary
        summary.skipped = dict(sorted(self._reasons.items()))
        summary.bridged = self.agreement.bridged
        summary.unknown_contigs = self.agreement.unknown
        summary.warnings = [*self.reader.warnings, *self.agreement.warnings]
        if summary.alleles and not summary.scored:
            summary.warnings.append("no allele got a score; the reasons are counted by `skipped`")
        return summary

    def _read(self, batch: RecordBatch) -> AlleleBatch:
        columns = batch.columns
        return self.agreement.read(
            batch.first,
            [record[CONTIG] for record in columns],
            [int(record[POS]) for record in columns],
            [record[REF] for record in columns],
            [record[ALT] for record in columns],
        )

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
        for scored in run.engine.models:
            refuse_model_folder(output, scored.model.folder)
        named = run.name_keys(keys)
        run.summary.output = str(output)
        layout: _TableLayout | _VcfLayout
        if str(output).endswith(".tsv"):
            layout = _TableLayout(named)
        else:
            layout = _VcfLayout(run, named, command or "zoo.annotate (Python)", overwrite=overwrite)
        if str(output) == STANDARD_OUTPUT:
            run.reader.declare_contigs_of_records()
        with open_sink(output) as sink:
            _stream(run, layout, sink, report)
            if isinstance(layout, _VcfLayout):
                layout.refuse_collisions()  # once more: what the header should have declared is known only now
            summary = run.finish()
            sink.finish(layout.header())
        if digests:
            summary.contig_digests = {name: run.agreement.reference.digest(name) for name in run.agreement.found}
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
        at_end = False
        for batch in run.reader.batches(DRY_RUN_ALLELES // 4):
            run.look(batch)
            if run.summary.alleles >= DRY_RUN_ALLELES:
                break
        else:
            at_end = True
        summary = run.finish(at_end=at_end)
        summary.seconds = time.perf_counter() - started
        return summary


class _VcfLayout:
    """The header and the lines of an annotated VCF."""

    def __init__(self, run: _Annotation, keys: list[ModelKeys], command: str, *, overwrite: bool) -> None:
        self._run = run
        self._keys = keys
        self._ours = all_keys(keys)
        self._dropped = self._ours if overwrite else ()
        self._declared = declare(run.engine.models, keys, run.agreement.reference, command)
        self.refuse_collisions()

    def refuse_collisions(self) -> None:
        """Raise OutputError where the input carries one of our keys, and they were not to be replaced."""
        if not self._dropped:
            refuse_collisions(self._keys, self._run.reader.info_ids, self._run.reader.name)

    def header(self) -> str:
        """Return the input's header with our lines, and its undeclared contigs, before the line of columns."""
        reader, reference = self._run.reader, self._run.agreement.reference
        *lines, columns = reader.header.rstrip("\n").split("\n")
        replaced = tuple(f"##INFO=<ID={key}," for key in self._ours)
        kept = [line for line in lines if not line.startswith(replaced)]
        contigs = []
        for name in reader.undeclared_contigs:
            found = reference.resolve(name)
            contigs.append(
                f"##contig=<ID={name},length={reference.lengths[found]}>" if found else f"##contig=<ID={name}>"
            )
        new = [line for line in self._declared if line not in kept]
        return "\n".join([*kept, *contigs, *new, columns, ""])

    def format(self, batch: RecordBatch, alleles: AlleleBatch, scores: list[ModelScores]) -> str:
        """Return the lines of a batch."""
        return format_vcf(batch.columns, alleles, scores, self._keys, self._dropped)


class _TableLayout:
    """The header and the rows of a table."""

    def __init__(self, keys: list[ModelKeys]) -> None:
        self._keys = keys

    def header(self) -> str:
        """Return the line of column names."""
        return table_header(self._keys)

    def format(self, batch: RecordBatch, alleles: AlleleBatch, scores: list[ModelScores]) -> str:
        """Return the rows of a batch."""
        return format_table(batch.columns, alleles, scores, self._keys)


def _stream(
    run: _Annotation, layout: _VcfLayout | _TableLayout, sink: Sink, report: Callable[[Progress], None] | None
) -> None:
    """Read, score and write batch after batch, with reading and writing in threads of their own."""
    total = run.reader.text_length()
    characters = 0
    headed = False
    with (
        WriteBehind(sink.write) as writer,
        contextlib.closing(read_ahead(run.reader.batches(RECORDS_A_BATCH))) as batches,
    ):
        for batch in batches:
            if not headed:
                # Only now does the reader know whether the first records stand on undeclared contigs.
                sink.write_header(layout.header())
                headed = True
            writer.put(layout.format(batch, *run.score(batch)))
            characters += batch.characters
            if report is not None:
                report(Progress(run.summary.alleles, min(1.0, characters / total) if total else None))
    if not headed:
        sink.write_header(layout.header())


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
    scored = pair_with_scorers(load_models(models, device, threads), scorer, discover())
    with Reference(genome) as reference, VcfReader(vcf) as reader:
        agreement = GenomeAgreement(reference, reader.name, reader.contigs, on_ref_mismatch)
        run = _Annotation(reader, agreement, Engine(scored, reference, batch_size))
        summary = run.summary
        for one in scored:
            card = one.model.card
            summary.models.append(card.full_name)
            summary.devices[card.full_name] = one.model.session.device
            summary.scorers[card.full_name] = one.scorer.name
            window = card.sequence_window
            summary.windows[card.full_name] = f"{window.length} bases, anchor {window.anchor}"
        yield run


def load_models(
    models: Sequence[str | Path | Model] | str | Path | Model, device: str, threads: int | None
) -> list[Model]:
    """Return the models that are named, loaded for a device; each may stand there once.

    Raises:
        UnknownModel: A name is in no registry, or one is named twice, or none is named.
    """
    listed = [models] if isinstance(models, str | Path | Model) else list(models)
    loaded = [one if isinstance(one, Model) else load(one, device=device, threads=threads) for one in listed]
    if not loaded:
        raise UnknownModel("expected at least one model, found none; `zoo list` shows what there is")
    names = Counter(model.card.full_name for model in loaded)
    twice = [name for name, count in names.items() if count > 1]
    if twice:
        raise UnknownModel(f"model {twice[0]} is named twice; name it once")
    return loaded


def _by_reason(reasons: npt.NDArray[np.uint8]) -> list[tuple[str, int]]:
    counts = np.bincount(reasons, minlength=len(Reason))
    return [(reason.name, int(counts[reason])) for reason in Reason if reason is not Reason.OK and counts[reason]]
