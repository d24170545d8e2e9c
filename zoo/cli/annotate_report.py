"""What `zoo annotate` prints: the plan of a dry run, what was done, and what an interruption leaves."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from zoo.prediction.summary import AnnotationSummary, HaplotypeSummary


def print_done(done: AnnotationSummary | HaplotypeSummary, *, plan: bool) -> None:
    """Print what was done, or with ``plan`` what would be."""
    from zoo.prediction.summary import HaplotypeSummary

    if isinstance(done, HaplotypeSummary):
        _print_haplotypes(done)
    elif plan:
        _print_plan(done)
    else:
        _print_summary(done)


@contextmanager
def telling_of_interruption() -> Iterator[None]:
    """Say what an interruption leaves, if it leaves anything."""
    try:
        yield
    except KeyboardInterrupt as stop:
        if stop.args:
            print(f"zoo: {stop}", file=sys.stderr)
        raise


def _print_plan(plan: AnnotationSummary) -> None:
    """Print what an annotation would do, on standard output."""
    for name in plan.models:
        print(f"model {name}: window {plan.windows[name]}; scorer {plan.scorers[name]}; device {plan.devices[name]}")
        print(f"  keys: {', '.join(plan.keys[name])}")
        if name in plan.precision:
            print(f"  precision {plan.precision[name]}")
    for name, found in plan.bridged.items():
        print(f"contig {name} is {found} in the genome")
    print(f"looked at {plan.alleles:,} alleles of {plan.records:,} records: {plan.scored:,} can be scored")
    _print_reasons(plan, sys.stdout)
    for warning in plan.warnings:
        print(f"zoo: warning: {warning}", file=sys.stderr)


def _print_summary(done: AnnotationSummary) -> None:
    """Print what an annotation did, on standard error: standard output may be its VCF."""
    for warning in done.warnings:
        print(f"zoo: warning: {warning}", file=sys.stderr)
    devices = sorted(set(done.devices.values()))
    print(
        f"scored {done.scored:,} of {done.alleles:,} alleles ({done.records:,} records) in {done.seconds:.1f} s, "
        f"{done.alleles_per_second:,.0f} alleles/s, on {' and '.join(devices)} → {done.output}",
        file=sys.stderr,
    )
    _print_reasons(done, sys.stderr)
    _print_precision(done)
    if done.resumed_records:
        print(f"  resumed behind record {done.resumed_records:,}, which was done before", file=sys.stderr)
    _print_cached(done)
    for what, number in done.background.items():
        if number:
            print(f"  on the sample's haplotypes: {number:,} {what}", file=sys.stderr)
    for name, count in done.seen.items():
        if count:
            print(f"  on contigs that {name} was trained on: {count:,} (--seen flags them)", file=sys.stderr)


def _print_haplotypes(done: HaplotypeSummary) -> None:
    """Print what was made of a sample's haplotypes, on standard error."""
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
    _print_precision(done)
    _print_cached(done)


def _print_reasons(done: AnnotationSummary | HaplotypeSummary, stream: TextIO) -> None:
    from zoo.genome.variant import Reason

    for reason, count in done.skipped.items():
        # A record without ALT holds no allele, so that alleles and reasons add up without it.
        what = "records without ALT" if reason == Reason.NO_ALT.name else "not scored"
        print(f"  {what}: {count:,} {reason}", file=stream)


def _print_cached(done: AnnotationSummary | HaplotypeSummary) -> None:
    for name, counts in done.cached.items():
        print(f"  from the cache: {counts['found']:,} of {counts['windows']:,} windows of {name}", file=sys.stderr)


def _print_precision(done: AnnotationSummary | HaplotypeSummary) -> None:
    for name, proved in done.precision.items():
        print(f"  {name}: {proved}", file=sys.stderr)
