"""The command ``zoo``: one file a command, which parses, makes one call into the library, and prints.

Exit status: 0 done, 1 a ``ZooError`` (one line on the standard error), 2 wrong usage, 130 interrupted.
"""

from __future__ import annotations

import importlib
import os
import sys
import traceback
import warnings
from collections.abc import Sequence
from typing import Annotated

import typer

from zoo import __version__
from zoo.errors import ZooError, near_match

VERBS = {
    "annotate": "annotate",
    "predict": "predict",
    "train": "train",
    "test": "test",
    "list": "list_models",
    "info": "info",
    "plugins": "plugins",
}
"""Verb → module below ``zoo.cli`` with a function of the module's name, and an ``EXAMPLE`` for its help."""

SUMMARIES = {
    "annotate": "score every ALT allele of a VCF",
    "predict": "predict sequences or regions",
    "train": "train a model by a recipe",
    "test": "check a model's files, and recompute its example",
    "list": "list the models",
    "info": "show a model's card",
    "plugins": "list loaders, architectures and scorers",
}
"""What the list of commands says of each, short enough for a narrow terminal."""

TRACEBACK_VARIABLE = "ZOO_TRACEBACK"


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit status."""
    arguments = sys.argv[1:] if argv is None else list(argv)
    if sys.stdout is None:
        _print_error("error: standard output is closed: open it, or send it to a file")
        return 1
    if arguments and not arguments[0].startswith("-") and arguments[0] not in VERBS:
        _print_error(f"error: no command {arguments[0]!r}{near_match(arguments[0], VERBS)} (see zoo --help)")
        return 2
    with warnings.catch_warnings():
        warnings.showwarning = _show_warning
        try:
            _build_command(arguments).main(args=arguments, prog_name="zoo")
        except SystemExit as stop:
            return _flush(stop.code if isinstance(stop.code, int) else int(stop.code is not None))
        except KeyboardInterrupt:
            return 130
        except BrokenPipeError:
            return _flush(1)
        except ZooError as error:
            _print_error(f"error: {error}")
        except Exception as error:  # noqa: BLE001 - a bug still gets one line
            if os.environ.get(TRACEBACK_VARIABLE):
                traceback.print_exc()
            message = " ".join(str(error).split())
            _print_error(
                f"internal error: {type(error).__name__}: {message}; this is a bug, please report it with what "
                f"{TRACEBACK_VARIABLE}=1 shows"
            )
    return 1


def _build_command(arguments: Sequence[str]) -> typer.core.TyperGroup:
    """Load the command that was asked for, or all of them for the help."""
    app = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)
    app.callback()(_zoo)
    asked = arguments[0] if arguments else ""
    for verb in (asked,) if asked in VERBS else VERBS:
        module = importlib.import_module(f"zoo.cli.{VERBS[verb]}")
        # The line of \b keeps the lines of the example as they are.
        epilog = f"\b\nExample:\n  {module.EXAMPLE}"
        app.command(verb, short_help=SUMMARIES[verb], epilog=epilog)(getattr(module, VERBS[verb]))
    command = typer.main.get_command(app)
    assert isinstance(command, typer.core.TyperGroup)  # noqa: S101 - an app with a callback is a group
    return command


def _show_version(asked: bool) -> None:
    if asked:
        print(f"zoo {__version__}")
        raise typer.Exit


def _zoo(
    *,
    version: Annotated[
        bool, typer.Option("--version", help="Show the version and exit.", is_eager=True, callback=_show_version)
    ] = False,
) -> None:
    """A model zoo for regulatory genomics: annotate variants, predict, train, and look after the models."""


def _flush(status: int) -> int:
    """Flush the standard output; a reader that went away is no fault of ours and gets no traceback at exit."""
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    return status


def _print_error(message: str) -> None:
    print(f"zoo: {' '.join(message.splitlines())}", file=sys.stderr)


def _show_warning(message: Warning | str, *_: object, **__: object) -> None:
    _print_error(f"warning: {message}")
