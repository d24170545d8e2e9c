"""Windows of both alleles, as plainly as they can be written. NumPy alone.

It shares no code with the zoo, so that it can tell whether the zoo's own windows are right.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np
import numpy.typing as npt

Codes = npt.NDArray[np.uint8]
"""A 0, C 1, G 2, T 3; 4 is anything else."""

Allele = tuple[str, int, str, str]
"""Contig, start (0-based), REF and ALT."""

_CODES = np.full(256, 4, dtype=np.uint8)
for _code, _letters in enumerate(("Aa", "Cc", "Gg", "Tt")):
    _CODES[list(_letters.encode())] = _code
ONE_HOT = np.vstack([np.eye(4, dtype=np.float32), np.zeros((1, 4), dtype=np.float32)])
"""The rows are codes; an unknown base is zeros."""


def encode(letters: bytes) -> Codes:
    return _CODES[np.frombuffer(letters, dtype=np.uint8)]


def read_genome(path: Path) -> dict[str, Codes]:
    """Return the contigs of a FASTA."""
    contigs = {}
    for entry in path.read_bytes().split(b">")[1:]:
        header, _, body = entry.partition(b"\n")
        contigs[header.split()[0].decode()] = encode(body.replace(b"\n", b""))
    return contigs


def read_sequences(path: Path, limit: int) -> Codes:
    """Return the first sequences of a FASTA, all of one length: (N, L)."""
    return np.stack(list(read_genome(path).values())[:limit])


def cut_windows(genome: dict[str, Codes], alleles: Iterable[Allele], length: int, anchor: int) -> tuple[Codes, Codes]:
    """Return the windows of REF and of ALT, (N, L) each.

    Both begin at the same base, so that the first base of REF stands at ``anchor``; ALT's window is filled up on the
    right, or cut there.
    """
    refs, alts = [], []
    for contig, start, ref, alt in alleles:
        codes = genome[contig]
        first = start - anchor
        refs.append(_fetch(codes, first, first + length))
        after = start + len(ref)
        right = _fetch(codes, after, after + length)
        alts.append(np.concatenate([refs[-1][:anchor], encode(alt.encode()), right])[:length])
    return np.stack(refs), np.stack(alts)


def _fetch(codes: Codes, start: int, end: int) -> Codes:
    """Return a stretch of a contig; what lies beyond it is unknown."""
    window = np.full(end - start, 4, dtype=np.uint8)
    inside = slice(max(start, 0), min(end, len(codes)))
    window[inside.start - start : inside.stop - start] = codes[inside]
    return window
