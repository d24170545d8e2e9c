"""AUROC of the GM12878 recipes on chr8 and chr9, the median over seeds, beside 6-mer logistic regressions.

Each committed recipe is trained anew with each seed, beside its baseline, ``kmer_logistic``.

    python benchmarks/gm12878_auroc.py --data-root ../shared/data --seeds 1 2 3
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import zoo

ROOT = Path(__file__).resolve().parents[1]
MODELS = ("gm12878-ctcf", "gm12878-dnase", "gm12878-h3k4me3", "gm12878-pol2")


def main(arguments: Sequence[str] | None = None) -> None:
    """Print a row of a Markdown table for each model."""
    options = parse(arguments)
    print("| model | " + " | ".join(f"seed {seed}" for seed in options.seeds) + " | median | 6-mer regression |")
    print("|---|" + "---|" * (len(options.seeds) + 2), flush=True)
    for name in options.models:
        (recipe,) = sorted((ROOT / "models" / name).glob("*/recipe.yaml"))[-1:]
        found, baselines = zip(
            *(measure(recipe, options.data_root, seed, options.threads) for seed in options.seeds), strict=True
        )
        cells = [*(f"{auroc:.4f}" for auroc in found), f"**{statistics.median(found):.4f}**", f"{baselines[0]:.4f}"]
        print(f"| {name} | " + " | ".join(cells) + " |", flush=True)


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """Return the options of the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data-root", type=Path, default=ROOT.parent / "shared" / "data")
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3])
    parser.add_argument("--models", nargs="+", default=list(MODELS))
    parser.add_argument("--threads", type=int, default=None)
    return parser.parse_args(arguments)


def measure(recipe: Path, data_root: Path, seed: int, threads: int | None) -> tuple[float, float]:
    """Train the recipe with a seed; return its AUROC on the test part, and that of its baseline."""
    started = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        done = zoo.train(recipe, Path(folder) / "model", data_root=data_root, seed=seed, threads=threads)
    (metrics,) = done.card.metrics["test"].values()
    auroc = float(metrics["auroc"])
    print(f"{done.card.name}, seed {seed}: AUROC {auroc:.4f}, {time.perf_counter() - started:.0f} s", file=sys.stderr)
    return auroc, float(metrics["baseline"]["auroc"]["baseline"])


if __name__ == "__main__":
    main()
