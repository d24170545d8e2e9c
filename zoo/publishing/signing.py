"""Who vouches for what is published, and that it is who vouched for the version before."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from zoo.errors import OutputError, PublishConflict, SignatureError
from zoo.model.card import Card
from zoo.model.checksums import SIGNATURE
from zoo.model.limits import SIGNATURE_BYTES, read_bounded
from zoo.model.signature import find_subject, read_signature, sign
from zoo.registry.index import Entry, Versions, sort_key
from zoo.registry.trust import judge


@dataclass(frozen=True, slots=True)
class Signed:
    """A signature as a file beside the model's copy; ``signer`` is the sha256 of a key, or a certificate's subject."""

    file: Path
    digest: str
    signer: str


def sign_copy(
    copy: Path, card: Card, key: Path | None, certificate: Path | None = None, password: bytes | None = None
) -> Signed | None:
    """Sign a copy of a model folder; without a key the signature counts that it came with, if there is one.

    Raises:
        SignatureError: The key can't be used, or the signature that is there is broken, or of other files.
        OutputError: It can't be written.
    """
    path = copy / SIGNATURE
    if key is None and certificate is not None:
        raise SignatureError(f"{certificate}: a certificate signs nothing without its private key: --key")
    if key is not None:
        content = sign(copy, key, certificate, password)
        try:
            path.write_bytes(content)
        except OSError as error:
            raise OutputError(f"{path}: can't be written: {error.strerror or error}") from error
    elif path.is_file():
        content = read_bounded(path, SIGNATURE_BYTES, SignatureError)
        judge(copy, card.full_name)  # its files, and its signer as far as they are known here
    else:
        return None
    return Signed(path, hashlib.sha256(content).hexdigest(), name_signer(content))


def name_signer(content: bytes) -> str:
    """Return who made a signature, as it says itself.

    Raises:
        SignatureError: It is none.
    """
    bundle = read_signature(content)
    return bundle.hint or find_subject(bundle)


def check_signer(versions: Versions | None, card: Card, signer: str, find_signer: Callable[[str, Entry], str]) -> None:
    """Refuse a version that is not signed by who signed the highest signed one of the others.

    Args:
        versions: What is listed.
        card: Of the version.
        signer: Who signed it; empty for nobody.
        find_signer: From a listed version and its entry to who signed it.

    Raises:
        PublishConflict: It was somebody else.
    """
    listed = versions.versions if versions is not None else {}
    signed = [other for other, entry in listed.items() if entry.signature is not None and other != card.version]
    if not signed:
        return
    last = max(signed, key=sort_key)
    expected = find_signer(last, listed[last])
    if expected != signer:
        raise PublishConflict(
            f"{card.full_name}: expected the signer of {card.name}@{last}, {expected}, found {signer or 'none'}; "
            "publish with that key, or with --new-signer if another one is right"
        )
