"""Names of inputs and outputs that a card can have, near those that a network has."""

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
