"""The figure of measured effects: predicted against measured, where a model was made for what was measured."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from benchmarks.measured import ASB, YEAST, EffectSet
from benchmarks.placing import Place, score_set
from zoo.registry import load

PANELS: tuple[tuple[str, str, Place, str, str, str], ...] = (
    ("ctcf-sites", ASB, "centred", "logit_difference", "CTCF, allele-specific binding", "log2 ratio of reads"),
    ("yeast-promoter-complex", YEAST, "region", "difference", "Yeast promoters", "change of expression"),
)
"""Model (its first track), set, place of the window, scorer, title, and what was measured."""


def draw_figure(path: Path, sets: Mapping[str, EffectSet], threads: int | None) -> None:
    """Write the panels."""
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot as plt

    figure, axes = plt.subplots(1, len(PANELS), figsize=(4.4 * len(PANELS), 3.9), squeeze=False)
    for axis, (model, name, place, scorer, title, unit) in zip(axes[0], PANELS, strict=True):
        with tempfile.TemporaryDirectory() as folder:
            predicted = score_set(load(model, "cpu", threads), sets[name], place, scorer, Path(folder))[:, 0]
        scored = np.isfinite(predicted)
        predicted, variants = predicted[scored], sets[name].variants[scored]
        measured = variants["measured"].to_numpy()
        size = 14 if len(measured) < 1000 else 5
        axis.axhline(0, color="0.8", linewidth=0.8, zorder=0)
        axis.axvline(0, color="0.8", linewidth=0.8, zorder=0)
        apart = (
            variants["in_motif"].to_numpy(dtype=bool) if "in_motif" in variants else np.ones(len(measured), dtype=bool)
        )
        for chosen, colour, label in ((~apart, "#d1782f", "elsewhere"), (apart, "#2b6ca3", "in a motif")):
            axis.scatter(
                measured[chosen], predicted[chosen], s=size, color=colour, alpha=0.5, linewidths=0, label=label
            )
        if not apart.all():
            axis.legend(frameon=False, loc="upper left", fontsize=8)
        axis.set_title(f"{title}\nr = {np.corrcoef(measured, predicted)[0, 1]:.2f}, n = {len(measured):,}", fontsize=10)
        axis.set_xlabel(f"measured: {unit}")
        axis.set_ylabel(f"predicted: {scorer}\nof {model}")
        axis.spines[["top", "right"]].set_visible(False)
    figure.tight_layout()
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=130, metadata={"Software": None})
    plt.close(figure)
