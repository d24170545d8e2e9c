"""A model from wherever it was published to the cache: whole, checked and examined, or not at all."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from zoo.errors import ChecksumMismatch, DownloadError, LockMismatch, ModelError, OutputError, SignatureError
from zoo.model.checksums import CHECKSUMS, hash_file, list_files, verify_checksums
from zoo.registry.cache import Cache
from zoo.registry.fetching import Share, Tell, add_signature, check_card, fetch, lacks_signature
from zoo.registry.index import Listing
from zoo.registry.judging import judge_kept
from zoo.registry.linked import is_there
from zoo.registry.pinned import check_registry, find_pinned, name_registry
from zoo.registry.project_lock import Pin, read_lock, update_lock
from zoo.registry.refreshing import keep_copy
from zoo.registry.resolving import Resolved, find_local, find_place, resolve
from zoo.registry.sources import BUNDLED, UNBUNDLED
from zoo.registry.stores.addresses import hide_secrets
from zoo.registry.trust import Signer, trust_path

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
        signer: Who signed it; None for a folder, for what the package itself pins, which vouches for it, and without a
            trust file for a folder that a registry on this disk names.
        fetched: Bytes that came for it just now, without what an earlier download had left.
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
    locked: str | Path | None = None,
    report: Share | None = None,
    tell: Tell | None = None,
) -> Location:
    """Have a model in the cache, whole: fetched if need be, and again where what lies there was damaged.

    Args:
        name: ``name``, ``name@1.0.0``, ``name@alias``, or one of these behind ``registry:``.
        registry: The only registry that is asked, by its name, address or path; with a lock, the one that is pinned.
        offline: Ask the cache and kept copies of registries alone.
        locked: A ``zoo.lock`` that pins the version and the digest.
        report: Is told of bytes.
        tell: Is told what happens, a line each; else the logger ``zoo`` is.

    Raises:
        UnknownModel: No registry lists it.
        LockMismatch: The lock pins another one, from another registry, or none of that name.
        DownloadError: It can't be fetched.
        ChecksumMismatch: What the stores hold is not what was published.
        UnsafeModel: It is more than a network of standard operators, or names files elsewhere.
        SignatureError: Its signature is broken, or not of whom the trust file asks for.
        OutputError: The cache can't be written.
    """
    tell = tell or _log.info
    return _locate(name, registry, locked, offline=offline, newest=True, report=report, tell=tell)


def obtain(
    name: str,
    *,
    registry: str | Path | None = None,
    offline: bool = False,
    locked: str | Path | None = None,
    report: Share | None = None,
    tell: Tell | None = None,
) -> Location:
    """Find a model as ``pull`` does, but take what is there for whole, and a young copy of a registry for the registry.

    Who loads it compares every file anyway.
    """
    tell = tell or _log.info
    return _locate(name, registry, locked, offline=offline, newest=False, report=report, tell=tell)


def lock_models(
    names: Sequence[str],
    path: Path,
    *,
    registry: str | Path | None = None,
    offline: bool = False,
    report: Share | None = None,
    tell: Tell | None = None,
) -> dict[str, Pin]:
    """Pin models in a lock, beside those that it has; each is pulled, so that what is pinned is what was checked.

    Returns:
        The pins of these models, by name.

    Raises:
        LockMismatch: One is named in two versions.
        ModelError: As ``pull``; the lock stays as it was.
        OutputError: It can't be written.
    """
    pins: dict[str, Pin] = {}
    for name in names:
        found = pull(name, registry=registry, offline=offline, report=report, tell=tell)
        base, pin = found.full_name.partition("@")[0], make_pin(found)
        other = pins.setdefault(base, pin)
        if other.version != pin.version:
            raise LockMismatch(f"{base} is named in versions {other.version} and {pin.version}; a lock pins one")
        if other != pin:
            raise LockMismatch(f"{base} is named from {other.registry} and from {pin.registry}; a lock pins one")
    update_lock(path, pins)
    return pins


def make_pin(location: Location) -> Pin:
    """Return what a lock keeps of a model that was found in a registry.

    Raises:
        LockMismatch: It was given by the path of its folder, or its registry has a name that is no text.
    """
    if location.listing is None:
        raise LockMismatch(f"{location.folder}: a folder can't be locked, only what a registry lists")
    try:
        location.registry.encode()
    except UnicodeEncodeError as error:
        raise LockMismatch(
            f"{location.full_name}: expected a registry whose name is text in UTF-8, as a lock is, found "
            f"{location.registry!r}; give that folder another name"
        ) from error
    signer = location.signer.name if location.signer and location.signer.state == "trusted" else ""
    listing = location.listing
    return Pin(version=listing.version, sha256sums=listing.entry.sha256sums, registry=location.registry, signer=signer)


def _locate(
    name: str,
    registry: str | Path | None,
    locked: str | Path | None,
    *,
    offline: bool,
    newest: bool,
    report: Share | None,
    tell: Tell,
) -> Location:
    """Find a model; ``newest`` asks remote registries, and mends what lies damaged in the cache."""
    pin = None if locked is None else read_lock(Path(locked)).pin(name)
    if pin is None:
        resolved = resolve(name, registry, offline=offline, newest=newest)
    else:
        check_registry(name, registry, pin)
        full_name = f"{name.rpartition(':')[2].partition('@')[0]}@{pin.version}"
        kept = Cache().find(pin.sha256sums)
        if kept is not None and _is_whole(kept, pin.sha256sums, thoroughly=newest):
            check_card(kept, full_name)
            signer = _judge_cached(kept, full_name, pin.sha256sums, quiet=not newest)
            found = Location(kept, full_name=full_name, registry=pin.registry, signer=signer)
            return _check_signer(found, pin)  # no registry is asked at all
        resolved = find_pinned(full_name, pin, offline=offline, newest=newest, tell=tell)
    listing, source = resolved.listing, resolved.source
    if listing.entry.yanked is not None:
        warnings.warn(f"{listing.full_name} was withdrawn: {listing.entry.yanked}", UserWarning, stacklevel=4)
    address = name_registry(source)
    found = Location(Path(), listing, listing.full_name, address, source.name or address)
    if listing.entry.url is not None and "://" not in listing.entry.url and not source.remote:
        folder = find_local(resolved)  # used where it lies
        _check_listed(folder, listing)
        if newest:
            verify_checksums(folder)
        check_card(folder, listing.full_name)
        found = replace(found, folder=folder)
        if _is_judged_here(found, pin):
            found = replace(found, signer=judge_kept(folder, listing.full_name, listing.entry.sha256sums))
            if newest:
                from zoo.model.probation import examine

                examine(folder)
    else:
        folder, came = _fetch_unless_here(resolved, offline=offline, newest=newest, report=report, tell=tell)
        told = newest or bool(came)
        signer = _judge_cached(folder, listing.full_name, listing.entry.sha256sums, quiet=not told)
        found = replace(found, folder=folder, fetched=came, signer=signer)
        if told:
            keep_copy(source)
    return found if pin is None else _check_signer(found, pin)


def _fetch_unless_here(
    resolved: Resolved, *, offline: bool, newest: bool, report: Share | None, tell: Tell
) -> tuple[Path, int]:
    """Return the folder of a model in the cache, and how many bytes came."""
    listing, cache = resolved.listing, Cache()
    digest = listing.entry.sha256sums
    kept = cache.find(digest)
    if kept is not None and not _is_whole(kept, digest, thoroughly=newest):
        if not newest or offline:
            raise _explain_damage(kept, listing.full_name)
        tell(f"{listing.full_name}: what lay in {kept} was damaged; fetching it again")
        if cache.discard(digest):
            kept = None
    if kept is not None:
        check_card(kept, listing.full_name)
        if not newest or offline or not lacks_signature(listing, cache):
            return kept, 0
        return kept, add_signature(listing, find_place(resolved), cache, report=report)
    if resolved.source.name == UNBUNDLED:
        raise DownloadError(
            f"{listing.full_name} came in a bundle and is not in {cache.folder} any more; unbundle it again"
        )
    if offline:
        raise DownloadError(
            f"{listing.full_name} is not in {cache.folder}; with a network zoo pull fetches it, or zoo bundle makes a "
            "file of it to bring here"
        )
    size = "" if listing.entry.size is None else f" ({listing.entry.size:,} bytes)"
    tell(f"pulling {listing.full_name} from {resolved.source.name or hide_secrets(resolved.source.url)}{size}")
    return fetch(listing, find_place(resolved), cache, report=report, tell=tell)


def _judge_cached(folder: Path, full_name: str, digest: str, *, quiet: bool) -> Signer | None:
    """Return who signed a model in the cache; a signature that is not of its files may be of what they were."""
    try:
        return judge_kept(folder, full_name, digest, quiet=quiet)
    except SignatureError:
        if not _is_whole(folder, digest, thoroughly=True):
            raise _explain_damage(folder, full_name) from None
        raise


def _explain_damage(folder: Path, full_name: str) -> ChecksumMismatch:
    return ChecksumMismatch(f"{folder}: was damaged; zoo pull {full_name} fetches it again")


def _is_whole(folder: Path, digest: str, *, thoroughly: bool) -> bool:
    """Return whether a folder is the model of that digest; if not thoroughly, its files are for who loads it.

    What is no plain file is never opened: a pipe would hold its reader up for ever.
    """
    try:
        if thoroughly:
            return digest == verify_checksums(folder)
        list_files(folder)
        return digest == hash_file(folder / CHECKSUMS)
    except ModelError:
        return False


def _check_listed(folder: Path, listing: Listing) -> None:
    digest = hash_file(folder / CHECKSUMS)
    if digest != listing.entry.sha256sums:
        raise ChecksumMismatch(
            f"{folder}: {listing.full_name} is listed with sha256 {listing.entry.sha256sums} of its SHA256SUMS, "
            f"found {digest}; this is not the published model"
        )


def _is_judged_here(found: Location, pin: Pin | None) -> bool:
    """Return whether somebody must vouch for a folder that is used where it lies, as for what is fetched.

    Nobody need for what comes with the package; for the user's own disk, only if they say whom they trust.
    """
    if found.registry == BUNDLED:
        return False
    try:
        return is_there(trust_path()) or bool(pin and pin.signer)
    except OutputError:  # a user without a home folder has no trust file
        return bool(pin and pin.signer)


def _check_signer(found: Location, pin: Pin) -> Location:
    signer = found.signer or Signer("unsigned")
    if pin.signer and (signer.state, signer.name) != ("trusted", pin.signer):
        who = {"unsigned": "nobody", "unknown": f"an unknown key, {signer.name}"}.get(signer.state, signer.name)
        raise LockMismatch(f"{found.full_name}: locked as signed by {pin.signer}, found signed by {who}")
    return found
