"""Names of inputs and outputs: those that a card can have, and how a stranger's are shown and compared."""

from __future__ import annotations

import re

_LONGEST = 64


def choose_name(name: str, otherwise: str, taken: set[str]) -> str:
    """Return a name of letters, digits, dashes and underscores that nothing else has, and add it to those taken.

    Args:
        name: The network's own, ``is/bound:0`` say.
        otherwise: Where nothing of that is left.
        taken: Names that others have.
    """
    found = re.sub(r"[^A-Za-z0-9_-]+", "_", re.sub(r":\d+$", "", name)).strip("_")[:_LONGEST] or otherwise
    while found in taken:
        found += "_"
    taken.add(found)
    return found


def show(text: str) -> str:
    """Return a stranger's text in which nothing moves the cursor or changes colours."""
    return text if text.isprintable() else ascii(text)[1:-1]


def simplify_name(name: str) -> str:
    """Return the letters and digits of a name, all small: what two names of one thing have in common."""
    return "".join(letter for letter in name.casefold() if letter.isalnum())
