"""How many numbers a Range makes, where those that it goes by are constants."""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction

from zoo.errors import UnsafeModel

_LONGEST, _LONGEST_OF_32 = 1 << 53, 1 << 31  # ONNX Runtime subtracts before it divides
_ROUNDED = 1 << 24  # above which numbers of 32 bits leave some whole ones out


def count_range(what: str, numbers: Sequence[float], width: int) -> tuple[int, bool]:
    """Return how many numbers there are at the most, and whether there are just as many.

    Not as ONNX counts, for whom steps of 0 lead nowhere at once.

    Args:
        what: Names the range in messages.
        numbers: Start, limit and step.
        width: Bytes of a number.

    Raises:
        UnsafeModel: It has no end, or its ends are too far apart.
    """
    start, limit, step = numbers
    if not step or not all(map(math.isfinite, numbers)):
        raise UnsafeModel(f"{what}: expected steps that lead to an end, found {list(numbers)}")
    longest = _LONGEST if width == 8 else _LONGEST_OF_32
    distance = Fraction(limit) - Fraction(start)  # which does not overflow; ONNX Runtime rounds as it goes along
    if abs(distance) >= longest:
        raise UnsafeModel(f"{what}: expected numbers less than {longest:,} apart, found {list(numbers)}")
    count = max(math.ceil(distance / Fraction(step)), 0)
    exact = all(float(number).is_integer() and abs(number) < _ROUNDED for number in numbers)
    return (count, True) if exact else (count + (count >> 20) + 2, False)
