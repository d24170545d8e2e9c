"""Keys and certificates for tests; they protect nothing."""

import datetime as dt

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

TODAY = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)


class Owner:
    """Somebody with a key, and a certificate from ``issuer``, or from themselves."""

    def __init__(self, folder, name, issuer=None, *, curve=None, authority=False, usage="digital", years=1):
        self.name = name
        self.key = ec.generate_private_key(curve or ec.SECP256R1())
        self.public_key = self.key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
        self.certificate = self._certify(issuer or self, authority, usage, years)
        self.pem = self.certificate.public_bytes(Encoding.PEM).decode()
        self.key_file = folder / f"{name}.key"
        self.key_file.write_bytes(self.write_key())
        self.certificate_file = folder / f"{name}.pem"
        self.certificate_file.write_text(self.pem)

    def write_key(self, password=None):
        how = BestAvailableEncryption(password) if password else NoEncryption()
        return self.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, how)

    @property
    def subject(self):
        return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, self.name)])

    def _certify(self, issuer, authority, usage, years):
        builder = x509.CertificateBuilder(
            issuer.subject,
            self.subject,
            self.key.public_key(),
            x509.random_serial_number(),
            TODAY - dt.timedelta(days=1 if authority else 0),
            TODAY + dt.timedelta(days=365 * years),
        )
        builder = builder.add_extension(x509.BasicConstraints(authority, None), critical=True)
        if usage == "digital":
            builder = builder.add_extension(_make_usage(authority), critical=True)
        if usage == "signatures alone":
            builder = builder.add_extension(_make_usage(authority=False), critical=True)
        if usage == "code":
            builder = builder.add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CODE_SIGNING]), critical=False)
        return builder.sign(issuer.key, hashes.SHA256())


def _make_usage(authority):
    return x509.KeyUsage(
        digital_signature=not authority,
        key_cert_sign=authority,
        crl_sign=authority,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )
