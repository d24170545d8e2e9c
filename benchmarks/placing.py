"""Scores of a set of measured effects, as annotation gives them: the set's sequences make a genome.

``centred``: a window stands around each variant, as in an annotated VCF; of a model that reads inserts between constant
flanks, the insert does. ``region``: one window over the middle of each region, for all of its
variants; those that it does not hold whole have no score. Beyond the sequences of a set all bases are unknown.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt
import pandas as pd

from benchmarks.measured import EffectSet
from zoo.genome.codes import encode
from zoo.genome.variant import normal_form
from zoo.model.card import Window
from zoo.model.folder import Model
from zoo.prediction.output.keys import SKIPPED_KEY
from zoo.prediction.variants import score_variants

Place = Literal["centred", "region"]

CONTIG = "sequences"
MARGIN = 300
"""Unknown bases around each sequence: more than any window reaches."""


def score_set(model: Model, effects: EffectSet, place: Place, scorer: str, folder: Path) -> npt.NDArray[np.float64]:
    """Return the scores of a set's variants, (n, T), NaN where a window does not hold the variant.

    Args:
        model: The model.
        effects: The set.
        place: Where windows stand.
        scorer: Name of the scorer.
        folder: Where a genome and regions can be written.
    """
    window = model.card.sequence_window
    around_each = place == "centred" and window.mode == "fixed"
    variants = effects.variants[["contig", "position", "ref", "alt"]].copy()
    genome, bed = folder / "genome.fa", folder / "windows.bed"
    # Else an insert around one variant would be one around its neighbours too.
    names = variants["contig"] if around_each else list(effects.contigs)
    moved = write_genome(genome, [effects.contigs[name] for name in names])
    if not around_each:
        moved = variants["contig"].map(dict(zip(effects.contigs, moved, strict=True))).to_numpy()
    variants["contig"] = CONTIG
    variants["position"] += moved
    if place == "region" or around_each:
        insert = window.length - len(window.prefix) - len(window.suffix)
        middle = find_starts(effects) if around_each else find_middles(effects)
        starts = np.unique(moved + middle - insert // 2)
        bed.write_text("".join(f"{CONTIG}\t{start}\t{start + insert}\n" for start in starts), encoding="ascii")
    table = score_variants(
        variants,
        genome,
        model,
        scorer=scorer,
        max_unknown=1.0,
        windows=bed if place == "region" or around_each else None,
    )
    assert table[SKIPPED_KEY].isna().all(), "every allele of a set can be scored"
    columns = [name for name in table.columns[len(variants.columns) :] if pd.api.types.is_float_dtype(table[name])]
    assert len(columns) == len(model.card.track_names)
    return table[columns].to_numpy(dtype=np.float64)


def write_genome(path: Path, sequences: Sequence[str]) -> npt.NDArray[np.int64]:
    """Write sequences side by side as one contig, unknown bases around each, and return where each starts, 0-based."""
    gap = "N" * MARGIN
    path.write_text(f">{CONTIG}\n{gap}{gap.join(sequences)}{gap}\n", encoding="ascii")
    lengths = np.array([len(letters) + MARGIN for letters in sequences], dtype=np.int64)
    return MARGIN + np.cumsum(lengths) - lengths


def find_inside(effects: EffectSet, window: Window) -> npt.NDArray[np.bool_]:
    """Return for which variants a centred window lies inside the sequence that is carried, shape (n,)."""
    length = window.length - len(window.prefix) - len(window.suffix)
    anchor = length // 2 if window.mode == "fixed" else window.anchor
    first = find_starts(effects) - anchor
    ends = effects.variants["contig"].map({name: len(letters) for name, letters in effects.contigs.items()})
    inside: npt.NDArray[np.bool_] = (first >= 0) & (first + length <= ends.to_numpy())
    return inside


def find_starts(effects: EffectSet) -> npt.NDArray[np.int64]:
    """Return where each variant's normal form starts, 0-based, shape (n,)."""
    codes = {name: encode(letters) for name, letters in effects.contigs.items()}
    starts = [
        normal_form(codes[row.contig], row.position - 1, len(row.ref), encode(row.alt).tobytes())[0]
        for row in effects.variants.itertuples()
    ]
    return np.array(starts, dtype=np.int64)


def find_middles(effects: EffectSet) -> npt.NDArray[np.int64]:
    """Return the middle of each variant's region, 0-based, shape (n,)."""
    variants = effects.variants
    return ((variants["region_start"] + variants["region_end"]) // 2).to_numpy(dtype=np.int64)


def count_gc(variants: pd.DataFrame) -> npt.NDArray[np.float64]:
    """Return how many more bases of ALT than of REF are G or C: what any score should be better than."""
    letters = [(str(row.ref), str(row.alt)) for row in variants.itertuples()]
    return np.array([sum(map(alt.count, "GC")) - sum(map(ref.count, "GC")) for ref, alt in letters], dtype=np.float64)
