"""Writes what was measured as one page, `benchmarks/RESULTS.md`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from benchmarks.peers.statistics import Floor, Row

_COLUMNS = ("of the floor", "no start-up", "by processor time", "of the best peer", "peak MB", "largest difference")
_EXPLANATION = """\
Every row is a process of its own, from its start to its end, with the same weights and the same list; all write every
track of every allele. Figures are medians over the rounds. The floor is `session.run` alone on both alleles' windows
(for maps, on each alternative's), nothing around it, in the fastest form and batch that was found; ratios to it are
medians of each round's own. “No start-up” takes away what the same program needs for one allele; “by processor time” is
that ratio in seconds of the processor, which others on the machine hardly change: what one thread needs for the windows
by what the program took. Peak memory is that of the largest process. The largest difference is that from a plain
reference, relative to the largest prediction, with the variant where the program puts it; the peers' over SNVs only."""

_BUSY = """\
**Others used the machine during this run:** seconds, and ratios by the clock, are worth little; those by processor time
can be read."""


@dataclass(frozen=True, slots=True)
class Section:
    """One task's table.

    Attributes:
        peers: The rows that others made.
        differences: The largest difference from the reference, by program.
        commands: By program, without the folders of this machine.
        earlier: Programs whose figures are those of an earlier run, beside the floor of that run.
    """

    title: str
    floor: Floor
    rows: Sequence[Row]
    windows_per_score: int
    peers: frozenset[str] = frozenset()
    differences: Mapping[str, float] = field(default_factory=dict)
    commands: Mapping[str, str] = field(default_factory=dict)
    earlier: frozenset[str] = frozenset()
    is_start_up: bool = False

    @property
    def best_peer(self) -> float:
        """The highest of the peers' ratios to the floor, whole processes; 0 where none was measured."""
        return max((row.of_floor for row in self.rows if row.name in self.peers and row.failure is None), default=0.0)


@dataclass(frozen=True, slots=True)
class Setting:
    """Where and how the figures came about."""

    machine: str
    commit: str
    rounds: int
    records: int
    threads: int
    loads: Sequence[float]
    versions: Mapping[str, str]
    command: str


def render_page(setting: Setting, sections: Sequence[Section], goals: Sequence[str], gpu: str) -> str:
    """Return the whole page as Markdown."""
    parts = [
        "# Beside other programs, whole processes",
        _describe(setting),
        "\n".join(goals) if goals else "",
        _render_start_up([section for section in sections if section.is_start_up]),
        *(render_section(section) for section in sections if not section.is_start_up),
        "## On a GPU",
        gpu,
        "## Commands",
        _list_commands(sections),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def render_section(section: Section) -> str:
    """Return a task's heading and table."""
    unit = "alleles/s" if section.windows_per_score == 2 else "alternatives/s"
    floor = section.floor.rate / section.windows_per_score
    columns = ["program", "scored", "s", unit, *_COLUMNS]
    lines = [
        f"## {section.title}",
        "",
        f"| {' | '.join(columns)} |",
        "|---" * len(columns) + "|",
        f"| floor: `session.run`, {section.floor.form} a batch | | | {_figure(floor)} | 1 | 1 | 1 | | | |",
        *(_render_row(row, section) for row in section.rows),
    ]
    return "\n".join(lines)


def _render_start_up(sections: Sequence[Section]) -> str:
    """Return one table of what one allele takes, a column for each model."""
    if not sections:
        return ""
    lines = [
        "## Start-up",
        "",
        f"| program | {' | '.join(f'{section.title}, s' for section in sections)} |",
        "|---" * (len(sections) + 1) + "|",
    ]
    for name in dict.fromkeys(row.name for section in sections for row in section.rows):
        rows = [next((row for row in section.rows if row.name == name), None) for section in sections]
        shown = ["" if row is None or row.failure is not None else f"{row.seconds:.1f}" for row in rows]
        lines.append(f"| {name} | {' | '.join(shown)} |")
    return "\n".join(lines)


def _render_row(row: Row, section: Section) -> str:
    name = f"{row.name} (earlier run)" if row.name in section.earlier else row.name
    if row.failure is not None:
        return f"| {name} | {_one_line(row.failure)} | | | | | | | | |"
    difference = section.differences.get(row.name)
    values = [
        name,
        f"{row.scored:,}",
        f"{row.seconds:.1f}",
        _figure(row.rate),
        *map(_ratio, (row.of_floor, row.steady_of_floor, row.by_processor)),
        _ratio(row.of_floor / section.best_peer if section.best_peer else None),
        f"{row.peak_mb:,.0f}",
        "" if difference is None else f"{difference:.1e}",
    ]
    return f"| {' | '.join(values)} |"


def _describe(setting: Setting) -> str:
    loads = sorted(setting.loads)
    load = f"{loads[0]:.1f} to {loads[-1]:.1f}" if loads else "unknown"
    # Its own programs make a load of as many as there are threads.
    busy = f"\n\n{_BUSY}" if loads and loads[-1] > setting.threads + 1 else ""
    versions = ", ".join(f"{name} {version}" for name, version in setting.versions.items())
    how = (
        f"`{setting.command}` wrote this page: commit `{setting.commit}`, {setting.machine}, "
        f"{setting.threads} threads, {setting.rounds} rounds in which all take their turn, "
        f"lists of {setting.records:,} records. Load before each task: {load}. {versions}."
    )
    return f"{how}\n\n{_EXPLANATION}{busy}"


def _list_commands(sections: Sequence[Section]) -> str:
    """Return a line for each program: its commands differ in model and list alone."""
    commands = {name: command for section in reversed(sections) for name, command in section.commands.items()}
    return "\n".join(f"- {name}: `{command}`" for name, command in sorted(commands.items()))


def _ratio(value: float | None) -> str:
    return "" if value is None else f"{value:.2f}"


def _figure(rate: float) -> str:
    return f"{rate:,.0f}" if rate >= 100 else f"{rate:.1f}"


def _one_line(text: str) -> str:
    return " ".join(text.replace("|", "/").split())
