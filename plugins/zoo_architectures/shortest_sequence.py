"""The shortest sequence that a chain of convolutions and pools without padding can read."""

from __future__ import annotations

from collections.abc import Sequence


def count_bases(layers: Sequence[tuple[int, int]]) -> int:
    """Return how few bases leave one position behind all layers: the width of a convolution, and the pool after it."""
    needed = 1
    for width, pool in reversed(layers):
        needed = needed * pool + width - 1
    return needed
