"""Names of a model's files, which come from strangers and become paths on every system."""

from __future__ import annotations

import unicodedata

from zoo.errors import ModelError, UnsafeModel
from zoo.model.limits import LEVELS, NAME_BYTES, NAME_LETTERS

_RESERVED = {"CON", "PRN", "AUX", "NUL", *(f"{port}{number}" for port in ("COM", "LPT") for number in range(10))}
_FORBIDDEN = set('\\:*?"<>|')  # that some file system reads as something else than a letter


def check_name(name: str, error_class: type[ModelError] = UnsafeModel) -> str:
    """Return a file's name as it came, if it is a plain relative path that every system takes for the same.

    Raises:
        ModelError: As ``error_class``: it leads elsewhere, or is not portable.
    """
    shown = f"file name {name[:NAME_LETTERS]!r}"
    parts = name.split("/")
    if reason := next(filter(None, (_find_fault(part) for part in parts)), ""):
        raise error_class(f"{shown}: {reason}")
    if len(parts) > LEVELS:
        raise error_class(f"{shown}: expected at most {LEVELS} levels, found {len(parts)}")
    if len(name.encode("utf-8", "surrogatepass")) > NAME_BYTES:
        raise error_class(f"{shown}: expected at most {NAME_BYTES} bytes")
    return name


def fold_name(name: str) -> str:
    """Return what a name is to systems that ignore case, or how accents are written: two of them are one file there."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())


def _find_fault(part: str) -> str:
    """Return why one level of a name is refused, or nothing."""
    if part in {"", ".", ".."}:
        return "expected a path that stays inside the folder"
    if any(unicodedata.category(letter) in {"Cc", "Cf", "Cs"} or letter in _FORBIDDEN for letter in part):
        return "holds a character that not every system allows"
    if part[-1] in " ." or part[0] == " " or part.partition(".")[0].rstrip().upper() in _RESERVED:
        return "is a name that not every system allows"
    return ""
