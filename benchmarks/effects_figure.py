"""The figure of measured effects: predicted against measured, where a model was made for what was measured."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import numpy.typing as npt

from benchmarks.measured import ASB, YEAST, EffectSet

PANELS = (
    ("gm12878-ctcf:CTCF", ASB, "centred", "logit_difference", "CTCF, allele-specific binding", "log2 ratio of reads"),
    ("yeast-promoter-complex:complex", YEAST, "region", "difference", "Yeast promoters", "change of expression"),
)


def draw_figure(
    path: Path, sets: Mapping[str, EffectSet], scores: Mapping[tuple[str, str], npt.NDArray[np.float64]]
) -> None:
    """Write the panels whose models were measured; nothing where none was."""
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot as plt

    panels = [panel for panel in PANELS if (panel[0], ":".join(panel[1:4])) in scores]
    if not panels:
        return
    figure, axes = plt.subplots(1, len(panels), figsize=(4.4 * len(panels), 3.9), squeeze=False)
    for axis, (track, name, place, scorer, title, unit) in zip(axes[0], panels, strict=True):
        predicted = scores[track, f"{name}:{place}:{scorer}"]
        measured = sets[name].variants["measured"].to_numpy()
        assert len(measured) == len(predicted)
        held_out = sets[name].variants["part"].isin(["chr8", "chr9"]).to_numpy()
        size = 14 if len(measured) < 1000 else 5
        axis.axhline(0, color="0.8", linewidth=0.8, zorder=0)
        axis.axvline(0, color="0.8", linewidth=0.8, zorder=0)
        axis.scatter(measured, predicted, s=size, color="#2b6ca3", alpha=0.45, linewidths=0)
        if held_out.any():
            axis.scatter(measured[held_out], predicted[held_out], s=size, color="#d1782f", alpha=0.8, linewidths=0)
            axis.plot([], [], "o", color="#d1782f", markersize=4, label="chr8 and chr9")
            axis.legend(frameon=False, loc="upper left", fontsize=8)
        axis.set_title(f"{title}\nr = {np.corrcoef(measured, predicted)[0, 1]:.2f}, n = {len(measured):,}", fontsize=10)
        axis.set_xlabel(f"measured: {unit}")
        axis.set_ylabel(f"predicted: {track.split(':')[0]}, {scorer}", fontsize=9)
        axis.spines[["top", "right"]].set_visible(False)
    figure.tight_layout()
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=130, metadata={"Software": None})
    plt.close(figure)
