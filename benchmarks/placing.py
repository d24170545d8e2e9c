"""Where a model's window lies on the sequences of a set of measured effects, and what it then predicts.

``centred``: a variant's first base (of its normal form) at the anchor of the card; of a model that reads inserts
between constant flanks, in the middle of the insert. ``region``: over the middle of the region, the same for all its
variants, which lie where they lie; those that it does not hold whole are left out. What lies beyond the sequences that
a set carries is unknown, as beyond a contig's end.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
import pandas as pd

from benchmarks.measured import EffectSet
from zoo.components import Predictions
from zoo.genome.codes import Codes, encode
from zoo.genome.reference import fetch_window
from zoo.genome.variant import normal_form
from zoo.model.card import Window
from zoo.model.folder import Model

Place = Literal["centred", "region"]


@dataclass(frozen=True, slots=True)
class Placed:
    """Windows of both alleles.

    Attributes:
        rows: Row numbers of the variants that have one, shape (n,).
        ref: Codes, shape (n, L).
        alt: Likewise.
        fits: Whether the REF window lies inside the sequence that is carried, shape (n,).
    """

    rows: npt.NDArray[np.int64]
    ref: Codes
    alt: Codes
    fits: npt.NDArray[np.bool_]


def place_windows(effects: EffectSet, window: Window, place: Place) -> Placed:
    """Return the windows of a set's variants."""
    contigs = {name: encode(letters) for name, letters in effects.contigs.items()}
    flanks = tuple(encode(letters) for letters in (window.prefix, window.suffix))
    length = window.length - sum(map(len, flanks))
    anchor = length // 2 if any(map(len, flanks)) else window.anchor
    rows, refs, alts, fits = [], [], [], []
    for row, variant in enumerate(effects.variants.itertuples()):
        contig = contigs[variant.contig]
        spelled = encode(variant.alt).tobytes()
        start, ref_length, alt = normal_form(contig, variant.position - 1, len(variant.ref), spelled)
        middle = (variant.region_start + variant.region_end) // 2
        first = start - anchor if place == "centred" else middle - length // 2
        if start < first or start + max(ref_length, len(alt)) > first + length:
            continue
        changed = np.concatenate([contig[:start], np.frombuffer(alt, dtype=np.uint8), contig[start + ref_length :]])
        rows.append(row)
        refs.append(np.concatenate([flanks[0], fetch_window(contig, first, length), flanks[1]]))
        alts.append(np.concatenate([flanks[0], fetch_window(changed, first, length), flanks[1]]))
        fits.append(first >= 0 and first + length <= len(contig))
    empty = np.empty((0, window.length), dtype=np.uint8)
    return Placed(
        np.array(rows, dtype=np.int64),
        np.stack(refs) if refs else empty,
        np.stack(alts) if alts else empty,
        np.array(fits, dtype=np.bool_),
    )


@dataclass(frozen=True, slots=True)
class Pair:
    """Predictions of both alleles by output name, (n, T) each."""

    ref: Mapping[str, Predictions]
    alt: Mapping[str, Predictions]


def predict_pair(model: Model, placed: Placed) -> Pair:
    """Return what a model predicts for both alleles."""
    return Pair(model.session.predict(placed.ref), model.session.predict(placed.alt))


def count_gc(variants: pd.DataFrame) -> npt.NDArray[np.float64]:
    """Return how many more bases of ALT than of REF are G or C: what any score should be better than."""
    letters = [(str(row.ref), str(row.alt)) for row in variants.itertuples()]
    return np.array([sum(map(alt.count, "GC")) - sum(map(ref.count, "GC")) for ref, alt in letters], dtype=np.float64)
