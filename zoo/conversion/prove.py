"""Proof that a converted model predicts what its network predicts in the framework that made it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from zoo.components import Predictions
from zoo.conversion.adapt import Context
from zoo.conversion.comparing import Measure, choose_measure, compare
from zoo.conversion.probe import Proposal
from zoo.conversion.reading import arrange_predictions, encode_windows
from zoo.conversion.source import Array, Source
from zoo.errors import ConversionError
from zoo.genome.codes import UNKNOWN, Codes, decode, reverse_complement
from zoo.model.session import Session

SEQUENCES = 1000
BATCHES = (64, 1)

_MOST_BASES = 20_000_000  # of all sequences together: long windows get fewer of them
_FEWEST = 16
_UNKNOWN_SHARE = 0.02
_SHOWN = 60  # bases of a sequence that a message names


@dataclass(frozen=True, slots=True)
class Proof:
    """What the comparison found.

    Attributes:
        sequences: That were compared.
        difference: The largest, relative to the largest prediction of its track.
        unproven: Columns, counted from 0 through all outputs, that differ by no more than is let through, which is
            all that can be said of them.
    """

    sequences: int
    difference: float
    unproven: tuple[int, ...] = ()


def draw_windows(length: int, count: int = SEQUENCES, seed: int = 0) -> Codes:
    """Return windows (N, L), the same for a seed: both strands of each, 2% of the bases unknown.

    The first is unknown throughout, the second wholly known and followed by its other strand.
    """
    count = max(_FEWEST, min(count, _MOST_BASES // length))
    rng = np.random.default_rng(seed)
    forward = rng.integers(0, 4, size=((count + 1) // 2, length), dtype=np.uint8)
    forward[rng.random(forward.shape) < _UNKNOWN_SHARE] = UNKNOWN
    forward[0] = rng.integers(0, 4, size=length, dtype=np.uint8)
    both = np.stack([forward, reverse_complement(forward)], axis=1).reshape(-1, length)
    return np.concatenate([np.full((1, length), UNKNOWN, dtype=np.uint8), both])[:count]


def draw_contexts(contexts: Sequence[Context], count: int, seed: int = 0) -> dict[str, Array]:
    """Return inputs beside the sequence by their names on the card, from 0 to 1, such as the network can be given."""
    rng = np.random.default_rng(seed)
    return {
        context.name: rng.random((count, *context.shape), dtype=np.float32).astype(context.dtype).astype(np.float32)
        for context in contexts
    }


def predict_with_source(
    source: Source,
    proposal: Proposal,
    codes: Codes,
    extra: Mapping[str, Array] | None = None,
    batch: int = BATCHES[0],
) -> dict[str, Predictions]:
    """Return what the framework predicts for windows, by the outputs' names on the card, (N, T) or (N, B, T).

    Args:
        source: The network in its framework.
        proposal: How it reads a window, and what its outputs are.
        codes: Windows, shape (N, L).
        extra: The inputs beside the sequence, by name on the card.
        batch: Windows that go through the network at a time.
    """
    parts: list[dict[str, Predictions]] = []
    for first in range(0, len(codes), batch):
        rows = slice(first, first + batch)
        feed = {proposal.sequence: encode_windows(codes[rows], proposal.reading)}
        for context in proposal.contexts:
            feed[context.source] = (extra or {})[context.name][rows].astype(context.dtype)
        found = source.predict(feed)
        part = {}
        for writing in proposal.writings:
            with np.errstate(over="ignore"):  # what is too large for 32 bits is infinite, and told as such
                values = arrange_predictions(found[writing.source], writing.layout, reverse=proposal.reading.reverse)
                part[writing.name] = _FUNCTIONS[writing.apply](values) if writing.apply else values
        parts.append(part)
    return {writing.name: np.concatenate([part[writing.name] for part in parts]) for writing in proposal.writings}


def prove(
    session: Session,
    source: Source,
    proposal: Proposal,
    count: int = SEQUENCES,
    seed: int = 0,
    *,
    halves: bool = False,
) -> Proof:
    """Compare a model with its network in the framework, window by window, in batches of 64 and of 1.

    Args:
        session: The finished model.
        source: The network in its framework.
        proposal: How the one was made of the other.
        count: Windows; fewer where they are long.
        seed: Of the windows.
        halves: The network has numbers of 16 bits, which the model has in 32.

    Raises:
        ConversionError: They differ by more than :mod:`zoo.conversion.comparing` lets through, or an output is the
            same for every window, so that nothing can be proven of it.
    """
    codes = draw_windows(proposal.reading.length, count, seed)
    extra = draw_contexts(proposal.contexts, len(codes), seed)
    expected = predict_with_source(source, proposal, codes, extra)
    measures = _choose_measures(proposal, expected, codes, halves=halves)
    largest = 0.0
    for batch in BATCHES:
        found = _predict(session, codes, extra, batch)
        for measure in measures:
            name = measure.name
            largest = max(largest, compare(measure, expected[name], found[name], codes, batch))
    unproven = np.flatnonzero(np.concatenate([measure.unproven for measure in measures]))
    return Proof(len(codes), largest, tuple(unproven.tolist()))


def _choose_measures(
    proposal: Proposal, expected: Mapping[str, Predictions], codes: Codes, *, halves: bool
) -> list[Measure]:
    """Return what differences of each output are measured by, in the order of the outputs; raises as ``prove``."""
    measures = []
    for writing in proposal.writings:
        name, values = writing.name, expected[writing.name]
        finite = np.isfinite(values.reshape(len(values), -1)).all(axis=1)
        if not finite.all():
            shown = decode(codes[int(np.argmin(finite))][:_SHOWN])
            raise ConversionError(
                f"output {name!r}: the network itself gives no finite number for {shown}; is its alphabet, layout or "
                "length another?"
            )
        if not np.ptp(values, axis=0).any():
            raise ConversionError(
                f"output {name!r}: the network says the same of {len(codes):,} different sequences, so nothing can be "
                "proven of it; were its weights saved, is a softmax put behind one column?"
            )
        measures.append(choose_measure(name, values, writing.rounding, halves=halves))
    return measures


def _predict(session: Session, codes: Codes, extra: Mapping[str, Array], batch: int) -> dict[str, Predictions]:
    parts = [
        session.predict_raw(
            codes[first : first + batch], {name: values[first : first + batch] for name, values in extra.items()}
        )
        for first in range(0, len(codes), batch)
    ]
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def _sigmoid(values: Predictions) -> Predictions:
    found: Predictions = np.exp(-np.logaddexp(0.0, -values.astype(np.float64))).astype(np.float32)
    return found


def _softmax(values: Predictions) -> Predictions:
    powers = np.exp(values.astype(np.float64) - values.max(axis=-1, keepdims=True))
    found: Predictions = (powers / powers.sum(axis=-1, keepdims=True)).astype(np.float32)
    return found


def _softplus(values: Predictions) -> Predictions:
    found: Predictions = np.logaddexp(0.0, values.astype(np.float64)).astype(np.float32)
    return found


def _exponential(values: Predictions) -> Predictions:
    found: Predictions = np.exp(values.astype(np.float64)).astype(np.float32)
    return found


_FUNCTIONS: Mapping[str, Callable[[Predictions], Predictions]] = {
    "sigmoid": _sigmoid,
    "softmax": _softmax,
    "softplus": _softplus,
    "exponential": _exponential,
}
"""What stands behind an output in the graph, in numpy and in 64 bits."""
