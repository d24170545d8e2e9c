"""Who signed a model, and whether the user trusts them with it: ``trust.yaml`` in the configuration folder."""

from __future__ import annotations

import contextlib
import datetime as dt
import fnmatch
import functools
import logging
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field, StringConstraints, field_validator

from zoo.errors import SignatureError
from zoo.model.card import Text
from zoo.model.checksums import SIGNATURE
from zoo.model.document import Document, read_document
from zoo.model.limits import MIB, SIGNATURE_BYTES, read_bounded
from zoo.places import config_folder
from zoo.registry.linked import is_there

if TYPE_CHECKING:
    from zoo.model.signature import Bundle

TRUST_FILE = "trust.yaml"

EVERYTHING = "*"
"""The pattern of who is trusted with any model, and owns no name."""

Unsigned = Literal["warn", "refuse", "accept"]
"""What happens to a model that nobody signed whom the trust file lists."""

Pattern = Annotated[str, StringConstraints(pattern=r"^[a-z0-9*?-]+$")]
"""Of names of models: ``*`` stands for any letters, ``?`` for one."""

_log = logging.getLogger("zoo")


@dataclass(frozen=True, slots=True)
class Signer:
    """Who signed.

    Attributes:
        state: Whether somebody did, and whether the trust file lists them for this model.
        name: As the trust file has it; the fingerprint of a key that it does not list, or whom the certificate names;
            or empty.
        expired: When their certificate ended, if it did since.
    """

    state: Literal["unsigned", "unknown", "trusted"]
    name: str = ""
    expired: dt.datetime | None = None


class Key(Document):
    """Somebody who signs with a key: ``public_key`` is PEM."""

    name: Text
    models: tuple[Pattern, ...] = Field(min_length=1)
    public_key: Text

    @field_validator("public_key")
    @classmethod
    def _is_a_key(cls, text: str) -> str:
        from zoo.model.signature import fingerprint

        with _as_value_error():
            fingerprint(text)
        return text


class Authority(Document):
    """Somebody who signs with a certificate: ``subject`` is whom it names, ``roots`` who may vouch for it, PEM."""

    name: Text
    models: tuple[Pattern, ...] = Field(min_length=1)
    subject: Text
    roots: Text

    @field_validator("roots")
    @classmethod
    def _are_certificates(cls, text: str) -> str:
        from zoo.model.signature import check_roots

        with _as_value_error():
            check_roots(text)
        return text


class Trust(Document):
    """The document, schema version 1."""

    schema_version: Literal[1]
    unsigned: Unsigned = "warn"
    keys: tuple[Key, ...] = ()
    certificates: tuple[Authority, ...] = ()


def read_trust(path: Path | None = None) -> Trust:
    """Return whom the user trusts: nobody, where there is no file.

    Args:
        path: The file; by default ``trust.yaml`` in the configuration folder.

    Raises:
        SignatureError: A field is missing, unknown or wrong; the message names it.
    """
    path = trust_path() if path is None else path
    if not is_there(path):
        return Trust(schema_version=1)
    return read_document(path, Trust, SignatureError, limit=MIB)


def trust_path() -> Path:
    """Return where the trust file is."""
    return config_folder() / TRUST_FILE


def judge(folder: Path, full_name: str, *, now: dt.datetime | None = None, quiet: bool = False) -> Signer:
    """Return who signed the model in a folder; warn once of one that nobody did whom the trust file lists.

    Args:
        folder: With its signature beside SHA256SUMS, where there is one.
        full_name: ``name@version``; the trust file says for which names a key is good.
        now: The time, to tell of certificates that ended; by default the clock's.
        quiet: Warn of nothing, for a model of which the user was told when it was pulled.

    Raises:
        SignatureError: The signature is broken, the trust file refuses models that nobody signed whom it lists, or
            gives this name to somebody else.
    """
    trust = read_trust()
    name = full_name.partition("@")[0]
    signer = _identify(folder, name, trust)
    if signer.state == "trusted":
        return _tell_expired(signer, full_name, now or dt.datetime.now(dt.UTC), quiet=quiet)
    found = "nobody signed it" if signer.state == "unsigned" else f"it is signed by {signer.name}"
    if owners := _find_owners(name, trust):
        raise SignatureError(
            f"{full_name}: {trust_path()} gives this name to {' and '.join(owners)}, but {found} here; "
            "ask them, or change that file"
        )
    if trust.unsigned == "refuse":
        raise SignatureError(
            f"{full_name}: expected the signature of somebody whom {trust_path()} lists, but {found}; "
            "list who signed it there, or set 'unsigned: warn'"
        )
    if trust.unsigned == "warn" and not quiet:
        lister = f"{trust_path()} does not list for it" if is_there(trust_path()) else "no trust file lists"
        not_listed = "" if signer.state == "unsigned" else f", whom {lister}"
        _warn(f"{full_name}: {found}{not_listed}: who made it is not known")
    return signer


def _identify(folder: Path, name: str, trust: Trust) -> Signer:
    """Return who signed a folder; whatever can be verified about it was.

    Raises:
        SignatureError: The signature is broken.
    """
    from zoo.model.signature import find_subject, read_signature

    path = folder / SIGNATURE
    if not path.exists():
        return Signer("unsigned")
    bundle = read_signature(read_bounded(path, SIGNATURE_BYTES, SignatureError), str(path))
    if bundle.certificates:
        return _identify_subject(bundle, find_subject(bundle), folder, name, trust)
    return _identify_key(bundle, folder, name, trust)


def _identify_key(bundle: Bundle, folder: Path, name: str, trust: Trust) -> Signer:
    from zoo.model.signature import check_unknown, fingerprint, verify_with_key

    listed = [key for key in trust.keys if fingerprint(key.public_key) == bundle.hint]
    if not listed:
        check_unknown(bundle, folder)
        return Signer("unknown", bundle.hint)
    verify_with_key(bundle, folder, listed[0].public_key)
    good = [key.name for key in listed if _may_sign(name, key, trust)]
    return Signer("trusted", good[0]) if good else Signer("unknown", listed[0].name)


def _identify_subject(bundle: Bundle, subject: str, folder: Path, name: str, trust: Trust) -> Signer:
    from zoo.model.signature import check_unknown, verify_with_roots

    listed = [item for item in trust.certificates if item.subject == subject]
    if not listed:
        check_unknown(bundle, folder)
        return Signer("unknown", subject)
    fault: SignatureError | None = None
    signer: Signer | None = None
    for item in listed:  # one by one: whom one authority vouches for is not whom another one does
        try:
            certified = verify_with_roots(bundle, folder, item.roots)
        except SignatureError as error:
            fault = error
            continue
        if _may_sign(name, item, trust):
            return Signer("trusted", item.name, certified.expires)
        signer = Signer("unknown", item.name)
    if signer is None and fault is not None:
        raise fault
    return signer or Signer("unknown", subject)


def _tell_expired(signer: Signer, full_name: str, now: dt.datetime, *, quiet: bool) -> Signer:
    """Return a signer with the end of their certificate, if that is over."""
    if signer.expired is None or now <= signer.expired:
        return replace(signer, expired=None)
    if not quiet:
        ended = f"{signer.expired:%Y-%m-%d}"
        _warn(f"{full_name}: signed by {signer.name} with a certificate that expired since, on {ended}")
    return signer


def _find_owners(name: str, trust: Trust) -> list[str]:
    """Return to whom the trust file gives a name, by a pattern that is not for everything."""
    listed: Iterable[Key | Authority] = (*trust.keys, *trust.certificates)
    return sorted({item.name for item in listed if _match(name, set(item.models) - {EVERYTHING})})


def _may_sign(name: str, item: Key | Authority, trust: Trust) -> bool:
    """Return whether an entry is good for a name; where the name is somebody's, one for everything is not."""
    owners = _find_owners(name, trust)
    return _match(name, item.models) and (not owners or item.name in owners)


def _match(name: str, patterns: Iterable[str]) -> bool:
    return any(fnmatch.fnmatchcase(name, pattern) for pattern in patterns)


@functools.cache
def _warn(message: str) -> None:
    """Tell the user once in a process."""
    _log.warning(message)


@contextlib.contextmanager
def _as_value_error() -> Iterator[None]:
    """Let pydantic name the field that a key or a certificate stands in."""
    try:
        yield
    except SignatureError as error:
        raise ValueError(str(error)) from error
