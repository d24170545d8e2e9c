"""Models, keys and homes for tests of publishing."""

import datetime as dt
from pathlib import Path

from zoo.testing.models import make_base_at_anchor_graph, write_model_folder


def write_model(path, version="1.0.0", base="G", name="g-at-anchor"):
    return write_model_folder(path, make_base_at_anchor_graph(base), {"name": name, "version": version})


def write_key(path, password=None):
    """Write a new private key on P-256; return its path."""
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    encryption = serialization.BestAvailableEncryption(password) if password else serialization.NoEncryption()
    key = ec.generate_private_key(ec.SECP256R1())
    private = serialization.PrivateFormat.PKCS8
    path.write_bytes(key.private_bytes(serialization.Encoding.PEM, private, encryption))
    return path


def write_certificate(path, key, subject):
    """Write a certificate of a key that names a subject, signed by that key; return its path."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization

    private = serialization.load_pem_private_key(key.read_bytes(), None)
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, subject)])
    start = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(private.public_key())
        .serial_number(1)
        .not_valid_before(start)
        .not_valid_after(start + dt.timedelta(days=365))
        .sign(private, hashes.SHA256())
    )
    path.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    return path


def read_files(folder):
    """Return the bytes of every file below a folder, by name."""
    folder = Path(folder)
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def write_trust(home):
    """Write a trust file that takes unsigned models and unknown signers without a word; return its folder."""
    home.mkdir(parents=True, exist_ok=True)
    (home / "trust.yaml").write_text("schema_version: 1\nunsigned: accept\n")
    return home


def read_public_key(key):
    """Return the public key of a private one, PEM."""
    from cryptography.hazmat.primitives import serialization

    public = serialization.load_pem_private_key(key.read_bytes(), None).public_key()
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    return public.public_bytes(serialization.Encoding.PEM, form).decode()
