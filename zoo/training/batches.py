"""What a network learns from, a batch at a time: from arrays in memory."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from zoo.training.targets import Targets

SEQUENCE = "sequence"
"""The name of the network's input for codes; context inputs go by their own names."""


@dataclass(frozen=True, slots=True)
class Batch:
    """Some examples: inputs by name, N rows each (``sequence`` as codes, uint8; the others float32), and the rest."""

    inputs: Mapping[str, npt.NDArray[Any]]
    targets: Targets
    weights: npt.NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.weights)


class Part(Protocol):
    """Examples to learn or choose from, wherever they are kept."""

    def __len__(self) -> int: ...

    @property
    def block(self) -> int | None:
        """Rows that are read together for the price of one; None where any order costs the same."""
        ...

    def read(self, rows: npt.NDArray[np.int64]) -> Batch:
        """Return copies of these rows, in their order."""
        ...


@dataclass(frozen=True, slots=True)
class ArrayPart:
    """Examples in memory: inputs by name, targets (N, T) or (N, B, T), weights (N,)."""

    inputs: Mapping[str, npt.NDArray[Any]]
    targets: Targets
    weights: npt.NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.weights)

    @property
    def block(self) -> None:
        return None

    def read(self, rows: npt.NDArray[np.int64]) -> Batch:
        return Batch(
            {name: values[rows] for name, values in self.inputs.items()}, self.targets[rows], self.weights[rows]
        )
