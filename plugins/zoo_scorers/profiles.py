"""How much two profiles differ in shape, whatever their heights."""

from __future__ import annotations

from typing import Annotated, TypeAlias

import numpy as np
from pydantic import Field

from zoo_scorers.outputs import Alleles, Values, clamp_negative

PseudoCount: TypeAlias = Annotated[float, Field(ge=1e-12, le=1e12)]
"""What is added to every bin: enough that no share vanishes beside the largest float32, little beside real signal."""


def jensen_shannon_divergence(alleles: Alleles, pseudocount: float) -> Values:
    """Return the Jensen-Shannon divergence of the two profiles, base 2, (N, T), from 0 to 1.

    Predictions below 0 count as 0, ``pseudocount`` is added to each bin, and the bins of each allele are divided by
    their sum; a profile of zeros is level. Bins without a partner have no share.

    Source: Lin, Divergence measures based on the Shannon entropy, 1991, doi:10.1109/18.61115.
    """
    ref, alt = (_normalise(values, alleles, pseudocount) for values in (alleles.ref, alleles.alt))
    middle = (ref + alt) / 2
    divergence = (_relative_entropy(ref, middle) + _relative_entropy(alt, middle)) / 2
    return np.asarray(np.clip(divergence, 0, 1))


def _normalise(values: Values, alleles: Alleles, pseudocount: float) -> Values:
    shares = np.where(alleles.paired, clamp_negative(values) + pseudocount, 0)
    total = shares.sum(axis=1, keepdims=True)
    return np.asarray(shares / np.where(total == 0, 1, total))  # 0 where no bin is left


def _relative_entropy(shares: Values, middle: Values) -> Values:
    # Where a share is 0 it adds nothing; NaN is kept.
    ratio = np.divide(shares, middle, out=np.ones_like(shares), where=shares != 0)
    return np.asarray((shares * np.log2(ratio)).sum(axis=1))
