"""Files that a user wrote, and may keep behind a link: never taken for missing, and written where they lie."""

from __future__ import annotations

import os
from pathlib import Path

from zoo.errors import ModelError
from zoo.registry.stores.files import MODE
from zoo.registry.stores.local import LocalStore


def is_there(path: Path) -> bool:
    """Return whether a file is there, be it that it can't be read: what a user wrote may not count for nothing.

    A link is there, and so is what lies in a folder that is one, whatever it leads to: a disk may not be mounted.
    """
    for each in (path, *path.parents):
        try:
            linked = each.is_symlink()
            each.stat()
        except FileNotFoundError:
            if linked:
                return True
        except OSError:
            return True
        else:
            return each == path
    return False


def open_linked(path: Path, mode: int = MODE) -> tuple[LocalStore, str]:
    """Return the store in which a file lies that may be a link, and what it is called there.

    Args:
        path: The file, which need not be there yet.
        mode: The permissions of a new one.

    Raises:
        ModelError: It leads to nothing that is there.
    """
    whole = Path(os.path.realpath(path))
    if not whole.exists() and is_there(path):
        raise ModelError(f"{path}: can't be read: it is a link to {whole}, which is not there; mend or remove it")
    return LocalStore(whole.parent, mode), whole.name
