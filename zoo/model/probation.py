"""Whether a stranger's model may be used: every check, and one prediction, in a process that may fail for us.

ONNX Runtime and ONNX are written in C++: a file that finds a fault in them ends the process that reads it. So a model
that came from elsewhere is tried in a child, with bounds on its memory and its time, before anybody relies on it.
"""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import TYPE_CHECKING

import zoo.errors
from zoo.apart import run_apart
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
_ONE_THREAD = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}


def examine(folder: Path) -> None:
    """Check a model folder that came from elsewhere: files, card, network, and that it predicts one window.

    Raises:
        ModelError: It is not what its SHA256SUMS lists, its card is wrong, its network is unsafe, or does not run.
    """
    answer = run_apart(f"{__name__}:examine_here", [str(folder.absolute())], _SECONDS, _ONE_THREAD)
    kind = getattr(zoo.errors, answer.kind, None)
    if not answer.error:
        return
    if isinstance(kind, type) and issubclass(kind, ZooError):
        raise kind(answer.error)
    if answer.kind == MemoryError.__name__:
        raise UnsafeModel(f"{folder}: takes more memory than it is given to be tried")
    if answer.hung:
        raise UnsafeModel(f"{folder}: expected a prediction within {_SECONDS} s, waited longer")
    if answer.signal:
        too_long = answer.signal == "SIGXCPU"
        reason = "took too long" if too_long else f"ended the process that tried it, with {answer.signal}"
        raise UnsafeModel(f"{folder}: {reason}")
    raise ModelError(f"{folder}: can't be examined: {answer.error}")


def examine_here(path: str) -> None:
    """Check a folder in this process, which is bounded first; raises as ``examine``."""
    folder = Path(path)
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
