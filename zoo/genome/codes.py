"""DNA letters as uint8 codes: A 0, C 1, G 2, T (and U) 3, anything else 4 (unknown)."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
import numpy.typing as npt

Codes: TypeAlias = npt.NDArray[np.uint8]
"""Bases as codes, shape (L,) or (N, L)."""

OneHot: TypeAlias = npt.NDArray[np.float32]
"""Bases as indicator channels A C G T, shape (N, L, 4); an unknown base is zeros."""

UNKNOWN = 4

IUPAC = {
    "A": "A", "C": "C", "G": "G", "T": "T", "U": "T",
    "R": "AG", "Y": "CT", "S": "CG", "W": "AT", "K": "GT", "M": "AC",
    "B": "CGT", "D": "AGT", "H": "ACT", "V": "ACG", "N": "ACGT",
}  # fmt: skip
"""The bases that each letter stands for (Cornish-Bowden 1985, doi:10.1093/nar/13.9.3021)."""


def _table(values: dict[str, int], default: int) -> npt.NDArray[np.uint8]:
    table = np.full(256, default, dtype=np.uint8)
    for letter, value in values.items():
        table[ord(letter)] = table[ord(letter.lower())] = value
    return table


# bytes.translate looks bytes up at 1 GB/s; numpy would first widen every one of them to an index of 8 bytes.
_CODES = _table({"A": 0, "C": 1, "G": 2, "T": 3, "U": 3}, UNKNOWN).tobytes()
_LETTERS = np.frombuffer(b"ACGTN", dtype=np.uint8)
_ONE_HOT = np.vstack([np.eye(4, dtype=np.float32), np.zeros((1, 4), dtype=np.float32)])

IUPAC_BITS = _table({letter: sum(1 << "ACGT".index(base) for base in bases) for letter, bases in IUPAC.items()}, 0)
"""For each byte, the bases that it may stand for: bit 0 A, 1 C, 2 G, 3 T; 0 for no nucleotide letter."""


def encode(sequence: str | bytes) -> Codes:
    """Return the codes of a sequence, shape (L,), read-only; case does not matter."""
    letters = sequence.encode("latin-1", "replace") if isinstance(sequence, str) else sequence
    return np.frombuffer(letters.translate(_CODES), dtype=np.uint8)


def decode(codes: Codes) -> str:
    """Return the letters of codes of shape (L,); an unknown base is N."""
    return _LETTERS.take(codes).tobytes().decode("ascii")


def reverse_complement(codes: Codes) -> Codes:
    """Return the other strand, read 5' to 3', along the last axis."""
    # A 0 ↔ T 3 and C 1 ↔ G 2 differ in both bits; the unknown 4 becomes 7 and is brought back.
    complement: Codes = np.minimum(codes[..., ::-1] ^ 3, UNKNOWN)
    return complement


def one_hot(codes: Codes) -> OneHot:
    """Return codes (N, L) or (L,) as float32 with a last axis of channels A C G T."""
    return _ONE_HOT.take(codes, axis=0)
