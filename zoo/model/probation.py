"""Whether a stranger's model may be used: every check, and one prediction, before anybody relies on it."""

from __future__ import annotations

from pathlib import Path

from zoo.model.folder import load_folder


def examine(folder: Path) -> None:
    """Check a model folder that came from elsewhere.

    Raises:
        ModelError: It is not what its SHA256SUMS lists, its card is wrong, or its network is unsafe.
    """
    load_folder(folder)
