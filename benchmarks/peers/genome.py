"""A random genome, a few million bases: GC content varies along it, some runs are unknown, some are soft-masked."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt

Letters = npt.NDArray[np.uint8]
"""The bases of a contig as ASCII."""

CONTIGS = {"chr1": 4_000_000, "chr2": 2_000_000}
END_RUN = 10_000
"""Unknown bases at either end of every contig."""

_BLOCK = 50_000
_LINE = 60
_N = ord("N")
_LOWER = 0x20


def draw_genome(contigs: dict[str, int] = CONTIGS, seed: int = 1, end_run: int = END_RUN) -> dict[str, Letters]:
    """Draw contigs of these lengths: 41 % GC give or take 5 from block to block, two fifths soft-masked."""
    generator = np.random.default_rng(seed)
    return {name: _draw_contig(generator, length, end_run) for name, length in contigs.items()}


def write_genome(path: Path, genome: dict[str, Letters]) -> None:
    """Write a FASTA, its index beside it (`.fai`) and the contigs' lengths (`.sizes`)."""
    offset = 0
    index, sizes = [], []
    with path.open("wb") as file:
        for name, letters in genome.items():
            offset += file.write(f">{name}\n".encode())
            index.append(f"{name}\t{len(letters)}\t{offset}\t{_LINE}\t{_LINE + 1}\n")
            sizes.append(f"{name}\t{len(letters)}\n")
            text = letters.tobytes()
            for start in range(0, len(text), _LINE):
                offset += file.write(text[start : start + _LINE] + b"\n")
    Path(f"{path}.fai").write_text("".join(index), encoding="ascii")
    Path(f"{path}.sizes").write_text("".join(sizes), encoding="ascii")


def _draw_contig(generator: np.random.Generator, length: int, end_run: int) -> Letters:
    blocks = -(-length // _BLOCK)
    gc = np.clip(generator.normal(0.41, 0.05, blocks), 0.3, 0.6).repeat(_BLOCK)[:length]
    strong = generator.random(length) < gc
    first = generator.random(length) < 0.5
    letters = np.where(strong, np.where(first, ord("C"), ord("G")), np.where(first, ord("A"), ord("T")))
    letters = letters.astype(np.uint8)
    for start in generator.integers(0, length, length // 2500):
        letters[start : start + generator.integers(500, 1500)] |= _LOWER
    for start in generator.integers(0, length, max(1, length // 1_000_000)):
        letters[start : start + generator.integers(50, 5000)] = _N
    letters[:end_run] = _N
    letters[-end_run:] = _N
    return letters
