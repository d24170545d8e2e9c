"""Bootstrap confidence intervals: metrics over resampled examples."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

Vector: TypeAlias = npt.NDArray[np.float64]
"""One value an example, shape (N,), or one a bootstrap sample, shape (D,)."""

Draws: TypeAlias = npt.NDArray[np.float64]
"""How often each example stands in each bootstrap sample, shape (D, N)."""

Resampled: TypeAlias = Callable[[Draws], Mapping[str, Vector]]
"""Metrics by name, (D,) each, of D bootstrap samples; NaN where a sample does not define one."""

DRAWS = 1000
CONFIDENCE = 0.95
_BLOCK = 2_000_000  # numbers at once: they stay near the processor, and a large test set needs little memory


def resample(function: Resampled, count: int, seed: int, draws: int = DRAWS) -> dict[str, Vector]:
    """Return each metric of ``draws`` bootstrap samples of ``count`` examples, shape (draws,); same seed, same samples.

    Samples come in blocks, so that memory does not grow with ``draws``.
    """
    generator = np.random.default_rng(seed)
    block = max(1, min(draws, _BLOCK // max(count, 1)))
    parts: dict[str, list[Vector]] = {}
    for first in range(0, draws, block):
        for name, values in function(_draw(generator, min(block, draws - first), count)).items():
            parts.setdefault(name, []).append(values)
    return {name: np.concatenate(values) for name, values in parts.items()}


def find_intervals(function: Resampled, count: int, seed: int, draws: int = DRAWS) -> dict[str, list[float | None]]:
    """Return the 95% percentile interval of each metric over resampled examples."""
    return {name: find_interval(values) for name, values in resample(function, count, seed, draws).items()}


def find_interval(values: Vector) -> list[float | None]:
    """Return the 95% percentile interval; samples without a value, which hold one class only say, are left out."""
    found = values[np.isfinite(values)]
    if not len(found):
        return [None, None]
    return [rounded(value) for value in np.percentile(found, (50 * (1 - CONFIDENCE), 50 * (1 + CONFIDENCE)))]


def measure_once(function: Resampled, count: int) -> dict[str, float]:
    """Return each metric of the examples as they are, NaN where it is not defined."""
    return {name: float(values[0]) for name, values in function(np.ones((1, count))).items()}


def divide(numerator: Vector, denominator: Vector) -> Vector:
    """Return the quotient, NaN where the denominator is 0, but for rounding."""
    result = np.full(len(numerator), np.nan)
    np.divide(numerator, denominator, out=result, where=denominator > 1e-12)
    return result


def rounded(value: float) -> float | None:
    """Round to six digits, which is more than the interval leaves; None for what is not defined."""
    return round(float(value), 6) if np.isfinite(value) else None


def _draw(generator: np.random.Generator, rows: int, count: int) -> Draws:
    drawn = np.empty((rows, count))
    for row in drawn:
        row[:] = np.bincount(generator.integers(0, count, count), minlength=count)
    return drawn
