"""What a file of another framework holds: a network that can be described, run and exported, whoever made it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

import numpy.typing as npt

if TYPE_CHECKING:
    import onnx

Array: TypeAlias = npt.NDArray[Any]
"""What networks of other frameworks read and give, in their own layout and type."""

FLOATS = ("float16", "float32", "float64")
"""Numbers that inputs and outputs may be, by numpy's names."""

Shape: TypeAlias = tuple[int | None, ...]
"""Sizes of all axes, the batch first; None where any size goes."""


@dataclass(frozen=True, slots=True)
class Port:
    """One input or output of a network; ``dtype`` is numpy's name of its numbers."""

    name: str
    shape: Shape
    dtype: str = "float32"

    @property
    def shown(self) -> str:
        """The shape as a reader expects it, N for the batch and ? for other free axes."""
        free = ["N", *["?"] * len(self.shape)]
        return (
            "(" + ", ".join(free[place] if size is None else str(size) for place, size in enumerate(self.shape)) + ")"
        )


class Source(Protocol):
    """A network as another framework reads it from its own file."""

    @property
    def framework(self) -> str:
        """Who wrote the file, ``Keras 2.3.0-tf`` say."""
        ...

    @property
    def runtime(self) -> str:
        """Who runs it here, and is what a model is compared with."""
        ...

    @property
    def summary(self) -> str:
        """What it holds, in a few words."""
        ...

    @property
    def inputs(self) -> tuple[Port, ...]: ...

    @property
    def outputs(self) -> tuple[Port, ...]: ...

    def predict(self, feed: Mapping[str, Array]) -> dict[str, Array]:
        """Return the outputs by name for inputs by name, computed by the framework itself."""
        ...

    def write_onnx(self, shapes: Mapping[str, tuple[int, ...]]) -> onnx.ModelProto:
        """Return the network as ONNX, as it is: its own inputs and outputs by their names, its own layout.

        Args:
            shapes: Of the inputs by name, without the batch axis, none of them free.

        Raises:
            ConversionError: It can't be written.
        """
        ...
