"""Both strands of a window: the reverse one's predictions in the order of the forward one's, and their average."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from zoo.components import Predictions
from zoo.errors import CardError
from zoo.model.card import Card


class Strands:
    """What a card says of strands.

    Attributes:
        average: Whether predictions are the mean of both.

    Raises:
        CardError: Tracks that are each other's mate have different bins.
    """

    def __init__(self, card: Card) -> None:
        self.average = card.strand.average
        self._outputs = card.outputs
        self._reverse_bins = card.strand.reverse_bins
        self._mates = _pair_tracks(card)

    def turn(self, reverse: dict[str, Predictions]) -> dict[str, Predictions]:
        """Bring predictions of the reverse strand into the order of the forward one: tracks swapped, bins flipped."""
        turned = {}
        for output in self._outputs:
            prediction = reverse[output.name]
            if self._mates:
                mates = self._mates[output.name]
                prediction = np.stack([reverse[name][..., track] for name, track in mates], axis=-1)
            flip = output.kind == "binned" and self._reverse_bins
            turned[output.name] = prediction[..., ::-1, :] if flip else prediction
        return turned

    def predict(self, predict_strand: Callable[[int], dict[str, Predictions]]) -> dict[str, Predictions]:
        """Return the predictions of the forward strand, or the mean of both.

        Args:
            predict_strand: Returns the predictions of a strand as it stands: 0 is the forward one, 1 the reverse one.
        """
        forward = predict_strand(0)
        if not self.average:
            return forward
        turned = self.turn(predict_strand(1))
        return {name: (forward[name] + turned[name]) * np.float32(0.5) for name in forward}


def _pair_tracks(card: Card) -> dict[str, list[tuple[str, int]]]:
    """Return, for each track of each output, where its mate on the reverse strand stands; empty without pairs."""
    if not card.strand.track_pairs:
        return {}
    place = {track.name: (output.name, i) for output in card.outputs for i, track in enumerate(output.tracks)}
    bins = {output.name: output.bins for output in card.outputs}
    mate = {name: name for name in place}
    for first, second in card.strand.track_pairs:
        if bins[place[first][0]] != bins[place[second][0]]:
            raise CardError(f"{card.full_name}: strand.track_pairs: {first!r} and {second!r} differ in bins")
        mate[first], mate[second] = second, first
    return {output.name: [place[mate[track.name]] for track in output.tracks] for output in card.outputs}
