"""AUROC of the GM12878 recipes on chr8 and chr9, the median over seeds, beside 6-mer logistic regressions.

Each committed recipe is trained anew with each seed. The baseline reads the counts of all 6-mers on both strands,
standardised; its penalty is chosen on the validation part, chr7. Both see the same split, made by the recipe.

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

import numpy as np
import numpy.typing as npt

import zoo
from zoo.genome.codes import UNKNOWN, Codes, reverse_complement
from zoo.training.run import TrainingPlan, plan

ROOT = Path(__file__).resolve().parents[1]
MODELS = ("gm12878-ctcf", "gm12878-dnase", "gm12878-h3k4me3", "gm12878-pol2")
WORD = 6
PENALTIES = (1e-5, 3e-5, 1e-4, 3e-4, 1e-3, 3e-3, 1e-2, 1e-1)
"""C of scikit-learn's LogisticRegression, the inverse of the penalty's strength."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Print a row of a Markdown table for each model."""
    options = parse(arguments)
    print("| model | " + " | ".join(f"seed {seed}" for seed in options.seeds) + " | median | 6-mer regression | C |")
    print("|---|" + "---|" * (len(options.seeds) + 3), flush=True)
    for name in options.models:
        (recipe,) = sorted((ROOT / "models" / name).glob("*/recipe.yaml"))[-1:]
        baseline, penalty = measure_baseline(plan(recipe, options.data_root))
        found = [measure_network(recipe, options.data_root, seed, options.threads) for seed in options.seeds]
        cells = [*(f"{auroc:.4f}" for auroc in found), f"**{statistics.median(found):.4f}**", f"{baseline:.4f}"]
        print(f"| {name} | " + " | ".join([*cells, f"{penalty:g}"]) + " |", flush=True)


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """Return the options of the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data-root", type=Path, default=ROOT.parent / "shared" / "data")
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3])
    parser.add_argument("--models", nargs="+", default=list(MODELS))
    parser.add_argument("--threads", type=int, default=None)
    return parser.parse_args(arguments)


def measure_network(recipe: Path, data_root: Path, seed: int, threads: int | None) -> float:
    """Train the recipe with a seed and return the AUROC on its test part, as its card has it."""
    started = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        done = zoo.train(recipe, Path(folder) / "model", data_root=data_root, seed=seed, threads=threads)
    (metrics,) = done.card.metrics["test"].values()
    auroc = float(metrics["auroc"])
    print(f"{done.card.name}, seed {seed}: AUROC {auroc:.4f}, {time.perf_counter() - started:.0f} s", file=sys.stderr)
    return auroc


def measure_baseline(planned: TrainingPlan) -> tuple[float, float]:
    """Return the AUROC of the regression on the test part, and the C that was best on the validation part."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.metrics import roc_auc_score
    from sklearn.preprocessing import StandardScaler

    split = planned.split
    labels = planned.task.targets[:, 0]
    counts = count_words(planned.examples.sequences)
    scaler = StandardScaler().fit(counts[split.train])
    train, validation, test = (scaler.transform(counts[rows]) for rows in (split.train, split.validation, split.test))
    best = (0.0, 0.0, 0.0)
    for penalty in PENALTIES:
        model = LogisticRegression(C=penalty, max_iter=2000).fit(train, labels[split.train])
        on_validation = roc_auc_score(labels[split.validation], model.decision_function(validation))
        if on_validation > best[0]:
            on_test = roc_auc_score(labels[split.test], model.decision_function(test))
            best = (float(on_validation), float(on_test), penalty)
    return best[1], best[2]


def count_words(codes: Codes) -> npt.NDArray[np.float32]:
    """Return how often each 6-mer stands on either strand of each sequence, shape (N, 4096)."""
    counts = np.zeros((len(codes), 4**WORD), dtype=np.float32)
    for strand in (codes, reverse_complement(codes)):
        windows = np.lib.stride_tricks.sliding_window_view(strand, WORD, axis=1)
        words = windows.astype(np.int64) @ (4 ** np.arange(WORD)[::-1])
        known = (windows != UNKNOWN).all(axis=2)
        rows = np.broadcast_to(np.arange(len(codes))[:, None], words.shape)
        np.add.at(counts, (rows[known], words[known]), 1)
    return counts


if __name__ == "__main__":
    main()
