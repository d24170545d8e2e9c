"""Runs a function in a process of its own, which may hang or crash without taking this one along."""

from __future__ import annotations

import contextlib
import faulthandler
import importlib
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import IO, Any

from zoo.errors import ZooError

_GRACE = 1.0  # seconds over the limit after which a process ends itself, for its parent may have been killed
_SHOWN = 300  # letters of what a process said last
_SECRET = re.compile("PASSWORD|PASSPHRASE|SECRET|TOKEN|KEY|CREDENTIAL", re.IGNORECASE)
"""Names of variables that a process needs not see which may run what strangers made."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a function returned, or why it did not.

    Attributes:
        value: What it returned, as JSON carries it.
        error: Why there is no value, in one line.
        kind: The class of the error that it raised; empty where the process hung or crashed.
        signal: The name of what ended the process, if it was ended so: ``SIGSEGV``.
        hung: Whether it was ended because it took too long.
    """

    value: Any = None
    error: str = ""
    kind: str = ""
    signal: str = ""
    hung: bool = False


def run_apart(
    function: str, arguments: Sequence[object], limit: float, variables: Mapping[str, str] | None = None
) -> Answer:
    """Call a function in a process of its own, which sees no passwords and keys of its user's.

    Args:
        function: ``module:name``.
        arguments: What JSON can carry.
        limit: Seconds after which the process is killed.
        variables: Of its environment, beside or instead of those of this process.
    """
    environment = {name: value for name, value in os.environ.items() if not _SECRET.search(name)}
    environment |= {"PYTHONDONTWRITEBYTECODE": "1", **(variables or {})}
    with tempfile.TemporaryFile() as said:
        # -P: a folder of our name where the command runs must not be imported in our place.
        command = [sys.executable, "-P", "-m", __name__, function, json.dumps(list(arguments)), str(limit)]
        try:
            done = subprocess.run(
                command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=said,
                timeout=limit,
                env=environment,
                check=False,
            )
        except subprocess.TimeoutExpired:
            return Answer(error=f"no answer within {limit:g} s; its process was ended", hung=True)
        except OSError as error:
            return Answer(error=f"no process can be started: {error.strerror or error}")
        if done.returncode == 0:
            with contextlib.suppress(TypeError, ValueError):
                told = json.loads(done.stdout)
                if "value" in told or "error" in told:
                    return Answer(**told)
        return _explain(done.returncode, said)


def _explain(status: int, said: IO[bytes]) -> Answer:
    """Tell how a process ended that gave no answer, or ended badly after it."""
    said.seek(max(0, said.seek(0, os.SEEK_END) - _SHOWN))
    last = " ".join(said.read().decode("utf-8", "replace").split())
    name = ""
    if status < 0:
        try:
            name = signal.Signals(-status).name
        except ValueError:
            name = f"signal {-status}"
        ended = f"its process was ended by {name}"
    else:
        ended = f"its process ended with status {status} and no answer"
    return Answer(error=f"{ended}: {last}" if last else ended, signal=name)


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
