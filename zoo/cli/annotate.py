"""`zoo annotate`: scores every ALT allele of a VCF."""

from __future__ import annotations

import json
import shlex
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TextIO

import typer

from zoo.cli.progress import open_bar

if TYPE_CHECKING:
    from zoo.genome.output import OutputFile
    from zoo.prediction.haplotypes.score import HaplotypeSummary
    from zoo.prediction.scoring.settings import ScoringOptions
    from zoo.prediction.summary import AnnotationSummary, Progress

EXAMPLE = "zoo annotate in.vcf.gz -f genome.fa -m gm12878-ctcf -m gm12878-dnase -o out.vcf.gz"


class OnRefMismatch(StrEnum):
    """What to do with an allele whose REF is not what the genome holds."""

    skip = "skip"
    error = "error"


class OutputFormat(StrEnum):
    """How records are written."""

    vcf = "vcf"
    vcf_gz = "vcf.gz"
    bcf = "bcf"
    tsv = "tsv"
    tsv_gz = "tsv.gz"
    parquet = "parquet"


def annotate(
    vcf: Annotated[str, typer.Argument(metavar="IN.vcf[.gz]|.bcf", help="Variants; - reads standard input.")],
    genome: Annotated[
        Path, typer.Option("-f", "--genome", "--fasta", help="Genome that they were called on, FASTA, plain or BGZF.")
    ],
    model: Annotated[
        list[str], typer.Option("-m", "--model", help="Model: a name, name@version or folder; may be repeated.")
    ],
    output: Annotated[
        str,
        typer.Option("-o", "--output", help="OUT.vcf, .vcf.gz, .bcf, .tsv, .tsv.gz or .parquet; - is standard output."),
    ] = "",
    output_format: Annotated[
        OutputFormat | None, typer.Option("--format", help="By default as the name of OUT ends, and vcf for -.")
    ] = None,
    index: Annotated[
        bool, typer.Option("--index", help="Write an index beside .vcf.gz (.tbi) or .bcf (.csi).")
    ] = False,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on where a run with the same options broke off, if one did.")
    ] = False,
    scorer: Annotated[
        str | None, typer.Option(help="How ALT is compared with REF; by default what the model's card says.")
    ] = None,
    scorer_option: Annotated[
        list[str] | None, typer.Option(metavar="NAME=VALUE", help="A field of the scorer's configuration.")
    ] = None,
    track: Annotated[
        list[str] | None, typer.Option(metavar="TRACK|MODEL:TRACK", help="Score these tracks alone; may be repeated.")
    ] = None,
    windows: Annotated[
        Path | None,
        typer.Option(metavar="BED", help="Windows stand at these regions, on their strand, not around each allele."),
    ] = None,
    regions: Annotated[
        Path | None, typer.Option(metavar="BED", help="Score alleles in these regions alone; the rest is NO_REGION.")
    ] = None,
    shifts: Annotated[
        str, typer.Option(metavar="N,N…", help="Average predictions over windows moved so many bases: --shifts=-2,0,2.")
    ] = "0",
    max_indel: Annotated[
        int | None, typer.Option(min=0, help="Alleles that add or take more bases are TOO_LONG.")
    ] = None,
    max_unknown: Annotated[
        float, typer.Option(min=0, max=1, help="Windows with a larger share of unknown bases are UNKNOWN_BASES.")
    ] = 0.5,
    structural: Annotated[
        bool, typer.Option("--structural", help="Score <DEL>, <DUP> and <INV> where their sequence is known and fits.")
    ] = False,
    sd: Annotated[
        bool, typer.Option("--sd", help="Add the spread over an ensemble's members, and whether their signs differ.")
    ] = False,
    percentile: Annotated[
        bool, typer.Option("--percentile", help="Rank scores among common variants' (see zoo background).")
    ] = False,
    background: Annotated[
        str | None,
        typer.Option(
            metavar="SAMPLE", help="Score each allele on its own haplotype, among the sample's other alleles."
        ),
    ] = None,
    haplotypes: Annotated[
        str | None,
        typer.Option(metavar="SAMPLE", help="Write a table of the sample's phased alleles, scored together."),
    ] = None,
    seen: Annotated[bool, typer.Option("--seen", help="Flag variants on contigs that a model was trained on.")] = False,
    packed: Annotated[
        bool, typer.Option("--packed", help="Add one key with everything, for bcftools +split-vep.")
    ] = False,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda or tensorrt.")] = "auto",
    batch_size: Annotated[int | None, typer.Option(min=1, help="Alleles in one run of a network.")] = None,
    threads: Annotated[
        int | None, typer.Option(min=1, max=1024, help="Processors to use; by default all that the container grants.")
    ] = None,
    on_ref_mismatch: Annotated[
        OnRefMismatch, typer.Option(help="skip the allele, or stop with an error.")
    ] = OnRefMismatch.skip,
    key: Annotated[
        list[str] | None, typer.Option(metavar="NAME=KEY", help="Another INFO key for a model, or for model:track.")
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace INFO keys of an earlier annotation.")] = False,
    summary: Annotated[Path | None, typer.Option(metavar="FILE.json", help="Write what was done as JSON.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Look at the first 1,000 alleles; write nothing.")] = False,
) -> None:
    """Score every ALT allele of a VCF with one or more models, in one pass.

    Each allele gets a number per track in INFO (ALT against REF), or the reason why not; all else stays as it came.
    """
    from zoo.prediction.annotation import annotate as annotate_vcf
    from zoo.prediction.annotation import preview
    from zoo.prediction.scoring.settings import ScoringSettings

    keys = _parse_pairs(key or [], "--key", "NAME=KEY")
    if not output and not dry_run:
        raise typer.BadParameter("is missing: name the file to write, or - for standard output", param_hint="-o")
    options: ScoringOptions = {
        "scorer": scorer,
        "scorer_options": _parse_options(scorer_option or []),
        "tracks": tuple(track or ()),
        "windows": windows,
        "regions": regions,
        "shifts": _parse_shifts(shifts),
        "max_indel": max_indel,
        "max_unknown": max_unknown,
        "structural": structural,
        "spread": sd,
        "percentile": percentile,
        "batch_size": batch_size,
    }
    try:
        ScoringSettings(**options)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from error
    if haplotypes is not None:
        _refuse_beside_haplotypes({
            "--background": background, "--windows": windows, "--sd": sd, "--percentile": percentile, "--seen": seen,
            "--packed": packed, "--index": index, "--resume": resume, "--key": key, "--overwrite": overwrite,
            "--dry-run": dry_run,
        })  # fmt: skip
    done: AnnotationSummary | HaplotypeSummary
    with _open_summary(summary, output, vcf, genome) as summary_file:
        if haplotypes is not None:
            from zoo.prediction.haplotypes.score import score_haplotypes

            with _reporter("groups") as report:
                done = score_haplotypes(
                    vcf, genome, model, output, haplotypes, device=device, threads=threads,
                    on_ref_mismatch=on_ref_mismatch.value, output_format=output_format.value if output_format else None,
                    report=report, **options,
                )  # fmt: skip
            _print_haplotypes(done)
        elif dry_run:
            done = preview(vcf, genome, model, device=device, threads=threads, on_ref_mismatch=on_ref_mismatch.value,
                           keys=keys, overwrite=overwrite, seen=seen, packed=packed, background=background,
                           **options)  # fmt: skip
            _print_plan(done)
        else:
            with _telling_of_interruption(), _reporter() as report:
                done = annotate_vcf(
                    vcf, genome, model, output, device=device, threads=threads, on_ref_mismatch=on_ref_mismatch.value,
                    keys=keys, overwrite=overwrite, seen=seen, packed=packed, index=index, resume=resume,
                    background=background, output_format=output_format.value if output_format else None,
                    command=_tell_command(), report=report, **options,
                )  # fmt: skip
            _print_summary(done)
        if summary_file is not None:
            with summary_file.writing():
                summary_file.file.write((json.dumps(done.as_dict(), indent=2) + "\n").encode())
            summary_file.commit()


def _refuse_beside_haplotypes(given: Mapping[str, object]) -> None:
    """Refuse options that say how records are written, or ask for what alleles scored together have not."""
    refused = [option for option, value in given.items() if value]
    if refused:
        raise typer.BadParameter(f"makes a table of its own: leave out {', '.join(refused)}", param_hint="--haplotypes")


def _tell_command() -> str:
    """Return the command line; a run that was resumed is told as one that never broke off."""
    return shlex.join(["zoo", *(argument for argument in sys.argv[1:] if argument != "--resume")])


@contextmanager
def _open_summary(summary: Path | None, output: str, vcf: str, genome: Path) -> Iterator[OutputFile | None]:
    """Open the summary before the run: hours later is no time to learn that it can't be written."""
    from zoo.errors import OutputError
    from zoo.genome.output import OutputFile, refuse_same_file

    if summary is None:
        yield None
        return
    if summary.suffix != ".json":
        raise OutputError(f"--summary {summary}: expected a name that ends with .json")
    if summary.resolve() == Path(output).resolve():
        raise OutputError(f"{summary}: --summary and --output name one file; name two")
    refuse_same_file(summary, vcf, genome)
    with OutputFile(summary) as opened:
        yield opened


def _parse_pairs(options: list[str], hint: str, form: str) -> dict[str, str]:
    pairs = {}
    for option in options:
        name, separator, value = option.partition("=")
        if not (name and separator and value):
            raise typer.BadParameter(f"expected {form}, found {option!r}", param_hint=hint)
        if name in pairs:
            raise typer.BadParameter(f"names {name!r} twice; name it once", param_hint=hint)
        pairs[name] = value
    return pairs


def _parse_options(options: list[str]) -> dict[str, object]:
    """Read values as YAML does: numbers, true and false, else text."""
    import yaml

    try:
        pairs = _parse_pairs(options, "--scorer-option", "NAME=VALUE")
        return {name: yaml.safe_load(value) for name, value in pairs.items()}
    except yaml.YAMLError as error:
        raise typer.BadParameter("expected a number, a word, true or false", param_hint="--scorer-option") from error


def _parse_shifts(text: str) -> tuple[int, ...]:
    try:
        return tuple(int(part) for part in text.split(","))
    except ValueError as error:
        raise typer.BadParameter(
            f"expected whole numbers, as in -2,0,2, found {text!r}", param_hint="--shifts"
        ) from error


def _print_plan(plan: AnnotationSummary) -> None:
    for name in plan.models:
        print(f"model {name}: window {plan.windows[name]}; scorer {plan.scorers[name]}; device {plan.devices[name]}")
        print(f"  keys: {', '.join(plan.keys[name])}")
    for name, found in plan.bridged.items():
        print(f"contig {name} is {found} in the genome")
    print(f"looked at {plan.alleles:,} alleles of {plan.records:,} records: {plan.scored:,} can be scored")
    _print_reasons(plan, sys.stdout)
    for warning in plan.warnings:
        print(f"zoo: warning: {warning}", file=sys.stderr)


def _print_summary(done: AnnotationSummary) -> None:
    for warning in done.warnings:
        print(f"zoo: warning: {warning}", file=sys.stderr)
    devices = sorted(set(done.devices.values()))
    print(
        f"scored {done.scored:,} of {done.alleles:,} alleles ({done.records:,} records) in {done.seconds:.1f} s, "
        f"{done.alleles_per_second:,.0f} alleles/s, on {' and '.join(devices)} → {done.output}",
        file=sys.stderr,
    )
    _print_reasons(done, sys.stderr)
    for what, number in done.background.items():
        print(f"  background: {number:,} {what}", file=sys.stderr)
    for name, count in done.seen.items():
        if count:
            print(f"  on contigs that {name} was trained on: {count:,}", file=sys.stderr)


def _print_haplotypes(done: HaplotypeSummary) -> None:
    for warning in done.warnings:
        print(f"zoo: warning: {warning}", file=sys.stderr)
    print(
        f"sample {done.sample} carries {done.alleles:,} alleles of {done.records:,} records, {done.copies:,} with "
        f"those that two haplotypes carry; scored in {done.seconds:.1f} s → {done.output}",
        file=sys.stderr,
    )
    for name in done.models:
        groups, together = done.groups[name], done.together[name]
        print(f"  {name}: {groups:,} groups, {together:,} of several alleles", file=sys.stderr)
    _print_reasons(done, sys.stderr)


def _print_reasons(done: AnnotationSummary | HaplotypeSummary, stream: TextIO) -> None:
    for reason, count in done.skipped.items():
        print(f"  not scored: {count:,} {reason}", file=stream)


@contextmanager
def _telling_of_interruption() -> Iterator[None]:
    """Say what an interruption leaves, if it leaves anything."""
    try:
        yield
    except KeyboardInterrupt as stop:
        if stop.args:
            print(f"zoo: {stop}", file=sys.stderr)
        raise


@contextmanager
def _reporter(what: str = "alleles") -> Iterator[Callable[[Progress], None] | None]:
    """Give a function that draws progress on a terminal, or None where standard error is none."""
    with open_bar() as bar:
        if bar is None:
            yield None
            return
        task = bar.add_task("annotating", total=None)

        def report(progress: Progress) -> None:
            total = 1.0 if progress.fraction is not None else None
            bar.update(task, total=total, completed=progress.fraction or 0, description=f"{progress.alleles:,} {what}")

        yield report
