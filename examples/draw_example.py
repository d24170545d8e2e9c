"""Draw the example: predictions along a contig, the effects of its variants, and the bases that one site lives on.

Writes docs/images/example-light.svg and example-dark.svg; needs the extras `cpu` and `plot`.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

import zoo

EXAMPLES = Path(__file__).resolve().parent
MODEL = "gm12878-ctcf"
KEY = "ZOO_GM12878_CTCF"
CONTIG, FIRST, LAST = "chr2", 0, 15_000
SITE = "site29"
STEP = 10
"""Bases from one window to the next along the contig."""
MINUS = "\N{MINUS SIGN}"
FLANK = 18
"""Bases shown on either side of the middle of the site."""


@dataclass(frozen=True, slots=True)
class Palette:
    """Colours of one background; the letters' are those that sequence logos have."""

    name: str
    background: str
    text: str
    faint: str
    signal: str
    loss: str
    neutral: str
    letters: dict[str, str]


LIGHT = Palette(
    "light", "#ffffff", "#1f2328", "#d1d9e0", "#3d7dd8", "#c8322b", "#8b949e",
    {"A": "#2f9e44", "C": "#1c6dd0", "G": "#e08700", "T": "#c8322b"},
)  # fmt: skip
DARK = Palette(
    "dark", "#0d1117", "#e6edf3", "#30363d", "#58a6ff", "#ff7b72", "#8b949e",
    {"A": "#56d364", "C": "#58a6ff", "G": "#e3b341", "T": "#ff7b72"},
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Locus:
    """What is drawn: predictions along the contig, scored alleles on it, and the mutations of one site.

    Attributes:
        middles: The middle base of each window, 0-based, shape (N,).
        predictions: Shape (N,).
        alleles: The rows of the table of scores that lie on the contig.
        start: The first base of the site's stretch, 0-based.
        letters: The bases of that stretch.
        changes: The score of each base put in place of each, shape (L, 4); 0 where nothing changes.
        chosen: The row of the site's own variant.
        model: What scored all this.
    """

    middles: np.ndarray
    predictions: np.ndarray
    alleles: Any
    start: int
    letters: str
    changes: np.ndarray
    chosen: Any
    model: str


def main(output: Path) -> None:
    """Score the example and draw it for both backgrounds."""
    locus = score_locus()
    output.mkdir(parents=True, exist_ok=True)
    for palette in (LIGHT, DARK):
        draw(locus, palette, output / f"example-{palette.name}.svg")


def score_locus() -> Locus:
    """Predict along the contig, score its variants, and mutate the chosen site base by base."""
    import pandas as pd

    model = zoo.load(MODEL)
    length, anchor = model.card.window.length, model.card.window.anchor
    genome = dict(zoo.read_fasta(EXAMPLES / "genome.fa"))
    contig = genome[CONTIG].upper()
    starts = np.arange(FIRST, LAST - length + 1, STEP)
    predictions = model.predict(contig[start : start + length] for start in starts).to_numpy()[:, 0]
    rows = [line.split("\t") for line in (EXAMPLES / "variants.vcf").read_text().splitlines() if line[0] != "#"]
    table = pd.DataFrame(
        [(row[0], int(row[1]), row[2], row[3], alt) for row in rows for alt in row[4].split(",") if row[0] == CONTIG],
        columns=["contig", "position", "id", "ref", "alt"],
    )
    alleles = zoo.score_variants(table, EXAMPLES / "genome.fa", model).dropna(subset=[KEY])
    chosen = alleles[alleles["id"].str.startswith(f"{SITE}_base")].iloc[0]
    start = int(chosen["position"]) - 1 - FLANK
    stretch = range(start, start + 2 * FLANK + 1)
    mutants = pd.DataFrame(
        [(CONTIG, base + 1, contig[base], letter) for base in stretch for letter in "ACGT" if letter != contig[base]],
        columns=["contig", "position", "ref", "alt"],
    )
    scores = zoo.score_variants(mutants, EXAMPLES / "genome.fa", model)
    changes = np.zeros((len(stretch), 4))
    changes[scores["position"] - 1 - start, ["ACGT".index(letter) for letter in scores["alt"]]] = scores[KEY]
    name = describe_model()
    letters = contig[start : start + len(stretch)]
    return Locus(starts + anchor, predictions, alleles, start, letters, changes, chosen, name)


def describe_model() -> str:
    """Return the model's name and the digest that pins it, which stand in the pictures' metadata."""
    model = zoo.load(MODEL)
    return f"{model.card.full_name}, sha256sums {model.digest}"


def draw(locus: Locus, palette: Palette, path: Path) -> None:
    """Draw the three panels, one below the other."""
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot as plt

    style = {
        "font.family": "DejaVu Sans", "font.size": 11, "svg.hashsalt": "assayzoo", "text.color": palette.text,
        "axes.labelcolor": palette.text, "axes.edgecolor": palette.neutral, "axes.linewidth": 0.8,
        "axes.facecolor": "none",
        "xtick.color": palette.text, "ytick.color": palette.text, "axes.spines.top": False, "axes.spines.right": False,
        "figure.facecolor": palette.background, "savefig.facecolor": palette.background,
    }  # fmt: skip
    with plt.rc_context(style):
        figure, panels = plt.subplots(
            3, 1, figsize=(10, 6.6), height_ratios=[1, 1.15, 1.15], layout="constrained", gridspec_kw={"hspace": 0.04}
        )
        draw_predictions(panels[0], locus, palette)
        draw_effects(panels[1], locus, palette)
        draw_site(panels[2], locus, palette)
        panels[0].sharex(panels[1])
        panels[0].tick_params(labelbottom=False)
        figure.align_ylabels(panels)
        metadata = {"Date": None, "Description": locus.model}
        for suffix in (".svg", ".png")[: 1 + ("--png" in sys.argv)]:
            figure.savefig(path.with_suffix(suffix), dpi=110, metadata=metadata if suffix == ".svg" else None)
        plt.close(figure)


def draw_predictions(axes: Any, locus: Locus, palette: Palette) -> None:
    """Draw what the model says of the reference, window after window."""
    axes.fill_between(locus.middles / 1000, locus.predictions, color=palette.signal, alpha=0.35, linewidth=0)
    axes.plot(locus.middles / 1000, locus.predictions, color=palette.signal, linewidth=1)
    axes.set(ylim=(0, 1.08), yticks=[0, 0.5, 1], ylabel="CTCF binding\n(probability)")
    set_title(axes, f"Prediction along {CONTIG} of the example genome: a peak over each planted CTCF site", palette)


def draw_effects(axes: Any, locus: Locus, palette: Palette) -> None:
    """Draw the score of each ALT allele as a lollipop."""
    where = locus.alleles["position"] / 1000
    scores = locus.alleles[KEY]
    breaks = scores < -0.3
    for chosen, colour, size in ((~breaks, palette.neutral, 16), (breaks, palette.loss, 42)):
        axes.vlines(where[chosen], 0, scores[chosen], color=colour, linewidth=1.6)
        axes.scatter(where[chosen], scores[chosen], color=colour, s=size, zorder=3, linewidth=0)
    axes.axhline(0, color=palette.neutral, linewidth=0.8)
    chosen_at = (locus.chosen["position"] / 1000, locus.chosen[KEY])
    axes.annotate(
        SITE,
        chosen_at,
        xytext=(0, -9),
        textcoords="offset points",
        ha="center",
        va="top",
        color=palette.text,
        fontsize=10,
    )
    axes.set(xlim=(FIRST / 1000, LAST / 1000), ylim=(-1.15, 0.2), yticks=[-1, -0.5, 0])
    axes.set_ylabel(f"effect\n(ALT {MINUS} REF)")
    axes.set_xlabel(f"{CONTIG}, kb")
    set_title(axes, "Score of each ALT allele: far below zero where it breaks a site, near zero elsewhere", palette)


def draw_site(axes: Any, locus: Locus, palette: Palette) -> None:
    """Draw each base of the site as high as its change costs, on average over the other three."""
    import logomaker
    import pandas as pd

    cost = -locus.changes.sum(axis=1) / 3
    letters = np.array(list(locus.letters))
    matrix = pd.DataFrame({letter: np.where(letters == letter, np.maximum(cost, 0), 0) for letter in "ACGT"})
    logomaker.Logo(matrix, ax=axes, color_scheme=palette.letters, show_spines=False)
    for side in ("left", "bottom"):
        axes.spines[side].set(visible=True, color=palette.neutral, linewidth=0.8)
    top = float(cost.max())
    chosen = FLANK
    axes.annotate(
        f"{locus.chosen['ref']} → {locus.chosen['alt']} scores {locus.chosen[KEY]:.2f}".replace("-", MINUS),
        xy=(chosen, cost[chosen] + top * 0.03), xytext=(chosen, top * 1.28), ha="center", va="center",
        color=palette.loss, fontweight="bold", arrowprops={"arrowstyle": "-|>", "color": palette.loss, "lw": 1.4},
    )  # fmt: skip
    axes.set(ylim=(0, top * 1.42), yticks=[0, 0.5, 1], xlim=(-0.6, len(letters) - 0.4), ylabel="loss when\nchanged")
    ticks = range(FLANK % 6, len(letters), 6)
    axes.set_xticks(list(ticks), [f"{locus.start + tick + 1:,}" for tick in ticks])
    axes.set_xlabel(f"{CONTIG}, position")
    set_title(
        axes, f"Every base around {SITE} changed to every other one, mean loss: the model reads the site", palette
    )


def set_title(axes: Any, text: str, palette: Palette) -> None:
    """Write a panel's title flush left."""
    axes.set_title(text, loc="left", fontsize=11.5, color=palette.text, pad=8)


def parse_output(arguments: Sequence[str]) -> Path:
    """Return the folder that was named, by default docs/images."""
    named = [argument for argument in arguments if not argument.startswith("--")]
    return Path(named[0]) if named else EXAMPLES.parent / "docs" / "images"


if __name__ == "__main__":
    main(parse_output(sys.argv[1:]))
