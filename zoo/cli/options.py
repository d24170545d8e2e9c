"""What several commands read from their options in the same way."""

from __future__ import annotations

from collections.abc import Sequence

import typer


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
    """Read values as YAML does: numbers, true and false, else text."""
    import yaml

    try:
        pairs = parse_pairs(options, "--scorer-option", "NAME=VALUE")
        return {name: yaml.safe_load(value) for name, value in pairs.items()}
    except yaml.YAMLError as error:
        raise typer.BadParameter("expected a number, a word, true or false", param_hint="--scorer-option") from error


def parse_shifts(text: str) -> tuple[int, ...]:
    """Return the whole numbers of a list such as -2,0,2."""
    try:
        return tuple(int(part) for part in text.split(","))
    except ValueError as error:
        raise typer.BadParameter(
            f"expected whole numbers, as in -2,0,2, found {text!r}", param_hint="--shifts"
        ) from error
