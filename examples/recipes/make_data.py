"""Make the data of planted_motif.yaml: 360 sequences that hold TGACTCA, the AP-1 site, and 360 that do not."""

import random
from pathlib import Path

MOTIF, LENGTH, CONTIGS, EACH = "TGACTCA", 40, 6, 60
FOLDER = Path(__file__).parent


def draw_sequence(generator: random.Random, motif: str) -> str:
    """Draw a sequence, on either strand, with one motif or none."""
    complement = str.maketrans("ACGT", "TGCA")
    while True:
        letters = "".join(generator.choice("ACGT") for _ in range(LENGTH))
        if MOTIF not in letters and MOTIF.translate(complement)[::-1] not in letters:
            break
    start = generator.randrange(LENGTH - len(motif) + 1)
    letters = letters[:start] + motif + letters[start + len(motif) :]
    return letters.translate(complement)[::-1] if generator.random() < 0.5 else letters


def main() -> None:
    """Write both files beside this script, the same ones every time."""
    generator = random.Random(1)
    for name, motif in (("positives", MOTIF), ("negatives", "")):
        records = [
            f">chr{contig}_{number}\n{draw_sequence(generator, motif)}\n"
            for contig in range(1, CONTIGS + 1)
            for number in range(1, EACH + 1)
        ]
        (FOLDER / f"{name}.fa").write_text("".join(records), encoding="utf-8")


if __name__ == "__main__":
    main()
