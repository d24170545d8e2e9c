"""The INFO keys of an annotation: named before the first record, never twice, declared in the header."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from zoo import __version__
from zoo.errors import OutputError
from zoo.genome.reference import Reference
from zoo.genome.variant import MODEL_REASONS, Reason
from zoo.prediction.scoring.engine import ScoredModel

SKIPPED_KEY = "ZOO_SKIPPED"
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
class ModelKeys:
    """The keys of one model: a key a track, or one ``top`` key where there are too many."""

    tracks: tuple[str, ...]
    scores: tuple[str, ...]
    skipped: str
    top: bool = False


def name_keys(
    models: Sequence[ScoredModel], renames: Mapping[str, str] | None = None, *, max_tracks: float = MAX_TRACKS
) -> list[ModelKeys]:
    """Return the keys of each model: ``ZOO_<MODEL>`` for one track, ``ZOO_<MODEL>_<TRACK>`` for several.

    Args:
        max_tracks: A model of more gets the ``top`` key; ``inf`` gives every track its own.
        renames: Other keys, by the model's name or name@version (all its keys then start so), or by ``model:track``.

    Raises:
        OutputError: Two keys are the same, or a name of ``renames`` fits no model, or a key is not VCF's.
    """
    renames = dict(renames or {})
    known = {
        name
        for card in (scored.model.card for scored in models)
        for model in (card.name, card.full_name)
        for name in (model, *(f"{model}:{track}" for track in card.track_names if len(card.track_names) <= max_tracks))
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
    named = [_keys_of(scored, renames, max_tracks) for scored in models]
    owners: dict[str, str] = {SKIPPED_KEY: "the zoo itself"}
    for scored, keys in zip(models, named, strict=True):
        for key in (*keys.scores, keys.skipped):
            if key in owners:
                raise OutputError(
                    f"key {key}: both {owners[key]} and {scored.model.card.full_name} would write it; "
                    f"rename one: --key {scored.model.card.full_name}=OTHER_KEY"
                )
            owners[key] = scored.model.card.full_name
    return named


def refuse_collisions(keys: Sequence[ModelKeys], present: Collection[str], source: str) -> None:
    """Raise OutputError where the input carries one of the keys already."""
    for key in all_keys(keys)[1:]:
        if key in present:
            raise OutputError(
                f"{source}: INFO {key} is there already; rename ours (--key NAME=KEY), "
                "or replace what is there with --overwrite"
            )
    if SKIPPED_KEY in present:
        raise OutputError(
            f"{source}: INFO {SKIPPED_KEY} is there already, from an earlier annotation; "
            "replace it with --overwrite, which keeps the scores of other models"
        )


def all_keys(keys: Sequence[ModelKeys]) -> list[str]:
    """Return every key that an annotation may write."""
    return [SKIPPED_KEY, *(key for model in keys for key in (*model.scores, model.skipped))]


def declare(models: Sequence[ScoredModel], keys: Sequence[ModelKeys], reference: Reference, command: str) -> list[str]:
    """Return the header lines that say what was computed, from what, by what."""
    general = ", ".join(reason.name for reason in Reason if reason not in MODEL_REASONS and reason is not Reason.OK)
    by_model = ", ".join(reason.name for reason in Reason if reason in MODEL_REASONS)
    file = _quoted(reference.path.name)
    genome = f'File="{file}",Contigs={len(reference.lengths)},NameLengthDigest="{reference.name_length_digest}"'
    lines = [
        f"##zoo_version={__version__}",
        f"##zoo_command={_one_line(command)}",
        f"##zoo_reference=<ID={_identifier(reference.path.name)},{genome}>",
    ]
    for scored, model_keys in zip(models, keys, strict=True):
        card = scored.model.card
        what = f"{card.full_name}, sha256sums {scored.model.digest[:12]}, scorer {scored.scorer.name}"
        if model_keys.top:
            what = f"{what}: the {TOP_SCORES} tracks of largest |score|, track:score, joined by |"
            lines.append(_info(model_keys.scores[0], "A", "String", what))
        else:
            lines.extend(
                _info(key, "A", "Float", f"{what}, track {track}: {scored.scorer.summary}")
                for key, track in zip(model_keys.scores, model_keys.tracks, strict=True)
            )
        why = f"Why {card.full_name} gave no score, an entry for each ALT: {by_model}"
        lines.append(_info(model_keys.skipped, ".", "String", why))
    why = f"Why no model gave a score, an entry for each ALT: {general}"
    lines.append(_info(SKIPPED_KEY, ".", "String", why))
    return lines


def _keys_of(scored: ScoredModel, renames: Mapping[str, str], max_tracks: float) -> ModelKeys:
    card = scored.model.card

    def find(track: str = "") -> str | None:
        return renames.get(card.full_name + track, renames.get(card.name + track))

    base = find() or f"ZOO_{_identifier(card.name)}"
    tracks = card.track_names
    skipped = f"{base}_SKIPPED"
    if len(tracks) > max_tracks:
        return ModelKeys(tracks, (f"{base}_TOP",), skipped, top=True)
    if len(tracks) == 1:
        return ModelKeys(tracks, (find(f":{tracks[0]}") or base,), skipped)
    scores = tuple(find(f":{track}") or f"{base}_{_identifier(track)}" for track in tracks)
    return ModelKeys(tracks, scores, skipped)


def _identifier(name: str) -> str:
    return re.sub(r"[^A-Z0-9_]", "_", name.upper())


def _info(key: str, number: str, kind: str, description: str) -> str:
    return (
        f'##INFO=<ID={key},Number={number},Type={kind},Description="{_quoted(description)}",'
        f'Source="assayzoo",Version="{__version__}">'
    )


def _quoted(text: str) -> str:
    return _one_line(text).replace("\\", "\\\\").replace('"', '\\"')


def _one_line(text: str) -> str:
    return " ".join(text.split())
