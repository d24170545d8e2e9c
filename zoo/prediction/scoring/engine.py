"""Scores the alleles of a batch with several models; models that read the same window share the work before it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from zoo.components import OutputKind, Scorer, Scores
from zoo.errors import CardError, ModelError, ScorerMismatch
from zoo.genome.reference import Reference
from zoo.genome.variant import Reason
from zoo.model.card import ScorerChoice
from zoo.model.document import validate
from zoo.model.folder import CARD_FILE, Model
from zoo.plugins import Plugins, guard
from zoo.prediction.alleles.batch import AlleleBatch
from zoo.prediction.support import check_supported
from zoo.prediction.windows.centred import WindowBatch, build_windows, mostly_unknown, reasons_for_window

_BASES_A_BATCH = 100_000  # of windows that are held at a time: many short ones, few long ones
_MIN_ALLELES = 16


@dataclass(frozen=True, slots=True)
class ScoredModel:
    """A model, and the scorer that turns its predictions into effects."""

    model: Model
    scorer: Scorer
    config: Any

    @property
    def window(self) -> tuple[int, int]:
        """Length and anchor of what the model reads."""
        window = self.model.card.sequence_window
        return window.length, window.anchor


@dataclass(frozen=True, slots=True)
class ModelScores:
    """Scores (A, T), NaN where skipped, and the reason of each allele, uint8 (A,), window included."""

    scores: Scores
    reason: npt.NDArray[np.uint8]


def pair_with_scorers(models: Sequence[Model], scorer: str | None, plugins: Plugins) -> list[ScoredModel]:
    """Return each model with the scorer of that name, or with the one that its card names.

    Raises:
        UnknownName: No scorer of that name is installed.
        ScorerMismatch: The scorer does not take the kind of output that a model gives.
    """
    paired = []
    for model in models:
        check_supported(model.card)
        choice = model.card.scorer
        chosen = plugins.scorer(scorer or choice.name)
        kinds: set[OutputKind] = {output.kind for output in model.card.outputs}
        if not kinds <= chosen.takes:
            raise ScorerMismatch(
                f"scorer {chosen.name!r} takes {' and '.join(sorted(chosen.takes))} outputs, "
                f"{model.card.full_name} gives {' and '.join(sorted(kinds))} ones; choose another scorer"
            )
        paired.append(ScoredModel(model, chosen, _read_config(model, chosen, choice, scorer)))
    return paired


def _read_config(model: Model, scorer: Scorer, choice: ScorerChoice, asked: str | None) -> Any:
    """Return the scorer's configuration: the card's where its scorer is the one, else the defaults."""
    config = choice.config if asked in {None, choice.name} else {}
    where = f"{model.folder / CARD_FILE}: scorer.config of {scorer.name!r}"
    return validate(scorer.config, config, where, CardError)


class Engine:
    """Scores batches of alleles on one reference."""

    def __init__(self, models: Sequence[ScoredModel], reference: Reference, batch_size: int | None = None) -> None:
        if batch_size is not None and batch_size < 1:
            raise ValueError(f"batch_size: expected at least 1, found {batch_size}")
        self.models = tuple(models)
        self._reference = reference
        self._batch_size = batch_size
        self._groups: dict[tuple[int, int], list[int]] = {}
        for number, scored in enumerate(self.models):
            self._groups.setdefault(scored.window, []).append(number)

    def score(self, alleles: AlleleBatch) -> list[ModelScores]:
        """Return the scores of each model, in the order of ``models``."""
        return self._walk(alleles, run=True)

    def explain(self, alleles: AlleleBatch) -> list[ModelScores]:
        """Return the reasons of each model's alleles; no network runs, every score is NaN."""
        return self._walk(alleles, run=False)

    def _walk(self, alleles: AlleleBatch, *, run: bool) -> list[ModelScores]:
        results: list[ModelScores | None] = [None] * len(self.models)
        for (length, anchor), members in self._groups.items():
            reason = reasons_for_window(alleles, length, anchor)
            scores = [
                np.full((len(alleles), len(self.models[number].model.card.track_names)), np.nan, dtype=np.float32)
                for number in members
            ]
            valid = np.flatnonzero(reason == Reason.OK)
            valid = valid[np.argsort(alleles.contig[valid], kind="stable")]
            size = max(self._batch_size or 0, _MIN_ALLELES, _BASES_A_BATCH // length)
            for first in range(0, len(valid), size):
                chosen = valid[first : first + size]
                windows = build_windows(alleles, chosen, self._reference, length, anchor)
                unknown = mostly_unknown(windows.ref)[windows.ref_of] | mostly_unknown(windows.alt)
                if unknown.any():
                    reason[chosen[unknown]] = Reason.UNKNOWN_BASES
                    chosen = chosen[~unknown]
                    windows = WindowBatch(windows.ref, windows.ref_of[~unknown], windows.alt[~unknown])
                if not run or not len(chosen):
                    continue
                for number, result in zip(members, scores, strict=True):
                    result[chosen] = self._score(self.models[number], windows)
            for number, result in zip(members, scores, strict=True):
                results[number] = ModelScores(result, reason)
        return [result for result in results if result is not None]

    def _score(self, scored: ScoredModel, windows: WindowBatch) -> Scores:
        """Predict each distinct REF window once, and score every ALT against its REF."""
        distinct = len(windows.ref)
        codes = np.concatenate([windows.ref, windows.alt])
        # A batch that the user chose goes through the network in one run, both alleles.
        predictions = scored.model.session.predict(codes, windows_per_run=self._batch_size and 2 * self._batch_size)
        ref = {name: values[:distinct][windows.ref_of] for name, values in predictions.items()}
        alt = {name: values[distinct:] for name, values in predictions.items()}
        with guard("scorer", scored.scorer.name):
            scores = np.asarray(scored.scorer.score(scored.config, ref, alt), dtype=np.float32)
        return _check_scores(scored, scores, len(windows.alt))


def _check_scores(scored: ScoredModel, scores: Scores, alleles: int) -> Scores:
    expected = (alleles, len(scored.model.card.track_names))
    if scores.shape != expected:
        raise ScorerMismatch(
            f"scorer {scored.scorer.name!r}: expected scores of shape {expected}, found {scores.shape}"
        )
    if not np.isfinite(scores).all():
        raise ModelError(
            f"{scored.model.card.full_name}: scorer {scored.scorer.name!r} gave a score that is no finite number; "
            f"run: zoo test {scored.model.folder}"
        )
    return scores
