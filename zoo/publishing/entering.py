"""How a registry comes to list a model: what its entry says, and when it must not be entered."""

from __future__ import annotations

import hashlib

from zoo.errors import ChecksumMismatch, DownloadError, ModelError, PublishConflict, VersionExists
from zoo.model.card import Card
from zoo.model.checksums import SIGNATURE
from zoo.publishing.preparing import Prepared
from zoo.publishing.signing import Signed, check_signer, name_signer
from zoo.publishing.target import RegistryFile
from zoo.publishing.uploading import Blob
from zoo.registry.fetching import MAX_SIGNATURE
from zoo.registry.index import Entry, Listing, Versions
from zoo.registry.names import blob_path
from zoo.registry.resolving import Resolved, find_place
from zoo.registry.sources import Source
from zoo.registry.stores.protocol import Reader
from zoo.registry.writing import describe, rank


class Publication:
    """One model on its way into a registry.

    Args:
        prepared: The model.
        signed: Its signature, if it has one.
        target: The registry.
        blobs: What the registry calls the store.
        reader: The store.
        new_signer: Whether another signer than before will do, and takes the place of the one who is listed.
    """

    def __init__(
        self,
        prepared: Prepared,
        signed: Signed | None,
        target: RegistryFile,
        blobs: str,
        reader: Reader,
        *,
        new_signer: bool,
    ) -> None:
        self.prepared, self.target = prepared, target
        self._signed, self._blobs, self._reader, self._new_signer = signed, blobs, reader, new_signer
        self._offered = None if signed is None else signed.digest  # the signature that may be listed
        self._known: dict[str, str] = {}  # signers by the digest of their signature

    def plan(self, current: Versions | None) -> Entry:
        """Return the entry as it would stand now; a signature that it does not need is not entered later, either.

        Raises:
            ModelError: As ``enter``.
        """
        entry = self.enter(current).versions[self.prepared.card.version]
        self._offered = entry.signature
        self.find_signer(entry)  # one that can't be read is told before anything is sent
        return entry

    def enter(self, current: Versions | None) -> Versions:
        """Return the versions of the model with ours among them; the same again where they hold it already.

        Raises:
            VersionExists: It is listed with other bytes.
            PublishConflict: Somebody else signed the version before, or this one.
            ModelError: It can't be found out who did.
        """
        card, digest = self.prepared.card, self.prepared.digest
        entry = find_same(current, card, digest, self.target.address)
        if entry is None:
            self._check_signer(current)
            place = {"blobs": self._blobs, "size": self.prepared.size, "signature": self._offered}
            entry = describe(card, digest, **place)
        elif self.lies_here(entry) and self._offered not in {None, entry.signature} and self._may_sign(entry, current):
            entry = entry.model_copy(update={"signature": self._offered})
        return put_entry(current, card.version, entry)

    def lies_here(self, entry: Entry) -> bool:
        """Return whether an entry is of the store that is published to."""
        return entry.blobs == self._blobs

    def list_blobs(self) -> list[Blob]:
        """Return the files to send, the signature only if it is to be listed."""
        blobs = [Blob(self.prepared.folder / name, name, digest) for name, digest in self.prepared.files.items()]
        if self._signed is not None and self._offered == self._signed.digest:
            blobs.append(Blob(self._signed.file, SIGNATURE, self._signed.digest))
        return blobs

    def find_signer(self, entry: Entry) -> str:
        """Return who signed the version; empty for nobody, and for one that is listed elsewhere."""
        if entry.signature is None or not self.lies_here(entry):
            return ""
        return self._find_signer(self.prepared.card.version, entry)

    def measure_signature(self, entry: Entry) -> int:
        """Return the bytes of the signature that was given, 0 where there is none or another one is listed."""
        given = self._signed is not None and self._signed.digest == entry.signature
        return self._signed.file.stat().st_size if self._signed is not None and given else 0

    def _may_sign(self, entry: Entry, current: Versions | None) -> bool:
        """Return whether our signature takes its place in an entry; two by one signer are as good as each other."""
        if entry.signature is None:
            self._check_signer(current)
            return True
        if self._new_signer:
            return True
        ours = self._signed.signer if self._signed is not None else ""
        theirs = self._find_signer(self.prepared.card.version, entry)
        if theirs != ours:
            raise PublishConflict(
                f"{self.prepared.card.full_name}: {self.target.address} lists it as signed by {theirs}, this one is by "
                f"{ours}; --new-signer puts that in its place"
            )
        return False

    def _check_signer(self, current: Versions | None) -> None:
        if self._new_signer:
            return
        ours = self._signed.signer if self._signed is not None else ""
        check_signer(current, self.prepared.card, ours, self._find_signer)

    def _find_signer(self, version: str, entry: Entry) -> str:
        """Return who signed a listed version, as its signature says."""
        digest = str(entry.signature)
        if self._signed is not None and digest == self._signed.digest:
            return self._signed.signer
        if digest not in self._known:
            listing = Listing(self.prepared.card.name, version, latest=False, entry=entry)
            self._known[digest] = name_signer(self._read_signature(listing, digest))
        return self._known[digest]

    def _read_signature(self, listing: Listing, digest: str) -> bytes:
        told = f"{listing.full_name}: its signature, {blob_path(digest)}"
        advice = "publish with --key and --new-signer to go on without it"
        try:
            if self.lies_here(listing.entry):
                found = self._reader.read_tagged(blob_path(digest), MAX_SIGNATURE)
            else:
                source = Source.model_construct(name="", url=self.target.address, priority=0, mirrors=())
                place = find_place(Resolved(listing, source))
                found = place.readers[0].read_tagged(place.name_file(SIGNATURE, digest), MAX_SIGNATURE)
        except ModelError as error:
            raise DownloadError(f"{told}, can't be read: {error}; {advice}") from error
        if found is None or found.content is None or hashlib.sha256(found.content).hexdigest() != digest:
            raise ChecksumMismatch(f"{told}, is {'missing' if found is None else 'damaged'}; {advice}")
        return found.content


def find_same(
    current: Versions | None, card: Card, digest: str, registry: str, *, replace: bool = False
) -> Entry | None:
    """Return the entry of a version that is listed already with the same bytes; None if it is not listed.

    Args:
        current: What is listed of the model.
        card: The version's.
        digest: The sha256 of its SHA256SUMS.
        registry: What the message calls the registry.
        replace: Whether one with other bytes counts as not listed.

    Raises:
        VersionExists: It is listed with other bytes.
    """
    entry = current.versions.get(card.version) if current is not None else None
    if entry is not None and entry.sha256sums != digest:
        if replace:
            return None
        raise VersionExists(
            f"{card.full_name}: {registry} lists it with sha256 {entry.sha256sums} of its SHA256SUMS, this one has "
            f"{digest}; a version never changes: give the model a new one"
        )
    return entry


def put_entry(current: Versions | None, version: str, entry: Entry) -> Versions:
    """Return the versions of a model with this entry among them; aliases stay."""
    listed, aliases = (current.versions, current.aliases) if current is not None else ({}, None)
    return rank({**listed, version: entry}, aliases)
