"""The page of measured effects: what was done, what was expected, and a table for each set."""

from __future__ import annotations

import platform
import subprocess
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

import pandas as pd

from benchmarks.effects_text import ASB_TEXT, ELEMENTS_TEXT, HEAD, YEAST_TEXT
from benchmarks.measured import ASB, ELEMENTS, MOTIF, YEAST, EffectSet
from zoo.model.benchmarks import Benchmark, Figure

Found = Mapping[str, Sequence[Benchmark]]
"""The rows of each model, by its full name."""

LEAST_CONCORDANCE, LEAST_R = 0.70, 0.43
AIM_CONCORDANCE, AIM_R = 0.80, 0.60
AIM_MARK = " (the aim)"

HEPG2 = ("foxa1-hepg2", "usf1-hepg2", "zbtb7a-hepg2")
K562 = ("arid3a-k562", "ctcfl-k562")
CELLS = {
    "F9": ("HepG2", HEPG2),
    "HNF4A": ("HEK293T", ()),
    "IRF6": ("HaCaT", ()),
    "LDLR": ("HepG2", HEPG2),
    "LDLR.2": ("HepG2", HEPG2),
    "MYCrs6983267": ("HEK293T", ()),
    "PKLR-24h": ("K562", K562),
    "RET": ("Neuro-2a", ()),
    "SORT1": ("HepG2", HEPG2),
}
"""Where each element was measured (Kircher 2019, table 1), and the models of that cell type."""


def write_page(found: Found, sets: Mapping[str, EffectSet], figure: str) -> str:
    """Return the page."""
    gc = next(iter(found))
    parts = [HEAD.format(gc=gc, machine=describe_machine(), commit=read_commit(), figure=figure)]
    if ASB in sets:
        parts.append(_write_asb(found, sets[ASB]))
    if ELEMENTS in sets:
        parts.append(_write_elements(found, sets[ELEMENTS]))
    if YEAST in sets:
        yeast = sets[YEAST].variants
        parts.append(YEAST_TEXT.format(n=len(yeast), promoters=yeast["group"].nunique()))
        parts.append(build_table(found, YEAST, "all", ("region",), ("pearson", "spearman", "sign")))
    return "\n".join(parts)


def _write_asb(found: Found, effects: EffectSet) -> str:
    variants = effects.variants
    held_out = variants["part"].isin(["chr8", "chr9"])
    text = ASB_TEXT.format(
        n=len(variants),
        held_out=held_out.sum(),
        share=(variants["measured"] < 0).mean(),
        fold=2 ** variants["measured"].abs().median(),
        least=LEAST_CONCORDANCE,
        least_r=LEAST_R,
        aim=AIM_CONCORDANCE,
        aim_r=AIM_R,
        reached=_list_reached(found, "all"),
        reached_held_out=_list_reached(found, "chr8 and chr9"),
        made_for_it=tell_held_out(found, "ctcf-sites"),
        aim_reached="" if AIM_MARK in _list_reached(found, "all") else "The aim is reached by none.",
        in_motif=variants["in_motif"].sum(),
        motif=MOTIF,
        strong=(~variants["in_motif"] & (variants["measured"].abs() >= 4)).sum(),
    )
    tables = [
        f"### {title}\n\n{build_table(found, ASB, part, ('centred', 'region'), ('concordance', 'pearson', 'spearman'))}"
        for title, part in (
            ("All sites", "all"),
            ("chr8 and chr9", "chr8 and chr9"),
            ("Sites in a motif", "in a motif"),
            ("Sites elsewhere", "elsewhere"),
        )
    ]
    return "\n".join([text, *tables])


def _list_reached(found: Found, part: str) -> str:
    """Return which rows of a part reach what is asked, by r of either scorer."""
    reached = []
    for name, rows in found.items():
        for row in rows:
            if row.effects == ASB and row.part == part:
                concordance, r = (row.figures[figure].value or 0 for figure in ("concordance", "pearson"))
                if concordance >= LEAST_CONCORDANCE and r >= LEAST_R:
                    both = AIM_MARK if concordance >= AIM_CONCORDANCE and r >= AIM_R else ""
                    reached.append(
                        f"- {name} {row.track}, {row.windows}, {row.scorer}: {concordance:.3f}, {r:.3f}{both}"
                    )
    return "\n".join(reached or ["- none"])


def tell_held_out(found: Found, model: str) -> str:
    """Return what a model reaches on the contigs that took no part in any choice, whatever it is."""
    for name, rows in found.items():
        for row in rows:
            place = (row.effects, row.part, row.windows, row.scorer)
            if name.startswith(f"{model}@") and place == (ASB, "chr8 and chr9", "centred", "logit_difference"):
                concordance, r = (show(row.figures[figure]) for figure in ("concordance", "pearson"))
                return (
                    f"There {model}, which was made for such sites, has a concordance of {concordance} and\n"
                    f"an r of {r}, centred, by logit_difference."
                )
    return f"{model} was not measured there."


def _write_elements(found: Found, effects: EffectSet) -> str:
    variants = effects.variants
    key = ["position", "ref", "alt"]
    first, second = (variants[variants["part"] == part].set_index(key)["measured"] for part in ("LDLR", "LDLR.2"))
    shared = pd.concat([first, second], axis=1, join="inner")
    replicates = shared.rank().corr().iloc[0, 1]
    sections = [ELEMENTS_TEXT.format(shared=len(shared), replicates=replicates, counts=_count_elements(found))]
    for element in effects.contigs:
        cell, expected = CELLS[element]
        sections.append(
            f"### {element} ({cell}, {len(effects.contigs[element])} bases)\n\n"
            + build_table(
                found,
                ELEMENTS,
                element,
                ("centred, inside the element", "centred, padded"),
                ("spearman",),
                expected=expected,
            )
        )
    return "\n".join(sections)


def _count_elements(found: Found) -> str:
    """Return how many rows by `difference`, windows inside the element, have an interval beside 0, expected or not."""
    counts = {True: [0, 0, 0], False: [0, 0, 0]}
    for name, rows in list(found.items())[1:]:
        for row in rows:
            interval = row.figures["spearman"].interval if row.effects == ELEMENTS else None
            if interval is not None and row.scorer == "difference" and row.windows.endswith("inside the element"):
                count = counts[name.partition("@")[0] in CELLS[row.part][1]]
                count[0] += 1
                count[1] += interval[0] > 0
                count[2] += interval[1] < 0
    (rows_yes, above_yes, below_yes), (rows_no, above_no, below_no) = counts[True], counts[False]
    return (
        f"By `difference`, inside the element: of the {rows_yes} rows that were expected to match {above_yes} have an "
        f"interval\nabove 0 and {below_yes} one below it; of the other {rows_no} rows {above_no} and {below_no}. "
        "By chance\nalone one in forty would lie on either side."
    )


TITLES = {"pearson": "r", "spearman": "rho", "sign": "sign", "concordance": "concordance"}
SAME_FOR_BOTH = {"sign", "concordance"}
SCORERS = ("difference", "logit_difference")


def build_table(
    found: Found,
    effects: str,
    part: str,
    windows: Sequence[str],
    figures: Sequence[str],
    expected: Sequence[str] | None = None,
) -> str:
    """Return a table of one part of a set: a row a track and place of the window, GC last."""
    head = ["model", "track", *(["expected"] if expected is not None else []), "windows", "n"]
    for figure in figures:
        head += [TITLES[figure]] if figure in SAME_FOR_BOTH else [f"{TITLES[figure]}, {name}" for name in SCORERS]
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    names = list(found)
    for name in [*names[1:], names[0]]:
        rows = [row for row in found[name] if row.effects == effects and row.part == part]
        for track in dict.fromkeys(row.track for row in rows):
            for place in windows:
                chosen = {row.scorer: row for row in rows if (row.track, row.windows) == (track, place)}
                first = next(iter(chosen.values()), None)
                if first is None:
                    continue
                marks = [] if expected is None else ["yes" if name.partition("@")[0] in expected else ""]
                cells = [name, track, *marks, place.removeprefix("centred, "), f"{first.n:,}", *_cells(chosen, figures)]
                lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def _cells(rows: Mapping[str, Benchmark], figures: Iterable[str]) -> Iterator[str]:
    for figure in figures:
        for scorer in SCORERS[:1] if figure in SAME_FOR_BOTH else SCORERS:
            yield show(rows[scorer].figures[figure]) if scorer in rows else "-"


def show(figure: Figure) -> str:
    """Return a value with its interval, two digits."""
    if figure.value is None:
        return "-"
    if figure.interval is None:
        return f"{figure.value:.2f}"
    low, high = figure.interval
    return f"{figure.value:.2f} ({low:.2f} to {high:.2f})"


def describe_machine() -> str:
    """Return processor, system and Python."""
    model = platform.processor() or platform.machine()
    cpus = Path("/proc/cpuinfo")
    if cpus.is_file():
        names = [
            line.partition(":")[2].strip() for line in cpus.read_text().splitlines() if line.startswith("model name")
        ]
        model = f"{len(names)} cores of {names[0]}" if names else model
    return f"{model}, {platform.system()}, Python {platform.python_version()}"


def read_commit() -> str:
    """Return the commit that is checked out, short."""
    found = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False, cwd=Path(__file__).parent
    )
    return found.stdout.strip() or "unknown"
