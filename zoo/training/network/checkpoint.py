"""Keeps what training has come to after each epoch, so that a killed run goes on as if nothing had happened.

One file of plain arrays (``.npz``, read without pickle); the rest is JSON in an array of its own. It takes its name
when it is whole, so that a run killed while it writes leaves the epoch before.
"""

from __future__ import annotations

import json
import os
import zipfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from zoo.errors import OutputError, TrainingError
from zoo.training.network.history import Epoch
from zoo.training.network.judge import Judge
from zoo.training.network.optimise import Pace, WeightAverage

CHECKPOINT_FILE = "checkpoint-last.npz"

_STATE = "state"

Arrays = list[npt.NDArray[Any]]


@dataclass(frozen=True, slots=True)
class Checkpoints:
    """Saves and restores one training run.

    The order of examples follows from seed and epoch alone, so nothing of it is kept; Keras' generators, of dropout
    say, are variables of the network.

    Args:
        fingerprint: What must be the same for a run to go on: of the recipe and the data.
    """

    folder: Path
    fingerprint: str
    model: Any
    optimiser: Any
    average: WeightAverage | None
    judge: Judge
    pace: Pace

    @property
    def path(self) -> Path:
        return self.folder / CHECKPOINT_FILE

    def save(self) -> None:
        """Write what has been learned up to now in place of what was written before.

        Raises:
            OutputError: The file can't be written.
        """
        judge = self.judge
        state = {
            "fingerprint": self.fingerprint,
            "history": [asdict(epoch) for epoch in judge.history],
            "best": judge.best.number,
            "leader": judge.leader.number,
            "step": self.pace.step,
            "factor": self.pace.factor,
        }
        arrays = {_STATE: np.frombuffer(json.dumps(state).encode(), dtype=np.uint8)}
        for name, variables in self._variables().items():
            arrays |= _number(name, [_read_variable(variable) for variable in variables])
        arrays |= _number("best", judge.best_weights)
        partial = self.path.with_name(f".{CHECKPOINT_FILE}.partial")
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            with partial.open("wb") as file:
                np.savez(file, allow_pickle=False, **arrays)
                file.flush()
                os.fsync(file.fileno())
            partial.replace(self.path)
        except OSError as error:
            partial.unlink(missing_ok=True)
            raise OutputError(f"{self.path}: can't be written: {error.strerror or error}") from error

    def restore(self) -> bool:
        """Take up what was saved; return False where nothing was.

        Raises:
            TrainingError: The file is of another recipe, data or network, or is damaged.
        """
        if not self.path.exists():
            return False
        state, arrays = _read(self.path)
        if state["fingerprint"] != self.fingerprint:
            raise TrainingError(
                f"{self.path}: expected the checkpoint of this recipe and these data, found another's; "
                "train without resuming"
            )
        judge = self.judge
        for name, variables in self._variables().items():
            self._assign(name, variables, arrays)
        judge.best_weights = _take(arrays, "best")
        if [item.shape for item in judge.best_weights] != [tuple(weight.shape) for weight in self.model.weights]:
            raise self._misfit("best weights")
        judge.history[:] = [Epoch(**epoch) for epoch in state["history"]]
        judge.best, judge.leader = judge.history[state["best"] - 1], judge.history[state["leader"] - 1]
        self.pace.step, self.pace.factor = state["step"], state["factor"]
        return True

    def _variables(self) -> dict[str, Sequence[Any]]:
        averages = [] if self.average is None else self.average.variables
        return {"model": self.model.variables, "optimiser": self.optimiser.variables, "average": averages}

    def _assign(self, name: str, variables: Sequence[Any], arrays: dict[str, npt.NDArray[Any]]) -> None:
        values = _take(arrays, name)
        if [item.shape for item in values] != [tuple(variable.shape) for variable in variables]:
            raise self._misfit(f"variables of the {name}")
        for variable, value in zip(variables, values, strict=True):
            variable.assign(value)

    def _misfit(self, what: str) -> TrainingError:
        return TrainingError(
            f"{self.path}: expected the checkpoint of this network, found {what} of other shapes; "
            "train without resuming"
        )


def _read(path: Path) -> tuple[dict[str, Any], dict[str, npt.NDArray[Any]]]:
    try:
        # Opened here: numpy leaves a damaged file open.
        with path.open("rb") as raw, np.load(raw, allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
        state: dict[str, Any] = json.loads(arrays[_STATE].tobytes())
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        reason = " ".join(str(error).split())
        raise TrainingError(f"{path}: is no checkpoint, or is damaged ({reason}); train without resuming") from error
    return state, arrays


def _number(name: str, values: Sequence[npt.NDArray[Any]]) -> dict[str, npt.NDArray[Any]]:
    return {f"{name}/{number:05}": value for number, value in enumerate(values)}


def _take(arrays: dict[str, npt.NDArray[Any]], name: str) -> Arrays:
    return [arrays[key] for key in sorted(arrays) if key.startswith(f"{name}/")]


def _read_variable(variable: Any) -> npt.NDArray[Any]:
    return np.asarray(variable.numpy())
