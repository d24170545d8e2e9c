"""What a card may ask for that prediction does not do yet: refused before the first record, never ignored."""

from __future__ import annotations

from zoo.errors import ModelError
from zoo.model.card import Card


def check_supported(card: Card) -> None:
    """Refuse a model whose predictions would be wrong, or impossible.

    Raises:
        ModelError: The window is fixed or has constant flanks, or an input beside the sequence has no default.
    """
    if card.window.mode != "centred" or card.window.prefix or card.window.suffix:
        raise ModelError(
            f"{card.full_name}: fixed windows and constant flanks (window.mode, prefix, suffix) are not predicted yet; "
            "choose a model of centred windows"
        )
    for item in card.inputs:
        if item.role == "context" and item.default is None:
            raise ModelError(
                f"{card.full_name}: input {item.name!r} has no default on the card, and neither a VCF nor a sequence "
                "gives it; call zoo.load(...).predict_codes(codes, extra) instead"
            )
