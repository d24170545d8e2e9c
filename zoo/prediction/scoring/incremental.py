"""Predicts pairs by what differs between their windows."""

from __future__ import annotations

import warnings

import numpy as np

from zoo.errors import ModelError
from zoo.model.folder import Model
from zoo.model.pairs import PairSession
from zoo.network.costs import pair_gain
from zoo.prediction.scoring.predicting import FullPredictor, PairPredictions
from zoo.prediction.windows.placement import WindowBatch

_ANCHORS = 4  # graphs that are kept: each holds what it needs of the weights once more
_GAIN = 1.1  # what has to be expected for the whole network not to be run


class IncrementalPredictor:
    """Predicts REF's windows as a whole, and of ALT's what its difference from REF reaches.

    Windows that stand otherwise than around their allele, and those of more shifts than there are graphs kept for, run
    as a whole; so does a network that gains nothing by it.

    Args:
        model: The model.
        batch_size: Pairs in one run of the network; by default what keeps it busiest.
        forced: Whether a network that gains nothing is an error.

    Raises:
        ModelError: On first use, where it is forced: the network gains nothing, or its predictions come out otherwise.
    """

    def __init__(self, model: Model, batch_size: int | None = None, *, forced: bool = False) -> None:
        self._model = model
        self._batch_size = batch_size
        self._forced = forced
        self._full = FullPredictor(model, batch_size)
        self._sessions: dict[int, PairSession | None] = {}

    def predict(self, windows: WindowBatch) -> PairPredictions:
        """Return the predictions of both alleles."""
        anchors = np.unique(windows.ref_start)
        session = self._open(int(anchors[0])) if len(anchors) == 1 else None
        if session is None:
            return self._full.predict(windows)
        ref, alt = session.predict(windows.ref, windows.ref_of, windows.alt, self._batch_size)
        return PairPredictions(ref, alt)

    def _open(self, anchor: int) -> PairSession | None:
        if anchor not in self._sessions and len(self._sessions) < _ANCHORS:
            self._sessions[anchor] = self._make(anchor)
        return self._sessions.get(anchor)

    def _make(self, anchor: int) -> PairSession | None:
        session = self._model.session
        network = session.network
        gain = 0.0 if network is None else pair_gain(network, anchor)
        if gain < (1 if self._forced else _GAIN):
            if self._forced:
                raise ModelError(
                    f"{self._model.card.full_name}: the incremental engine gains nothing: all it computes depends on "
                    "the whole window; choose --engine auto or full"
                )
            return None
        try:
            return PairSession(session, anchor)
        except ModelError as error:
            if self._forced:
                raise
            warnings.warn(f"{error}; the whole network runs instead", stacklevel=2)
            return None
