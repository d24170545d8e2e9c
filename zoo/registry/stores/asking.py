"""Asking a store again that fails for a moment: a few times, with a longer wait each time."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from typing import TypeVar

from zoo.errors import DownloadError, OutputError
from zoo.registry.stores.protocol import TRIES, Missing

Answer = TypeVar("Answer")

WAIT = 1.0
"""Seconds at most before a store is asked again, twice as long each time."""

CHANCE = secrets.SystemRandom()
"""Its own: the caller's numbers stay those that its seed gives."""


def ask_often(ask: Callable[[], Answer], tries: int = TRIES) -> Answer:
    """Return what a store answers, asked again after a while if it fails or breaks off.

    Raises:
        Missing: It has no such file; it is asked once.
        DownloadError: It failed each time, and
        OutputError: so did what was to be written.
    """
    for asked in range(1, tries):
        try:
            return ask()
        except Missing:
            raise
        except (DownloadError, OutputError):
            wait(asked)
    return ask()


def wait(asked: int) -> None:
    """Wait longer each time, and not as long as others, so that many don't come back at once."""
    time.sleep(WAIT * 2 ** (asked - 1) * CHANCE.uniform(0.5, 1))
