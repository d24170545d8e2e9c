"""What each architecture learns of a simulated task that it is meant for: writes LEARNING.md.

Every network is small, trains on two processors and has three minutes; the tasks are those of the loader ``simulated``.

    python benchmarks/learning.py
    python benchmarks/learning.py --architectures danq enformer --output -
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

import zoo

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "benchmarks" / "LEARNING.md"
AUROC, PEARSON = 0.95, 0.9
"""What is asked for."""

SECONDS = 180
"""That a network has to learn it, the drawing of the examples and the export among them."""

HEAD = f"""\
# What each architecture learns

Made by `python benchmarks/learning.py`: each architecture, at a small configuration, on a simulated task that it is
meant for; the test part was drawn with the others and is never trained on. Asked for are an AUROC of {AUROC} or a
correlation of {PEARSON} within {SECONDS} seconds on two processors. The k-mer baseline of the same run says how much of
the task is no more than counting words.

| architecture | task | examples | bases | parameters | metric | test | k-mers | epochs | seconds |
|---|---|---|---|---|---|---|---|---|---|
"""

CTCF = "CCGCGNGGNGGCAG"
ETS = "ACCGGAAGT"
RUNX = "TGTGGTTT"

TASKS: dict[str, dict[str, Any]] = {
    # A word between random letters.
    "motif": {"task": "motif", "examples": 8_000, "length": 100, "motifs": [{"consensus": CTCF}]},
    # The same two words in both classes: how far they are apart is all that there is to see.
    "pair": {
        "task": "pair", "examples": 16_000, "length": 80, "spacing": [3, 8],
        "motifs": [{"consensus": ETS, "strand": "forward"}, {"consensus": RUNX, "strand": "forward"}],
    },
    # An enhancer's and a promoter's word, far from each other.
    "distant pair": {
        "task": "distant_pair", "examples": 12_000, "length": 600, "spacing": [200, 400],
        "motifs": [{"consensus": CTCF}, {"consensus": "GTATAAAAGG"}],
    },
    # Three words in an order.
    "grammar": {
        "task": "grammar", "examples": 12_000, "length": 120,
        "motifs": [{"consensus": word, "strand": "forward"} for word in (ETS, RUNX, "TTTCGCGC")],
    },
    # Reads beside a site, at every base.
    "profile": {"task": "profile", "examples": 4_000, "length": 200, "motifs": [{"consensus": CTCF}], "copies": 2},
    # The same in bins, from a wider window.
    "bins": {
        "task": "profile", "examples": 4_000, "length": 1024, "motifs": [{"consensus": CTCF}], "copies": 4,
        "footprint": {"bin": 32, "offset": 32, "width": 16},
    },
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Trial:
    """One architecture, what it is configured as, and how it is trained."""

    architecture: str
    task: str
    config: Mapping[str, Any] = field(default_factory=dict)
    training: Mapping[str, Any] = field(default_factory=dict)


TRIALS = (
    Trial("kmer_logistic", "motif"),
    Trial("kmer_mlp", "motif"),
    Trial("primer_cnn", "motif"),
    Trial("single_cnn", "motif"),
    Trial("parallel_cnn", "motif", {"filters": 16}),
    Trial("multilayer_cnn", "motif"),
    Trial("deepbind", "motif"),
    Trial("zeng_cnn", "motif", {"convolutions": [{"kernels": 32, "width": 24}]}),
    Trial("deepmotif", "motif", {"filters": 32}),
    Trial("cuperus", "motif", {"filters": 32}, {"loss": "binary_crossentropy"}),
    Trial("deepsea", "motif", {"filters": [32, 48, 64], "dense": 64}),
    Trial("basset", "motif", {
        "convolutions": [{"filters": 32, "width": 19, "pool": 3}, {"filters": 32, "width": 7, "pool": 4}],
        "dense": [64],
    }),
    Trial("mrnn", "motif"),
    Trial("cnn_lstm", "pair"),
    Trial("cnn_gru", "pair"),
    Trial("danq", "pair", {"filters": 32, "width": 12, "pool": 4, "units": 32, "dense": 32}),
    Trial("deeperbind", "grammar"),
    Trial("deepc", "distant pair", {
        "convolutions": [{"filters": 32, "width": 15, "pool": 4}, {"filters": 32, "width": 5, "pool": 4}],
        "dilations": [1, 2, 4, 8],
    }, {"loss": "binary_crossentropy"}),
    Trial("basenji", "bins", {"stem_filters": 32, "tower_filters": 32, "tower_layers": 1}),
    Trial("enformer", "bins", {"channels": 48, "halvings": 5, "transformer_layers": 1}),
    Trial("bpnet", "profile", {"filters": 32, "dilated": 4}),
    Trial("chrombpnet", "profile", {"parts": "bias", "bias_filters": 32, "width": 15, "profile_width": 25}),
)  # fmt: skip


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the page; return 1 where an architecture did not learn its task."""
    options = parse(arguments)
    rows, failed = [], []
    with tempfile.TemporaryDirectory() as folder:
        for number, trial in enumerate(TRIALS):
            if options.architectures and trial.architecture not in options.architectures:
                continue
            row, learned = try_to_learn(trial, Path(folder) / str(number), options)
            print(row, file=sys.stderr, flush=True)
            rows.append(row)
            if not learned:
                failed.append(trial.architecture)
    page = HEAD + "\n".join(rows) + "\n"
    if str(options.output) == "-":
        print(page, end="")
    else:
        options.output.write_text(page, encoding="utf-8")
    if failed:
        print(f"did not learn: {', '.join(failed)}", file=sys.stderr)
    return 1 if failed else 0


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """Return the options of the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--architectures", nargs="*", default=[], help="names; by default all")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--output", type=Path, default=PAGE, help="a page, or - for standard output")
    return parser.parse_args(arguments)


def try_to_learn(trial: Trial, folder: Path, options: argparse.Namespace) -> tuple[str, bool]:
    """Train one architecture; return a row of the table, and whether it reached what is asked for."""
    folder.mkdir()
    recipe = folder / "recipe.yaml"
    recipe.write_text(yaml.safe_dump(make_recipe(trial, options.seed)), encoding="utf-8")
    began = time.perf_counter()
    done = zoo.train(recipe, folder / "model", threads=options.threads)
    seconds = time.perf_counter() - began
    metrics = next(iter(done.card.metrics["test"].values()))
    name, asked = ("auroc", AUROC) if "auroc" in metrics else ("pearson", PEARSON)
    found = float(metrics[name])
    baseline = metrics.get("baseline", {}).get(name, {}).get("baseline")
    told = "-" if baseline is None else f"{baseline:.3f}"
    learned = found >= asked and seconds <= SECONDS
    task = TASKS[trial.task]
    epochs = max((fit.epochs for fit in done.fits), default=0)
    row = (
        f"| `{trial.architecture}` | {trial.task} | {task['examples']:,} | {task['length']:,} "
        f"| {done.parameters:,} | {name} | **{found:.3f}**{'' if learned else ' (missed)'} "
        f"| {told} | {epochs} | {seconds:.0f} |"
    )
    return row, learned


def make_recipe(trial: Trial, seed: int) -> dict[str, Any]:
    """Return the recipe of a trial."""
    profile = TASKS[trial.task]["task"] == "profile"
    # What a site is on the other strand, is one for the tasks that say so; a grammar and a pair have one direction.
    turned = trial.task in {"motif", "distant pair"}
    return {
        "schema_version": 1,
        "name": f"learning-{trial.architecture.replace('_', '-')}",
        "version": "1.0.0",
        "summary": "A network of a benchmark.",
        "license": "Apache-2.0",
        "authors": ["The assayzoo authors"],
        "assay": "simulation",
        "organism": "none",
        "limitations": "Trained on simulated sequences.",
        "data": {"loader": "simulated", "config": TASKS[trial.task]},
        "split": {"method": "random", "test": 0.15, "validation": 0.15},
        "architecture": {"name": trial.architecture, "config": dict(trial.config)},
        "output": {"activation": "softplus" if profile else "sigmoid"},
        "training": {
            "epochs": 12,
            "batch_size": 128,
            "learning_rate": 3e-3,
            "schedule": "cosine",
            "keep": "last",
            "reverse_complement": "random" if turned else "none",
            **({"loss": "multinomial_mse"} if trial.task == "profile" else {}),
            **({"loss": "poisson"} if trial.task == "bins" else {}),
            **trial.training,
        },
        "seed": seed,
    }


if __name__ == "__main__":
    sys.exit(main())
