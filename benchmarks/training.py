"""Held-out results of the committed models beside the k-mer baselines of the same runs: writes TRAINING.md.

Every recipe of ``models/`` that names a baseline is trained anew; a model that ``--keep`` holds already is taken from
there. ``--from-cards`` trains nothing and tells what the committed cards say.

    python benchmarks/training.py --data-root ../shared/data
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

import zoo
from zoo.genome.codes import encode
from zoo.model.card import Card, read_card
from zoo.model.folder import CARD_FILE, load_folder
from zoo.training.baseline import solve_baseline
from zoo.training.metrics.bootstrap import Vector, find_interval, resample
from zoo.training.metrics.values import measure_correlations
from zoo.training.network.backend import import_backend
from zoo.training.plan import plan

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "benchmarks" / "TRAINING.md"
EFFECTS = "yeast/promoter_variant_effects_complex.tsv.gz"
EFFECTS_MODEL = "yeast-promoter-complex"

HEAD = """\
# Held-out results of the models

Made by `python benchmarks/training.py --data-root DIR`, which trains every recipe of `models/` that names a baseline
and takes the figures of both from the same run; `--from-cards` tells those of the committed models' own runs. The test
part was never trained on. It chose nothing, but for one number: `gm12878-multi` has five members because with three the
interval of DNase began at -0.0004. Intervals are 95 % of 1,000 paired bootstrap samples of the test part. *Without
sharers*: without the test examples that share a 31-mer with a training example.

| model | track | test | n | metric | network | baseline | ahead by | without sharers |
|---|---|---|---|---|---|---|---|---|
"""


def main(arguments: Sequence[str] | None = None) -> None:
    """Train what is to be trained, and write the page."""
    options = parse(arguments)
    rows, folders = [], {}
    with tempfile.TemporaryDirectory() as scratch:
        kept = options.keep or Path(scratch)
        kept.mkdir(parents=True, exist_ok=True)
        for recipe in find_recipes(options.models):
            name = recipe.parents[1].name
            folder = recipe.parent if options.from_cards else train(recipe, kept / name, options)
            folders[name] = folder
            rows.extend(tell(read_card(folder / CARD_FILE)))
        effects = measure_effects(folders, options.data_root)
    page = HEAD + "\n".join(rows) + "\n" + effects
    options.output.write_text(page, encoding="utf-8")
    print(page)


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """Return the options of the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data-root", type=Path, default=ROOT.parent / "shared" / "data")
    parser.add_argument("--models", nargs="*", default=None, help="names; by default all")
    parser.add_argument("--keep", type=Path, default=None, help="keep the trained folders there, and use those it has")
    parser.add_argument("--from-cards", action="store_true")
    parser.add_argument("--threads", type=int, default=None)
    parser.add_argument("--output", type=Path, default=PAGE)
    return parser.parse_args(arguments)


def find_recipes(names: Sequence[str] | None) -> list[Path]:
    """Return the recipe of the newest version of each model whose card holds a baseline's figures."""
    found = []
    for model in sorted((ROOT / "models").iterdir()):
        recipes = sorted(model.glob("*/recipe.yaml"))
        if not recipes or (names and model.name not in names):
            continue
        card = read_card(recipes[-1].parent / CARD_FILE)
        if any("baseline" in metrics for metrics in card.metrics.get("test", {}).values()):
            found.append(recipes[-1])
    return found


def train(recipe: Path, folder: Path, options: argparse.Namespace) -> Path:
    """Train a recipe unless its model is there already, and return its folder."""
    if not folder.exists():
        started = time.perf_counter()
        zoo.train(recipe, folder, data_root=options.data_root, threads=options.threads)
        print(f"{folder.name}: {time.perf_counter() - started:.0f} s", file=sys.stderr, flush=True)
    return folder


def tell(card: Card) -> list[str]:
    """Return the rows of the table for one model."""
    rows = []
    for track, metrics in card.metrics["test"].items():
        name = "auroc" if "auroc" in metrics else "pearson"
        ahead = metrics["baseline"][name]
        without = metrics.get("without_sharers", {}).get(name)
        network = f"**{metrics[name]:.4f}** ({show(metrics[f'{name}_interval'])})"
        baseline = f"{ahead['baseline']:.4f} {metrics['baseline']['name']}"
        difference = f"{ahead['difference']:+.4f} ({show(ahead['difference_interval'])})"
        shared = "" if without is None else f"{without:.4f} (n {metrics['without_sharers']['n']:,})"
        cells = [
            card.name,
            track,
            describe_test(card),
            f"{metrics['n']:,}",
            name,
            network,
            baseline,
            difference,
            shared,
        ]
        rows.append("| " + " | ".join(cells) + " |")
    return rows


def describe_test(card: Card) -> str:
    """Return what the test part is."""
    assert card.split is not None
    groups = card.split.groups.get("test")
    return ", ".join(groups) if groups else card.split.method


def measure_effects(folders: dict[str, Path], data_root: Path) -> str:
    """Return what the yeast model makes of measured effects of 1 to 3 substitutions, beside its baseline."""
    folder = folders.get(EFFECTS_MODEL)
    if folder is None or not (data_root / EFFECTS).is_file():
        return ""
    table = pd.read_csv(data_root / EFFECTS, sep="\t")
    measured = table["delta_mut_minus_base"].to_numpy(dtype=np.float64)
    bases, mutants = (np.stack([encode(letters) for letters in table[name]]) for name in ("base_seq110", "mut_seq110"))
    model = load_folder(folder, "cpu")
    output = model.card.outputs[0].name
    network = (model.session.predict(mutants)[output] - model.session.predict(bases)[output])[:, 0]
    import_backend()
    baseline = solve_baseline(plan(folder / "recipe.yaml", data_root))
    assert baseline is not None
    words = (baseline.predict(mutants) - baseline.predict(bases))[:, 0]
    (value, draws), (other, others) = (correlate(measured, predicted) for predicted in (network, words))
    return (
        "\n## Measured effects\n\n"
        f"Of {len(table):,} measured effects of 1 to 3 substitutions on yeast promoters ({EFFECTS_MODEL}, ALT less "
        "REF; the sequences are those of the test part), Pearson's correlation is "
        f"**{value:.4f}** ({show(find_interval(draws))}) for the network and {other:.4f} for {baseline.name}; the "
        f"network is ahead by {value - other:+.4f} ({show(find_interval(draws - others))}).\n"
    )


def correlate(measured: Vector, predicted: Vector) -> tuple[float, Vector]:
    """Return Pearson's correlation and that of each bootstrap sample; the samples of one set are always the same."""
    draws = resample(measure_correlations(measured, predicted.astype(np.float64)), len(measured), 1)["pearson"]
    return float(np.corrcoef(measured, predicted)[0, 1]), draws


def show(interval: Sequence[float | None]) -> str:
    """Return an interval as text."""
    return " to ".join("-" if value is None else f"{value:.4f}" for value in interval)


if __name__ == "__main__":
    main()
