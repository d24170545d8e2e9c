"""Lines of output from scores: VCF with our keys spliced into INFO, or a table with a row an allele."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from zoo.components import Scores
from zoo.genome.variant import MODEL_REASONS, Reason
from zoo.genome.vcf import ALT, CONTIG, FILTER, ID, INFO, POS, QUAL, REF
from zoo.prediction.alleles.batch import AlleleBatch
from zoo.prediction.output.keys import SKIPPED_KEY, TOP_SCORES, ModelKeys
from zoo.prediction.scoring.engine import ModelScores

MISSING = "."
TABLE_COLUMNS = ("contig", "position", "id", "ref", "alt", "qual", "filter", "skipped")


def format_vcf(
    columns: list[list[str]],
    alleles: AlleleBatch,
    scores: Sequence[ModelScores],
    keys: Sequence[ModelKeys],
    dropped: Collection[str] = (),
) -> str:
    """Return the records' lines with scores and reasons in INFO, everything else as it came.

    Args:
        dropped: INFO keys of an earlier annotation, removed before ours are added.
    """
    added = _info_texts(len(columns), alleles, scores, keys)
    lines = []
    for record, ours in zip(columns, added, strict=True):
        info = _without(record[INFO], dropped) if dropped else record[INFO]
        record[INFO] = ours if info == MISSING else f"{info};{ours}" if ours else info
        lines.append("\t".join(record))
    lines.append("")
    return "\n".join(lines)


def format_table(
    columns: list[list[str]], alleles: AlleleBatch, scores: Sequence[ModelScores], keys: Sequence[ModelKeys]
) -> str:
    """Return a row an allele, tab-separated; a cell without a value is ``.``."""
    general = [
        MISSING if name in _MODEL_REASON_NAMES or name == "OK" else name for name in _reason_names(alleles.reason)
    ]
    cells: list[list[str]] = []
    for model, model_keys in zip(scores, keys, strict=True):
        cells.extend(_score_texts(model, model_keys))
        cells.append([name if name in _MODEL_REASON_NAMES else MISSING for name in _reason_names(model.reason)])
    rows = []
    place = 0
    previous = -1
    for allele, index in enumerate(alleles.record.tolist()):
        place = place + 1 if index == previous else 0
        previous = index
        record = columns[index]
        alt = record[ALT].split(",")[place]
        head = (record[CONTIG], record[POS], record[ID], record[REF], alt, record[QUAL], record[FILTER])
        rows.append("\t".join((*head, general[allele], *(cell[allele] for cell in cells))))
    rows.append("")
    return "\n".join(rows)


def table_header(keys: Sequence[ModelKeys]) -> str:
    """Return the first line of a table."""
    return "\t".join((*TABLE_COLUMNS, *(name for model in keys for name in (*model.scores, model.skipped)))) + "\n"


def _info_texts(
    records: int, alleles: AlleleBatch, scores: Sequence[ModelScores], keys: Sequence[ModelKeys]
) -> list[str]:
    """Return what each record's INFO gets: scores by allele, and reasons where there are any."""
    several = len(alleles) != records
    bounds = np.searchsorted(alleles.record, np.arange(records + 1)).tolist() if several else []
    cells: list[list[str]] = []
    template = []
    for model, model_keys in zip(scores, keys, strict=True):
        for key, texts in zip(model_keys.scores, _score_texts(model, model_keys), strict=True):
            cells.append(_join_alleles(texts, bounds) if several else texts)
            template.append(f"{key}=%s")
    pattern = ";".join(template)
    added = [pattern % row for row in zip(*cells, strict=True)] if cells else [""] * records
    bounds = bounds or list(range(records + 1))
    for model, model_keys in zip(scores, keys, strict=True):
        _add_reasons(added, model_keys.skipped, model.reason, alleles, bounds, of_model=True)
    _add_reasons(added, SKIPPED_KEY, alleles.reason, alleles, bounds, of_model=False)
    return added


def _join_alleles(texts: list[str], bounds: list[int]) -> list[str]:
    return [texts[first] if last - first == 1 else ",".join(texts[first:last]) for first, last in pairwise(bounds)]


def _add_reasons(
    added: list[str],
    key: str,
    reason: npt.NDArray[np.uint8],
    alleles: AlleleBatch,
    bounds: list[int],
    *,
    of_model: bool,
) -> None:
    relevant = _IS_MODEL_REASON[reason] if of_model else (reason != Reason.OK) & ~_IS_MODEL_REASON[reason]
    for record in np.unique(alleles.record[relevant]).tolist():
        span = range(bounds[record], bounds[record + 1])
        names = [Reason(reason[allele]).name if relevant[allele] else MISSING for allele in span]
        if names == [Reason.NO_ALT.name]:
            added[record] = f"{key}={names[0]}"  # a record without ALT has no value for keys of Number=A
        else:
            added[record] += f";{key}={','.join(names)}"


def _score_texts(model: ModelScores, keys: ModelKeys) -> list[list[str]]:
    if keys.top:
        return [_top_texts(model, keys.tracks)]
    return [_format_floats(model.scores[:, track], model.reason) for track in range(model.scores.shape[1])]


def _format_floats(values: Scores, reason: npt.NDArray[np.uint8]) -> list[str]:
    """Return nine significant digits, which bring back every float32, and ``.`` where there is no score."""
    positive_zeros = values + np.float32(0)  # -0 would only puzzle
    texts = ("%.9g\n" * len(values) % tuple(positive_zeros.tolist())).split("\n")
    texts.pop()
    for allele in np.flatnonzero(reason != Reason.OK).tolist():
        texts[allele] = MISSING
    return texts


def _top_texts(model: ModelScores, tracks: tuple[str, ...]) -> list[str]:
    texts = [MISSING] * len(model.scores)
    for allele in np.flatnonzero(model.reason == Reason.OK).tolist():
        row = model.scores[allele] + np.float32(0)
        strongest = np.argsort(-np.abs(row), kind="stable")[:TOP_SCORES]
        texts[allele] = "|".join(f"{_safe(tracks[track])}:{row[track]:.9g}" for track in strongest)
    return texts


def _safe(track: str) -> str:
    return "".join("_" if letter in ",;=:| \t" else letter for letter in track)


def _reason_names(reason: npt.NDArray[np.uint8]) -> list[str]:
    return [_NAMES[code] for code in reason.tolist()]


def _without(info: str, keys: Collection[str]) -> str:
    kept = [entry for entry in info.split(";") if entry.partition("=")[0] not in keys]
    return ";".join(kept) or MISSING


_NAMES = [reason.name for reason in Reason]
_MODEL_REASON_NAMES = frozenset(reason.name for reason in MODEL_REASONS)
_IS_MODEL_REASON = np.array([reason in MODEL_REASONS for reason in Reason])
