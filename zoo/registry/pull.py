"""A model from wherever it was published to the cache: whole, checked and examined, or not at all."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeAlias

from zoo.errors import ChecksumMismatch, DownloadError, LockMismatch, ModelError, OutputError
from zoo.model.checksums import CHECKSUMS, SIGNATURE, hash_file, verify_checksums
from zoo.registry.cache import Cache
from zoo.registry.index import Listing
from zoo.registry.names import MAX_CHECKSUMS, parse_checksums
from zoo.registry.project_lock import Pin, read_lock
from zoo.registry.resolving import Place, Resolved, find_local, find_place, resolve
from zoo.registry.sources import BUNDLED, UNBUNDLED, read_sources
from zoo.registry.stores.protocol import hide_secrets
from zoo.registry.transfer import explain_disk, fetch_from
from zoo.registry.trust import Signer, judge

MAX_MODEL = 1 << 33
"""Bytes of a model whose registry does not tell its size."""

MAX_SIGNATURE = 1 << 20
"""Bytes of a signature; with a chain of certificates it has some thousand."""

Tell: TypeAlias = Callable[[str], None]
"""Is told, in a line, what is fetched or waited for."""

Share: TypeAlias = Callable[[int, int], None]
"""Is told how many bytes came, and how many there are at most."""

_log = logging.getLogger("zoo")


@dataclass(frozen=True, slots=True)
class Location:
    """A model's folder.

    Attributes:
        folder: Where it lies.
        listing: How the registry lists it; None for a folder that was given by its path, and where a lock sufficed.
        full_name: ``name@version``; empty for a folder.
        registry: The address of that registry.
        source: What the user calls that registry, or its address.
        signer: Who signed it; None for a folder and for what comes with the package, whose registry vouches for it.
        fetched: Bytes that came for it just now.
    """

    folder: Path
    listing: Listing | None = None
    full_name: str = ""
    registry: str = ""
    source: str = ""
    signer: Signer | None = None
    fetched: int = 0


def pull(
    name: str,
    *,
    registry: str | Path | None = None,
    offline: bool = False,
    locked: Path | None = None,
    report: Share | None = None,
    tell: Tell | None = None,
) -> Location:
    """Have a model in the cache, whole: fetched if need be, and again where what lies there was damaged.

    Args:
        name: ``name``, ``name@1.0.0``, ``name@alias``, or one of these behind ``registry:``.
        registry: The only registry that is asked, by its name, address or path.
        offline: Ask the cache and kept copies of registries alone.
        locked: A ``zoo.lock`` that pins the version and the digest.
        report: Is told of bytes.
        tell: Is told what happens, a line each; else the logger ``zoo`` is.

    Raises:
        UnknownModel: No registry lists it.
        LockMismatch: The lock pins another one, or none of that name.
        DownloadError: It can't be fetched.
        ChecksumMismatch: What the stores hold is not what was published.
        UnsafeModel: It is more than a network of standard operators, or names files elsewhere.
        SignatureError: Its signature is broken, or not of whom the trust file asks for.
        OutputError: The cache can't be written.
    """
    tell = tell or _log.info
    return _have(name, registry, locked, offline=offline, newest=True, report=report, tell=tell)


def obtain(
    name: str,
    *,
    registry: str | Path | None = None,
    offline: bool = False,
    locked: Path | None = None,
    report: Share | None = None,
    tell: Tell | None = None,
) -> Location:
    """Find a model as ``pull`` does, but take what is there for whole, and a young copy of a registry for the registry.

    Who loads it compares every file anyway.
    """
    tell = tell or _log.info
    return _have(name, registry, locked, offline=offline, newest=False, report=report, tell=tell)


def fetch(
    listing: Listing, place: Place, cache: Cache, *, report: Share | None = None, tell: Tell | None = None
) -> tuple[Path, int]:
    """Bring a model into the cache; return its folder there, and how many bytes came.

    Each file is asked for by its digest, and the list of files by that of the registry; nothing is read before its
    digest is right. What came stays where this breaks off, for the next time.

    Raises:
        ModelError: As ``pull``.
        OutputError: The cache can't be written.
    """
    entry, said = listing.entry, tell or _log.info
    with cache.wait_for_others(entry.sha256sums, lambda line: said(f"{listing.full_name}: {line}")):
        if found := cache.find(entry.sha256sums):
            return found, 0
        cache.check_room(entry.size or 0)
        with cache.open_incoming(entry.sha256sums) as incoming:
            work = _Work(listing, place, cache, incoming, report)
            try:
                work.bring_all()
                _examine(incoming, listing)
            except (ModelError, OutputError) as error:
                raise type(error)(_name_model(str(error), incoming, listing)) from error
            return cache.adopt(incoming, entry.sha256sums), work.came


def make_pin(location: Location) -> Pin:
    """Return what a lock keeps of a model that was found in a registry.

    Raises:
        LockMismatch: It was given by the path of its folder.
    """
    if location.listing is None:
        raise LockMismatch(f"{location.folder}: a folder can't be locked, only what a registry lists")
    signer = location.signer.name if location.signer and location.signer.state == "trusted" else ""
    listing = location.listing
    return Pin(version=listing.version, sha256sums=listing.entry.sha256sums, registry=location.registry, signer=signer)


class _Work:
    """The fetching of one model."""

    def __init__(self, listing: Listing, place: Place, cache: Cache, incoming: Path, report: Share | None) -> None:
        self.listing, self.place, self.cache, self.incoming, self.report = listing, place, cache, incoming, report
        self.limit = MAX_MODEL if listing.entry.size is None else listing.entry.size
        self.came = 0

    def bring_all(self) -> None:
        entry = self.listing.entry
        sums = self._bring(CHECKSUMS, entry.sha256sums, MAX_CHECKSUMS)
        files = parse_checksums(sums.read_bytes(), str(sums))
        left = self.limit
        for name, digest in files.items():
            left -= self._bring(name, digest, left).stat().st_size
        if entry.signature is not None:
            self._bring(SIGNATURE, entry.signature, MAX_SIGNATURE)

    def bring_signature(self, digest: str) -> Path:
        return self._bring(SIGNATURE, digest, MAX_SIGNATURE)

    def _bring(self, name: str, digest: str, limit: int) -> Path:
        target = self.incoming / name
        path = self.place.name_file(name, digest)
        while True:
            with self.cache.claim_part(digest) as part:
                fetch_from(self.place.readers, path, digest, limit, part, self._count)
                try:
                    target.parent.mkdir(parents=True, exist_ok=True)
                    part.rename(target)
                except FileNotFoundError:
                    continue  # another machine took this process for dead
                except OSError as error:
                    raise explain_disk(error, target, limit) from error
                return target

    def _count(self, count: int) -> None:
        self.came += count
        if self.report is not None:
            self.report(self.came, max(self.limit, self.came))


def _have(
    name: str,
    registry: str | Path | None,
    locked: Path | None,
    *,
    offline: bool,
    newest: bool,
    report: Share | None,
    tell: Tell,
) -> Location:
    """Find a model; ``newest`` asks remote registries, and mends what lies damaged in the cache."""
    pin = None if locked is None else read_lock(locked).pin(name)
    if pin is not None:
        full_name = f"{name.rpartition(':')[2].partition('@')[0]}@{pin.version}"
        kept = Cache().find(pin.sha256sums)
        if kept is not None and _is_whole(kept, pin.sha256sums, thoroughly=newest):
            found = Location(kept, full_name=full_name, registry=pin.registry, signer=judge(kept, full_name))
            return _check_signer(found, pin)  # no registry is asked at all
        name, registry = _name_pinned(full_name, pin)
    resolved = resolve(name, registry, offline=offline, newest=newest)
    listing, source = resolved.listing, resolved.source
    if pin is not None and listing.entry.sha256sums != pin.sha256sums:
        raise LockMismatch(
            f"{listing.full_name}: pinned with sha256 {pin.sha256sums} of its SHA256SUMS, {source.name or source.url} "
            f"lists {listing.entry.sha256sums}; this is another model"
        )
    if listing.entry.yanked is not None:
        warnings.warn(f"{listing.full_name} was withdrawn: {listing.entry.yanked}", UserWarning, stacklevel=4)
    address = source.name if source.name in {BUNDLED, UNBUNDLED} else hide_secrets(source.url)
    found = Location(Path(), listing, listing.full_name, address, source.name or address)
    if listing.entry.url is not None and "://" not in listing.entry.url and not source.remote:
        folder = find_local(resolved)  # used where it lies
        _check_listed(folder, listing)
        if newest:
            verify_checksums(folder)
        return replace(found, folder=folder)
    folder, came = _keep(resolved, offline=offline, newest=newest, report=report, tell=tell)
    found = replace(found, folder=folder, fetched=came, signer=judge(folder, listing.full_name))
    return found if pin is None else _check_signer(found, pin)


def _keep(resolved: Resolved, *, offline: bool, newest: bool, report: Share | None, tell: Tell) -> tuple[Path, int]:
    """Return the folder of a model in the cache, and how many bytes came."""
    listing, cache = resolved.listing, Cache()
    digest = listing.entry.sha256sums
    kept = cache.find(digest)
    if kept is not None and not _is_whole(kept, digest, thoroughly=newest):
        if not newest or offline:
            raise ChecksumMismatch(f"{kept}: was damaged; zoo pull {listing.full_name} fetches it again")
        tell(f"{listing.full_name}: what lay in {kept} was damaged; fetching it again")
        cache.discard(digest)
        kept = None
    if kept is not None:
        return kept, _add_signature(resolved, cache, kept, report) if newest and not offline else 0
    if offline:
        raise DownloadError(
            f"{listing.full_name} is not in {cache.folder}; with a network zoo pull fetches it, or zoo bundle makes a "
            "file of it to bring here"
        )
    size = "" if listing.entry.size is None else f" ({listing.entry.size:,} bytes)"
    tell(f"pulling {listing.full_name} from {resolved.source.name or hide_secrets(resolved.source.url)}{size}")
    return fetch(listing, find_place(resolved), cache, report=report, tell=tell)


def _name_pinned(full_name: str, pin: Pin) -> tuple[str, str | None]:
    """Return what ``resolve`` is asked for to find what was locked: in the registry that it was locked from."""
    if pin.registry in {BUNDLED, UNBUNDLED}:
        return f"{pin.registry}:{full_name}", None
    known = [source.name for source in read_sources() if hide_secrets(source.url) == pin.registry]
    return (f"{known[0]}:{full_name}", None) if known else (full_name, pin.registry)


def _is_whole(folder: Path, digest: str, *, thoroughly: bool) -> bool:
    """Return whether a folder is the model of that digest; if not thoroughly, its files are for who loads it."""
    try:
        return digest == (verify_checksums(folder) if thoroughly else hash_file(folder / CHECKSUMS))
    except ModelError:
        return False


def _check_listed(folder: Path, listing: Listing) -> None:
    digest = hash_file(folder / CHECKSUMS)
    if digest != listing.entry.sha256sums:
        raise ChecksumMismatch(
            f"{folder}: {listing.full_name} is listed with sha256 {listing.entry.sha256sums} of its SHA256SUMS, "
            f"found {digest}; this is not the published model"
        )


def _check_signer(found: Location, pin: Pin) -> Location:
    signer = found.signer or Signer("unsigned")
    if pin.signer and (signer.state, signer.name) != ("trusted", pin.signer):
        who = {"unsigned": "nobody", "unknown": f"an unknown key, {signer.name}"}.get(signer.state, signer.name)
        raise LockMismatch(f"{found.full_name}: locked as signed by {pin.signer}, found signed by {who}")
    return found


def _add_signature(resolved: Resolved, cache: Cache, folder: Path, report: Share | None) -> int:
    """Fetch a signature that was made after the model was pulled; return how many bytes came."""
    listing = resolved.listing
    wanted = listing.entry.signature
    if wanted is None or ((folder / SIGNATURE).is_file() and hash_file(folder / SIGNATURE) == wanted):
        return 0
    with cache.open_incoming(listing.entry.sha256sums) as incoming:
        work = _Work(listing, find_place(resolved), cache, incoming, report)
        try:
            cache.keep_signature(listing.entry.sha256sums, work.bring_signature(wanted))
        except (ModelError, OutputError) as error:
            raise type(error)(_name_model(str(error), incoming, listing)) from error
        return work.came


def _examine(incoming: Path, listing: Listing) -> None:
    """Check what came, of which every digest is right: who signed it, whether it is safe, whether it is the one."""
    from zoo.model.card import read_card
    from zoo.model.folder import CARD_FILE
    from zoo.model.probation import examine

    if verify_checksums(incoming) != listing.entry.sha256sums:
        raise ChecksumMismatch(f"{incoming / CHECKSUMS}: changed on the disk while it was fetched; try again")
    judge(incoming, listing.full_name)
    examine(incoming)
    found = read_card(incoming / CARD_FILE).full_name
    if found != listing.full_name:
        raise ModelError(f"{incoming / CARD_FILE}: expected the card of {listing.full_name}, found that of {found}")


def _name_model(message: str, incoming: Path, listing: Listing) -> str:
    """Return a message that names the model, not the folder that is gone by now."""
    told = message.replace(f"{incoming}/", "").replace(f"{incoming}: ", "")
    return f"{listing.full_name}: {told}"
