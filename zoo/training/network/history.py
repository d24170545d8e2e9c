"""What training came to, and who is told."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Epoch:
    """What one epoch came to; ``monitored`` is the value that early stopping looks at."""

    number: int
    loss: float
    validation_loss: float
    monitored: float
    learning_rate: float
    seconds: float


@dataclass(frozen=True, slots=True)
class Fit:
    """What training came to; the network holds the weights of ``best``."""

    history: tuple[Epoch, ...]
    best: Epoch

    @property
    def epochs(self) -> int:
        return len(self.history)


class Progress(Protocol):
    """Is told how training goes."""

    def start(self, epochs: int, batches: int) -> None:
        """Training begins, of at most so many epochs of so many batches each.

        What was done before a resumption is told as done at once, batch by batch.
        """

    def advance(self) -> None:
        """A batch is done."""

    def report(self, epoch: Epoch, *, monitor: str, is_best: bool) -> None:
        """An epoch is done."""
