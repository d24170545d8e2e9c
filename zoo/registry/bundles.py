"""Models in one file, for machines that no network reaches: a store with its registry, as a tar."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from zoo.errors import ModelError, VersionExists
from zoo.genome.output import OutputFile
from zoo.model.card import read_card
from zoo.model.checksums import CHECKSUMS, SIGNATURE, hash_file, parse_checksums, verify_checksums
from zoo.model.folder import CARD_FILE
from zoo.registry.cache import Cache
from zoo.registry.fetching import Share, Tell, add_signature, fetch
from zoo.registry.index import Entry, Index, Listing, Versions, list_index, parse_registry
from zoo.registry.judging import judge_kept
from zoo.registry.names import blob_path
from zoo.registry.pull import Location, pull
from zoo.registry.refreshing import MAX_REGISTRY
from zoo.registry.resolving import Place
from zoo.registry.sources import REGISTRY_FILE, UNBUNDLED, unbundled_registry
from zoo.registry.stores.amending import amend
from zoo.registry.stores.archive import ArchiveStore, write_archive
from zoo.registry.stores.local import LocalStore
from zoo.registry.writing import describe, format_registry, rank


def write_bundle(
    names: Sequence[str],
    path: str | Path,
    *,
    registry: str | Path | None = None,
    offline: bool = False,
    locked: Path | None = None,
    report: Share | None = None,
    tell: Tell | None = None,
) -> list[Location]:
    """Write models, pulled where they are not here, into one file; the same models give the same bytes.

    Args:
        names: As ``pull`` takes them, and so the options.
        path: The file.
        registry: The only registry that is asked.
        offline: Bundle what is here alone.
        locked: A lock, whose versions are meant.
        report: Is told of bytes.
        tell: Is told what is pulled.

    Returns:
        The models, by name.

    Raises:
        ModelError: One can't be found or fetched, or two of one name and version differ.
        OutputError: The file can't be written.
    """
    chosen: dict[str, Location] = {}
    models: dict[str, dict[str, Entry]] = {}
    blobs: dict[str, Path] = {}
    for name in names:
        found = pull(name, registry=registry, offline=offline, locked=locked, report=report, tell=tell)
        base, _, version = found.full_name.partition("@")
        files = list(_list_blobs(found.folder))
        entry = _describe(found, files)
        other = models.setdefault(base, {}).setdefault(version, entry)
        if other.sha256sums != entry.sha256sums:
            raise ModelError(f"{name}: another {found.full_name} is in the bundle already; bundle them apart")
        chosen[found.full_name] = found
        blobs |= dict(files)
    index = Index(schema_version=2, models={name: rank(versions) for name, versions in models.items()})
    with OutputFile(path) as file:
        with file.writing():
            first = (REGISTRY_FILE, format_registry(index).encode())
            write_archive(file.file, [first, *((blob_path(digest), blobs[digest]) for digest in sorted(blobs))])
        file.commit()
    return [chosen[name] for name in sorted(chosen)]


def read_bundle(path: Path, *, report: Share | None = None, tell: Tell | None = None) -> list[Location]:
    """Bring the models of a bundle into the cache, each checked as if it were pulled, and list them there.

    Args:
        path: The file.
        report: Is told of bytes.
        tell: Is told what happens.

    Returns:
        The models, by name.

    Raises:
        VersionExists: A model of that name and version came in an earlier bundle, with other bytes.
        ModelError: The file is no bundle, or a model in it is not what its registry lists; nothing of it is listed.
        OutputError: The cache can't be written.
    """
    store = ArchiveStore(path)
    listings = _read_listings(store)
    kept = LocalStore(unbundled_registry().parent)

    def merge(content: bytes | None) -> bytes | None:
        index = _parse_kept(content, kept)
        merged = _merge(index, listings, path)
        return None if merged == index else format_registry(merged).encode()

    there = kept.read_tagged(REGISTRY_FILE, MAX_REGISTRY)
    merge(None if there is None else there.content)  # refuses before anything is copied
    found = [_take(listing, store, report, tell) for listing in listings]
    amend(kept, REGISTRY_FILE, MAX_REGISTRY, merge)
    return found


def _list_blobs(folder: Path) -> Iterator[tuple[str, Path]]:
    """Yield the digest and the place of each file of a model."""
    sums = folder / CHECKSUMS
    yield verify_checksums(folder), sums
    for name, digest in parse_checksums(sums.read_bytes(), str(sums)).items():
        yield digest, folder / name
    if (folder / SIGNATURE).is_file():
        yield hash_file(folder / SIGNATURE), folder / SIGNATURE


def _describe(found: Location, files: Sequence[tuple[str, Path]]) -> Entry:
    """Return how the bundle's own registry lists a model: as the registry that it came from, or from its card."""
    digests = {file: digest for digest, file in files}
    size = sum(file.stat().st_size for file in digests)
    place = {"blobs": ".", "size": size, "signature": digests.get(found.folder / SIGNATURE)}
    if found.listing is None:
        return describe(read_card(found.folder / CARD_FILE), digests[found.folder / CHECKSUMS], **place)
    return found.listing.entry.model_copy(update={**place, "url": None, "benchmarks": None})


def _read_listings(store: ArchiveStore) -> list[Listing]:
    where = f"{store.path}: {REGISTRY_FILE}"
    found = store.read_tagged(REGISTRY_FILE, MAX_REGISTRY)
    if found is None or found.content is None:
        raise ModelError(f"{store.path}: expected a bundle, found no {REGISTRY_FILE} in it")
    try:
        listings = list_index(parse_registry(found.content.decode("utf-8"), where))
    except UnicodeDecodeError as error:
        raise ModelError(f"{where}: expected text, found bytes that are none ({error.reason})") from error
    for listing in listings:
        if listing.entry.blobs != ".":
            raise ModelError(f"{where}: {listing.full_name}: expected its files in the bundle, found another place")
    return listings


def _take(listing: Listing, store: ArchiveStore, report: Share | None, tell: Tell | None) -> Location:
    """Bring one model into the cache, in the place of a damaged one as well."""
    cache, digest = Cache(), listing.entry.sha256sums
    cache.discard(digest)
    place = Place((store,), "", by_digest=True)
    folder, came = fetch(listing, place, cache, report=report, tell=tell)
    came += add_signature(listing, place, cache, report=report)
    signer = judge_kept(folder, listing.full_name, digest)
    return Location(folder, listing, listing.full_name, UNBUNDLED, UNBUNDLED, signer, came)


def _parse_kept(content: bytes | None, store: LocalStore) -> Index:
    """Return what came in bundles before."""
    if content is None:
        return Index(schema_version=2)
    return parse_registry(content.decode("utf-8", "replace"), str(store.folder / REGISTRY_FILE))


def _merge(index: Index, listings: Iterable[Listing], path: Path) -> Index:
    """Return the models of earlier bundles with those of this one."""
    models: dict[str, Versions] = dict(index.models)
    for listing in listings:
        versions = dict(models[listing.name].versions) if listing.name in models else {}
        other = versions.get(listing.version)
        if other is not None and other.sha256sums != listing.entry.sha256sums:
            raise VersionExists(
                f"{path}: {listing.full_name} has sha256 {listing.entry.sha256sums} of its SHA256SUMS, that of an "
                f"earlier bundle {other.sha256sums}; to take this one remove {unbundled_registry()}"
            )
        versions[listing.version] = listing.entry
        models[listing.name] = rank(versions)
    return index.model_copy(update={"models": models})
