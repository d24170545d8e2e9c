"""``SHA256SUMS`` of a model folder, in the format of ``sha256sum``: one hash pins every file."""

from __future__ import annotations

import hashlib
import os
import re
import stat
from pathlib import Path, PurePosixPath

from zoo.errors import ChecksumMismatch, ModelError, UnsafeModel
from zoo.model.file_names import check_name, fold_name
from zoo.model.limits import CHECKSUMS_BYTES, FILES, read_bounded

CHECKSUMS = "SHA256SUMS"
SIGNATURE = "SHA256SUMS.sig"

_LINE = re.compile(rb"(?P<digest>[0-9a-f]{64}) [ *](?P<name>[^\n]+)")
_REPAIR = (
    f"fetch the model again; or, if you have changed it yourself, write {CHECKSUMS} anew: "
    "zoo.model.checksums.write_checksums"
)


def write_checksums(folder: Path) -> str:
    """Write ``SHA256SUMS`` over every file but itself and a signature; return its own sha256.

    Raises:
        ModelError: The folder holds what is no plain file, or a name that means something else on some system.
    """
    names = list_files(folder)
    try:
        for name in names:
            check_name(name, ModelError)
    except ModelError as error:
        raise ModelError(f"{folder}: {error}; rename the file") from error
    content = "".join(f"{hash_file(folder / name)}  {name}\n" for name in names).encode()
    if names:
        parse_checksums(content, str(folder / CHECKSUMS), ModelError)  # whether two are one
    (folder / CHECKSUMS).write_bytes(content)
    return hashlib.sha256(content).hexdigest()


def verify_checksums(folder: Path) -> str:
    """Check that the folder holds exactly the files that were published; return the sha256 of ``SHA256SUMS``.

    Raises:
        ChecksumMismatch: A file differs, is missing or was added; the message names it, expected and found.
    """
    path = folder / CHECKSUMS
    if not path.is_file():
        raise ChecksumMismatch(f"{path}: no such file; a model folder needs it")
    content = read_bounded(path, CHECKSUMS_BYTES, ChecksumMismatch)
    expected = parse_checksums(content, str(path), ChecksumMismatch)
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


def parse_checksums(content: bytes, where: str, error_class: type[ModelError] = UnsafeModel) -> dict[str, str]:
    """Return the sha256 of each file that a SHA256SUMS lists, all of whose names may be written.

    Args:
        content: Of the file.
        where: What messages call it.
        error_class: What is raised.

    Raises:
        ModelError: It is no list of digests and names, or a name leads elsewhere, or two are one on some system.
    """
    files: dict[str, str] = {}
    spellings: dict[str, str] = {}
    lines = content.removesuffix(b"\n").split(b"\n")
    if len(lines) > FILES:
        raise error_class(f"{where}: expected at most {FILES} files, found {len(lines):,}")
    for number, line in enumerate(lines, start=1):
        match = _LINE.fullmatch(line)
        if match is None:
            raise error_class(f"{where}, line {number}: expected a sha256 and a file name, found {line[:40]!r}")
        try:
            name = check_name(match["name"].decode("utf-8"), error_class)
        except UnicodeDecodeError as error:
            raise error_class(f"{where}, line {number}: expected a name in UTF-8") from error
        except ModelError as error:
            raise error_class(f"{where}, line {number}: {error}") from error
        if name in {CHECKSUMS, SIGNATURE}:
            raise error_class(f"{where}, line {number}: {name} can't list itself")
        path = PurePosixPath(fold_name(name))
        for taken in (path, *path.parents):
            if str(taken) in spellings:
                raise error_class(
                    f"{where}, line {number}: {name!r} and {spellings[str(taken)]!r} are one file somewhere"
                )
        if any(PurePosixPath(other).is_relative_to(path) for other in spellings):
            raise error_class(f"{where}, line {number}: {name!r} is a file and a folder")
        spellings[str(path)] = name
        files[name] = match["digest"].decode()
    return files


def hash_file(path: Path) -> str:
    """Return the sha256 of a file, in hexadecimal.

    Raises:
        ModelError: It can't be read, or may have no end, as a pipe or a device.
    """
    try:
        mode = path.stat().st_mode
        if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
            raise ModelError(f"{path}: expected a plain file, found a pipe or device")
        with path.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError as error:
        raise ModelError(f"{path}: can't be read: {error.strerror}") from error


def list_files(folder: Path) -> list[str]:
    """Return the files below a folder but its checksums and signature: relative, sorted.

    Raises:
        ChecksumMismatch: There is a symbolic link, which could show bytes that nobody published, something else than
            a file, which could be read for ever, or too many files.
    """
    names: list[str] = []
    for parent, folders, files in os.walk(folder):
        for name in (*folders, *files):
            _refuse_others(Path(parent, name))
        found = (Path(parent, name).relative_to(folder).as_posix() for name in files)
        names.extend(name for name in found if name not in {CHECKSUMS, SIGNATURE})
        if len(names) > FILES:
            raise ChecksumMismatch(f"{folder}: expected at most {FILES} files, found more")
    return sorted(names)


def _refuse_others(path: Path) -> None:
    try:
        mode = path.lstat().st_mode
    except OSError as error:
        raise ModelError(f"{path}: can't be read: {error.strerror}") from error
    if stat.S_ISLNK(mode):
        raise ChecksumMismatch(f"{path}: is a symbolic link; a model folder holds plain files only")
    if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
        raise ChecksumMismatch(f"{path}: is a pipe, socket or device; a model folder holds plain files only")
