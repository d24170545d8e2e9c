"""Examples a piece at a time, as a stream yields them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace

from zoo import ExampleSet

PIECE = 4096
"""The most examples of one piece."""


def end_with_notes(pieces: Iterable[ExampleSet], list_notes: Callable[[], tuple[str, ...]]) -> Iterator[ExampleSet]:
    """Yield the pieces, the last of them with the notes: only then is known what there is to note."""
    waiting: ExampleSet | None = None
    for piece in pieces:
        if waiting is not None:
            yield waiting
        waiting = piece
    if waiting is not None:
        yield replace(waiting, notes=list_notes())
