"""What the model learned from: data, split, and what the checks found."""

from __future__ import annotations

from collections.abc import Iterator

from zoo.training.data.data_checks import DataChecks, GroupCheck, Spread, TrackCheck
from zoo.training.findings import Findings
from zoo.training.report.markup import Cell, Markup, bullets, element, join, paragraph, section, table

MANY_TRACKS = 20
"""From more tracks on, tables of the data show those of the test part whose classes differ most."""


def write_data(findings: Findings) -> Markup:
    """Write where the examples came from and how they were divided."""
    card = findings.card
    parts = []
    if card.data is not None:
        sources: list[list[Cell]] = [
            [source.name, source.url, None if source.sha256 is None else f"{source.sha256[:16]}…"]
            for source in card.data.sources
        ]
        parts.append(paragraph(f"Read with the loader {card.data.loader}."))
        if sources:
            parts.append(table(["file", "from", "sha256"], sources))
    if card.split is not None:
        split = card.split
        total = max(split.train + split.validation + split.test, 1)
        named = (
            ("training", split.train, ""),
            ("validation", split.validation, "validation"),
            ("test", split.test, "test"),
        )
        rows: list[list[Cell]] = [
            [name, count, f"{count / total:.1%}", ", ".join(split.groups.get(key, ()))] for name, count, key in named
        ]
        folds = f", {split.folds} folds" if split.folds > 1 else ""
        parts.append(table(["part", "examples", "share", "groups"], rows, f"Split by {split.method}{folds}."))
    return section("Data and split", *parts)


def write_checks(checks: DataChecks | None) -> Markup:
    """Write what could give the answer away, and what stands on both sides of the split."""
    if checks is None:
        return Markup("")
    warnings = checks.list_warnings()
    if warnings:
        told = [paragraph("To be known before the figures are believed:"), bullets(warnings)]
        verdict = element("div", join(told), "warnings")
    else:
        verdict = paragraph("Nothing suspicious was found.", "fine")
    return section("Checks of the data", verdict, _write_groups(checks), _write_leaks(checks))


def _write_groups(checks: DataChecks) -> Markup:
    shown = _choose(checks)
    rows: list[list[Cell]] = []
    for check in shown:
        for number, group in enumerate(check.groups):
            rows.append([*_name(check, number), group.label, group.count, *_describe(group), *_compare(check, number)])
    header = ["part", "track", "class", "n", "GC mean", "GC quartiles", "repeats", "duplicates"]
    header += ["GC: KS", "GC: AUROC", "GC: r", "repeats: KS", "in both classes"]
    told = (
        "GC content and repeats (soft-masked bases) as shares; duplicates on either strand. KS: the distance of the "
        "classes, from 0 to 1; AUROC and r: of GC content alone."
    )
    if len(shown) < len(checks.tracks):
        told += f" The {len(shown)} tracks of the test part whose classes differ most, of {_count(checks)}."
    return join([table(header, rows), paragraph(told, "soft")])


def _write_leaks(checks: DataChecks) -> Markup:
    leaks: list[list[Cell]] = [[f"{leak.later} in {leak.earlier}", leak.count] for leak in checks.leaks]
    parts = [table(["examples, on either strand", "n"], leaks, "Leaks between the parts.")]
    if checks.word_length is not None:
        rows: list[list[Cell]] = [
            [row.track, row.label, row.count, row.sharers, f"{row.sharers / max(row.count, 1):.1%}"]
            for row in sorted(checks.sharing, key=lambda row: -row.sharers)[: 2 * MANY_TRACKS]
        ]
        told = (
            f"Test examples that share a word of {checks.word_length} bases, on either strand, with a training example."
        )
        parts.append(table(["track", "class", "n", "sharers", "share"], rows, told))
    return element("div", join(parts), "plots")


def _choose(checks: DataChecks) -> list[TrackCheck]:
    if _count(checks) <= MANY_TRACKS:
        return list(checks.tracks)
    tested = [check for check in checks.tracks if check.part == "test"]
    return sorted(tested, key=lambda check: -(check.gc_ks or abs(check.gc_pearson or 0)))[:MANY_TRACKS]


def _count(checks: DataChecks) -> int:
    return len({check.track for check in checks.tracks})


def _name(check: TrackCheck, number: int) -> Iterator[Cell]:
    yield from (check.part, check.track) if number == 0 else ("", "")


def _describe(group: GroupCheck) -> Iterator[Cell]:
    yield None if group.gc is None else f"{group.gc.mean:.3f}"
    yield None if group.gc is None else _quartiles(group.gc)
    yield None if group.repeats is None else f"{group.repeats.mean:.3f}"
    yield group.duplicates


def _compare(check: TrackCheck, number: int) -> list[Cell]:
    if number:
        return [""] * 5
    values = (check.gc_ks, check.gc_auroc, check.gc_pearson, check.repeats_ks)
    shown: list[Cell] = [None if value is None else f"{value:.3f}" for value in values]
    return [*shown, check.conflicts if len(check.groups) > 1 else None]


def _quartiles(spread: Spread) -> str:
    return " · ".join(f"{value:.2f}" for value in (spread.low, spread.median, spread.high))
