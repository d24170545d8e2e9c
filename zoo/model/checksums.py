"""``SHA256SUMS`` of a model folder, in the format of ``sha256sum``: one hash pins every file."""

from __future__ import annotations

import hashlib
import os
import re
from pathlib import Path

from zoo.errors import ChecksumMismatch, ModelError
from zoo.model.limits import CHECKSUMS_BYTES, FILES, LEVELS, NAME_BYTES, read_bounded

CHECKSUMS = "SHA256SUMS"
SIGNATURE = "SHA256SUMS.sig"

_LINE = re.compile(r"^(?P<digest>[0-9a-f]{64}) [ *](?P<name>.+)$")
_REPAIR = "fetch the model again"


def write_checksums(folder: Path) -> str:
    """Write ``SHA256SUMS`` over every file but itself and a signature; return its own sha256.

    Raises:
        ModelError: The folder holds a symbolic link, or a name that ``sha256sum`` can't write plainly.
    """
    names = list_files(folder)
    for name in names:
        if fault := find_fault(name):
            raise ModelError(f"{folder}: {name[:NAME_BYTES]!r} {fault}; rename the file")
    text = "".join(f"{hash_file(folder / name)}  {name}\n" for name in names)
    (folder / CHECKSUMS).write_bytes(text.encode())
    return hashlib.sha256(text.encode()).hexdigest()


def verify_checksums(folder: Path) -> str:
    """Check that the folder holds exactly the files that were published; return the sha256 of ``SHA256SUMS``.

    Raises:
        ChecksumMismatch: A file differs, is missing or was added; the message names it, expected and found.
    """
    path = folder / CHECKSUMS
    if not path.is_file():
        raise ChecksumMismatch(f"{path}: no such file; a model folder needs it")
    content = read_bounded(path, CHECKSUMS_BYTES, ChecksumMismatch)
    expected = _parse(path, content)
    present = set(list_files(folder))
    for name in sorted(expected.keys() - present):
        raise ChecksumMismatch(f"{folder / name}: is missing, {CHECKSUMS} lists it; {_REPAIR}")
    for name in sorted(present - expected.keys()):
        raise ChecksumMismatch(f"{folder / name}: is not listed in {CHECKSUMS}; remove the file or {_REPAIR}")
    for name, digest in expected.items():
        found = hash_file(folder / name)
        if found != digest:
            raise ChecksumMismatch(f"{folder / name}: expected sha256 {digest}, found {found}; {_REPAIR}")
    return hashlib.sha256(content).hexdigest()


def hash_file(path: Path) -> str:
    """Return the sha256 of a file, in hexadecimal."""
    try:
        with path.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError as error:
        raise ModelError(f"{path}: can't be read: {error.strerror}") from error


def find_fault(name: str) -> str:
    """Return why a published file may not bear a name, empty where it may.

    A name is to lead to a file below the folder on every system, and to the same one.
    """
    parts = name.split("/")
    if any(part in {"", ".", ".."} for part in parts):
        return "does not stay below its folder"
    if not name.isprintable() or "\\" in name or ":" in name:
        return "has a character that not every system allows"
    if len(name.encode("utf-8", "replace")) > NAME_BYTES or len(parts) > LEVELS:
        return f"is longer than {NAME_BYTES} bytes, or lies below more than {LEVELS - 1} folders"
    return ""


def list_files(folder: Path) -> list[str]:
    """Return the files below a folder but its checksums and signature: relative, sorted.

    Raises:
        ChecksumMismatch: There is a symbolic link, which could show bytes that nobody published, or too many files.
    """
    names: list[str] = []
    for parent, folders, files in os.walk(folder):
        for name in (*folders, *files):
            if Path(parent, name).is_symlink():
                raise ChecksumMismatch(
                    f"{Path(parent, name)}: is a symbolic link; a model folder holds plain files only"
                )
        names.extend(Path(parent, name).relative_to(folder).as_posix() for name in files)
        if len(names) > FILES:
            raise ChecksumMismatch(f"{folder}: expected at most {FILES:,} files, found more")
    return sorted(name for name in names if name not in {CHECKSUMS, SIGNATURE})


def _parse(path: Path, content: bytes) -> dict[str, str]:
    expected: dict[str, str] = {}
    twins: dict[str, str] = {}
    for number, line in enumerate(content.decode("utf-8", "replace").splitlines(), start=1):
        match = _LINE.match(line)
        if match is None:
            raise ChecksumMismatch(f"{path}, line {number}: expected a sha256 and a file name, found {line[:40]!r}")
        name = match["name"]
        if fault := find_fault(name):
            raise ChecksumMismatch(f"{path}, line {number}: {name[:NAME_BYTES]!r} {fault}")
        if name in expected:
            raise ChecksumMismatch(f"{path}, line {number}: {name!r} is listed twice")
        if (twin := twins.setdefault(name.casefold(), name)) != name:
            raise ChecksumMismatch(f"{path}, line {number}: {name!r} is {twin!r} on systems that ignore case")
        if len(expected) == FILES:
            raise ChecksumMismatch(f"{path}: expected at most {FILES:,} files, found more")
        expected[name] = match["digest"]
    if not expected:
        raise ChecksumMismatch(f"{path}: lists no file; {_REPAIR}")
    return expected
