"""``SHA256SUMS`` of a model folder, in the format of ``sha256sum``: one hash pins every file."""

from __future__ import annotations

import hashlib
import os
import re
from pathlib import Path

from zoo.errors import ChecksumMismatch, ModelError

CHECKSUMS = "SHA256SUMS"
SIGNATURE = "SHA256SUMS.sig"

_LINE = re.compile(r"^(?P<digest>[0-9a-f]{64}) [ *](?P<name>.+)$")
_REPAIR = "fetch the model again"


def write_checksums(folder: Path) -> str:
    """Write ``SHA256SUMS`` over every file but itself and a signature; return its own sha256.

    Raises:
        ModelError: The folder holds a symbolic link, or a name that ``sha256sum`` can't write plainly.
    """
    names = _list_files(folder)
    for name in names:
        if "\n" in name or "\\" in name:
            raise ModelError(f"{folder}: {name!r} has a character that {CHECKSUMS} can't hold; rename the file")
    text = "".join(f"{hash_file(folder / name)}  {name}\n" for name in names)
    (folder / CHECKSUMS).write_bytes(text.encode())
    return hashlib.sha256(text.encode()).hexdigest()


def verify_checksums(folder: Path) -> str:
    """Check that the folder holds exactly the files that were published; return the sha256 of ``SHA256SUMS``.

    Raises:
        ChecksumMismatch: A file differs, is missing or was added; the message names it, expected and found.
    """
    path = folder / CHECKSUMS
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ChecksumMismatch(f"{path}: can't be read ({error.strerror}); a model folder needs it") from error
    expected = _parse(path, content)
    present = set(_list_files(folder))
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


def _parse(path: Path, content: bytes) -> dict[str, str]:
    expected: dict[str, str] = {}
    for number, line in enumerate(content.decode("utf-8", "replace").splitlines(), start=1):
        match = _LINE.match(line)
        if match is None:
            raise ChecksumMismatch(f"{path}, line {number}: expected a sha256 and a file name, found {line[:40]!r}")
        if match["name"] in expected:
            raise ChecksumMismatch(f"{path}, line {number}: {match['name']!r} is listed twice")
        expected[match["name"]] = match["digest"]
    if not expected:
        raise ChecksumMismatch(f"{path}: lists no file; {_REPAIR}")
    return expected


def _list_files(folder: Path) -> list[str]:
    """Return the files below a folder, relative, sorted; a link could show bytes that nobody published."""
    names: list[str] = []
    for parent, folders, files in os.walk(folder):
        for name in (*folders, *files):
            if Path(parent, name).is_symlink():
                raise ChecksumMismatch(
                    f"{Path(parent, name)}: is a symbolic link; a model folder holds plain files only"
                )
        names.extend(Path(parent, name).relative_to(folder).as_posix() for name in files)
    return sorted(name for name in names if name not in {CHECKSUMS, SIGNATURE})
