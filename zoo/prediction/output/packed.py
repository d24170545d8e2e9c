"""One INFO key that holds everything, an entry for each allele, model, track and region, as ``+split-vep`` reads it."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np

from zoo.errors import OutputError
from zoo.genome.variant import Reason
from zoo.prediction.alleles.batch import AlleleBatch
from zoo.prediction.output.cells import MISSING, format_floats, strongest_tracks
from zoo.prediction.output.keys import ModelKeys
from zoo.prediction.scoring.pairing import ScoredModel
from zoo.prediction.scoring.scores import ModelScores

PACKED_FIELDS = ("Allele", "Consequence", "Model", "Track", "Region", "Score", "SD", "Disagree", "Percentile", "P")
"""``Consequence``, without which ``+split-vep`` reads nothing, is ``scored``, or the reason why there is no score."""

SCORED = "scored"

_NAME = re.compile(r"[A-Za-z0-9_.:@+()/-]+")


def refuse_names(models: Sequence[ScoredModel], regions: Sequence[str]) -> None:
    """Raise OutputError for a name of a track or region that an entry can't hold as it is."""
    names = [(scored.model.card.full_name + ": track", track) for scored in models for track in scored.tracks]
    for what, name in [*names, *(("region", region) for region in regions)]:
        if not _NAME.fullmatch(name):
            raise OutputError(
                f"--packed: {what} {name!r}: expected letters, digits and _.:@+()/- alone; "
                "rename it, or leave out --packed"
            )


def pack(
    alts: Sequence[str],
    alleles: AlleleBatch,
    models: Sequence[tuple[ScoredModel, ModelKeys, ModelScores]],
    regions: Sequence[str],
) -> list[list[str]]:
    """Return the entries of each allele.

    Args:
        alts: The letters of each allele, as the record spells them.
        regions: The names of regions, by number.
    """
    entries: list[list[str]] = [[] for _ in alts]
    for scored, keys, scores in models:
        name = scored.model.card.full_name
        _pack_skipped(entries, alts, alleles, scores, name)
        columns = [
            format_floats(values.ravel()) if values is not None else None
            for values in (scores.scores, scores.spread, scores.percentile, scores.p)
        ]
        tracks = len(keys.tracks)
        for row, allele in enumerate(scores.allele.tolist()):
            region = regions[scores.window[row]] if scores.window[row] >= 0 else ""
            for track in sorted(strongest_tracks(scores.scores[row])) if keys.top else range(tracks):
                place = row * tracks + track
                score, spread, percentile, p = (_cell(column, place) for column in columns)
                disagree = "" if scores.disagree is None or not spread else str(int(scores.disagree[row, track]))
                head = (alts[allele], SCORED, name, keys.tracks[track], region)
                entries[allele].append("|".join((*head, score, spread, disagree, percentile, p)))
    return entries


def _pack_skipped(
    entries: list[list[str]], alts: Sequence[str], alleles: AlleleBatch, scores: ModelScores, name: str
) -> None:
    skipped = np.flatnonzero((scores.reason != Reason.OK) & (alleles.reason != Reason.NO_ALT))
    for allele in skipped.tolist():
        entries[allele].append("|".join((alts[allele], Reason(scores.reason[allele]).name, name, *[""] * 7)))


def _cell(column: list[str] | None, place: int) -> str:
    return "" if column is None or column[place] == MISSING else column[place]
