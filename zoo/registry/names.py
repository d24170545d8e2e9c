"""Names that come from strangers and become paths: of files in a model, and of blobs in a store."""

from __future__ import annotations

import re
import unicodedata
from pathlib import PurePosixPath

from zoo.errors import UnsafeModel
from zoo.model.checksums import CHECKSUMS, SIGNATURE

MAX_FILES = 100
"""Files of one model; those of the zoo's own have five."""

MAX_CHECKSUMS = 1 << 17
"""Bytes of a SHA256SUMS: more than ``MAX_FILES`` lines of the longest names take."""

_MAX_BYTES, _MAX_LEVELS = 200, 4
_RESERVED = {"CON", "PRN", "AUX", "NUL", *(f"{port}{number}" for port in ("COM", "LPT") for number in range(10))}
_FORBIDDEN = set('\\:*?"<>|')  # that some file system reads as something else than a letter
_LINE = re.compile(rb"(?P<digest>[0-9a-f]{64}) [ *](?P<name>[^\n]+)")


def check_name(name: str) -> str:
    """Return a file's name as it came, if it is a plain relative path that every system takes for the same.

    Raises:
        UnsafeModel: It leads elsewhere, or is not portable.
    """
    parts = name.split("/")
    if reason := next(filter(None, (_find_fault(part) for part in parts)), ""):
        raise UnsafeModel(f"file name {name[:80]!r}: {reason}")
    if len(parts) > _MAX_LEVELS:
        raise UnsafeModel(f"file name {name[:80]!r}: expected at most {_MAX_LEVELS} levels, found {len(parts)}")
    if len(name.encode("utf-8", "surrogatepass")) > _MAX_BYTES:
        raise UnsafeModel(f"file name {name[:80]!r}: expected at most {_MAX_BYTES} bytes")
    return name


def parse_checksums(content: bytes, where: str) -> dict[str, str]:
    """Return the sha256 of each file that a SHA256SUMS lists, all of whose names may be written.

    Args:
        content: Of the file, whose own digest is right.
        where: What messages call it.

    Raises:
        UnsafeModel: It is no list of digests and names, or a name leads elsewhere, or two are one on some system.
    """
    files: dict[str, str] = {}
    spellings: dict[str, str] = {}
    lines = content.removesuffix(b"\n").split(b"\n")
    if len(lines) > MAX_FILES:
        raise UnsafeModel(f"{where}: expected at most {MAX_FILES} files, found {len(lines):,}")
    for number, line in enumerate(lines, start=1):
        match = _LINE.fullmatch(line)
        if match is None:
            raise UnsafeModel(f"{where}, line {number}: expected a sha256 and a file name, found {line[:40]!r}")
        try:
            name = check_name(match["name"].decode("utf-8"))
        except UnicodeDecodeError as error:
            raise UnsafeModel(f"{where}, line {number}: expected a name in UTF-8") from error
        except UnsafeModel as error:
            raise UnsafeModel(f"{where}, line {number}: {error}") from error
        if name in {CHECKSUMS, SIGNATURE}:
            raise UnsafeModel(f"{where}, line {number}: {name} can't list itself")
        path = PurePosixPath(_fold(name))
        for taken in (path, *path.parents):
            if str(taken) in spellings:
                raise UnsafeModel(
                    f"{where}, line {number}: {name!r} and {spellings[str(taken)]!r} are one file somewhere"
                )
        if any(PurePosixPath(other).is_relative_to(path) for other in spellings):
            raise UnsafeModel(f"{where}, line {number}: {name!r} is a file and a folder")
        spellings[str(path)] = name
        files[name] = match["digest"].decode()
    return files


def blob_path(digest: str) -> str:
    """Return where a store keeps the file of this sha256."""
    return f"blobs/sha256/{digest[:2]}/{digest}"


def _find_fault(part: str) -> str:
    """Return why one level of a name is refused, or nothing."""
    if part in {"", ".", ".."}:
        return "expected a path that stays inside the folder"
    if any(unicodedata.category(letter) in {"Cc", "Cf", "Cs"} or letter in _FORBIDDEN for letter in part):
        return "holds a character that not every system allows"
    if part[-1] in " ." or part[0] == " " or part.partition(".")[0].rstrip().upper() in _RESERVED:
        return "is a name that not every system allows"
    return ""


def _fold(name: str) -> str:
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())
