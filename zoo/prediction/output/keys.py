"""The INFO keys of an annotation: named before the first record, never twice, declared in the header."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from itertools import zip_longest

from zoo.errors import OutputError
from zoo.prediction.scoring.pairing import ScoredModel

SKIPPED_KEY = "ZOO_SKIPPED"
PACKED_KEY = "ZOO_PACKED"
HAPLOTYPE_KEY = "ZOO_HAPLOTYPE"
GENERAL_KEYS = (SKIPPED_KEY, PACKED_KEY, HAPLOTYPE_KEY)
"""The keys that belong to no model."""

MAX_TRACKS = 20
"""A model of more tracks gets one key that holds its strongest scores."""
TOP_SCORES = 5

# fmt: off
RESERVED = frozenset({
    "AA", "AC", "AD", "ADF", "ADR", "AF", "AN", "BQ", "CIGAR", "DB",
    "DP", "END", "H2", "H3", "MQ", "MQ0", "NS", "SB", "SOMATIC", "VALIDATED",
    "1000G", "IMPRECISE", "NOVEL", "SVTYPE", "SVLEN", "CIPOS", "CIEND", "HOMLEN", "HOMSEQ", "BKPTID",
    "MEINFO", "METRANS", "DGVID", "DBVARID", "DBRIPID", "MATEID", "PARID", "EVENT", "CILEN", "DPADJ",
    "CN", "CNADJ", "CICN", "CICNADJ", "SVCLAIM",
})
# fmt: on
"""INFO keys that the VCF specification (4.4, sections 1.6.1 and 3) defines."""

_KEY_PATTERN = re.compile(r"[A-Za-z_][0-9A-Za-z_.]*")  # VCF 4.3, section 1.6.1


@dataclass(frozen=True, slots=True)
class Extras:
    """What is written beside the scores; ``sample`` is the one on whose haplotypes alleles are scored."""

    spread: bool = False
    percentile: bool = False
    region: bool = False
    seen: bool = False
    packed: bool = False
    sample: str = ""


@dataclass(frozen=True, slots=True)
class ModelKeys:
    """The keys of one model: a key a track, or one ``top`` key where there are too many; empty where not asked for.

    Those of ``spread``, ``disagree``, ``percentile`` and ``p`` stand a track each, as ``scores`` do.
    """

    tracks: tuple[str, ...]
    scores: tuple[str, ...]
    skipped: str
    top: bool = False
    spread: tuple[str, ...] = ()
    disagree: tuple[str, ...] = ()
    percentile: tuple[str, ...] = ()
    p: tuple[str, ...] = ()
    region: str = ""
    seen: str = ""

    @property
    def all(self) -> tuple[str, ...]:
        """Every key that the model may write."""
        by_track = (*self.scores, *self.spread, *self.disagree, *self.percentile, *self.p)
        return (*by_track, *(key for key in (self.region, self.seen) if key), self.skipped)


def name_keys(
    models: Sequence[ScoredModel],
    renames: Mapping[str, str] | None = None,
    extras: Extras | None = None,
    *,
    max_tracks: float = MAX_TRACKS,
) -> list[ModelKeys]:
    """Return the keys of each model: ``ZOO_<MODEL>`` for one track, ``ZOO_<MODEL>_<TRACK>`` for several.

    Args:
        max_tracks: A model of more gets the ``top`` key, unless its tracks were asked for by name; ``inf`` gives
            every track its own.
        renames: Other keys, by the model's name or name@version (all its keys then start so), or by ``model:track``.

    Raises:
        OutputError: Two keys are the same, or a name of ``renames`` fits no model, or a key is not VCF's.
    """
    renames = dict(renames or {})
    known = {
        name
        for scored in models
        for model in (scored.model.card.name, scored.model.card.full_name)
        for name in (model, *(f"{model}:{track}" for track in scored.tracks if not _is_top(scored, max_tracks)))
    }
    for name, key in renames.items():
        if name not in known:
            raise OutputError(
                f"--key {name}={key}: {name!r} is no model or model:track of this run; expected one of "
                f"{', '.join(sorted(known)[:8])}"
            )
        if not _KEY_PATTERN.fullmatch(key):
            raise OutputError(f"--key {name}={key}: expected letters, digits and '_', not starting with a digit")
        if key in RESERVED:
            raise OutputError(f"--key {name}={key}: VCF itself gives {key} a meaning; choose another key")
    named = [_keys_of(scored, renames, extras or Extras(), max_tracks) for scored in models]
    owners: dict[str, str] = dict.fromkeys(GENERAL_KEYS, "the zoo itself")
    for scored, keys in zip(models, named, strict=True):
        model = scored.model.card.full_name
        several = len(scored.model.card.track_names) > 1 and not keys.top
        tracks = [f"{model}:{track}" for track in keys.tracks] if several else []
        for key, owner in zip_longest(keys.all, tracks, fillvalue=model):  # the scores' keys come first
            if key in owners:
                raise OutputError(
                    f"key {key}: both {owners[key]} and {owner} would write it; rename one: --key '{owner}=OTHER_KEY'"
                )
            owners[key] = owner
    return named


def refuse_collisions(keys: Sequence[ModelKeys], present: Collection[str], source: str) -> None:
    """Raise OutputError where the input carries one of the keys already."""
    for key in all_keys(keys)[len(GENERAL_KEYS) :]:
        if key in present:
            raise OutputError(
                f"{source}: INFO {key} is there already; rename ours (--key NAME=KEY), "
                "or replace what is there with --overwrite"
            )
    for key in GENERAL_KEYS:
        if key in present:
            raise OutputError(
                f"{source}: INFO {key} is there already, from an earlier annotation; "
                "replace it with --overwrite, which keeps the scores of other models"
            )


def all_keys(keys: Sequence[ModelKeys]) -> list[str]:
    """Return every key that an annotation may write."""
    return [*GENERAL_KEYS, *(key for model in keys for key in model.all)]


def _is_top(scored: ScoredModel, max_tracks: float) -> bool:
    return len(scored.columns) > max_tracks and not scored.chosen


def _keys_of(scored: ScoredModel, renames: Mapping[str, str], extras: Extras, max_tracks: float) -> ModelKeys:
    card = scored.model.card

    def find(track: str = "") -> str | None:
        return renames.get(card.full_name + track, renames.get(card.name + track))

    base = find() or f"ZOO_{identifier(card.name)}"
    tracks = scored.tracks
    region = f"{base}_REGION" if extras.region else ""
    seen = f"{base}_SEEN" if extras.seen else ""
    if _is_top(scored, max_tracks):
        return ModelKeys(tracks, (f"{base}_TOP",), f"{base}_SKIPPED", top=True, region=region, seen=seen)
    if len(card.track_names) == 1:
        scores: tuple[str, ...] = (find(f":{tracks[0]}") or base,)
    else:
        scores = tuple(find(f":{track}") or f"{base}_{identifier(track)}" for track in tracks)

    def add(ending: str, *, wanted: bool) -> tuple[str, ...]:
        return tuple(f"{key}_{ending}" for key in scores) if wanted else ()

    return ModelKeys(
        tracks,
        scores,
        f"{base}_SKIPPED",
        spread=add("SD", wanted=extras.spread),
        disagree=add("DISAGREE", wanted=extras.spread and scored.scorer.signed),
        percentile=add("PERCENTILE", wanted=extras.percentile),
        p=add("P", wanted=extras.percentile),
        region=region,
        seen=seen,
    )


def identifier(name: str) -> str:
    """Return a name in capitals, with ``_`` for all that is no letter or digit."""
    return re.sub(r"[^A-Z0-9_]", "_", name.upper())
