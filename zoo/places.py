"""Folders of the user's: what may be made again, what is kept, and what the user decides.

``$ZOO_HOME`` holds all of them where it is set; else they are where the XDG base directory specification has them.
"""

from __future__ import annotations

import os
from pathlib import Path

from zoo.errors import OutputError

HOME_VARIABLE = "ZOO_HOME"

_NAME = "assayzoo"


def cache_folder() -> Path:
    """Return the folder of what may be removed at any time: ``$XDG_CACHE_HOME/assayzoo``, ``~/.cache/assayzoo``.

    Raises:
        OutputError: No home folder is known for this user.
    """
    return _find("XDG_CACHE_HOME", ".cache")


def data_folder() -> Path:
    """Return the folder of what is kept: ``$XDG_DATA_HOME/assayzoo``, ``~/.local/share/assayzoo``.

    Raises:
        OutputError: No home folder is known for this user.
    """
    return _find("XDG_DATA_HOME", ".local/share")


def config_folder() -> Path:
    """Return the folder of what the user decides: ``$XDG_CONFIG_HOME/assayzoo``, ``~/.config/assayzoo``.

    Raises:
        OutputError: No home folder is known for this user.
    """
    return _find("XDG_CONFIG_HOME", ".config")


def _find(variable: str, below_home: str) -> Path:
    if home := os.environ.get(HOME_VARIABLE):
        return Path(home)
    chosen = Path(os.environ.get(variable, ""))
    if chosen.is_absolute():  # else it is to be ignored, as the specification has it
        return chosen / _NAME
    try:
        return Path.home() / below_home / _NAME
    except RuntimeError as error:
        raise OutputError(f"no home folder is known for this user; set {HOME_VARIABLE}") from error
