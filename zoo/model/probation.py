"""Whether a stranger's model may be used: every check, and one prediction, in a process that may fail for us.

ONNX Runtime and ONNX are written in C++: a file that finds a fault in them ends the process that reads it. So a model
that came from elsewhere is tried in a child, with bounds on its memory and its time, before anybody relies on it.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import subprocess  # it starts this module, and nothing else
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import zoo.errors
from zoo.errors import MissingExtra, ModelError, UnsafeModel, ZooError
from zoo.model.card import Card, read_card
from zoo.model.checksums import verify_checksums
from zoo.model.folder import CARD_FILE, NETWORK_FILE
from zoo.model.limits import GIB, HELD_BYTES
from zoo.model.opening import import_onnxruntime, open_graph
from zoo.model.safety import examine_onnx
from zoo.model.sizes import Need

if TYPE_CHECKING:
    import onnx

_SECONDS = 600  # by the clock
_PROCESSOR_SECONDS = 60
_WORK_A_SECOND = 2e9  # multiplications that a slow processor does
_BASE_BYTES = 4 * GIB  # for Python, ONNX Runtime and what it needs besides
_COPIES = 4  # of the network's file: as bytes, parsed, written for ONNX Runtime, and in its memory
_DONE = "examined"
_SECRET = re.compile(
    "PASSWORD|PASSPHRASE|SECRET|TOKEN|KEY|CREDENTIAL", re.IGNORECASE
)  # names that a child needs not see


def examine(folder: Path) -> None:
    """Check a model folder that came from elsewhere: files, card, network, and that it predicts one window.

    Raises:
        ModelError: It is not what its SHA256SUMS lists, its card is wrong, its network is unsafe, or does not run.
    """
    command = [sys.executable, "-P", "-m", "zoo.model.probation", str(folder.absolute())]
    environment = {
        **{name: value for name, value in os.environ.items() if not _SECRET.search(name)},
        "OMP_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    try:
        found = subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, timeout=_SECONDS, env=environment, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise UnsafeModel(f"{folder}: expected a prediction within {_SECONDS} s, waited longer") from error
    except OSError as error:
        raise ModelError(f"{folder}: can't be examined: {error.strerror or error}") from error
    _judge(folder, found)


def _judge(folder: Path, found: subprocess.CompletedProcess[bytes]) -> None:
    """Raise what the child found, which it tells in its last line."""
    told = _read_last_line(found.stdout)
    if told.get("state") == _DONE and found.returncode == 0:
        return
    kind = getattr(zoo.errors, str(told.get("error", "")), None)
    if isinstance(kind, type) and issubclass(kind, ZooError):
        raise kind(str(told.get("message", "")))
    if found.returncode < 0:
        name = signal.Signals(-found.returncode).name
        reason = "took too long" if name == "SIGXCPU" else f"ended the process that tried it, with {name}"
        raise UnsafeModel(f"{folder}: {reason}")
    lines = found.stderr.decode("utf-8", "replace").strip().splitlines() or [f"status {found.returncode}"]
    raise ModelError(f"{folder}: can't be examined: {lines[-1][:200]}")


def _read_last_line(output: bytes) -> dict[str, Any]:
    lines = output.strip().splitlines()
    try:
        told = json.loads(lines[-1]) if lines else {}
    except ValueError:
        return {}
    return told if isinstance(told, dict) else {}


def _examine_here(folder: Path) -> None:
    """Check a folder in this process, which is bounded first."""
    network = folder / NETWORK_FILE
    size = network.stat().st_size if network.is_file() else 0
    _bound_process(size, None)
    verify_checksums(folder)
    card = read_card(folder / CARD_FILE)
    model, need = examine_onnx(network, card)
    _bound_process(size, need)
    with contextlib.suppress(MissingExtra):  # without ONNX Runtime nothing can be run here, later either
        _predict(model, card)


def _predict(model: onnx.ModelProto, card: Card) -> None:
    """Predict one window of unknown bases, other inputs 0."""
    import numpy as np

    graph = open_graph(import_onnxruntime(), model, [("CPUExecutionProvider", {})], 1, card.full_name)
    feed = {item.name: np.zeros((1, *item.shape), np.float32) for item in card.inputs}
    graph.run([output.name for output in card.outputs], feed)


def _bound_process(size: int, need: Need | None) -> None:
    """Bound the memory and the processor's time of this process, and forbid it to write files.

    Args:
        size: Bytes of the network's file.
        need: What a window takes, once that was reckoned; ONNX Runtime may take as much again.
    """
    try:
        import resource
    except ModuleNotFoundError:  # Windows, where the parent's clock has to do
        return
    held, work = (0, 0) if need is None else (need.held, need.work)
    most = _BASE_BYTES + _COPIES * size
    _limit(resource.RLIMIT_AS, most + 2 * held, most + 2 * HELD_BYTES)
    _limit(resource.RLIMIT_CPU, min(_PROCESSOR_SECONDS + int(work / _WORK_A_SECOND), _SECONDS), _SECONDS)
    _limit(resource.RLIMIT_FSIZE, 0, 0)
    _limit(resource.RLIMIT_CORE, 0, 0)


def _limit(what: int, soft: int, hard: int) -> None:
    """Set a bound of this process, which may be raised up to ``hard`` later; the system's own may be lower."""
    import resource

    allowed = resource.getrlimit(what)[1]
    top = hard if allowed == resource.RLIM_INFINITY else min(hard, allowed)
    with contextlib.suppress(ValueError, OSError):  # macOS has no bound of addresses
        resource.setrlimit(what, (min(soft, top), top))


def _main(folder: Path) -> None:
    try:
        _examine_here(folder)
        told = {"state": _DONE}
    except ZooError as error:
        told = {"error": type(error).__name__, "message": str(error)}
    except MemoryError:
        told = {"error": "UnsafeModel", "message": f"{folder}: takes more memory than it is given to be tried"}
    # ONNX Runtime may have printed something of its own: what counts is the last line.
    sys.stdout.write(f"\n{json.dumps(told)}\n")
    sys.stdout.flush()
    os._exit(0)  # all was told: what libraries do at their end is no part of it


if __name__ == "__main__":
    _main(Path(sys.argv[1]))
