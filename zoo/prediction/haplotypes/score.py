"""Scores the phased alleles of one sample together, as far as one window holds them: a table of haplotypes."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Unpack

import numpy as np

from zoo.errors import ModelError, OutputError, RefMismatch
from zoo.genome.output import STANDARD_OUTPUT, refuse_same_file
from zoo.genome.reference import Reference
from zoo.genome.variant import Reason
from zoo.plugins import discover
from zoo.prediction.alleles.agreement import GenomeAgreement, OnRefMismatch
from zoo.prediction.alleles.structural import spell_structural
from zoo.prediction.haplotypes.groups import Groups, group_alleles
from zoo.prediction.haplotypes.joint import GroupScorer
from zoo.prediction.haplotypes.phasing import Haplotypes, place_on_haplotypes
from zoo.prediction.haplotypes.reader import SampleReader
from zoo.prediction.haplotypes.reasons import reason_name
from zoo.prediction.haplotypes.rows import COLUMNS, RowWriter, join_rows
from zoo.prediction.haplotypes.sample import SampleAlleles, read_from
from zoo.prediction.haplotypes.skipped import SkippedCopies, find_skipped
from zoo.prediction.output.formats import Format, FormatName, choose_format
from zoo.prediction.output.sinks import Sink, open_sink
from zoo.prediction.pipeline import WriteBehind
from zoo.prediction.run import AnyModel, expect_genomes, load_models
from zoo.prediction.scoring.engine import Engine
from zoo.prediction.scoring.pairing import ScoredModel, pair_with_scorers
from zoo.prediction.scoring.settings import ScoringOptions, ScoringSettings
from zoo.prediction.summary import Progress
from zoo.prediction.support import refuse_model_folder

_GROUPS_A_BATCH = 2048


@dataclass(slots=True)
class HaplotypeSummary:
    """What was made of a sample's haplotypes.

    Attributes:
        records: Records of the file.
        alleles: Different alleles that the sample carries.
        copies: Alleles on haplotypes; one that two haplotypes carry counts twice.
        groups: Groups of copies that were scored, by model.
        together: Those of them that hold more than one allele, by model.
        skipped: Copies by reason; those that depend on the model as ``model: REASON``.
    """

    output: str = ""
    sample: str = ""
    records: int = 0
    alleles: int = 0
    copies: int = 0
    groups: dict[str, int] = field(default_factory=dict)
    together: dict[str, int] = field(default_factory=dict)
    skipped: dict[str, int] = field(default_factory=dict)
    seconds: float = 0.0
    models: list[str] = field(default_factory=list)
    devices: dict[str, str] = field(default_factory=dict)
    scorers: dict[str, str] = field(default_factory=dict)
    windows: dict[str, str] = field(default_factory=dict)
    bridged: dict[str, str] = field(default_factory=dict)
    unknown_contigs: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    def as_dict(self) -> dict[str, object]:
        """Return everything as plain values, for JSON."""
        return asdict(self)


def score_haplotypes(
    vcf: str | Path,
    genome: str | Path,
    models: Sequence[AnyModel] | AnyModel,
    output: str | Path,
    sample: str,
    *,
    device: str = "auto",
    threads: int | None = None,
    on_ref_mismatch: OnRefMismatch = "skip",
    output_format: FormatName | None = None,
    report: Callable[[Progress], None] | None = None,
    **options: Unpack[ScoringOptions],
) -> HaplotypeSummary:
    """Write a table of the joint scores of one sample's phased alleles, and return what was done.

    Args:
        vcf: VCF or BCF with genotypes, in any order, plain or compressed; ``-`` for standard input.
        genome: FASTA, plain or BGZF, of the build that the variants were called on.
        models: Names, folders, or loaded models; each is grouped by its own window.
        output: ``.tsv``, ``.tsv.gz`` or ``.parquet``; ``-`` for a table on standard output.
        sample: Whose haplotypes.
        on_ref_mismatch: ``skip`` tells REF_MISMATCH for the allele, ``error`` stops.
        output_format: By default the one that the output's suffix asks for; TSV on standard output.
        report: Called after each batch.
        options: How alleles are scored: the fields of :class:`zoo.prediction.scoring.settings.ScoringSettings`.

    Raises:
        VcfError: The file has no such sample, or no genotypes.
        ModelError: A model's windows stand at regions, not around alleles.
        ZooError: Any leaf of the tree, with one line that says what to do. Nothing stands under the output's name.
    """
    started = time.perf_counter()
    settings = ScoringSettings(**options)
    chosen_form = _choose_form(output, output_format)
    _refuse_settings(settings)
    refuse_same_file(output, vcf, genome, settings.regions)
    scored = pair_with_scorers(
        load_models(models, device, threads), settings.scorer, discover(), settings.scorer_options, settings.tracks
    )
    for one in scored:
        refuse_model_folder(output, one.model.folder)
    with ExitStack() as stack:
        reference = stack.enter_context(Reference(genome))
        engines = _make_engines(scored, reference, settings)  # what can't be scored is told before an hour's reading
        sink = stack.enter_context(open_sink(output, chosen_form, types=COLUMNS))
        reader = stack.enter_context(SampleReader(vcf, sample))
        agreement = GenomeAgreement(reference, reader.name, reader.contigs, header=reader.header)
        expect_genomes(agreement, scored)
        longest = max(length for length, _ in engines)
        alleles = read_from(
            reader,
            agreement,
            (lambda batch, columns: spell_structural(batch, columns, reference, longest))
            if settings.structural
            else None,
        )
        agreement.finish()
        if on_ref_mismatch == "error":
            _refuse_mismatch(alleles, reader.name, reference)
        summary = _describe(scored, alleles, reader, agreement)
        summary.output = str(output)
        run = _Run(place_on_haplotypes(alleles, reference), reference, settings, summary)
        run.write(engines, sink, report)
        summary.skipped = dict(sorted(summary.skipped.items()))
        sink.finish("\t".join(COLUMNS) + "\n")
    summary.seconds = time.perf_counter() - started
    return summary


class _Run:
    """What is common to the models of one run."""

    def __init__(
        self, haplotypes: Haplotypes, reference: Reference, settings: ScoringSettings, summary: HaplotypeSummary
    ) -> None:
        self._haplotypes = haplotypes
        self._reference = reference
        self._settings = settings
        self._summary = summary
        summary.copies = len(haplotypes)
        counts = Counter(haplotypes.reason[haplotypes.reason != Reason.OK].tolist())
        summary.skipped = {reason_name(reason): count for reason, count in counts.items()}

    def write(
        self,
        engines: dict[tuple[int, int], Engine],
        sink: Sink,
        report: Callable[[Progress], None] | None,
    ) -> None:
        """Score contig after contig, all models of one before the next."""
        parts = [_Part(self._haplotypes, window, engine, self._settings) for window, engine in engines.items()]
        for part in parts:
            self._count(part)
        sink.write_header(parts[0].writer.header())
        done, total = 0, sum(len(part.groups) for part in parts)
        sample = self._haplotypes.sample
        with WriteBehind(sink.write) as behind:
            for contig, found in enumerate(sample.found):
                for part in parts:
                    for groups, rows in part.rows_of(contig, found, self._reference):
                        behind.put(join_rows(rows))
                        done += groups
                        if report is not None:
                            report(Progress(done, done / total if total else None))
        for part in parts:
            self._count_scored(part)

    def _count(self, part: _Part) -> None:
        new = part.groups.reason[part.groups.reason != self._haplotypes.reason]
        for name in part.names:
            for reason, count in Counter(new.tolist()).items():
                self._summary.skipped[f"{name}: {reason_name(reason)}"] = count

    def _count_scored(self, part: _Part) -> None:
        for name, counts in zip(part.names, part.counts, strict=True):
            self._summary.groups[name] = counts.pop("groups", 0)
            self._summary.together[name] = counts.pop("together", 0)
            for reason, count in counts.items():
                self._summary.skipped[f"{name}: {reason}"] = count


class _Part:
    """The models that read windows of one length and anchor, and what they read."""

    def __init__(
        self, haplotypes: Haplotypes, window: tuple[int, int], engine: Engine, settings: ScoringSettings
    ) -> None:
        length, anchor = window
        self.groups: Groups = group_alleles(haplotypes, length, anchor, settings.shifts, settings.max_indel)
        self.names = [scored.model.card.full_name for scored in engine.models]
        self.counts: list[Counter[str]] = [Counter() for _ in engine.models]
        tracks = [scored.tracks for scored in engine.models]
        self.writer = RowWriter(haplotypes, list(zip(self.names, tracks, strict=True)))
        self._haplotypes = haplotypes
        self._scorer = GroupScorer(engine, haplotypes, self.groups, anchor)
        self._skipped: SkippedCopies = find_skipped(haplotypes, self.groups)
        self._anchor = anchor

    def rows_of(self, contig: int, found: str | None, reference: Reference) -> Iterator[tuple[int, list[list[str]]]]:
        """Yield the rows of a contig, batch by batch, and how many groups each batch has."""
        haplotypes, groups = self._haplotypes, self.groups
        first, last = (int(place) for place in np.searchsorted(groups.contig, [contig, contig + 1]))
        alone = self._skipped.alone[haplotypes.contig[self._skipped.alone] == contig]
        genome = reference.codes(found) if found is not None else None
        # Rows stand in the order of their windows; what has none stands where its own would.
        place = haplotypes.sample.start[haplotypes.allele[alone]] - self._anchor
        order = np.argsort(place, kind="stable")
        before = np.searchsorted(groups.start[first:last], place[order], "right") + first
        pending = list(zip(before.tolist(), alone[order].tolist(), strict=True))
        at = 0
        for begin in range(first, max(last, first + 1), _GROUPS_A_BATCH):
            end = min(begin + _GROUPS_A_BATCH, last)
            rows: list[list[str]] = []
            scored = iter(self._score(begin, end, found, genome))
            for group in range(begin, end + 1):
                while at < len(pending) and pending[at][0] <= group and (group < end or end == last):
                    copy = pending[at][1]
                    rows.append(self.writer.of_copy(genome, copy, int(groups.reason[copy])))
                    at += 1
                if group < end:
                    rows.append(next(scored))
            yield end - begin, rows

    def _score(self, begin: int, end: int, found: str | None, genome: object) -> Iterator[list[str]]:
        if begin == end or found is None or not isinstance(genome, np.ndarray):
            return iter(())
        scores = self._scorer.score(begin, end, found)
        sizes = np.diff(self.groups.first[begin : end + 1])
        for counts, one in zip(self.counts, scores, strict=True):
            good = one.reason == Reason.OK
            counts["groups"] += int(np.count_nonzero(good))
            counts["together"] += int(np.count_nonzero(good & (sizes > 1)))
            for reason in np.unique(one.reason[~good]).tolist():
                counts[reason_name(reason)] += int(sizes[one.reason == reason].sum())
        return self.writer.of_groups(genome, self.groups, range(begin, end), self._skipped, scores)


def _choose_form(output: str | Path, name: FormatName | None) -> Format:
    if name is None and str(output) == STANDARD_OUTPUT:
        name = "tsv"
    form = choose_format(output, name)
    if not form.table:
        raise OutputError(f"{output}: haplotypes make a table; expected .tsv, .tsv.gz or .parquet, found {form.name}")
    return form


def _refuse_settings(settings: ScoringSettings) -> None:
    for given, option in (
        (settings.windows is not None, "windows at regions"),
        (settings.percentile, "percentiles"),
        (settings.spread, "the members' spread"),
    ):
        if given:
            raise ModelError(f"haplotypes: {option} can't be had for alleles scored together; leave that out")


def _make_engines(
    scored: Sequence[ScoredModel], reference: Reference, settings: ScoringSettings
) -> dict[tuple[int, int], Engine]:
    members: dict[tuple[int, int], list[ScoredModel]] = {}
    for one in scored:
        window = one.model.card.sequence_window
        members.setdefault((window.length, window.anchor), []).append(one)
    return {window: Engine(models, reference, settings) for window, models in members.items()}


def _refuse_mismatch(alleles: SampleAlleles, source: str, reference: Reference) -> None:
    wrong = np.flatnonzero(alleles.reason == Reason.REF_MISMATCH)
    if len(wrong):
        allele = int(wrong[np.argmin(alleles.record[wrong])])
        contig = alleles.contigs[alleles.contig[allele]]
        raise RefMismatch(
            f"{source}, record {alleles.record[allele] + 1}: REF of {contig}:{alleles.texts[allele]} is not what "
            f"{reference.path} holds there; mend the record, or skip such records with on_ref_mismatch 'skip'"
        )


def _describe(
    scored: Sequence[ScoredModel], alleles: SampleAlleles, reader: SampleReader, agreement: GenomeAgreement
) -> HaplotypeSummary:
    summary = HaplotypeSummary(sample=alleles.sample, records=alleles.records, alleles=len(alleles))
    for one in scored:
        card = one.model.card
        window = card.sequence_window
        summary.models.append(card.full_name)
        summary.devices[card.full_name] = one.model.session.device
        summary.scorers[card.full_name] = one.scorer_text
        summary.windows[card.full_name] = f"{window.length} bases, anchor {window.anchor}"
    summary.bridged = agreement.bridged
    summary.unknown_contigs = agreement.unknown
    summary.warnings = [*reader.warnings, *agreement.warnings]
    if not len(alleles):
        summary.warnings.append(f"{reader.name}: sample {alleles.sample} carries no ALT allele")
    return summary
