"""What lower precision does to scores, and to speed, on this machine's processor.

    python -m benchmarks.precision --genome genome.fa gm12878-ctcf yeast-promoter-complex path/to/folder

The variants are those that ``zoo annotate --precision`` tries a model on: 1,000 single-base changes at random places of
the genome. Speed is the median ratio of several rounds in which float32 and the other take turns.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from zoo.genome.reference import Reference
from zoo.plugins import discover
from zoo.prediction.loading import load_models
from zoo.prediction.scoring.lowering import compare_speed, draw_variants, try_precision
from zoo.prediction.scoring.pairing import pair_with_scorers

PRECISIONS = ("float16", "bfloat16", "int8")
BASES = 200_000  # of the windows that are timed


def main(arguments: Sequence[str] | None = None) -> None:
    """Print a Markdown table."""
    options = parse(arguments)
    print("| model | precision | rank correlation | equal signs | largest difference | | speed |")
    print("|---|---|---|---|---|---|---|", flush=True)
    models = pair_with_scorers(load_models(options.models, "cpu", options.threads), None, discover())
    with Reference(options.genome) as reference:
        for scored in models:
            window = scored.model.card.sequence_window
            codes = draw_variants(reference, window, max(64, BASES // window.length), seed=2).ref
            for precision in PRECISIONS:
                lowered = try_precision(scored, precision, reference)
                parity = lowered.parity
                assert parity is not None
                speed = compare_speed(scored.model, lowered.model, codes, options.rounds)
                print(
                    f"| {scored.model.card.name} | {precision} | {parity.rank_correlation:.4f} | {parity.signs:.1%} | "
                    f"{parity.difference:.2%} | {'holds' if parity.holds else 'refused'} | {speed:.2f} |",
                    flush=True,
                )


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """Return the options of the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", nargs="+")
    parser.add_argument("--genome", type=Path, required=True)
    parser.add_argument("--threads", type=int, default=None)
    parser.add_argument("--rounds", type=int, default=7)
    return parser.parse_args(arguments)


if __name__ == "__main__":
    main()
