"""Medians and ratios of rounds. Pure arithmetic on what the rounds told."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

WINDOWS_PER_ALLELE = 2
"""REF's and ALT's; a mutation map's alternative needs its own alone."""


_LEAST_SHARE = 0.1
"""Less than this share of a run left after its start-up tells nothing: what is left is mostly chance."""


@dataclass(frozen=True, slots=True)
class Row:
    """A program in a task, medians over the rounds.

    Attributes:
        rate: Alleles, or alternatives, per second of the whole process.
        of_floor: The rate by the floor of its round.
        steady_of_floor: The same without start-up: what one allele takes is taken away. None where little is left.
        by_processor: As that, by processor time: the seconds that one thread needs for the windows by the program's.
        failure: Why there are no figures.
    """

    name: str
    scored: int = 0
    seconds: float = 0.0
    peak_mb: float = 0.0
    rate: float = 0.0
    of_floor: float = 0.0
    steady_of_floor: float | None = None
    by_processor: float | None = None
    failure: str | None = None


@dataclass(frozen=True, slots=True)
class Floor:
    """The fastest plain form; of each round windows per second, and the processor seconds of one window."""

    form: str
    rates: tuple[float, ...]
    processor_seconds: tuple[float, ...]

    @property
    def rate(self) -> float:
        return median(self.rates)


@dataclass(frozen=True, slots=True)
class StartUp:
    """What a run on one allele takes, medians."""

    seconds: float = 0.0
    processor_seconds: float = 0.0


def fastest_forms(rates: Mapping[str, float], count: int) -> list[str]:
    """Return the names of the fastest forms, fastest first."""
    return sorted(rates, key=lambda name: -rates[name])[:count]


def choose_floor(measured: Sequence[Mapping[str, Any]]) -> Floor:
    """Choose the form with the highest median among those that every round measured.

    Args:
        measured: Of each round, ``rates`` by form and ``processor_seconds``.
    """
    shared = [name for name in measured[0]["rates"] if all(name in floor["rates"] for floor in measured)]
    rates = {name: tuple(float(floor["rates"][name]) for floor in measured) for name in shared}
    best = max(rates, key=lambda name: median(rates[name]))
    return Floor(best, rates[best], tuple(float(floor["processor_seconds"]) for floor in measured))


def summarise_start_up(usages: Sequence[Mapping[str, Any]]) -> StartUp:
    """Return the medians of the runs on one allele that did not fail."""
    whole = [usage for usage in usages if "failed" not in usage]
    if not whole:
        return StartUp()
    return StartUp(median(usage["seconds"] for usage in whole), median(usage["processor_seconds"] for usage in whole))


def summarise(
    name: str, usages: Sequence[Mapping[str, Any]], floor: Floor, start_up: StartUp, windows_per_score: int
) -> Row:
    """Return the medians of a program; a round that failed makes the whole row a failure.

    Args:
        usages: Of each round of the floor, a usage or ``failed``.
        windows_per_score: How many windows the plain way needs for one score.
    """
    failures = [str(usage["failed"]) for usage in usages if "failed" in usage]
    if failures:
        return Row(name, failure=failures[0])
    windows = [usage["scored"] * windows_per_score for usage in usages]
    seconds = [usage["seconds"] for usage in usages]
    processor = [usage["processor_seconds"] for usage in usages]
    by_clock = [count / rate for count, rate in zip(windows, floor.rates, strict=True)]
    by_processor = [count * each for count, each in zip(windows, floor.processor_seconds, strict=True)]
    return Row(
        name,
        scored=int(usages[0]["scored"]),
        seconds=median(seconds),
        peak_mb=max(usage["peak_mb"] for usage in usages),
        rate=median(usage["scored"] / usage["seconds"] for usage in usages),
        of_floor=median(plain / took for plain, took in zip(by_clock, seconds, strict=True)),
        steady_of_floor=_divide_steady(by_clock, seconds, start_up.seconds),
        by_processor=_divide_steady(by_processor, processor, start_up.processor_seconds),
    )


def _divide_steady(plain: Sequence[float], taken: Sequence[float], start_up: float) -> float | None:
    """Return the median ratio without start-up, None where a round had little else."""
    if any(took - start_up < _LEAST_SHARE * took for took in taken):
        return None
    return median(one / (took - start_up) for one, took in zip(plain, taken, strict=True))
