"""Signal from bigWig files as inputs and targets of networks, brought to the scale that is learned."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt
from pydantic import Field, field_validator

from zoo import BigWig, Config, GenomeSource, InputName

Values = npt.NDArray[np.float32]


class Shaping(Config):
    """What is done to values, in this order.

    Args:
        absolute: Take the magnitude: signal of the reverse strand is often written as negative numbers.
        scale: Multiply.
        clip: The smallest and the largest value.
        transform: ``log1p`` is log(1 + x), and ``sqrt`` the square root; both need values of 0 or more, and what lies
            below counts as 0.
    """

    absolute: bool = False
    scale: float = Field(default=1.0, allow_inf_nan=False)
    clip: tuple[float, float] | None = None
    transform: Literal["none", "log1p", "sqrt"] = "none"

    @field_validator("clip")
    @classmethod
    def _clip_rises(cls, clip: tuple[float, float] | None) -> tuple[float, float] | None:
        if clip is not None and not clip[0] < clip[1]:
            raise ValueError(f"expected the smallest and the largest value, found {clip[0]:g} and {clip[1]:g}")
        return clip

    def shape(self, values: Values) -> Values:
        """Return the values as they are learned; NaN stays."""
        shaped: Values = np.abs(values) if self.absolute else values
        if self.scale != 1:
            shaped = shaped * np.float32(self.scale)
        if self.clip is not None:
            shaped = np.clip(shaped, np.float32(self.clip[0]), np.float32(self.clip[1]))
        if self.transform != "none":
            shaped = np.maximum(shaped, np.float32(0))
            shaped = np.log1p(shaped) if self.transform == "log1p" else np.sqrt(shaped)
        return shaped


class SignalInput(Shaping):
    """A further input of the network, along the sequence: conservation or accessibility, say.

    Args:
        name: Of the input.
        paths: bigWig files, one a channel.
        missing: What bases have of which a file states nothing.
    """

    name: InputName
    paths: tuple[str, ...] = Field(min_length=1)
    missing: float = Field(default=0.0, allow_inf_nan=False)


class InputReader:
    """Reads further inputs for windows; the files stay open as long as the stack."""

    def __init__(
        self, inputs: tuple[SignalInput, ...], reference: GenomeSource, base_folder: Path, stack: ExitStack
    ) -> None:
        self._inputs = [
            (chosen, [stack.enter_context(BigWig(base_folder / path, reference.lengths)) for path in chosen.paths])
            for chosen in inputs
        ]

    def read(self, contig: str, starts: npt.NDArray[np.int64], length: int) -> dict[str, Values]:
        """Return each input by name, shape (N, length, channels)."""
        return {
            chosen.name: chosen.shape(
                np.stack(
                    [file.summarise(contig, starts, length, length, fill=chosen.missing) for file in files], axis=-1
                )
            )
            for chosen, files in self._inputs
        }
