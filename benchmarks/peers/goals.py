"""What the incremental engine must reach, beside what was measured."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from benchmarks.peers.statistics import Row
from benchmarks.peers.table import Section
from benchmarks.peers.tasks import LOOP_MAPS, TANGERMEME_MAPS, ZOO, ZOO_MAPS


@dataclass(frozen=True, slots=True)
class Goal:
    """A ratio that a program should reach in a task.

    Attributes:
        against: ``floor``, ``best peer``, or the name of a row of the same task.
        at_least: The ratio.
    """

    task: str
    program: str
    against: str
    at_least: float


_AUTO, _MUTATE = ZOO[1].name, ZOO_MAPS[1].name

GOALS = (
    Goal("indels-basset", _AUTO, "floor", 1.5),
    Goal("indels-basset", _AUTO, "best peer", 2.5),
    Goal("snvs-basset", _AUTO, "floor", 1.7),
    Goal("indels-deepsea", _AUTO, "floor", 1.5),
    Goal("cohort-34-basset", _AUTO, "floor", 3.0),
    Goal("cohort-5-basset", _AUTO, "floor", 6.0),
    Goal("maps-basset", _MUTATE, LOOP_MAPS.name, 15.0),
    Goal("maps-deepsea", _MUTATE, LOOP_MAPS.name, 12.0),
    Goal("maps-basset", _MUTATE, TANGERMEME_MAPS.name, 4.0),
)


def describe_goals(sections: Mapping[str, Section]) -> list[str]:
    """Return the lines of a table: each goal, and what was measured, as in the tasks' own tables."""
    lines = ["| what | at least | measured | no start-up | by processor time |", "|---|---|---|---|---|"]
    for goal in GOALS:
        section = sections.get(goal.task)
        if section is None:
            continue
        rows = {row.name: row for row in section.rows if row.failure is None}
        found = _measure(goal, section, rows)
        shown = ["not measured", "", ""] if found is None else [_show(ratio) for ratio in found]
        what = f"{section.title}: {goal.program} by {goal.against}"
        lines.append(f"| {what} | {goal.at_least:g} | {' | '.join(shown)} |")
    return lines if len(lines) > 2 else []


def _measure(goal: Goal, section: Section, rows: Mapping[str, Row]) -> tuple[float | None, ...] | None:
    """Return the ratios of whole processes, without start-up, and by processor time; None without either row."""
    row = rows.get(goal.program)
    if row is None:
        return None
    if goal.against == "floor":
        return _ratios(row)
    if goal.against == "best peer":
        others = [other for other in rows.values() if other.name in section.peers]
    else:
        others = [other for other in rows.values() if other.name == goal.against]
    if not others:
        return None
    # Each column has its own best: a peer that starts slowly may be the fastest once it runs.
    best = [max((value or 0.0 for value in column), default=0.0) for column in zip(*map(_ratios, others), strict=True)]
    return tuple(own / of_best if own and of_best else None for own, of_best in zip(_ratios(row), best, strict=True))


def _ratios(row: Row) -> tuple[float | None, float | None, float | None]:
    return row.of_floor, row.steady_of_floor, row.by_processor


def _show(ratio: float | None) -> str:
    return "" if ratio is None else f"{ratio:.2f}"
