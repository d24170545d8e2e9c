"""``publish``: test a model, put it into a store, and list it in a registry, so that nobody ever sees a part of it."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from zoo.errors import ChecksumMismatch, ModelError, PublishConflict
from zoo.model.checksums import verify_checksums
from zoo.model.verify import verify_folder
from zoo.publishing.entering import Publication
from zoo.publishing.preparing import Prepared, open_workplace, prepare
from zoo.publishing.pull_request import Branch, Checkout
from zoo.publishing.signing import sign_copy
from zoo.publishing.swapping import change_registry, read_versions, update_index
from zoo.publishing.target import check_apart, name_store, open_registry_file
from zoo.publishing.uploading import upload
from zoo.registry.fetching import Share
from zoo.registry.index import Entry
from zoo.registry.sources import find_target
from zoo.registry.stores.addresses import hide_secrets
from zoo.registry.stores.opening import open_store
from zoo.registry.stores.protocol import Reader, Writer


@dataclass(frozen=True, slots=True)
class Published:
    """What a publication did.

    Attributes:
        name: The model's.
        version: Its version.
        digest: The sha256 of its SHA256SUMS.
        registry: Where it is listed.
        device: Where its example was recomputed.
        signer: The sha256 of the key, or the subject of the certificate, that it is signed with; empty if it is not.
        blobs: How many files the store has of it, SHA256SUMS and a signature among them.
        sent: How many of them were not there, or damaged.
        size: Bytes of all files, and of the signature that was given now.
        tries: How often the registry was read until it could be changed.
        changed: Whether the registry had to be changed: else the same model was listed already.
        yanked: Why it is withdrawn; None if it is not.
        elsewhere: Where the registry has its files, if in another store than the one to publish to, which gets none.
        branch: The branch that holds the change, where one was asked for and there is one.
    """

    name: str
    version: str
    digest: str
    registry: str
    device: str
    signer: str
    blobs: int
    sent: int
    size: int
    tries: int
    changed: bool
    yanked: str | None = None
    elsewhere: str = ""
    branch: Branch | None = None

    @property
    def full_name(self) -> str:
        return f"{self.name}@{self.version}"


def publish(
    folder: str | Path,
    to: str | Path,
    *,
    registry: str | Path | None = None,
    key: str | Path | None = None,
    certificate: str | Path | None = None,
    password: bytes | None = None,
    new_signer: bool = False,
    pull_request: bool = False,
    report: Share | None = None,
) -> Published:
    """Publish a model folder, which stays as it is.

    Nothing is listed before the store has given back every byte of it and that copy predicts what it should. Wherever
    this breaks off, readers see the registry as it was or as it shall be, and the same call does what is left.

    Args:
        folder: The model.
        to: The store: a folder, or an address that begins with ``s3://``, ``gs://``, ``hf://`` or ``oci://``.
        registry: The registry's file, by its path, address or known name; ``registry.yaml`` in the store by default.
        key: The private key to sign with, PEM; without one a signature that the folder holds is published.
        certificate: That of the key, with those above it, PEM.
        password: Of the key.
        new_signer: Allow another signer than that of the version before.
        pull_request: Prepare the change as a branch of the git checkout that the registry lies in.
        report: Is told how many bytes were read back, and how many there are.

    Raises:
        VersionExists: That version is listed with other bytes.
        PublishConflict: Somebody else signed the version before, it is to be signed and lies in another store, or
            others change the registry all the time.
        ModelError: The model does not pass.
        SignatureError: It can't be signed.
        OutputError: Store or registry can't be written.
        DownloadError: They can't be read.
        ChecksumMismatch: The store does not keep what it is given.
    """
    address = find_target(registry if registry is not None else _as_path(to))
    named = name_store(str(to), address)
    check_apart(Path(folder), str(to), address)
    checkout = Checkout(address) if pull_request else None
    target = checkout.registry if checkout is not None else open_registry_file(address)
    store, reader = _open_store(str(to), checkout)
    with prepare(Path(folder)) as prepared, open_workplace() as back:
        card = prepared.card
        if checkout is not None:
            checkout.start(f"zoo/{card.name}-{card.version}")
        with _naming(prepared.folder, Path(folder)):
            signed = sign_copy(prepared.folder, card, _to_path(key), _to_path(certificate), password)
        publication = Publication(prepared, signed, target, named, reader, new_signer=new_signer)
        planned = publication.plan(read_versions(target, card.name))
        message = f"Publish {card.full_name}\n\n{card.summary}\n\nsha256sums: {prepared.digest}\n"
        if not publication.lies_here(planned):
            if key is not None:
                raise PublishConflict(
                    f"{card.full_name}: {target.address} lists it in another store, {_find_store(planned)}, which is "
                    "where its signature has to be; name that one, or publish without a key"
                )
            branch = checkout.commit(message) if checkout is not None else None
            return _describe(publication, planned, 0, 1, changed=False, branch=branch)
        files = publication.list_blobs()
        sent = upload(files, store, reader, back, report)
        _check_copy(back, prepared)
        swapped = change_registry(target, card.name, publication.enter)
        branch = None
        if checkout is None:
            update_index(target, swapped.text)
        else:
            branch = checkout.commit(message)
        entry = swapped.versions.versions[card.version]
        return _describe(publication, entry, sent, swapped.tries, changed=swapped.changed, branch=branch)


def _describe(
    publication: Publication, entry: Entry, sent: int, tries: int, *, changed: bool, branch: Branch | None = None
) -> Published:
    prepared = publication.prepared
    return Published(
        name=prepared.card.name,
        version=prepared.card.version,
        digest=prepared.digest,
        registry=publication.target.address,
        device=prepared.verification.device,
        signer=publication.find_signer(entry),
        blobs=len(prepared.files) + (entry.signature is not None),
        sent=sent,
        size=prepared.size + publication.measure_signature(entry),
        tries=tries,
        changed=changed,
        yanked=entry.yanked,
        elsewhere="" if publication.lies_here(entry) else _find_store(entry),
        branch=branch,
    )


@contextlib.contextmanager
def _naming(copy: Path, folder: Path) -> Iterator[None]:
    """Have a fault name the user's folder, and not the copy, which is gone by then."""
    try:
        yield
    except ModelError as error:
        raise type(error)(str(error).replace(str(copy), str(folder))) from error


def _find_store(entry: Entry) -> str:
    """Return where the files of a listed model lie, as the registry says it."""
    return hide_secrets(str(entry.blobs if entry.blobs is not None else entry.url))


def _as_path(to: str | Path) -> str | Path:
    """Return a store as where its registry lies: a bare word is a folder, and no known registry's name."""
    return to if "://" in str(to) or not str(to).strip() else Path(to)


def _to_path(file: str | Path | None) -> Path | None:
    return None if file is None else Path(file)


def _open_store(address: str, checkout: Checkout | None) -> tuple[Writer, Reader]:
    """Return two connections to a store: what one of them has kept in memory, the other one asks for."""
    inside = checkout.open_store(address) if checkout is not None else None
    return (inside, inside) if inside is not None else (open_store(address, write=True), open_store(address))


def _check_copy(back: Path, prepared: Prepared) -> None:
    """Check that what a store gave back, each file of which is right, is a model that predicts what it should."""
    digest = verify_checksums(back)
    if digest != prepared.digest:
        raise ChecksumMismatch(f"{back}: expected sha256 {prepared.digest} of SHA256SUMS, found {digest}")
    verify_folder(back)
