"""How far predictions of an output may be from those of the network itself, track by track."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from zoo.components import Predictions
from zoo.errors import ConversionError
from zoo.genome.codes import Codes, decode

LIMIT = 1e-5
"""The largest difference that is let through, relative to the largest prediction of a track."""

HALVES_LIMIT = 1e-2
"""The same of a network that has numbers of 16 bits: each of its layers rounds at 5e-4."""

ROUNDING = 2.0**-21
"""What a probability may be off however small it is, 5e-7. ONNX Runtime computes a sigmoid as a fraction of
polynomials: 1e-7 beside the true value, and 2e-7 beside itself where the logit differs in its last digit."""

_FAINT = 1e-3
"""Share of an output's largest prediction that a track is measured against if it never gets there: no framework knows
the last digits of a probability that is never more than 1e-9."""

_VISIBLE = 0.25  # of what is let through: tracks that spread less are hardly more than rounding
_ALIKE = 0.5  # of the spread: the square root of the mean square that differences stay below
_SHOWN = 60  # bases of a sequence that a message names

Numbers = npt.NDArray[np.float64]
Marks = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Measure:
    """What differences of one output are measured by, each array of shape (T,).

    Attributes:
        name: The output's.
        limit: The share of the scale that is let through.
        scale: The largest prediction of a track, or more where numbers of so few digits tell no less apart.
        spread: The standard deviation of its predictions.
        loose: More is let through than ``LIMIT`` of the track's own largest prediction.
        unproven: So much more that its predictions could be others'.
    """

    name: str
    limit: float
    scale: Numbers
    spread: Numbers
    loose: Marks
    unproven: Marks


def choose_measure(name: str, expected: Predictions, rounding: float = 0.0, *, halves: bool = False) -> Measure:
    """Return what differences of an output are measured by.

    Args:
        name: The output's.
        expected: What the network itself predicts, finite, shape (N, T) or (N, B, T).
        rounding: What its predictions are off however small they are.
        halves: The network has numbers of 16 bits.

    Raises:
        ConversionError: Nothing can be proven of any of its tracks.
    """
    values = expected.astype(np.float64)
    rows = _rows(values)
    own = np.abs(values).max(axis=rows)
    limit = HALVES_LIMIT if halves else LIMIT
    off = max(rounding, ROUNDING if halves else 0.0) if own.max() <= 1 else 0.0
    scale = np.maximum(own, max(_FAINT * own.max(), off / limit, float(np.finfo(np.float32).tiny)))
    loose = (scale > own) | halves
    spread = values.std(axis=rows)
    unproven = loose & (spread <= _VISIBLE * limit * scale)
    if unproven.all():
        raise ConversionError(
            f"output {name!r}: its predictions, of which the largest is {own.max():.2g}, differ by so little that "
            "nothing can be proven of them beyond rounding; export the network without the sigmoid at its end"
        )
    return Measure(name, limit, scale, spread, loose, unproven)


def compare(measure: Measure, expected: Predictions, found: Predictions, codes: Codes, batch: int) -> float:
    """Return the largest difference, relative to the scale of its track.

    Args:
        measure: Of the output.
        expected: What the network itself predicts.
        found: What the model predicts, of the same shape.
        codes: The windows, for messages.
        batch: Windows that were predicted at a time.

    Raises:
        ConversionError: One is above the limit, or the differences of a track that much is let through of are, taken
            together, no rounding of this track.
    """
    difference = np.abs(expected.astype(np.float64) - found)
    ratio = np.nan_to_num(difference / measure.scale, nan=np.inf)
    worst = np.unravel_index(int(ratio.argmax()), ratio.shape)
    largest = float(ratio[worst])
    where = f"output {measure.name!r}, batches of {batch}: expected"
    if not largest <= measure.limit:
        raise ConversionError(
            f"{where} {expected[worst]:.9g}, as the network itself predicts for {decode(codes[worst[0]][:_SHOWN])}, "
            f"found {found[worst]:.9g}: {_describe(measure, int(worst[-1]), float(difference[worst]), expected)}; "
            "nothing was written"
        )
    together = np.sqrt(np.square(difference).mean(axis=_rows(difference)))
    other = measure.loose & ~measure.unproven & (together > _ALIKE * measure.spread)
    if other.any():
        track = int(np.argmax(other))
        raise ConversionError(
            f"{where} predictions of track {track + 1} that go with the network's own, which spread by "
            f"{measure.spread[track]:.2g}, found them {together[track]:.2g} apart (root mean squares); nothing was "
            "written"
        )
    return largest


def _describe(measure: Measure, track: int, difference: float, expected: Predictions) -> str:
    own = float(np.abs(expected[..., track]).max())
    scale = float(measure.scale[track])
    if scale > own:
        return f"{difference:.2g} apart, {measure.limit * scale:.2g} is allowed"
    return f"{difference / scale:.2g} of the largest prediction of its track, {measure.limit:g} is allowed"


def _rows(values: npt.NDArray[Any]) -> tuple[int, ...]:
    """Return all axes but that of the tracks."""
    return tuple(range(values.ndim - 1))
