"""The command ``zoo``: one file a command, which parses, makes one call into the library, and prints.

Exit status: 0 done, 1 a ``ZooError`` (one line on the standard error), 2 wrong usage, 130 interrupted, 129 and 143
ended by SIGHUP and SIGTERM.
"""

from __future__ import annotations

import atexit
import contextlib
import functools
import importlib
import io
import logging
import math
import os
import pkgutil
import signal
import sys
import threading
import time
import traceback
import warnings
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Annotated, Any, NoReturn, TextIO

import typer

from zoo import __version__
from zoo.errors import ZooError, near_match

if TYPE_CHECKING:
    from typing_extensions import Buffer

_SHARED = {"annotate_report", "component_page", "options", "progress", "summary_file", "tables"}
"""Modules of this folder that are no commands."""

_RENAMED = {"list_models": "list"}


def _find_verbs() -> dict[str, str]:
    """Return the commands by what they are called: every other module of this folder is one."""
    names = sorted(module.name for module in pkgutil.iter_modules(__path__))
    return {_RENAMED.get(name, name.replace("_", "-")): name for name in names if name not in _SHARED}


VERBS = _find_verbs()
"""Verb → module below ``zoo.cli`` with a function of the module's name.

For the help it has an ``EXAMPLE``, and a ``SUMMARY`` that is short enough for a narrow terminal.
"""

TRACEBACK_VARIABLE = "ZOO_TRACEBACK"

UNWRITABLE = "standard output: can't be written"

_INTERRUPTED = 130
_CLEARING_UP = 5.0  # seconds that an ended command may take before another signal ends that, too
_PRESSED_AGAIN = 1.0  # likewise before a further Ctrl-C does, which nobody's scheduler presses
_MONITORING_TOOLS = 6  # that Python has room for
_ENDING = [getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name)]  # Windows lacks one


def run() -> NoReturn:
    """Run the command that this process was started for, and end the process with its exit status.

    Networks, compilers and tables are not taken apart one by one, which takes up to half a second: the operating system
    has the memory back at once.
    """
    try:
        status = main()
    except KeyboardInterrupt:  # before the command, or behind it
        status = _INTERRUPTED
    if _is_watched():  # who watches has something to write
        sys.exit(status)
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, signal.SIG_DFL)  # Python would tell where in the clearing up it was
    for each in _ENDING:
        signal.signal(each, signal.SIG_IGN)  # it ends
    atexit._run_exitfuncs()  # noqa: SLF001 - temporary folders are removed there, and there is no public name
    with contextlib.suppress(OSError, AttributeError):
        sys.stderr.flush()
    os._exit(status)


def _is_watched() -> bool:
    """Return whether a debugger or profiler, or a prompt behind the command, needs the process as it is."""
    monitoring = getattr(sys, "monitoring", None)  # from Python 3.12 on
    tools = monitoring is not None and any(monitoring.get_tool(number) for number in range(_MONITORING_TOOLS))
    return sys.gettrace() is not None or sys.getprofile() is not None or tools or bool(sys.flags.inspect)


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit status."""
    arguments = sys.argv[1:] if argv is None else list(argv)
    _prepare_streams()
    if sys.stdout is None:
        _print_error("error: standard output is closed: open it, or send it to a file")
        return 1
    if arguments and not arguments[0].startswith("-") and arguments[0] not in VERBS:
        _print_error(f"error: no command {arguments[0]!r}{near_match(arguments[0], VERBS)} (see zoo --help)")
        return 2
    with warnings.catch_warnings(), _printing_log(), _ending_as_interrupted() as came:
        warnings.showwarning = functools.partial(_show_warning, set())
        try:
            status = _run_command(arguments)
        except KeyboardInterrupt:  # behind the command, while an error was told or a stream flushed
            status = _INTERRUPTED
    return 128 + came[0] if came and status == _INTERRUPTED else status


@contextlib.contextmanager
def _ending_as_interrupted() -> Iterator[list[int]]:
    """Let SIGTERM and SIGHUP end a command as Ctrl-C does, so that it clears up; give the number of the one that came.

    Further ones that follow soon are ignored, Ctrl-C as well, or they would end the clearing up: schedulers send them
    to a process and to its group. Later ones are heard again: the first may have come where Python passes over it.
    """
    came: list[int] = []
    # Who runs us as a library may have plans of its own, and nohup has.
    heard = threading.current_thread() is threading.main_thread()
    ours: dict[int, Any] = {
        number: signal.SIG_DFL for number in _ENDING if heard and signal.getsignal(number) is signal.SIG_DFL
    }
    if heard and signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        ours[signal.SIGINT] = signal.default_int_handler
    heard_at = -math.inf

    def interrupt(number: int, _: object) -> None:
        nonlocal heard_at
        now = time.monotonic()
        if now - heard_at < (_PRESSED_AGAIN if number == signal.SIGINT else _CLEARING_UP):
            return
        heard_at = now
        if number != signal.SIGINT:
            came.append(number)
        raise KeyboardInterrupt

    try:
        for each in ours:
            signal.signal(each, interrupt)
        yield came
    finally:
        for each, handler in ours.items():
            signal.signal(each, handler)


def _run_command(arguments: Sequence[str]) -> int:
    try:
        _build_command(arguments).main(args=list(arguments), prog_name="zoo")
    except SystemExit as stop:
        return _flush(stop.code if isinstance(stop.code, int) else int(stop.code is not None))
    except KeyboardInterrupt:
        return _flush(_INTERRUPTED)
    except ZooError as error:
        _print_error(f"error: {error}")
    except BrokenPipeError:
        pass
    except Exception as error:  # noqa: BLE001 - a bug still gets one line
        if _holds_interruption(error):
            return _flush(_INTERRUPTED)
        _print_unforeseen(error)
    return _flush(1)


def _holds_interruption(error: BaseException | None) -> bool:
    """Return whether an error is a signal's, which Python and others may wrap in one of their own."""
    while error is not None:
        if isinstance(error, KeyboardInterrupt):
            return True
        error = error.__cause__ or error.__context__
    return False


def _prepare_streams() -> None:
    """Make the standard streams fit for whatever is printed, however the shell left them."""
    if None in (sys.stdin, sys.stdout, sys.stderr):
        # The next file opened would get the closed descriptor, and what a library prints there would land in it.
        with contextlib.suppress(OSError):
            while (number := os.open(os.devnull, os.O_RDWR)) <= 2:
                pass
            os.close(number)
    if sys.stderr is None:
        sys.stderr = open(2, "w", closefd=False)  # noqa: SIM115 - a descriptor, open until the end
    own = sys.__stdout__
    # A terminal is never full; a notebook or a test has put something else there.
    if own is not None and sys.stdout is own and not own.isatty():
        with contextlib.suppress(OSError):
            own.flush()
        # Under PYTHONUNBUFFERED text goes to the bare descriptor, whose writes may be short without a word.
        whole = io.BufferedWriter(_StandardOutput(own.fileno(), "wb", closefd=False))
        at_once = isinstance(own.buffer, io.RawIOBase)
        sys.stdout = io.TextIOWrapper(whole, encoding=own.encoding, line_buffering=at_once)
    if sys.stderr is sys.__stderr__ and isinstance(sys.stderr, io.TextIOWrapper) and not sys.stderr.isatty():
        told = io.BufferedWriter(_StandardError(sys.stderr.fileno(), "wb", closefd=False))
        sys.stderr = io.TextIOWrapper(told, encoding=sys.stderr.encoding, line_buffering=True)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


class _StandardOutput(io.FileIO):
    """A descriptor whose errors tell that it was the standard output which failed, not some other file."""

    def write(self, content: Buffer, /) -> int:
        try:
            return super().write(content)
        except OSError as error:
            error.filename = UNWRITABLE
            raise


class _StandardError(io.FileIO):
    """A descriptor that takes what nobody can read: a result is no worse for a note about it that is lost."""

    def write(self, content: Buffer, /) -> int:
        with contextlib.suppress(OSError):
            return super().write(content)
        return len(memoryview(content))


def _build_command(arguments: Sequence[str]) -> typer.core.TyperGroup:
    """Load the command that was asked for, or all of them for the help."""
    settings = {"help_option_names": ["-h", "--help"]}
    app = typer.Typer(
        add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False, context_settings=settings
    )
    app.callback()(_zoo)
    asked = arguments[0] if arguments else ""
    for verb in (asked,) if asked in VERBS else VERBS:
        module = importlib.import_module(f"zoo.cli.{VERBS[verb]}")
        # The line of \b keeps the lines of the example as they are.
        epilog = f"\b\nExample:\n  {module.EXAMPLE}"
        run = _keep_end_of_file(getattr(module, VERBS[verb]))
        app.command(verb, short_help=module.SUMMARY, epilog=epilog)(run)
    command = typer.main.get_command(app)
    assert isinstance(command, typer.core.TyperGroup)  # noqa: S101 - an app with a callback is a group
    return command


def _keep_end_of_file(run: Callable[..., None]) -> Callable[..., None]:
    """Let an EOFError be told as any other fault: the framework would say `Aborted!` and nothing more."""

    @functools.wraps(run)
    def run_all(*arguments: Any, **options: Any) -> None:
        try:
            run(*arguments, **options)
        except EOFError as error:
            raise RuntimeError(f"a file ended too early: {error}") from error

    return run_all


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
    """Flush the standard output; a reader that went away is no fault of ours and gets no message."""
    try:
        sys.stdout.flush()
    except OSError as error:
        if not isinstance(error, BrokenPipeError):
            _print_error(f"error: {UNWRITABLE}: {error.strerror or error}")
        _discard(sys.stdout)
        return 1
    return status


def _discard(stream: TextIO) -> None:
    """Send what a stream still holds nowhere, or Python would try again at exit and tell of it."""
    with contextlib.suppress(OSError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)


def _print_unforeseen(error: Exception) -> None:
    """Print what the operating system refused, where no message of ours tells of it, or a bug."""
    if os.environ.get(TRACEBACK_VARIABLE):
        traceback.print_exc()
    if isinstance(error, OSError) and error.errno is not None:
        named = "" if error.filename is None else f"{os.fsdecode(error.filename)}: "
        _print_error(f"error: {named}{error.strerror or error}")
        if error.filename == UNWRITABLE:
            _discard(sys.stdout)
        return
    if isinstance(error, MemoryError):
        _print_error("error: not enough memory")
        return
    message = " ".join(str(error).split())
    _print_error(
        f"internal error: {type(error).__name__}: {message}; this is a bug, please report it with what "
        f"{TRACEBACK_VARIABLE}=1 shows"
    )


def _print_error(message: str) -> None:
    try:
        print(f"zoo: {' '.join(message.splitlines())}", file=sys.stderr)
    except OSError:
        _discard(sys.stderr)


@contextlib.contextmanager
def _printing_log() -> Iterator[None]:
    """Print what the library's logger warns of as every warning, unless somebody else listens to it."""
    logger = logging.getLogger("zoo")
    if logger.handlers:
        yield
        return
    printer = _LogPrinter(logging.WARNING)
    logger.addHandler(printer)
    try:
        yield
    finally:
        logger.removeHandler(printer)


class _LogPrinter(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        _print_error(f"warning: {record.getMessage()}")


def _show_warning(told: set[str], message: Warning | str, *_: object, **__: object) -> None:
    """Print a warning, once in a command: what several models need may fail for each of them."""
    text = str(message)
    if text not in told:
        told.add(text)
        _print_error(f"warning: {text}")
