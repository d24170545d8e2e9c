"""`zoo annotate`: scores every ALT allele of a VCF."""

from __future__ import annotations

import json
import shlex
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TextIO

import typer

if TYPE_CHECKING:
    from zoo.prediction.annotation import AnnotationSummary, Progress

EXAMPLE = "zoo annotate in.vcf.gz -f genome.fa -m gm12878-ctcf -m gm12878-dnase -o out.vcf.gz"


class OnRefMismatch(StrEnum):
    """What to do with an allele whose REF is not what the genome holds."""

    skip = "skip"
    error = "error"


def annotate(
    vcf: Annotated[str, typer.Argument(metavar="IN.vcf[.gz]|.bcf", help="Variants; - reads standard input.")],
    genome: Annotated[
        Path, typer.Option("-f", "--fasta", help="Genome that they were called on, FASTA, plain or BGZF.")
    ],
    model: Annotated[
        list[str], typer.Option("-m", "--model", help="Model: a name, name@version or folder; may be repeated.")
    ],
    output: Annotated[
        str, typer.Option("-o", "--output", help="OUT.vcf, .vcf.gz, .bcf or .tsv; - writes VCF to standard output.")
    ] = "",
    scorer: Annotated[
        str | None, typer.Option(help="How ALT is compared with REF; by default what the model's card says.")
    ] = None,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda or tensorrt.")] = "auto",
    batch_size: Annotated[int | None, typer.Option(min=1, help="Alleles in one run of a network.")] = None,
    threads: Annotated[
        int | None, typer.Option(min=1, help="Processors to use; by default all that the container grants.")
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

    keys = _parse_keys(key or [])
    if dry_run:
        found = preview(vcf, genome, model, scorer=scorer, device=device, on_ref_mismatch=on_ref_mismatch.value,
                        keys=keys, overwrite=overwrite)  # fmt: skip
        _print_plan(found)
        return
    if not output:
        raise typer.BadParameter("is missing: name the file to write, or - for standard output", param_hint="-o")
    if summary is not None:
        _check_summary(summary, output, vcf, genome)
    with _progress_bar() as report:
        done = annotate_vcf(
            vcf, genome, model, output, scorer=scorer, device=device, batch_size=batch_size, threads=threads,
            on_ref_mismatch=on_ref_mismatch.value, keys=keys, overwrite=overwrite, digests=summary is not None,
            command=shlex.join(["zoo", *sys.argv[1:]]), report=report,
        )  # fmt: skip
    _print_summary(done)
    if summary is not None:
        _write_json(summary, done)


def _check_summary(summary: Path, output: str, vcf: str, genome: Path) -> None:
    from zoo.errors import OutputError
    from zoo.genome.output import refuse_same_file

    if not summary.parent.is_dir():
        raise OutputError(f"{summary}: can't be written: there is no folder {summary.parent}; make it first")
    if summary.resolve() == Path(output).resolve():
        raise OutputError(f"{summary}: --summary and --output name one file; name two")
    refuse_same_file(summary, vcf, genome)


def _parse_keys(options: list[str]) -> dict[str, str]:
    keys = {}
    for option in options:
        name, separator, new = option.partition("=")
        if not (name and separator and new):
            raise typer.BadParameter(f"expected NAME=KEY, found {option!r}", param_hint="--key")
        keys[name] = new
    return keys


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


def _print_reasons(done: AnnotationSummary, stream: TextIO) -> None:
    for reason, count in done.skipped.items():
        print(f"  not scored: {count:,} {reason}", file=stream)


def _write_json(path: Path, done: AnnotationSummary) -> None:
    from zoo.genome.output import OutputFile

    with OutputFile(path) as target:
        with target.writing():
            target.file.write((json.dumps(done.as_dict(), indent=2) + "\n").encode())
        target.commit()


@contextmanager
def _progress_bar() -> Iterator[Callable[[Progress], None] | None]:
    """Give a function that draws progress on a terminal, or None where standard error is none."""
    if not sys.stderr.isatty():
        yield None
        return
    from rich import progress as rich_progress
    from rich.console import Console
    from rich.progress import BarColumn, TaskProgressColumn, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
    with rich_progress.Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("annotating", total=None)

        def report(progress: Progress) -> None:
            bar.update(task, total=1.0 if progress.fraction is not None else None, completed=progress.fraction or 0,
                       description=f"{progress.alleles:,} alleles")  # fmt: skip

        yield report
