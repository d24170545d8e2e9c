"""Signatures of model folders, in the OpenSSF model-signing format 1.0: somebody vouches for exactly these files.

A signature is a Sigstore bundle (version 0.3) of a DSSE envelope, whose payload is an in-toto statement that lists
every file with its sha256. Keys are ECDSA on P-256, P-384 or P-521. The signatures of other programs that write this
format are read, and theirs read ours; "keyless" ones, which only a public log and a network can confirm, are not.

Sources: https://github.com/sigstore/model-transparency (the format), https://github.com/secure-systems-lab/dsse.
"""

from __future__ import annotations

import base64
import binascii
import datetime as dt
import hashlib
import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from zoo.errors import SignatureError
from zoo.model.card import read_card
from zoo.model.checksums import SIGNATURE
from zoo.model.folder import CARD_FILE
from zoo.model.limits import SIGNATURE_BYTES, read_bounded
from zoo.model.statement import compare_files, parse, read_statement, take, write_statement
from zoo.model.telling import in_one_line

if TYPE_CHECKING:
    from cryptography import x509
    from cryptography.hazmat.primitives.asymmetric import ec

_BUNDLE = "application/vnd.dev.sigstore.bundle.v0.3+json"
_PAYLOAD = "application/vnd.in-toto+json"
_CURVES = ("secp256r1", "secp384r1", "secp521r1")
_LONGEST_CHAIN = 8


@dataclass(frozen=True, slots=True)
class Bundle:
    """A signature as it was read; nothing of it is verified yet.

    Attributes:
        hint: Which key made it: the sha256 of the public key in PEM. Empty where certificates say it.
        certificates: In DER, the signer's own first.
        payload: The statement, as it was signed.
        signature: Over the payload.
    """

    hint: str
    certificates: tuple[bytes, ...]
    payload: bytes
    signature: bytes


@dataclass(frozen=True, slots=True)
class Certified:
    """Whose certificate a signature was made with, and until when that was valid."""

    subject: str
    expires: dt.datetime


def sign(folder: Path, key: Path, certificate: Path | None = None, password: bytes | None = None) -> bytes:
    """Return a signature over every file of a model folder, which stays as it is.

    Args:
        folder: A model folder with its SHA256SUMS.
        key: The private key, PEM.
        certificate: PEM: the key's own certificate, then those above it as far as a trust file does not hold them.
        password: Of the key, where it has one.

    Raises:
        SignatureError: The key can't be read, is of another kind, or is not the certificate's.
    """
    from cryptography.hazmat.primitives.asymmetric import ec

    private = _read_private_key(key, password)
    if certificate is None:
        material: dict[str, Any] = {"publicKey": {"hint": _hint(private.public_key())}}
    else:
        chain = _read_certificates(read_bounded(certificate, SIGNATURE_BYTES, SignatureError), str(certificate))
        _load(_read_parts, chain[0], str(certificate))
        if chain[0].public_key() != private.public_key():
            raise SignatureError(f"{certificate}: its first certificate is of another key than {key}")
        material = {"x509CertificateChain": {"certificates": [{"rawBytes": _encode(_to_der(item))} for item in chain]}}
    payload = write_statement(folder, read_card(folder / CARD_FILE).full_name)
    signature = private.sign(_frame(payload), ec.ECDSA(_choose_hash(private.curve)))
    envelope = {
        "payload": _encode(payload),
        "payloadType": _PAYLOAD,
        "signatures": [{"sig": _encode(signature), "keyid": ""}],
    }
    bundle = {
        "mediaType": _BUNDLE,
        "verificationMaterial": {**material, "tlogEntries": []},
        "dsseEnvelope": envelope,
    }
    return (json.dumps(bundle, separators=(",", ":")) + "\n").encode()


def read_signature(content: bytes, where: str = SIGNATURE) -> Bundle:
    """Return a signature; ``where`` names it in messages.

    Raises:
        SignatureError: It is none, or one of another format.
    """
    if len(content) > SIGNATURE_BYTES:
        raise SignatureError(f"{where}: expected at most {SIGNATURE_BYTES:,} bytes, found {len(content):,}")
    bundle = parse(content, where)
    kind = take(bundle, "mediaType", str, where)
    if kind != _BUNDLE:
        raise SignatureError(f"{where}: expected a Sigstore bundle, {_BUNDLE}, found {kind[:80]!r}")
    material = take(bundle, "verificationMaterial", dict, where)
    envelope = take(bundle, "dsseEnvelope", dict, where)
    if (payload_kind := take(envelope, "payloadType", str, where)) != _PAYLOAD:
        raise SignatureError(f"{where}: payloadType: expected {_PAYLOAD}, found {payload_kind[:80]!r}")
    signatures = take(envelope, "signatures", list, where)
    if len(signatures) != 1 or not isinstance(signatures[0], dict):
        raise SignatureError(f"{where}: expected one signature, found {len(signatures)}")
    hint = ""
    certificates: tuple[bytes, ...] = ()
    if "publicKey" in material:
        hint = take(take(material, "publicKey", dict, where), "hint", str, where)
        if not re.fullmatch(r"[0-9a-f]{64}", hint):
            raise SignatureError(f"{where}: hint: expected the sha256 of a public key, found {hint[:80]!r}")
    elif "x509CertificateChain" in material:
        certificates = _read_chain(take(material, "x509CertificateChain", dict, where), where)
    else:
        raise SignatureError(
            f"{where}: expected a key or a chain of certificates, found {', '.join(sorted(material))[:80] or 'none'}; "
            "keyless signatures can't be verified without a network: sign with a key"
        )
    payload = _decode(take(envelope, "payload", str, where), where)
    return Bundle(hint, certificates, payload, _decode(take(signatures[0], "sig", str, where), where))


def verify_with_key(bundle: Bundle, folder: Path, public_key: str) -> None:
    """Check that the owner of a key signed exactly the files of a folder.

    Args:
        bundle: The signature.
        folder: A model folder; a signature in it is no part of it.
        public_key: PEM.

    Raises:
        SignatureError: Another key made it, it is broken, or the files are others.
    """
    key = _read_public_key(public_key)
    if bundle.hint != _hint(key):
        raise SignatureError(
            f"{folder}: expected a signature by the key {_hint(key)}, found one by {bundle.hint or 'a certificate'}"
        )
    _verify(bundle, folder, key)


def verify_with_roots(bundle: Bundle, folder: Path, roots: str) -> Certified:
    """Check that somebody whom a certificate authority vouches for signed exactly the files of a folder.

    The chain is verified for the moment at which the signer's certificate became valid: a signature carries no time
    that could be trusted, and must not end with its certificate.

    Args:
        bundle: The signature.
        folder: A model folder; a signature in it is no part of it.
        roots: Certificates of authorities, PEM.

    Raises:
        SignatureError: The chain does not lead to a root, the certificate is not for signing, or as with a key.
    """
    if not bundle.certificates:
        raise SignatureError(f"{folder}: expected a signature with certificates, found one with a key alone")
    chain = [_read_certificate(item, f"{folder / SIGNATURE}") for item in bundle.certificates]
    leaf = chain[0]
    _check_chain(leaf, chain[1:], _read_certificates(roots.encode(), "roots"), folder)
    _check_usage(leaf, folder)
    _verify(bundle, folder, _check_key(leaf.public_key(), f"{folder / SIGNATURE}"))
    return Certified(leaf.subject.rfc4514_string(), leaf.not_valid_after_utc)


def check_unknown(bundle: Bundle, folder: Path) -> None:
    """Check what can be checked of a signature by somebody who is not known: that it is of exactly these files.

    Raises:
        SignatureError: It is of other files, or its certificate's key did not make it.
    """
    where = str(folder / SIGNATURE)
    if bundle.certificates:
        leaf = _read_certificate(bundle.certificates[0], where)
        _verify(bundle, folder, _check_key(leaf.public_key(), where))
    else:
        compare_files(read_statement(bundle.payload, where), folder)


def fingerprint(public_key: str) -> str:
    """Return what signatures call a public key (PEM): the sha256 of its PEM.

    Raises:
        SignatureError: It is no public key, or not one of ECDSA.
    """
    return _hint(_read_public_key(public_key))


def check_roots(roots: str) -> None:
    """Check that a text holds certificates, PEM.

    Raises:
        SignatureError: It does not.
    """
    _read_certificates(roots.encode(), "roots")


def find_subject(bundle: Bundle) -> str:
    """Return whom the signer's certificate names, unverified; empty without certificates.

    Raises:
        SignatureError: The certificate can't be read.
    """
    if not bundle.certificates:
        return ""
    certificate = _read_certificate(bundle.certificates[0], SIGNATURE)
    return "".join(letter if letter.isprintable() else "?" for letter in certificate.subject.rfc4514_string())


def _verify(bundle: Bundle, folder: Path, key: ec.EllipticCurvePublicKey) -> None:
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric import ec

    where = str(folder / SIGNATURE)
    try:
        key.verify(bundle.signature, _frame(bundle.payload), ec.ECDSA(_choose_hash(key.curve)))
    except InvalidSignature as error:
        raise SignatureError(f"{where}: the signature is broken: it is not of this key over these bytes") from error
    compare_files(read_statement(bundle.payload, where), folder)


def _frame(payload: bytes) -> bytes:
    """Return what is really signed: payload and type, each with its length (DSSE's pre-authentication encoding)."""
    return b"DSSEv1 %d %s %d %s" % (len(_PAYLOAD), _PAYLOAD.encode(), len(payload), payload)


def _choose_hash(curve: ec.EllipticCurve) -> Any:
    """Return the hash that goes with a curve."""
    from cryptography.hazmat.primitives import hashes

    return {"secp256r1": hashes.SHA256(), "secp384r1": hashes.SHA384(), "secp521r1": hashes.SHA512()}[curve.name]


def _hint(key: ec.EllipticCurvePublicKey) -> str:
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    return hashlib.sha256(key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)).hexdigest()


def _read_private_key(path: Path, password: bytes | None) -> ec.EllipticCurvePrivateKey:
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    content = read_bounded(path, SIGNATURE_BYTES, SignatureError)
    try:
        try:
            key = load_pem_private_key(content, None)
        except TypeError:  # it is encrypted
            if not password:
                raise SignatureError(f"{path}: the key has a password; give it in ZOO_KEY_PASSWORD") from None
            key = load_pem_private_key(content, password)
    except Exception as error:
        if isinstance(error, SignatureError):
            raise
        raise SignatureError(
            f"{path}: expected a private key in PEM{', and its password' if password else ''}: {in_one_line(error)}"
        ) from error
    _check_key(key.public_key(), str(path))
    if not isinstance(key, ec.EllipticCurvePrivateKey):  # pragma: no cover - its public key would have been refused
        raise SignatureError(f"{path}: expected a key of ECDSA")
    return key


def _read_public_key(text: str) -> ec.EllipticCurvePublicKey:
    from cryptography.hazmat.primitives.serialization import load_pem_public_key

    return _check_key(_load(load_pem_public_key, text.encode(), "public_key"), "public_key")


def _check_key(key: object, where: str) -> ec.EllipticCurvePublicKey:
    from cryptography.hazmat.primitives.asymmetric import ec

    if not isinstance(key, ec.EllipticCurvePublicKey):
        raise SignatureError(f"{where}: expected a key of ECDSA, found {type(key).__name__}; see docs/trust.md")
    if key.curve.name not in _CURVES:
        raise SignatureError(f"{where}: expected a key on P-256, P-384 or P-521, found {key.curve.name}")
    return key


def _read_chain(chain: dict[str, Any], where: str) -> tuple[bytes, ...]:
    certificates = take(chain, "certificates", list, where)
    if not 0 < len(certificates) <= _LONGEST_CHAIN:
        raise SignatureError(f"{where}: expected 1 to {_LONGEST_CHAIN} certificates, found {len(certificates)}")
    if not all(isinstance(item, dict) for item in certificates):
        raise SignatureError(f"{where}: certificates: expected rawBytes in each, found something else")
    return tuple(_decode(take(item, "rawBytes", str, where), where) for item in certificates)


def _read_certificates(content: bytes, where: str) -> list[x509.Certificate]:
    from cryptography import x509

    certificates: list[x509.Certificate] = _load(x509.load_pem_x509_certificates, content, where)
    return certificates


def _read_certificate(content: bytes, where: str) -> x509.Certificate:
    from cryptography import x509

    certificate: x509.Certificate = _load(x509.load_der_x509_certificate, content, where)
    _load(_read_parts, certificate, where)
    return certificate


def _read_parts(certificate: x509.Certificate) -> None:
    """Read all of a certificate that is used later: the library reads each part only when it is asked for."""
    certificate.public_key()
    _ = (certificate.subject.rfc4514_string(), certificate.issuer.rfc4514_string(), list(certificate.extensions))
    _ = (certificate.not_valid_before_utc, certificate.not_valid_after_utc)


def _to_der(certificate: x509.Certificate) -> bytes:
    from cryptography.hazmat.primitives.serialization import Encoding

    return certificate.public_bytes(Encoding.DER)


def _check_chain(
    leaf: x509.Certificate, between: list[x509.Certificate], roots: list[x509.Certificate], folder: Path
) -> None:
    """Refuse a certificate that does not lead to a root over authorities that may vouch for others."""
    from cryptography.x509 import BasicConstraints, KeyUsage, verification

    anyhow = verification.Criticality.AGNOSTIC
    authority = verification.ExtensionPolicy.permit_all()
    authority = authority.require_present(BasicConstraints, anyhow, None)
    authority = authority.may_be_present(KeyUsage, anyhow, _refuse_no_signer_of_certificates)
    policy = verification.PolicyBuilder().store(verification.Store(roots)).time(leaf.not_valid_before_utc)
    policy = policy.max_chain_depth(_LONGEST_CHAIN)
    policy = policy.extension_policies(ca_policy=authority, ee_policy=verification.ExtensionPolicy.permit_all())
    try:
        policy.build_client_verifier().verify(leaf, between)
    except Exception as error:
        raise SignatureError(
            f"{folder / SIGNATURE}: the certificate of {leaf.subject.rfc4514_string()!r} does not lead to a root of "
            f"the trust file: {in_one_line(error)}"
        ) from error


def _refuse_no_signer_of_certificates(_: Any, __: x509.Certificate, extension: x509.KeyUsage | None) -> None:
    if extension is not None and not extension.key_cert_sign:
        raise ValueError("a certificate above it may not sign others")


def _check_usage(leaf: x509.Certificate, folder: Path) -> None:
    """Refuse a certificate that says of itself neither that it is for signatures nor for signing code."""
    from cryptography import x509
    from cryptography.x509.oid import ExtendedKeyUsageOID

    usages = {type(extension.value): extension.value for extension in leaf.extensions}
    plain, extended = usages.get(x509.KeyUsage), usages.get(x509.ExtendedKeyUsage)
    for_signatures = isinstance(plain, x509.KeyUsage) and plain.digital_signature
    for_code = isinstance(extended, x509.ExtendedKeyUsage) and ExtendedKeyUsageOID.CODE_SIGNING in extended
    if not (for_signatures or for_code):
        raise SignatureError(
            f"{folder / SIGNATURE}: expected a certificate with keyUsage digitalSignature, that of "
            f"{leaf.subject.rfc4514_string()!r} is not for signing"
        )


def _load(load: Any, content: Any, where: str) -> Any:
    """Return what a reader of cryptography makes of a file."""
    try:
        return load(content)
    except Exception as error:
        raise SignatureError(f"{where}: can't be read as PEM or DER: {in_one_line(error)}") from error


def _encode(content: bytes) -> str:
    return base64.b64encode(content).decode()


def _decode(text: str, where: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise SignatureError(f"{where}: expected base64, found {text[:40]!r}") from error
