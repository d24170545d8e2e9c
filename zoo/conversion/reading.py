"""How a network of another framework reads a window: order of axes and channels, unknown bases, direction.

A layout names the axes of an array in their order: N sequences, C channels, L bases, T tracks, B bins, and 1 for an
axis of one. What stands here in numpy says the same as what :mod:`zoo.conversion.adapt` puts into the graph, and is
what the graph is proven against.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from zoo.components import Predictions
from zoo.errors import ConversionError
from zoo.genome.codes import UNKNOWN, Codes

BASES = "ACGT"
LETTERS = "ACGTN"
"""The bases by their codes, and N for what is unknown."""

Unknown = Literal["zeros", "quarter"]


@dataclass(frozen=True, slots=True)
class Reading:
    """How a window becomes an input.

    Attributes:
        length: Bases.
        layout: Of N, C, L and 1, ``NLC`` say.
        alphabet: The bases that the channels stand for, in their order; a fifth, N, is 1 at unknown bases.
        unknown: What the four channels hold at an unknown base; zeros where there is a fifth.
        reverse: The last base stands first.
        dtype: numpy's name of the numbers.
    """

    length: int
    layout: str = "NLC"
    alphabet: str = BASES
    unknown: Unknown = "zeros"
    reverse: bool = False
    dtype: str = "float32"

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of an input without its batch axis."""
        sizes = {"C": len(self.alphabet), "L": self.length, "1": 1}
        return tuple(sizes[axis] for axis in self.layout[1:])


def encode_windows(codes: Codes, reading: Reading) -> npt.NDArray[Any]:
    """Return codes (N, L) as the network reads them."""
    table = np.zeros((UNKNOWN + 1, len(reading.alphabet)))
    for channel, letter in enumerate(reading.alphabet):
        table[LETTERS.index(letter), channel] = 1
    if reading.unknown == "quarter":
        table[UNKNOWN] = 0.25
    windows = codes[:, ::-1] if reading.reverse else codes
    one_hot = table.take(windows, axis=0).astype(reading.dtype)
    axes = [axis for axis in reading.layout if axis != "1"]
    turned = one_hot.transpose(["NLC".index(axis) for axis in axes])
    sizes = iter(turned.shape)
    return np.ascontiguousarray(turned.reshape([1 if axis == "1" else next(sizes) for axis in reading.layout]))


def arrange_predictions(values: npt.NDArray[Any], layout: str, *, reverse: bool = False) -> Predictions:
    """Return an output in a layout of N, T, B and 1 as (N, T), or (N, B, T) where it has bins.

    Args:
        values: As the network gives them.
        layout: Their axes.
        reverse: The network read its window from the end, so its last bin is the first.
    """
    single = tuple(place for place, axis in enumerate(layout) if axis == "1")
    axes = [axis for axis in layout if axis != "1"]
    squeezed = np.squeeze(values, axis=single)
    for missing in "NT":
        if missing not in axes:
            squeezed, axes = squeezed[..., np.newaxis], [*axes, missing]
    wanted = "NBT" if "B" in axes else "NT"
    arranged = squeezed.transpose([axes.index(axis) for axis in wanted])
    if reverse and "B" in axes:
        arranged = arranged[:, ::-1]
    return arranged.astype(np.float32)


def check_layout(layout: str, axes: str, *, needed: str, example: str) -> str:
    """Return a layout that names each of the axes at most once and N first.

    Args:
        layout: As the user wrote it.
        axes: The letters that may stand in it, besides 1.
        needed: Those of them that have to.
        example: A layout for the message.

    Raises:
        ConversionError: It does not.
    """
    found = layout.upper()
    letters = found.replace("1", "")
    twice = len(set(letters)) != len(letters)
    if not found.startswith("N") or twice or not set(letters) <= set(axes) or not set(needed) <= set(letters):
        raise ConversionError(
            f"layout {layout!r}: expected N first, then {' and '.join(axes[1:])}, no letter twice, and 1 for "
            f"an axis of one, as in {example}"
        )
    return found


def check_alphabet(alphabet: str) -> str:
    """Return the order of the channels: four bases once each, and N where there is a fifth.

    Raises:
        ConversionError: It is none.
    """
    found = alphabet.upper().replace("U", "T")
    if sorted(found) not in (sorted(BASES), sorted(LETTERS)):
        raise ConversionError(
            f"alphabet {alphabet!r}: expected A, C, G and T once each in the order of the channels, and N for a fifth "
            "channel that marks unknown bases, as in ACGT or ACGTN"
        )
    return found
