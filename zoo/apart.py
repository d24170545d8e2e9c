"""Runs a function in a process of its own, which may hang or crash without taking this one along."""

from __future__ import annotations

import faulthandler
import importlib
import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from typing import IO, Any

from zoo.errors import ZooError

_GRACE = 1.0  # seconds over the limit after which a process ends itself, for its parent may have been killed
_SHOWN = 300  # letters of what a process said last


@dataclass(frozen=True, slots=True)
class Answer:
    """What a function returned, or why it did not.

    Attributes:
        value: What it returned, as JSON carries it.
        error: Why there is no value, in one line.
        kind: The class of the error that it raised; empty where the process hung or crashed.
    """

    value: Any = None
    error: str = ""
    kind: str = ""


def run_apart(function: str, arguments: Sequence[object], limit: float) -> Answer:
    """Call a function in a process of its own.

    Args:
        function: ``module:name``.
        arguments: What JSON can carry.
        limit: Seconds after which the process is killed.
    """
    with tempfile.TemporaryFile() as said:
        # -P: a folder of our name where the command runs must not be imported in our place.
        command = [sys.executable, "-P", "-m", __name__, function, json.dumps(list(arguments)), str(limit)]
        try:
            done = subprocess.run(
                command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=said, timeout=limit, check=False
            )
        except subprocess.TimeoutExpired:
            return Answer(error=f"no answer within {limit:g} s; its process was ended")
        except OSError as error:
            return Answer(error=f"no process can be started: {error.strerror}")
        try:
            return Answer(**json.loads(done.stdout))
        except (TypeError, ValueError):
            return Answer(error=_explain(done.returncode, said))


def _explain(status: int, said: IO[bytes]) -> str:
    """Tell how a process ended that gave no answer."""
    said.seek(max(0, said.seek(0, os.SEEK_END) - _SHOWN))
    last = " ".join(said.read().decode("utf-8", "replace").split())
    if status < 0:
        try:
            ended = f"its process was ended by {signal.Signals(-status).name}"
        except ValueError:
            ended = f"its process was ended by signal {-status}"
    else:
        ended = f"its process ended with status {status} and no answer"
    return f"{ended}: {last}" if last else ended


def _answer(function: str, arguments: Sequence[object]) -> dict[str, Any]:
    module, _, name = function.partition(":")
    try:
        return {"value": getattr(importlib.import_module(module), name)(*arguments)}
    except ZooError as error:
        return {"error": " ".join(str(error).split()), "kind": type(error).__name__}
    except Exception as error:  # noqa: BLE001 - it is told as the answer
        return {"error": f"{type(error).__name__}: {' '.join(str(error).split())}", "kind": type(error).__name__}


def _main(function: str, arguments: str, limit: str) -> None:
    faulthandler.dump_traceback_later(float(limit) + _GRACE, exit=True)
    # Libraries print to the standard output, which is for the answer alone.
    with os.fdopen(os.dup(1), "w", encoding="utf-8") as answers:
        os.dup2(2, 1)
        json.dump(_answer(function, json.loads(arguments)), answers)
    os._exit(0)  # libraries of devices may crash while they are taken down


if __name__ == "__main__":
    _main(*sys.argv[1:])
