"""What an annotation did, counted batch by batch."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from copy import deepcopy
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from zoo.genome.variant import MODEL_REASONS, Reason
from zoo.prediction.alleles.batch import AlleleBatch
from zoo.prediction.scoring.scores import ModelScores
from zoo.prediction.windows.placement import Reasons


@dataclass(frozen=True, slots=True)
class Progress:
    """How far an annotation is: ``fraction`` of the input, None where its length is unknown."""

    alleles: int
    fraction: float | None


@dataclass(slots=True)
class AnnotationSummary:
    """What an annotation did.

    Attributes:
        scored: Alleles that at least one model gave a number.
        skipped: Alleles by reason; those that depend on the model as ``model: REASON``.
        background: With the sample's own haplotypes around them: alleles that it carries on a known one, that are
            unphased, that it does not carry; and neighbours that were left out because they overlap an allele.
        seen: Scored alleles on contigs that a model was trained on, by model; None where its card does not tell.
        devices: Where each model ran.
        bridged: Contigs whose name in the reference is another one.
        keys: The INFO keys of each model that hold its scores.
        contig_digests: Refget digests of the contigs that were read, where asked for.
    """

    output: str = ""
    records: int = 0
    alleles: int = 0
    scored: int = 0
    skipped: dict[str, int] = field(default_factory=dict)
    seen: dict[str, int | None] = field(default_factory=dict)
    background: dict[str, int] = field(default_factory=dict)
    seconds: float = 0.0
    models: list[str] = field(default_factory=list)
    devices: dict[str, str] = field(default_factory=dict)
    scorers: dict[str, str] = field(default_factory=dict)
    windows: dict[str, str] = field(default_factory=dict)
    keys: dict[str, list[str]] = field(default_factory=dict)
    bridged: dict[str, str] = field(default_factory=dict)
    unknown_contigs: list[str] = field(default_factory=list)
    contig_digests: dict[str, str] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)

    @property
    def alleles_per_second(self) -> float:
        return self.alleles / self.seconds if self.seconds > 0 else 0.0

    def as_dict(self) -> dict[str, object]:
        """Return everything as plain values, for JSON."""
        return asdict(self) | {"alleles_per_second": round(self.alleles_per_second, 1)}

    def state(self) -> dict[str, Any]:
        """Return what is counted batch by batch."""
        return {name: deepcopy(getattr(self, name)) for name in _COUNTED}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Take over what ``state`` returned."""
        for name in _COUNTED:
            setattr(self, name, state[name])

    def count(self, records: int, alleles: AlleleBatch, scores: list[ModelScores]) -> None:
        """Add the alleles of a batch of records."""
        self.records += records
        self.alleles += int(np.count_nonzero(alleles.reason != Reason.NO_ALT))
        scored = np.zeros(len(alleles), dtype=np.bool_)
        reasons = _count_reasons(alleles.reason, of_model=False)
        for name, model in zip(self.models, scores, strict=True):
            given = model.reason == Reason.OK
            scored |= given
            found = _count_reasons(model.reason, of_model=True)
            reasons.update({f"{name}: {reason}": count for reason, count in found.items()})
            if model.seen is not None and self.seen.get(name) is not None:
                self.seen[name] = (self.seen[name] or 0) + int(np.count_nonzero(given & model.seen))
        self.scored += int(np.count_nonzero(scored))
        for reason, count in reasons.items():
            self.skipped[reason] = self.skipped.get(reason, 0) + count


_COUNTED = ("records", "alleles", "scored", "skipped", "seen", "background")


def _count_reasons(reasons: Reasons, *, of_model: bool) -> Counter[str]:
    counts = np.bincount(reasons, minlength=len(Reason))
    relevant = [reason for reason in Reason if reason is not Reason.OK and (reason in MODEL_REASONS) == of_model]
    return Counter({reason.name: int(counts[reason]) for reason in relevant if counts[reason]})
