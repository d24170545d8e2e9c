"""A model folder that passed every check, as a copy that nobody changes while it is sent."""

from __future__ import annotations

import contextlib
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from zoo.errors import ChecksumMismatch, ModelError, OutputError, UnknownModel
from zoo.model.card import Card, read_card
from zoo.model.checksums import CHECKSUMS, SIGNATURE, parse_checksums, verify_checksums
from zoo.model.folder import CARD_FILE
from zoo.model.limits import CHECKSUMS_BYTES, read_bounded
from zoo.model.probation import examine
from zoo.model.verify import Verification, verify_folder
from zoo.registry.fetching import MAX_MODEL


@dataclass(frozen=True, slots=True)
class Prepared:
    """A model that may be published.

    Attributes:
        folder: The copy; the user's own folder is never written.
        card: What it says of itself.
        digest: The sha256 of its SHA256SUMS.
        files: The sha256 of each file, SHA256SUMS among them, by name.
        size: Bytes of all files together.
        verification: How well its example was repeated.
    """

    folder: Path
    card: Card
    digest: str
    files: dict[str, str]
    size: int
    verification: Verification


@contextlib.contextmanager
def prepare(folder: Path) -> Iterator[Prepared]:
    """Check a model as everybody who pulls it will, and recompute its example; give a copy of it.

    Raises:
        ModelError: It is not whole, not safe, does not predict what it should, or could not be pulled.
        OutputError: There is no room for the copy.
    """
    if not folder.is_dir():
        raise UnknownModel(f"{folder}: no model folder there")
    digest = verify_checksums(folder)
    card = read_card(folder / CARD_FILE)
    files = _list_files(folder, digest)
    examine(folder)
    verification = verify_folder(folder)
    with open_workplace() as work:
        copy = work / "model"
        _copy(folder, copy, files)
        if not _holds(copy, digest):
            raise ChecksumMismatch(f"{folder}: changed while it was read; publish it when nobody writes into it")
        size = sum((copy / name).stat().st_size for name in files)
        if size > MAX_MODEL:
            raise ModelError(f"{folder}: expected at most {MAX_MODEL:,} bytes, found {size:,}; nobody could pull it")
        yield Prepared(copy, card, digest, files, size, verification)


@contextlib.contextmanager
def open_workplace() -> Iterator[Path]:
    """Give an empty folder that is gone at the end.

    Raises:
        OutputError: It can't be made.
    """
    try:
        work = Path(tempfile.mkdtemp(prefix="zoo-publish-"))
    except OSError as error:
        raise OutputError(f"no temporary folder can be made: {error.strerror or error}; set TMPDIR") from error
    try:
        yield work
    finally:
        shutil.rmtree(work, ignore_errors=True)


def _list_files(folder: Path, digest: str) -> dict[str, str]:
    """Return the files by name, none of whose names would be refused where the model is pulled."""
    path = folder / CHECKSUMS
    content = read_bounded(path, CHECKSUMS_BYTES, ModelError)
    return {**parse_checksums(content, str(path)), CHECKSUMS: digest}


def _holds(copy: Path, digest: str) -> bool:
    try:
        return verify_checksums(copy) == digest
    except ChecksumMismatch:  # whose message would name the copy
        return False


def _copy(folder: Path, copy: Path, files: dict[str, str]) -> None:
    """Copy the files, and a signature where there is one."""
    signed = [SIGNATURE] if (folder / SIGNATURE).is_file() else []
    for name in [*files, *signed]:
        try:
            (copy / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(folder / name, copy / name)
        except OSError as error:
            raise OutputError(
                f"{copy / name}: {folder / name} can't be copied there: {error.strerror or error}; "
                "set TMPDIR to a folder with room"
            ) from error
