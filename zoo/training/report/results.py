"""How good the model is: the figures, alone, beside the baseline's and without the examples that share words."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from zoo.training.findings import Findings
from zoo.training.report.markup import (
    Cell,
    Markup,
    element,
    join,
    paragraph,
    section,
    show_number,
    show_range,
    table,
    text,
    with_range,
)

NAMES = {
    "auroc": "AUROC",
    "auprc": "AUPRC",
    "accuracy": "Accuracy",
    "prevalence": "Prevalence",
    "calibration_error": "ECE",
    "pearson": "Pearson r",
    "spearman": "Spearman ρ",  # noqa: RUF001 - its symbol
    "r2": "R²",
    "mse": "MSE",
    "mae": "MAE",
    "total_pearson": "r of totals",
    "profile_pearson": "median r of profiles",
}
_COLUMNS = {
    "classes": ("auroc", "auprc", "prevalence", "accuracy", "calibration_error"),
    "values": ("pearson", "spearman", "r2", "mse", "mae"),
    "bins": ("pearson", "total_pearson", "profile_pearson", "mse"),
}


def list_test_metrics(findings: Findings) -> list[tuple[str, dict[str, Any]]]:
    """Return name and test metrics of each evaluated track that has any."""
    found = findings.card.metrics.get("test", {})
    names = [findings.tracks[index] for index in findings.evaluated]
    return [(name, found[name]) for name in names if found.get(name, {}).get("n")]


def find_headline(findings: Findings) -> str:
    """Return the metric that tells most of this kind of target."""
    return _COLUMNS[_kind(findings)][0]


def write_headline(findings: Findings) -> Markup:
    """Write the figures that a reader looks for first, and say whether the network is ahead of its baseline."""
    tracks = list_test_metrics(findings)
    if not tracks:
        return paragraph("No test example has a target: nothing was measured.")
    name = find_headline(findings)
    boxes = _boxes_of_one(findings, *tracks[0], name) if len(tracks) == 1 else _boxes_of_many(findings, tracks, name)
    return join([element("div", join(boxes), "figures"), _judge(findings, tracks, name)])


def write_tracks(findings: Findings) -> Markup:
    """Write a row for each track of the test part, and one for the validation part where that is all there is."""
    tracks = list_test_metrics(findings)
    columns = [name for name in _COLUMNS[_kind(findings)] if any(name in metrics for _, metrics in tracks)]
    name, has_baseline = find_headline(findings), any("baseline" in metrics for _, metrics in tracks)
    header = ["track", "n", *(NAMES[column] for column in columns)]
    if has_baseline:
        header += [f"{findings.baseline or 'baseline'}", "difference"]

    def rows() -> Iterator[list[Cell]]:
        for track, metrics in tracks:
            row: list[Cell] = [track, metrics["n"], *(with_range(metrics, column) for column in columns)]
            if has_baseline:
                compared = metrics.get("baseline", {}).get(name, {})
                row += [compared.get("baseline"), _signed(compared)]
            yield row

    told = "Test part. In brackets: 95 % of 1,000 bootstrap samples of its examples."
    if has_baseline:
        told += f" The baseline's {NAMES[name]}, and what the network is ahead of it in the same samples, stand last."
    return section("Tracks", table(header, rows(), told), _write_validation(findings, columns))


def write_without_sharers(findings: Findings) -> Markup:
    """Write the metrics once more without the test examples that share words with training."""
    name = find_headline(findings)
    tracks = [(track, metrics) for track, metrics in list_test_metrics(findings) if metrics.get("without_sharers")]
    if not tracks:
        return Markup("")
    rows: list[list[Cell]] = [
        [track, metrics["n"], with_range(metrics, name), rest.get("n"), with_range(rest, name)]
        for track, metrics in tracks
        for rest in (metrics["without_sharers"],)
    ]
    header = ["track", "n", NAMES[name], "n without", f"{NAMES[name]} without"]
    return section(
        "Without the sharers",
        paragraph("The same test part without the examples that share a word with a training example."),
        table(header, rows),
    )


def write_confusion(metrics: dict[str, Any]) -> Markup:
    """Write the confusion matrix, in examples and in shares of each true class."""
    counts = metrics["confusion"]
    pairs = [
        ("0", counts["true_negative"], counts["false_positive"]),
        ("1", counts["false_negative"], counts["true_positive"]),
    ]
    rows: list[list[Cell]] = []
    for label, *cells in pairs:
        total = max(sum(cells), 1)
        rows.append([f"true {label}", *(_shade(count, count / total) for count in cells)])
    told = (
        f"Confusion matrix, and shares of each true class, at the validation part's threshold {metrics['threshold']:g}."
    )
    return element("figure", table(["", "called 0", "called 1"], rows, told))


def _kind(findings: Findings) -> str:
    return "bins" if findings.binned else "classes" if findings.classes else "values"


def _boxes_of_one(findings: Findings, track: str, metrics: dict[str, Any], name: str) -> Iterator[Markup]:
    yield _box(metrics.get(name), NAMES[name], metrics.get(f"{name}_interval"), "network")
    compared = metrics.get("baseline", {}).get(name)
    if compared:
        yield _box(compared["baseline"], f"{NAMES[name]} of {findings.baseline or 'the baseline'}")
        yield _box(_signed_number(compared["difference"]), "difference", compared["difference_interval"])
    second = _COLUMNS[_kind(findings)][1]
    yield _box(metrics.get(second), NAMES[second], metrics.get(f"{second}_interval"))
    yield _box(metrics["n"], f"test examples of {track}")


def _boxes_of_many(findings: Findings, tracks: list[tuple[str, dict[str, Any]]], name: str) -> Iterator[Markup]:
    values = [metrics[name] for _, metrics in tracks if metrics.get(name) is not None]
    if values:
        yield _box(sum(values) / len(values), f"mean {NAMES[name]} of {len(values)} tracks", css="network")
        yield _box(min(values), f"lowest {NAMES[name]} of a track")
    compared = [metrics["baseline"][name] for _, metrics in tracks if metrics.get("baseline", {}).get(name)]
    if compared:
        ahead = sum(_is_ahead(item) for item in compared)
        yield _box(f"{ahead} of {len(compared)}", f"tracks ahead of {findings.baseline or 'the baseline'}")
    yield _box(len(findings.targets["test"]), "test examples")


def _judge(findings: Findings, tracks: list[tuple[str, dict[str, Any]]], name: str) -> Markup:
    if findings.baseline is None:
        return paragraph("No baseline was trained beside the network: what simpler models reach is not known.", "soft")
    compared = [
        (track, metrics["baseline"][name]) for track, metrics in tracks if metrics.get("baseline", {}).get(name)
    ]
    behind = [track for track, item in compared if not _is_ahead(item)]
    if not compared:
        return Markup("")
    if not behind:
        where = "" if len(compared) == 1 else " on every track"
        sentence = f"The network is ahead of {findings.baseline}{where}: the interval of the difference lies above 0."
        return element("p", sentence, "fine")
    where = "" if len(compared) == 1 else f" on {len(behind)} of {len(compared)} tracks ({_name_some(behind)})"
    sentence = f"The network is not shown to be ahead of {findings.baseline}{where}: the interval of the difference"
    worse = [track for track, item in compared if (item["difference_interval"][1] or 0) < 0]
    if worse:
        sentence += f" does not lie above 0, and lies below it on {_name_some(worse)}: there the baseline is better."
    else:
        sentence += " does not lie above 0."
    return element("div", paragraph(sentence), "warnings")


def _write_validation(findings: Findings, columns: list[str]) -> Markup:
    found = findings.card.metrics.get("validation", {})
    rows: list[list[Cell]] = [
        [track, metrics["n"], *(with_range(metrics, column) for column in columns)]
        for track, metrics in found.items()
        if metrics.get("n")
    ]
    if not rows:
        return Markup("")
    told = "Validation part, which chose when to stop, and the threshold: better than it would be on new examples."
    header = ["track", "n", *(NAMES[column] for column in columns)]
    return element("details", join([element("summary", "Validation part"), table(header, rows, told)]))


def _box(value: float | str | None, told: str, interval: Sequence[float | None] | None = None, css: str = "") -> Markup:
    shown = value if isinstance(value, str) else show_number(value)
    lines = [element("b", shown), element("span", told)]
    return element("div", join([*lines, element("span", show_range(interval))] if interval else lines), css)


def _shade(count: int, share: float) -> Markup:
    ink = "#fff" if share > 0.55 else "#1b2430"
    style = f"background: rgba(0, 114, 178, {0.05 + 0.85 * share:.2f}); color: {ink}"
    return Markup(f'<span class="shade" style="{style}"><b>{count:,}</b> {share:.1%}</span>')


def _signed(compared: dict[str, Any]) -> Cell:
    if not compared:
        return None
    interval = text(show_range(compared["difference_interval"]))
    return Markup(f'{_signed_number(compared["difference"])} <span class="range">{interval}</span>')


def _signed_number(value: float | None) -> str:
    return show_number(value) if value is None else f"{value:+.4f}"


def _is_ahead(compared: dict[str, Any]) -> bool:
    low = compared["difference_interval"][0]
    return low is not None and low > 0


def _name_some(names: list[str]) -> str:
    return ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")
