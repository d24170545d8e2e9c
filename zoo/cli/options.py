"""The options that several commands have in common, and what is read from them in the same way."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import Annotated, TypeAlias

import typer

Models: TypeAlias = Annotated[
    list[str], typer.Option("-m", "--model", help="Model: a name, name@version or folder; may be repeated.")
]
CallingGenome: TypeAlias = Annotated[
    Path, typer.Option("-f", "--genome", "--fasta", help="Genome that they were called on, FASTA, plain or BGZF.")
]
Scorer: TypeAlias = Annotated[
    str | None, typer.Option(help="How ALT is compared with REF; by default what the model's card says.")
]
ScorerOptions: TypeAlias = Annotated[
    list[str] | None,
    typer.Option(metavar="NAME=VALUE", help="A field of the scorer's configuration; may be repeated."),
]
Tracks: TypeAlias = Annotated[
    list[str] | None,
    typer.Option(metavar="TRACK|MODEL:TRACK", help="Score these tracks alone; may be repeated."),
]
WindowRegions: TypeAlias = Annotated[
    Path | None,
    typer.Option(metavar="BED", help="Windows stand at these regions, on their strand, not around each allele."),
]
Shifts: TypeAlias = Annotated[
    str, typer.Option(metavar="N,N…", help="Average predictions over windows moved so many bases: --shifts=-2,0,2.")
]
Device: TypeAlias = Annotated[str, typer.Option(help="auto, cpu, cuda or tensorrt.")]
Threads: TypeAlias = Annotated[
    int | None, typer.Option(min=1, max=1024, help="Processors to use; by default all that the container grants.")
]


class EngineChoice(StrEnum):
    """How much of a network runs for an allele."""

    auto = "auto"
    full = "full"
    incremental = "incremental"


def parse_pairs(options: Sequence[str], hint: str, form: str) -> dict[str, str]:
    """Return the two sides of options such as NAME=KEY; ``hint`` is the option, ``form`` what it expects."""
    pairs = {}
    for option in options:
        name, separator, value = option.partition("=")
        if not (name and separator and value):
            raise typer.BadParameter(f"expected {form}, found {option!r}", param_hint=hint)
        if name in pairs:
            raise typer.BadParameter(f"names {name!r} twice; name it once", param_hint=hint)
        pairs[name] = value
    return pairs


def parse_scorer_options(options: Sequence[str]) -> dict[str, object]:
    """Read values as what they look like: numbers, true and false, else text."""
    return {name: _parse_value(text) for name, text in parse_pairs(options, "--scorer-option", "NAME=VALUE").items()}


def _parse_value(text: str) -> object:
    if text.lower() in {"true", "false"}:
        return text.lower() == "true"
    for kind in (int, float):
        with contextlib.suppress(ValueError):
            return kind(text)
    return text


def parse_shifts(text: str) -> tuple[int, ...]:
    """Return the whole numbers of a list such as -2,0,2."""
    try:
        return tuple(int(part) for part in text.split(","))
    except ValueError as error:
        raise typer.BadParameter(
            f"expected whole numbers, as in -2,0,2, found {text!r}", param_hint="--shifts"
        ) from error
