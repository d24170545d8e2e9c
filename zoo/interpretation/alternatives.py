"""Predicts every substitution of a window: the one place where networks run for a mutation map."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from zoo.errors import ModelError
from zoo.genome.codes import Codes
from zoo.model.folder import Model
from zoo.prediction.scoring.merging import Named
from zoo.prediction.scoring.settings import EngineName

Places = npt.NDArray[np.int64]
"""Where bases stand in a window, counted from 0, shape (P,)."""

OTHERS = np.array([[1, 2, 3], [0, 2, 3], [0, 1, 3], [0, 1, 2]], dtype=np.uint8)
"""For each base the three that may take its place, in the order A C G T."""

_BASES_A_PART = 1 << 22  # of windows that are held at a time
_NUMBERS_A_PART = 1 << 22  # of predictions, likewise: 16 MB


@dataclass(frozen=True, slots=True)
class Alternatives:
    """What a network says of p positions of a window, averaged over strands, with an axis of M members.

    Attributes:
        places: The positions, shape (p,).
        ref: Of the window as it is, by output, shape (1, M, T) or (1, M, B, T); the same in every part.
        alt: Of its substitutions, by output, shape (p, 3, M, T) or (p, 3, M, B, T), the three as in ``OTHERS``.
    """

    places: Places
    ref: Named
    alt: Named


def predict_alternatives(
    model: Model, codes: Codes, places: Places, engine: EngineName = "auto"
) -> Iterator[Alternatives]:
    """Yield the predictions of all substitutions of one window, some positions at a time, in their order.

    Args:
        codes: The window as the model reads it, constant flanks included, shape (L,); it may hold unknown bases.
        places: The positions to be changed, ascending; no unknown base stands there.
        engine: As in :class:`zoo.prediction.scoring.settings.ScoringSettings`.

    Raises:
        ModelError: The incremental engine is asked for, and the network does not allow it.
    """
    if engine == "incremental":
        raise ModelError(
            f"{model.card.full_name}: its mutation maps can't be made incrementally; choose --engine auto or full"
        )
    yield from _predict_in_full(model, codes, places)


def _predict_in_full(model: Model, codes: Codes, places: Places) -> Iterator[Alternatives]:
    """Run the network on every window."""
    if not len(places):
        return
    ref = model.session.predict(codes[np.newaxis], members=True)
    numbers = sum(math.prod(values.shape) for values in ref.values())
    size = max(1, min(_BASES_A_PART // (3 * len(codes)), _NUMBERS_A_PART // (3 * numbers)))
    for first in range(0, len(places), size):
        chosen = places[first : first + size]
        found = model.session.predict(substitute(codes, chosen), members=True)
        alt = {name: values.reshape(len(chosen), 3, *values.shape[1:]) for name, values in found.items()}
        yield Alternatives(chosen, ref, alt)


def substitute(codes: Codes, places: Places) -> Codes:
    """Return the windows of all substitutions, three a position, shape (3P, L)."""
    windows = np.tile(codes, (3 * len(places), 1))
    windows[np.arange(len(windows)), np.repeat(places, 3)] = OTHERS[codes[places]].ravel()
    return windows
