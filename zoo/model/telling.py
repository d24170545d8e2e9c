"""What a library says of its error, as part of a message of one line."""

from __future__ import annotations

_LONGEST = 300  # letters


def in_one_line(error: Exception) -> str:
    """Return what an error says, cut to a length that can be read; its class where it says nothing."""
    return " ".join(str(error).split())[:_LONGEST] or type(error).__name__
