"""One motif of a MEME file, and where in a sequence it matches best."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt

from zoo.errors import DataError
from zoo.genome.codes import Codes, reverse_complement

Motif = npt.NDArray[np.float64]
"""Log odds of each base at each position, bits, shape (W, 5); the last column is for unknown bases."""

_PSEUDO = 0.01
"""Added to each probability, so that what was never seen is improbable, not impossible."""

_WORST = -5.0


def read_motif(path: Path, name: str) -> Motif:
    """Return the log odds of one motif of a MEME file, against bases that are equally frequent.

    Raises:
        DataError: The file has no such motif.
    """
    lines = iter(path.read_text(encoding="utf-8").splitlines())
    for line in lines:
        if line.split()[:2] == ["MOTIF", name]:
            break
    else:
        raise DataError(f"{path}: expected a motif {name}, found none")
    rows: list[list[float]] = []
    for line in lines:
        words = line.split()
        if len(words) == 4 and words[0][0].isdigit():
            rows.append([float(word) for word in words])
        elif rows:
            break
    odds = np.log2((np.array(rows) + _PSEUDO) / (0.25 + _PSEUDO))
    return np.concatenate([odds, np.full((len(odds), 1), _WORST)], axis=1)


def find_best(codes: Codes, motif: Motif) -> tuple[float, int]:
    """Return the best match on either strand: its score in bits, and where it starts, 0-based on the given strand."""
    width = len(motif)
    windows = np.lib.stride_tricks.sliding_window_view(codes, width)
    places = np.arange(width)
    forward = motif[places, windows].sum(axis=1)
    turned = np.lib.stride_tricks.sliding_window_view(reverse_complement(codes[np.newaxis])[0], width)
    scores = np.maximum(forward, motif[places, turned].sum(axis=1)[::-1])
    best = int(scores.argmax())
    return float(scores[best]), best
