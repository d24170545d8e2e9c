"""What every way of drawing negatives shares: what it returns, for whom it draws, and which sequences are taken."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from zoo.genome.codes import Codes
from zoo.genome.regions import Regions
from zoo.training.data.batches import Rows
from zoo.training.data.strands import list_keys


@dataclass(frozen=True, slots=True)
class Drawn:
    """M negatives that were drawn in one way.

    Args:
        positives: The row of the positive that each was drawn for, shape (M,).
        sequences: Codes, shape (M, L).
        names: What follows the positive's id in the negative's, M of them.
        groups: The contig or label of each, shape (M,); None where it is the positive's.
        regions: Where each lies, None where that is not known.
        repeats: Share of soft-masked bases of each, shape (M,); None where that is not known.
        extra: Further inputs by name, as in the examples.
        notes: What was drawn and what was left out, a sentence each.
    """

    positives: Rows
    sequences: Codes
    names: tuple[str, ...]
    groups: npt.NDArray[np.str_] | None = None
    regions: Regions | None = None
    repeats: npt.NDArray[np.float32] | None = None
    extra: Mapping[str, npt.NDArray[np.float32]] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


class KnownSequences:
    """Sequences that no negative may repeat, on either strand."""

    def __init__(self) -> None:
        self._keys: set[bytes] = set()

    def add(self, sequences: Codes | Sequence[Codes]) -> None:
        """Add sequences, shape (N, L) or N of any lengths."""
        self._keys.update(list_keys(sequences))

    def find_new(self, sequences: Codes | Sequence[Codes]) -> npt.NDArray[np.bool_]:
        """Return which sequences are neither known nor stand further up among these, shape (N,); none is added."""
        new = np.zeros(len(sequences), dtype=np.bool_)
        seen: set[bytes] = set()
        for row, key in enumerate(list_keys(sequences)):
            new[row] = key not in self._keys and key not in seen
            seen.add(key)
        return new


def choose_positives(candidates: Rows, per_positive: float, generator: np.random.Generator) -> Rows:
    """Return the rows to draw for, each as often as it gets negatives, ascending.

    What is left over after whole rounds goes to rows drawn at random. At least one row is returned.
    """
    asked = max(round(per_positive * len(candidates)), 1)
    rounds, rest = divmod(asked, len(candidates))
    some = generator.permutation(candidates)[:rest]
    return np.sort(np.concatenate([np.repeat(candidates, rounds), some]))
