"""What plugins give: data loaders, architectures and scorers, and the examples that a loader returns.

A component is a frozen value: its name, what it is, where it comes from, how it is configured, and one function.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Protocol, TypeAlias

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict

from zoo.genome.codes import Codes
from zoo.genome.interval import Interval

Predictions: TypeAlias = npt.NDArray[np.float32]
"""Predictions of one output, shape (N, T), or (N, B, T) where the output is binned."""

Scores: TypeAlias = npt.NDArray[np.float32]
"""Effects, ALT against REF, shape (N, T)."""

OutputKind: TypeAlias = Literal["flat", "binned"]


class Config(BaseModel):
    """The base of every component's configuration: no unknown field, no change after it was read."""

    model_config = ConfigDict(extra="forbid", frozen=True)


@dataclass(frozen=True, slots=True)
class InputSpec:
    """One input of a network. ``shape`` is without the batch axis: ``(L, 4)`` for a one-hot sequence."""

    name: str
    shape: tuple[int, ...]
    role: Literal["sequence", "context"] = "sequence"


@dataclass(frozen=True, slots=True)
class OutputSpec:
    """One output of a network: (N, T), or (N, B, T) where ``bins`` is given; ``activation`` by its Keras name."""

    name: str
    tracks: tuple[str, ...]
    activation: str
    bins: int | None = None


class SequenceSource(Protocol):
    """Fetches the codes of intervals: what a loader may ask of a reference genome."""

    def fetch(self, interval: Interval) -> Codes:
        """Return the codes of an interval, shape (L,); bases beyond the contig are unknown."""
        ...


@dataclass(frozen=True, slots=True)
class ExampleSet:
    """Examples for training or evaluation.

    Args:
        sequences: Codes, shape (N, L).
        targets: Shape (N, T) or (N, B, T), float32, NaN where missing; None for pre-training, which training refuses
            as yet.
        tracks: The T names of the targets.
        ids: N names, for messages and tables.
        groups: The contig, or the given label, of each example, shape (N,); None where the data has none.
        weights: Weight of each example in the loss, shape (N,).
        extra: Further inputs by name, N rows each; training refuses them as yet.
        complete: False where only positives are given; training refuses such examples as yet.
        notes: What the loader left out or changed, a sentence each; the card repeats them.
    """

    sequences: Codes
    targets: npt.NDArray[np.float32] | None
    tracks: tuple[str, ...]
    ids: tuple[str, ...] = ()
    groups: npt.NDArray[np.str_] | None = None
    weights: npt.NDArray[np.float32] | None = None
    extra: Mapping[str, npt.NDArray[np.float32]] = field(default_factory=dict)
    complete: bool = True
    notes: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.sequences)


@dataclass(frozen=True, slots=True)
class DataLoader:
    """Reads examples from files.

    ``load(config, reference, seed, base_folder)`` returns an :class:`ExampleSet`. Paths in the config are
    relative to ``base_folder``; ``reference`` is the genome to cut sequences from, None as yet: no recipe names one.
    """

    name: str
    summary: str
    config: type[Config]
    load: Callable[[Any, SequenceSource | None, int, Path], ExampleSet]
    source: str = ""


@dataclass(frozen=True, slots=True)
class Architecture:
    """Builds a network.

    ``build(config, inputs, outputs, frozen)`` returns a ``keras.Model`` from the named inputs to a dict of the
    named outputs, activations applied. ``frozen`` holds weights of frozen parts by name, none as yet; ``build`` opens
    no file.

    Args:
        loss: The loss that the architecture's authors trained with; a recipe may name another.
        fit_weights: For baselines whose weights are solved rather than descended: from examples to weights; training
            refuses them as yet.
    """

    name: str
    summary: str
    config: type[Config]
    build: Callable[[Any, tuple[InputSpec, ...], tuple[OutputSpec, ...], Mapping[str, Any]], Any]
    loss: str = "binary_crossentropy"
    fit_weights: Callable[[ExampleSet], Any] | None = None
    source: str = ""


@dataclass(frozen=True, slots=True)
class Scorer:
    """Turns predictions for REF and ALT into an effect.

    ``score(config, ref, alt)`` gets the predictions of both alleles by output name and returns (N, T) scores: the
    tracks of all outputs side by side, in the order of the mapping.

    Args:
        takes: The kinds of output that it can score.
        signed: True where the sign says the direction: positive for more signal from ALT.
    """

    name: str
    summary: str
    config: type[Config]
    score: Callable[[Any, Mapping[str, Predictions], Mapping[str, Predictions]], Scores]
    takes: frozenset[OutputKind] = frozenset({"flat"})
    signed: bool = True
    source: str = ""


Component: TypeAlias = DataLoader | Architecture | Scorer
