"""One model's values as columns, one for each of its keys, an entry for each row that is asked for; their texts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt

from zoo.components import Scores
from zoo.genome.variant import MODEL_REASONS, Reason
from zoo.prediction.alleles.batch import Integers
from zoo.prediction.output.keys import TOP_SCORES, ModelKeys
from zoo.prediction.scoring.scores import ModelScores
from zoo.prediction.windows.placement import Reasons

MISSING = "."

Values = npt.NDArray[np.float32]


def list_cells(
    model: ModelScores, keys: ModelKeys, rows: Integers, regions: Sequence[str]
) -> Iterator[tuple[str, list[str] | Values]]:
    """Yield each key with the numbers or texts of some rows; keys of ``seen`` and reasons are left out.

    Args:
        rows: Rows of ``model``, one for each entry; -1 where there is none, which is NaN or ``.``.
        regions: The names of the regions that ``model.window`` counts.
    """
    if keys.top:
        yield keys.scores[0], top_texts(model, keys.tracks, rows)
    else:
        yield from zip(keys.scores, _by_track(model, model.scores, rows), strict=True)
    for group, values in ((keys.spread, model.spread), (keys.percentile, model.percentile), (keys.p, model.p)):
        if group and values is not None:
            yield from zip(group, _by_track(model, values, rows), strict=True)
    if keys.disagree and model.disagree is not None:
        texts = np.array(["0", "1"])[model.disagree.astype(np.int64)]
        for track, key in enumerate(keys.disagree):
            # One network alone can't disagree with itself.
            alone = None if model.spread is None else np.isnan(model.spread[:, track])
            column = texts[:, track] if alone is None else np.where(alone, MISSING, texts[:, track])
            yield key, _pick(column.tolist(), rows)
    if keys.region:
        yield keys.region, region_texts(model, rows, regions)


def format_floats(values: Values) -> list[str]:
    """Return nine significant digits, which bring back every float32, and ``.`` for NaN."""
    positive_zeros = values + np.float32(0)  # -0 would only puzzle
    texts = ("%.9g\n" * len(values) % tuple(positive_zeros.tolist())).split("\n")
    texts.pop()
    for row in np.flatnonzero(np.isnan(values)).tolist():
        texts[row] = MISSING
    return texts


def top_texts(model: ModelScores, tracks: Sequence[str], rows: Integers) -> list[str]:
    """Return the tracks of largest absolute score, ``track:score`` joined by ``|``."""
    texts = [MISSING] * len(rows)
    for place in np.flatnonzero(rows >= 0).tolist():
        row = model.scores[rows[place]] + np.float32(0)
        texts[place] = "|".join(f"{_safe(tracks[track])}:{row[track]:.9g}" for track in strongest_tracks(row))
    return texts


def strongest_tracks(scores: Scores) -> list[int]:
    """Return the tracks of largest absolute score of one row (T,), the first of equals first."""
    return [int(track) for track in np.argsort(-np.abs(scores), kind="stable")[:TOP_SCORES]]


def region_texts(model: ModelScores, rows: Integers, regions: Sequence[str]) -> list[str]:
    """Return the names of the rows' regions, with ``_`` for what would break a list or a line apart."""
    numbers = np.where(rows >= 0, model.window[rows], -1).tolist() if len(model.window) else [-1] * len(rows)
    return [_safe(regions[number]) if number >= 0 else MISSING for number in numbers]


def model_reasons(reason: Reasons) -> list[str]:
    """Return the names of the reasons that depend on the model, ``.`` for others."""
    return _name_reasons(reason, _IS_MODEL_REASON[reason])


def general_reasons(reason: Reasons) -> list[str]:
    """Return the names of the reasons that hold for every model, ``.`` for others."""
    return _name_reasons(reason, ~_IS_MODEL_REASON[reason] & (reason != Reason.OK))


def _name_reasons(reason: Reasons, relevant: npt.NDArray[np.bool_]) -> list[str]:
    names = [MISSING] * len(reason)
    for allele in np.flatnonzero(relevant).tolist():
        names[allele] = _NAMES[reason[allele]]
    return names


def _by_track(model: ModelScores, values: Scores, rows: Integers) -> list[Values]:
    return list(np.ascontiguousarray(model.column_of(values, rows).T))


def _pick(texts: list[str], rows: Integers) -> list[str]:
    return [texts[row] if row >= 0 else MISSING for row in rows.tolist()]


def _safe(name: str) -> str:
    return "".join("_" if letter in ",;=:| \t" else letter for letter in name)


_NAMES = [reason.name for reason in Reason]
_IS_MODEL_REASON = np.array([reason in MODEL_REASONS for reason in Reason])
