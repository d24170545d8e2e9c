"""One thing that was looked at: whether it is sound, what was found, and how to mend it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Finding:
    """What was found in one area.

    Attributes:
        area: What was looked at, in one word.
        state: ``failed`` keeps something from working; of a ``warning`` the user should know.
        found: One line.
        mend: What to do, a command where there is one; empty where nothing is to be done.
    """

    area: str
    state: Literal["ok", "warning", "failed"]
    found: str
    mend: str = ""
