"""The bytes of a model from a store to the cache: file by file, checked, examined, then given their place at once."""

from __future__ import annotations

import contextlib
import logging
import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias, TypeVar

from zoo.errors import ChecksumMismatch, ModelError, OutputError, SignatureError
from zoo.model.checksums import CHECKSUMS, SIGNATURE, hash_file, parse_checksums, verify_checksums
from zoo.model.limits import CHECKSUMS_BYTES
from zoo.registry.cache import Cache
from zoo.registry.index import Listing
from zoo.registry.judging import needs_no_signature
from zoo.registry.resolving import Place
from zoo.registry.transfer import explain_disk, fetch_from
from zoo.registry.trust import judge

Answer = TypeVar("Answer")

MAX_MODEL = 1 << 33
"""Bytes of a model whose registry does not tell its size."""

MAX_SIGNATURE = 1 << 20
"""Bytes of a signature; with a chain of certificates it has some thousand."""

Tell: TypeAlias = Callable[[str], None]
"""Is told, in a line, what is fetched or waited for."""

Share: TypeAlias = Callable[[int, int], None]
"""Is told how many bytes are here, and how many there are at most."""

_log = logging.getLogger("zoo")


def fetch(
    listing: Listing, place: Place, cache: Cache, *, report: Share | None = None, tell: Tell | None = None
) -> tuple[Path, int]:
    """Fetch a model into the cache; return its folder there, and how many bytes came for it just now.

    Each file is asked for by its digest, and the list of files by that of the registry; nothing is read before its
    digest is right. What came stays where this breaks off, whole files and the beginning of one, for the next time.

    Raises:
        ModelError: As ``pull``.
        OutputError: The cache can't be written.
    """
    entry, said = listing.entry, tell or _log.info
    with cache.wait_for_others(entry.sha256sums, lambda line: said(f"{listing.full_name}: {line}")):
        if found := cache.find(entry.sha256sums):
            check_card(found, listing.full_name)
            return found, 0
        cache.sweep()  # what others left long ago
        cache.check_room(entry.size or 0)
        download = _Download(listing, place, cache, report)
        with cache.open_incoming(entry.sha256sums) as incoming, _naming(listing, incoming):
            download.fetch_all(incoming)
            _examine(incoming, listing)
            return cache.adopt(incoming, entry.sha256sums), download.came


def lacks_signature(listing: Listing, cache: Cache) -> bool:
    """Return whether a model in the cache has not the signature that is listed, nor that of somebody who is trusted."""
    wanted, folder = listing.entry.signature, cache.find(listing.entry.sha256sums)
    if wanted is None or folder is None:
        return False
    kept = folder / SIGNATURE
    return not (kept.is_file() and (hash_file(kept) == wanted or _is_trusted(folder, listing)))


def add_signature(listing: Listing, place: Place, cache: Cache, *, report: Share | None = None) -> int:
    """Fetch the signature of a model in the cache, if it was made after that was pulled; return how many bytes came.

    One that is refused changes nothing, and one of somebody whom the user trusts stays: others load this model too, and
    another registry may list the same bytes with another signature.

    Raises:
        ModelError: As ``pull``.
        OutputError: The cache can't be written.
    """
    wanted, folder = listing.entry.signature, cache.find(listing.entry.sha256sums)
    if wanted is None or folder is None or not lacks_signature(listing, cache):
        return 0
    download = _Download(listing, place, cache, report)
    with cache.open_incoming(listing.entry.sha256sums) as incoming, _naming(listing, incoming):
        download.fetch_signature(wanted, incoming)
        _link_files(folder, incoming)
        judge(incoming, listing.full_name)
        cache.keep_signature(listing.entry.sha256sums, incoming / SIGNATURE)
    return download.came


class _Download:
    """The fetching of one model; ``came`` is how many bytes came, without those that lay here."""

    def __init__(self, listing: Listing, place: Place, cache: Cache, report: Share | None) -> None:
        self.listing, self.place, self.cache, self.report = listing, place, cache, report
        self.limit = MAX_MODEL if listing.entry.size is None else listing.entry.size
        self.here = self.came = 0

    def fetch_all(self, incoming: Path) -> None:
        """Fetch every file; where one can't be had, the others stay where the next call finds them."""
        entry = self.listing.entry
        with contextlib.ExitStack() as claims:
            sums = self._fetch(claims, CHECKSUMS, entry.sha256sums, CHECKSUMS_BYTES)
            files = parse_checksums(self._use(claims, sums, Path.read_bytes), CHECKSUMS)
            fetched, left = [sums], self.limit
            for name, digest in files.items():
                fetched.append(self._fetch(claims, name, digest, left))
                left -= self._use(claims, fetched[-1], _measure)
            if entry.signature is not None:
                fetched.append(self._fetch(claims, SIGNATURE, entry.signature, MAX_SIGNATURE))
            for each in fetched:
                self._move(claims, each, incoming / each.name)

    def fetch_signature(self, digest: str, incoming: Path) -> None:
        """Fetch the signature alone."""
        with contextlib.ExitStack() as claims:
            signature = self._fetch(claims, SIGNATURE, digest, MAX_SIGNATURE)
            self._move(claims, signature, incoming / SIGNATURE)

    def _fetch(self, claims: contextlib.ExitStack, name: str, digest: str, limit: int) -> _Fetched:
        part = claims.enter_context(self.cache.claim_part(digest))
        path = self.place.name_file(name, digest)
        self.came += fetch_from(self.place.readers, path, digest, limit, part, self._count)
        return _Fetched(name, digest, limit, part)

    def _use(self, claims: contextlib.ExitStack, fetched: _Fetched, use: Callable[[Path], Answer]) -> Answer:
        while True:
            try:
                return use(fetched.part)
            except FileNotFoundError:  # another machine took this process for dead, and the file over
                fetched.part = self._fetch(claims, fetched.name, fetched.digest, fetched.limit).part

    def _move(self, claims: contextlib.ExitStack, fetched: _Fetched, target: Path) -> None:
        def move(part: Path) -> None:
            target.parent.mkdir(parents=True, exist_ok=True)
            part.rename(target)

        try:
            self._use(claims, fetched, move)
        except OSError as error:
            raise explain_disk(error, target, fetched.limit) from error

    def _count(self, count: int) -> None:
        self.here += count
        if self.report is not None:
            self.report(self.here, max(self.limit, self.here))


@dataclass(slots=True)
class _Fetched:
    """One file that is here whole: what the model calls it, its sha256, the most bytes that it may have, and where."""

    name: str
    digest: str
    limit: int
    part: Path


def _is_trusted(folder: Path, listing: Listing) -> bool:
    try:
        signer = judge(folder, listing.full_name)
    except SignatureError:
        return False
    return signer.state == "trusted" and signer.expired is None


def _link_files(folder: Path, incoming: Path) -> None:
    """Give a new signature what it is of: the files of the kept model, without the signature that they may have."""
    for path in folder.rglob("*"):
        target = incoming / path.relative_to(folder)
        if target == incoming / SIGNATURE or not path.is_file():
            continue
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            try:
                os.link(path, target)
            except OSError:  # a disk without links, or files of another user
                shutil.copyfile(path, target)
        except OSError as error:
            raise explain_disk(error, target, path.stat().st_size) from error


def _examine(incoming: Path, listing: Listing) -> None:
    """Check what came, of which every digest is right: who signed it, whether it is safe, whether it is the one."""
    from zoo.model.probation import examine

    if verify_checksums(incoming) != listing.entry.sha256sums:
        raise ChecksumMismatch(f"{incoming / CHECKSUMS}: changed on the disk while it was fetched; try again")
    if not needs_no_signature(incoming, listing.full_name, listing.entry.sha256sums):
        judge(incoming, listing.full_name)
    examine(incoming)
    check_card(incoming, listing.full_name)


def check_card(folder: Path, full_name: str) -> None:
    """Compare what a model's card calls it with the name that was asked for: a registry may list it under another's.

    Raises:
        ChecksumMismatch: The folder is damaged.
        ModelError: It is another model.
    """
    from zoo.model.card import read_card
    from zoo.model.folder import CARD_FILE

    try:
        found = read_card(folder / CARD_FILE).full_name
    except ModelError:
        verify_checksums(folder)  # a damaged file is told as such
        raise
    if found != full_name:
        verify_checksums(folder)
        raise ModelError(f"{folder / CARD_FILE}: expected the card of {full_name}, found that of {found}")


def _measure(part: Path) -> int:
    return part.stat().st_size


@contextlib.contextmanager
def _naming(listing: Listing, incoming: Path) -> Iterator[None]:
    """Have a fault name the model, once, and not the folder that is gone by then."""
    try:
        yield
    except (ModelError, OutputError) as error:
        told = str(error).replace(f"{incoming}/", "").replace(f"{incoming}: ", "")
        raise type(error)(f"{listing.full_name}: {told.removeprefix(f'{listing.full_name}: ')}") from error
