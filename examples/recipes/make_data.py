"""Make positives.fa and negatives.fa: two half-sites of NF1 at their distance, or at any other.

python examples/recipes/make_data.py
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

HALVES = ("TTGGC", "GCCAA")
GAP = 5
LENGTH, COUNT, CONTIGS, SEED = 40, 600, 6, 1
FOLDER = Path(__file__).resolve().parent


def main(folder: Path = FOLDER) -> None:
    """Write both files."""
    generator = np.random.default_rng(SEED)
    for name, gaps in (("positives", (GAP,)), ("negatives", (1, 2, 3, 4, 6, 7, 8, 9, 10))):
        records = [draw(generator, int(generator.choice(gaps))) for _ in range(COUNT)]
        text = "".join(f">chr{1 + number % CONTIGS}_{number}\n{letters}\n" for number, letters in enumerate(records))
        (folder / f"{name}.fa").write_text(text, encoding="ascii", newline="\n")


def draw(generator: np.random.Generator, gap: int) -> str:
    """Return random letters that hold both half-sites, so many bases apart."""
    letters = "".join(generator.choice(list("ACGT"), LENGTH))
    span = len(HALVES[0]) + gap + len(HALVES[1])
    start = int(generator.integers(0, LENGTH - span + 1))
    between = letters[start + len(HALVES[0]) : start + len(HALVES[0]) + gap]
    return letters[:start] + HALVES[0] + between + HALVES[1] + letters[start + span :]


if __name__ == "__main__":
    main()
