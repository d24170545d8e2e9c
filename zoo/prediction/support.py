"""What a card may ask for that prediction does not do yet: refused before the first record, never ignored."""

from __future__ import annotations

import os
from pathlib import Path

from zoo.errors import ModelError, OutputError
from zoo.genome.output import STANDARD_OUTPUT
from zoo.model.card import Card


def refuse_model_folder(output: str | Path, folder: Path) -> None:
    """Refuse to write into a model's folder: its checksums cover every file, and it would never load again.

    Raises:
        OutputError: The output would stand in or below the folder.
    """
    if str(output) != STANDARD_OUTPUT and Path(os.path.realpath(output)).is_relative_to(folder.resolve()):
        raise OutputError(
            f"{output}: would stand in the folder of a model ({folder}), which never changes; write elsewhere"
        )


def check_reads_sequences(card: Card) -> None:
    """Refuse a model that a sequence alone is not enough for.

    Raises:
        ModelError: It reads no sequence, or an input beside it that has no default.
    """
    if card.window is None:
        raise ModelError(
            f"{card.full_name}: reads no sequence, but {', '.join(item.name for item in card.inputs)}; "
            "call zoo.load(...).predict_codes(None, extra) instead"
        )
    for item in card.inputs:
        if item.role == "context" and item.default is None:
            raise ModelError(
                f"{card.full_name}: input {item.name!r} has no default on the card, and neither a VCF nor a sequence "
                "gives it; call zoo.load(...).predict_codes(codes, extra) instead"
            )
