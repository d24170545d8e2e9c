"""Lines of output from scores: VCF with our keys spliced into INFO, or a table with a row an allele and region."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from zoo.genome.variant import Reason
from zoo.genome.vcf import ALT, CONTIG, FILTER, ID, INFO, POS, QUAL, REF, RecordBatch
from zoo.prediction.alleles.batch import AlleleBatch, Integers
from zoo.prediction.inputs.records import EFFECT_KEY, UNDECIDED_KEY
from zoo.prediction.output.cells import MISSING, general_reasons, list_cells, model_reasons
from zoo.prediction.output.formats import ColumnType
from zoo.prediction.output.keys import HAPLOTYPE_KEY, PACKED_KEY, SKIPPED_KEY, Extras, ModelKeys
from zoo.prediction.output.packed import pack
from zoo.prediction.output.rows import Column, Rows, spell_column
from zoo.prediction.scoring.pairing import ScoredModel
from zoo.prediction.scoring.scores import ModelScores

_TABLE_COLUMNS: Mapping[str, ColumnType] = {
    "contig": "text", "position": "integer", "id": "text", "ref": "text", "alt": "text", "qual": "float",
    "filter": "text", "region": "text", "haplotype": "text", "skipped": "text",
}  # fmt: skip

_INFO_COLUMNS: Mapping[str, ColumnType] = {EFFECT_KEY: "text", UNDECIDED_KEY: "flag"}
"""INFO of tables that have effect alleles, without which the sign of a score would be read wrongly."""


@dataclass(frozen=True, slots=True)
class Layout:
    """What every batch of a run is written with.

    Args:
        dropped: INFO keys of an earlier annotation, removed before ours are added.
        regions: The names of the regions that windows stand at, by number.
        info: The keys of the input's INFO; those that say which allele's effect a table gave become columns.
        name_haplotypes: Tells for each allele of a batch which haplotypes it is scored on, where that is asked for.
    """

    models: Sequence[ScoredModel]
    keys: Sequence[ModelKeys]
    extras: Extras
    regions: Sequence[str] = ()
    dropped: Collection[str] = ()
    info: Collection[str] = ()
    name_haplotypes: Callable[[AlleleBatch], list[str]] | None = None


def format_vcf(batch: RecordBatch, alleles: AlleleBatch, scores: Sequence[ModelScores], layout: Layout) -> str:
    """Return the records' lines with scores and reasons in INFO, everything else as it came."""
    added = _info_texts(batch, alleles, scores, layout)
    infos = batch.column(INFO)
    if layout.dropped or batch.has_samples:
        lines = []
        for record, info, ours in zip(batch.columns, infos, added, strict=True):
            kept = _without(info, layout.dropped) if layout.dropped else info
            joined = ours if kept == MISSING else f"{kept};{ours}" if ours else kept
            lines.append("\t".join((*record[:INFO], joined, *record[INFO + 1 :])))
    else:
        # INFO ends the line, so that no line needs to be taken apart and put together again.
        lines = [
            f"{line[: -len(MISSING)]}{ours}" if info == MISSING else f"{line};{ours}" if ours else line
            for line, info, ours in zip(batch.lines, infos, added, strict=True)
        ]
    lines.append("")
    return "\n".join(lines)


def make_rows(batch: RecordBatch, alleles: AlleleBatch, scores: Sequence[ModelScores], layout: Layout) -> Rows:
    """Return a table's row for each allele, and one for each of its regions."""
    allele, window = _pair_windows(len(alleles), scores)
    index = allele.tolist()
    general = general_reasons(alleles.reason)
    alts = _list_alts(batch, alleles)
    signs = _find_signs(batch, alts, alleles, allele) if EFFECT_KEY in layout.info else np.empty(0, np.float32)
    cells: list[Column] = []
    for number, (model, keys) in enumerate(zip(scores, layout.keys, strict=True)):
        rows = _find_rows(model, allele, window)
        found = dict(list_cells(model, keys, rows, layout.regions))
        cells.extend(column for key, column in found.items() if key != keys.region)
        cells.extend(np.multiply(found[key], signs) for key in _effect_keys(layout, number))
        if keys.seen and model.seen is not None:
            cells.append([str(int(seen)) for seen in model.seen[allele].tolist()])
        cells.append(_pick(model_reasons(model.reason), index))
    records = alleles.record[allele].tolist()
    heads = [_pick(batch.column(column), records) for column in (CONTIG, POS, ID, REF)]
    heads.append(_pick(alts, index))
    heads.extend(_pick(batch.column(column), records) for column in (QUAL, FILTER))
    heads.extend(
        _pick([_read_info(info, key) for info in batch.column(INFO)], records)
        for key in _INFO_COLUMNS
        if key in layout.info
    )
    if layout.extras.region:
        heads.append([layout.regions[each] if each >= 0 else MISSING for each in window.tolist()])
    if layout.name_haplotypes is not None:
        heads.append(_pick(layout.name_haplotypes(alleles), index))
    heads.append(_pick(general, index))
    return Rows(dict(zip(table_columns(layout), [*heads, *cells], strict=True)))


def table_columns(layout: Layout) -> dict[str, ColumnType]:
    """Return the names of a table's columns with what stands in them."""
    left_out = {
        name for name, asked in (("region", layout.extras.region), ("haplotype", layout.extras.sample)) if not asked
    }
    columns: dict[str, ColumnType] = {}
    for name, kind in _TABLE_COLUMNS.items():
        if name == "region":
            columns |= {key.lower(): of for key, of in _INFO_COLUMNS.items() if key in layout.info}
        if name not in left_out:
            columns[name] = kind
    for number, keys in enumerate(layout.keys):
        columns |= dict.fromkeys(keys.scores, "text" if keys.top else "float")
        columns |= dict.fromkeys((*keys.spread, *keys.percentile, *keys.p), "float")
        columns |= dict.fromkeys(keys.disagree, "integer")
        columns |= {f"{key}_EFFECT": "float" for key in _effect_keys(layout, number)}
        columns |= dict.fromkeys([keys.seen] if keys.seen else [], "flag")
        columns[keys.skipped] = "text"
    return columns


def table_header(layout: Layout) -> str:
    """Return the first line of a table."""
    return "\t".join(table_columns(layout)) + "\n"


def _info_texts(batch: RecordBatch, alleles: AlleleBatch, scores: Sequence[ModelScores], layout: Layout) -> list[str]:
    """Return what each record's INFO gets: scores by allele, and reasons where there are any."""
    records = len(batch)
    several = len(alleles) != records
    bounds = np.searchsorted(alleles.record, np.arange(records + 1)).tolist() if several else []
    cells: list[Sequence[str]] = []
    template = []
    for model, keys in zip(scores, layout.keys, strict=True):
        for key, column in list_cells(model, keys, model.strongest(), layout.regions):
            texts = spell_column(column)
            cells.append(_join_alleles(texts, bounds) if several else texts)
            template.append(f"{key}=%s")
    if layout.name_haplotypes is not None:
        texts = layout.name_haplotypes(alleles)
        cells.append(_join_alleles(texts, bounds) if several else texts)
        template.append(f"{HAPLOTYPE_KEY}=%s")
    pattern = ";".join(template)
    added = [pattern % row for row in zip(*cells, strict=True)] if cells else [""] * records
    bounds = bounds or list(range(records + 1))
    for model, keys in zip(scores, layout.keys, strict=True):
        if keys.seen and model.seen is not None:
            for record in np.unique(alleles.record[model.seen]).tolist():
                added[record] += f";{keys.seen}"
        _add_reasons(added, keys.skipped, model_reasons(model.reason), alleles, bounds)
    if layout.extras.packed:
        models = list(zip(layout.models, layout.keys, scores, strict=True))
        entries = pack(_list_alts(batch, alleles), alleles, models, layout.regions)
        for record, (first, last) in enumerate(pairwise(bounds)):
            found = [entry for allele in range(first, last) for entry in entries[allele]]
            added[record] += f";{PACKED_KEY}={','.join(found)}" if found else ""
    _add_reasons(added, SKIPPED_KEY, general_reasons(alleles.reason), alleles, bounds)
    return added


def _join_alleles(texts: Sequence[str], bounds: list[int]) -> list[str]:
    return [texts[first] if last - first == 1 else ",".join(texts[first:last]) for first, last in pairwise(bounds)]


def _add_reasons(added: list[str], key: str, names: list[str], alleles: AlleleBatch, bounds: list[int]) -> None:
    relevant = [allele for allele, name in enumerate(names) if name != MISSING]
    for record in dict.fromkeys(alleles.record[relevant].tolist()):
        found = names[bounds[record] : bounds[record + 1]]
        if found == [Reason.NO_ALT.name]:
            added[record] = f"{key}={found[0]}"  # a record without ALT has no value for keys of Number=A
        else:
            added[record] += f";{key}={','.join(found)}"


def _pick(texts: Sequence[str], rows: Sequence[int]) -> list[str]:
    return [texts[row] for row in rows]


def _list_alts(batch: RecordBatch, alleles: AlleleBatch) -> list[str]:
    """Return each allele as its record spells it."""
    alts = [text for alt in batch.column(ALT) for text in alt.split(",")]
    if len(alts) != len(alleles):
        raise ValueError(f"expected {len(alleles)} alleles, found {len(alts)}")
    return alts


def _pair_windows(alleles: int, scores: Sequence[ModelScores]) -> tuple[Integers, Integers]:
    """Return the rows of a table: the windows of each allele that any model has, or one row of none (-1)."""
    width = 2 + max((int(model.window.max(initial=-1)) for model in scores), default=-1)
    pairs = [model.allele * width + model.window + 1 for model in scores]
    found = np.zeros(alleles, dtype=np.bool_)
    for model in scores:
        found[model.allele] = True
    allele, window = np.divmod(np.unique(np.concatenate([*pairs, np.flatnonzero(~found) * width])), width)
    return allele, window - 1


def _find_rows(model: ModelScores, allele: Integers, window: Integers) -> Integers:
    """Return the model's row of each pair, -1 where it has none."""
    width = 2 + max(int(window.max(initial=-1)), int(model.window.max(initial=-1)))
    ours = model.allele * width + model.window + 1
    wanted = allele * width + window + 1
    place = np.minimum(np.searchsorted(ours, wanted), max(len(ours) - 1, 0))
    if not len(ours):
        return np.full(len(wanted), -1, dtype=np.int64)
    return np.where(ours[place] == wanted, place, -1)


def _effect_keys(layout: Layout, number: int) -> tuple[str, ...]:
    """Return the keys of a model whose scores a table also gives for the effect allele against the other."""
    keys = layout.keys[number]
    if EFFECT_KEY not in layout.info or keys.top or not layout.models[number].scorer.signed:
        return ()
    return keys.scores


def _find_signs(batch: RecordBatch, alts: list[str], alleles: AlleleBatch, allele: Integers) -> npt.NDArray[np.float32]:
    """Return for each row 1 where the effect allele is ALT, -1 where it is REF, NaN where it is neither."""
    refs, infos = batch.column(REF), batch.column(INFO)
    signs = np.full(len(allele), np.nan, dtype=np.float32)
    for row, (index, record) in enumerate(zip(allele.tolist(), alleles.record[allele].tolist(), strict=True)):
        effect = _read_info(infos[record], EFFECT_KEY)
        if effect in (refs[record], alts[index]):
            signs[row] = -1 if effect == refs[record] else 1
    return signs


def _read_info(info: str, key: str) -> str:
    """Return the value of a key, 1 or 0 for a flag, ``.`` where a value is missing."""
    entries = dict(entry.partition("=")[::2] for entry in info.split(";"))
    if _INFO_COLUMNS[key] == "flag":
        return str(int(key in entries))
    return entries.get(key) or MISSING


def _without(info: str, keys: Collection[str]) -> str:
    kept = [entry for entry in info.split(";") if entry.partition("=")[0] not in keys]
    return ";".join(kept) or MISSING
