import base64
import contextlib
import dataclasses
import json

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from hypothesis import given
from hypothesis import strategies as st

from tests.model.signing import TODAY, Owner
from zoo.errors import SignatureError
from zoo.model.signature import (
    check_unknown,
    find_subject,
    fingerprint,
    read_signature,
    sign,
    verify_with_key,
    verify_with_roots,
)
from zoo.testing.models import make_base_at_anchor_graph, write_model_folder


@pytest.fixture(scope="module")
def pki(tmp_path_factory):
    """A root, an authority below it, a signer of either, and a stranger."""
    folder = tmp_path_factory.mktemp("pki")
    root = Owner(folder, "root", authority=True, years=10)
    middle = Owner(folder, "middle", root, authority=True, years=5)
    return {
        "root": root,
        "middle": middle,
        "lab": Owner(folder, "models.lab.org", root),
        "below": Owner(folder, "below", middle),
        "stranger": Owner(folder, "stranger"),
    }


@pytest.fixture
def folder(g_at_anchor_folder):
    return g_at_anchor_folder


def sign_as(folder, owner, *certificates):
    """Return a signature with the owner's key, or with these certificates."""
    if not certificates:
        return read_signature(sign(folder, owner.key_file))
    chain = owner.certificate_file.with_suffix(".chain")
    chain.write_text("".join(item.pem for item in certificates))
    return read_signature(sign(folder, owner.key_file, chain))


def test_a_signature_holds_for_its_folder_and_its_key(folder, pki):
    verify_with_key(sign_as(folder, pki["lab"]), folder, pki["lab"].public_key)


@pytest.mark.parametrize("curve", [ec.SECP256R1(), ec.SECP384R1(), ec.SECP521R1()], ids=lambda curve: curve.name)
def test_every_curve_of_the_format_signs(folder, tmp_path, curve):
    owner = Owner(tmp_path, "owner", curve=curve)
    verify_with_key(sign_as(folder, owner), folder, owner.public_key)


def test_the_folder_stays_as_it_is_and_its_own_signature_is_no_part_of_it(folder, pki):
    before = sorted(folder.rglob("*"))
    content = sign(folder, pki["lab"].key_file)
    assert sorted(folder.rglob("*")) == before
    (folder / "SHA256SUMS.sig").write_bytes(content)
    verify_with_key(read_signature(content), folder, pki["lab"].public_key)
    verify_with_key(sign_as(folder, pki["stranger"]), folder, pki["stranger"].public_key)


def test_the_signature_of_another_key_is_refused(folder, pki):
    message = f"expected a signature by the key {fingerprint(pki['stranger'].public_key)}, found one by"
    with pytest.raises(SignatureError, match=message):
        verify_with_key(sign_as(folder, pki["lab"]), folder, pki["stranger"].public_key)


@pytest.mark.parametrize("name", ["model.onnx", "model.yaml", "example.json", "SHA256SUMS"])
def test_a_changed_file_is_named(folder, pki, name):
    bundle = sign_as(folder, pki["lab"])
    with (folder / name).open("ab") as stream:
        stream.write(b"\n")
    message = rf"'{name}': the signature is of other files: signed was sha256 [0-9a-f]+"
    with pytest.raises(SignatureError, match=message):
        verify_with_key(bundle, folder, pki["lab"].public_key)


def test_an_added_and_a_missing_file_are_named(folder, pki):
    bundle = sign_as(folder, pki["lab"])
    (folder / "notes.txt").write_text("later")
    with pytest.raises(SignatureError, match=r"'notes\.txt': .*signed was sha256 no such file, found [0-9a-f]{64}"):
        verify_with_key(bundle, folder, pki["lab"].public_key)
    (folder / "notes.txt").unlink()
    (folder / "example.json").unlink()
    with pytest.raises(SignatureError, match=r"'example\.json': .* found no such file"):
        verify_with_key(bundle, folder, pki["lab"].public_key)


def test_a_valid_signature_of_another_folder_is_refused(folder, pki, tmp_path):
    other = write_model_folder(tmp_path / "other", make_base_at_anchor_graph("A"))
    with pytest.raises(SignatureError, match="the signature is of other files"):
        verify_with_key(sign_as(other, pki["lab"]), folder, pki["lab"].public_key)


@given(st.integers(0, 10_000), st.integers(1, 255))
def test_no_changed_byte_of_what_was_signed_passes(pki_and_folder, place, change):
    lab, folder, content = pki_and_folder
    document = json.loads(content)
    field = document["dsseEnvelope"]
    raw = bytearray(base64.b64decode(field["payload"]))
    raw[place % len(raw)] ^= change
    field["payload"] = base64.b64encode(raw).decode()
    with pytest.raises(SignatureError, match="the signature is broken"):
        verify_with_key(read_signature(json.dumps(document).encode()), folder, lab.public_key)


@given(st.integers(0, 10_000), st.integers(1, 255))
def test_a_changed_byte_of_a_signature_file_ends_in_nothing_but_this_error(pki_and_folder, place, change):
    lab, folder, content = pki_and_folder
    changed = bytearray(content)
    changed[place % len(changed)] ^= change
    with contextlib.suppress(SignatureError):  # a change within the white space or the name of a field is none
        verify_with_key(read_signature(bytes(changed)), folder, lab.public_key)


@pytest.fixture(scope="module")
def pki_and_folder(pki, tmp_path_factory):
    folder = write_model_folder(tmp_path_factory.mktemp("signed") / "model", make_base_at_anchor_graph())
    return pki["lab"], folder, sign(folder, pki["lab"].key_file)


def test_a_certificate_of_the_root_is_believed(folder, pki):
    certified = verify_with_roots(sign_as(folder, pki["lab"], pki["lab"]), folder, pki["root"].pem)
    assert certified.subject == "CN=models.lab.org"
    assert (certified.expires - TODAY).days == 365


def test_a_certificate_of_an_authority_below_the_root_is_believed_with_it(folder, pki):
    bundle = sign_as(folder, pki["below"], pki["below"], pki["middle"])
    assert verify_with_roots(bundle, folder, pki["root"].pem).subject == find_subject(bundle) == "CN=below"


def test_a_certificate_is_verified_for_the_day_it_began_so_that_it_may_end(folder, tmp_path):
    root = Owner(tmp_path, "root", authority=True, years=10)
    short = Owner(tmp_path, "short", root, years=0.01)
    assert (verify_with_roots(sign_as(folder, short, short), folder, root.pem).expires - TODAY).days == 3


@pytest.mark.parametrize("chain", [["below"], ["stranger"]])
def test_a_chain_that_does_not_reach_the_root_is_refused(folder, pki, chain):
    owners = [pki[name] for name in chain]
    with pytest.raises(SignatureError, match=rf"'CN={chain[0]}' does not lead to a root of the trust file"):
        verify_with_roots(sign_as(folder, owners[0], *owners), folder, pki["root"].pem)


@pytest.mark.parametrize("usage", ["digital", None])
def test_one_who_may_sign_models_may_not_vouch_for_others(folder, pki, tmp_path, usage):
    signer = Owner(tmp_path, "signer", pki["root"], usage=usage)
    evil = Owner(tmp_path, "evil", signer)
    with pytest.raises(SignatureError, match="'CN=evil' does not lead to a root"):
        verify_with_roots(sign_as(folder, evil, evil, signer), folder, pki["root"].pem)


def test_an_authority_that_may_not_sign_certificates_vouches_for_nobody(folder, pki, tmp_path):
    limited = Owner(tmp_path, "limited", pki["root"], authority=True, usage="signatures alone")
    signer = Owner(tmp_path, "signer", limited)
    with pytest.raises(SignatureError, match="a certificate above it may not sign others"):
        verify_with_roots(sign_as(folder, signer, signer, limited), folder, pki["root"].pem)


def test_a_certificate_for_signing_code_is_believed_and_one_for_nothing_is_not(folder, pki, tmp_path):
    code = Owner(tmp_path, "code", pki["root"], usage="code")
    verify_with_roots(sign_as(folder, code, code), folder, pki["root"].pem)
    none = Owner(tmp_path, "none", pki["root"], usage=None)
    with pytest.raises(
        SignatureError, match="expected a certificate with keyUsage digitalSignature, that of 'CN=none'"
    ):
        verify_with_roots(sign_as(folder, none, none), folder, pki["root"].pem)


def test_the_certificate_of_somebody_else_does_not_help(folder, pki):
    ours = json.loads(sign(folder, pki["stranger"].key_file, pki["stranger"].certificate_file))
    theirs = json.loads(sign(folder, pki["lab"].key_file, pki["lab"].certificate_file))
    ours["verificationMaterial"] = theirs["verificationMaterial"]
    with pytest.raises(SignatureError, match="the signature is broken"):
        verify_with_roots(read_signature(json.dumps(ours).encode()), folder, pki["root"].pem)


def test_a_key_and_a_certificate_that_do_not_belong_together_do_not_sign(folder, pki):
    with pytest.raises(SignatureError, match=r"its first certificate is of another key than .*stranger\.key"):
        sign(folder, pki["stranger"].key_file, pki["lab"].certificate_file)


def test_a_key_with_a_password_needs_it(folder, pki, tmp_path):
    path = tmp_path / "locked.key"
    path.write_bytes(pki["lab"].write_key(b"secret"))
    with pytest.raises(SignatureError, match=r"locked\.key: the key has a password; give it in ZOO_KEY_PASSWORD"):
        sign(folder, path)
    with pytest.raises(SignatureError, match=r"locked\.key: expected a private key in PEM, and its password"):
        sign(folder, path, password=b"wrong")
    verify_with_key(read_signature(sign(folder, path, password=b"secret")), folder, pki["lab"].public_key)
    verify_with_key(
        read_signature(sign(folder, pki["lab"].key_file, password=b"needless")), folder, pki["lab"].public_key
    )


def write_pem(path, key):
    path.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return path


def test_keys_of_other_kinds_are_refused_by_name(folder, tmp_path):
    with pytest.raises(SignatureError, match="expected a key of ECDSA, found RSAPublicKey"):
        sign(folder, write_pem(tmp_path / "rsa.key", rsa.generate_private_key(65537, 2048)))
    with pytest.raises(SignatureError, match="expected a key on P-256, P-384 or P-521, found secp256k1"):
        sign(folder, write_pem(tmp_path / "coin.key", ec.generate_private_key(ec.SECP256K1())))
    (tmp_path / "none.key").write_text("not a key")
    with pytest.raises(SignatureError, match=r"none\.key: expected a private key in PEM"):
        sign(folder, tmp_path / "none.key")
    with pytest.raises(SignatureError, match=r"missing\.key: can't be read: No such file"):
        sign(folder, tmp_path / "missing.key")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            lambda d: d.update(mediaType="application/vnd.dev.sigstore.bundle+json;version=0.2"),
            "expected a Sigstore bundle",
        ),
        (lambda d: d.pop("mediaType"), "mediaType: expected str, found NoneType"),
        (lambda d: d["dsseEnvelope"].update(payloadType="text/plain"), "payloadType: expected application"),
        (lambda d: d["dsseEnvelope"].update(payload="%%%"), "expected base64, found '%%%'"),
        (lambda d: d["dsseEnvelope"].update(signatures=[]), "expected one signature, found 0"),
        (lambda d: d["dsseEnvelope"].update(signatures=[{}, {}]), "expected one signature, found 2"),
        (lambda d: d["dsseEnvelope"].update(signatures=[{"sig": 3}]), "sig: expected str, found int"),
        (lambda d: d.update(verificationMaterial={"certificate": {}}), "keyless signatures can't be verified without"),
        (lambda d: d.update(verificationMaterial={"publicKey": {}}), "hint: expected str, found NoneType"),
        (lambda d: d.update(verificationMaterial={"publicKey": {"hint": "x\n"}}), r"hint: expected the sha256 .*'x.n'"),
        (
            lambda d: d.update(verificationMaterial={"x509CertificateChain": {"certificates": [{}] * 9}}),
            "expected 1 to 8 certificates, found 9",
        ),
        (lambda d: d.update(verificationMaterial=[]), "verificationMaterial: expected dict, found list"),
    ],
)
def test_what_is_no_signature_of_the_format_is_refused(folder, pki, change, message):
    document = json.loads(sign(folder, pki["lab"].key_file))
    change(document)
    with pytest.raises(SignatureError, match=message):
        read_signature(json.dumps(document).encode())


@pytest.mark.parametrize(
    "content", [b"", b"\0", b"[]", b"3", b"{" * 10_000, b"[" * 100_000, b'{"a":' * 50_000], ids=len
)
def test_what_is_no_json_is_refused_in_one_line(content):
    with pytest.raises(SignatureError, match=r"^SHA256SUMS\.sig: expected a signature"):
        read_signature(content)


def test_a_signature_of_a_megabyte_is_not_read():
    with pytest.raises(SignatureError, match="expected at most 1,048,576 bytes, found 1,048,577"):
        read_signature(b" " * ((1 << 20) + 1))


def test_their_library_verifies_ours_and_ours_theirs(folder, pki, tmp_path):
    pytest.importorskip("OpenSSL")
    model_signing = pytest.importorskip("model_signing")
    path = folder / "SHA256SUMS.sig"
    lab, root = pki["lab"], pki["root"]
    public = tmp_path / "lab.pub"
    public.write_text(lab.public_key)

    path.write_bytes(sign(folder, lab.key_file))
    model_signing.verifying.Config().use_elliptic_key_verifier(public_key=public).verify(folder, path)
    path.write_bytes(sign(folder, lab.key_file, lab.certificate_file))
    by_root = model_signing.verifying.Config().use_certificate_verifier(certificate_chain=[root.certificate_file])
    by_root.verify(folder, path)

    path.unlink()
    model_signing.signing.Config().use_elliptic_key_signer(private_key=lab.key_file).sign(folder, path)
    verify_with_key(read_signature(path.read_bytes()), folder, lab.public_key)
    path.unlink()
    signer = model_signing.signing.Config().use_certificate_signer(
        private_key=lab.key_file,
        signing_certificate=lab.certificate_file,
        certificate_chain=[root.certificate_file],
    )
    signer.sign(folder, path)
    assert verify_with_roots(read_signature(path.read_bytes()), folder, root.pem).subject == "CN=models.lab.org"
    with (folder / "model.yaml").open("a") as stream:
        stream.write("\n")
    with pytest.raises(ValueError, match="mismatch"):
        by_root.verify(folder, path)


def test_whom_a_certificate_names_is_told_in_a_line(folder, tmp_path):
    owner = Owner(tmp_path, "two\nlines")
    assert find_subject(sign_as(folder, owner, owner)) == "CN=two?lines"


@pytest.mark.filterwarnings("ignore:Parsed a serial number")
@pytest.mark.parametrize("flip", [0x01, 0x80])
def test_a_changed_byte_of_a_certificate_ends_in_nothing_but_this_error(folder, pki, flip):
    bundle = sign_as(folder, pki["lab"], pki["lab"])
    whole = bundle.certificates[0]
    for place in range(len(whole)):
        broken = whole[:place] + bytes([whole[place] ^ flip]) + whole[place + 1 :]
        changed = dataclasses.replace(bundle, certificates=(broken,))
        with contextlib.suppress(SignatureError):
            assert find_subject(changed).isprintable()
        # What lies outside the bytes that the authority signed, as the count of bits left over, may change nothing.
        with contextlib.suppress(SignatureError):
            certified = verify_with_roots(changed, folder, pki["root"].pem)
            assert certified.subject == "CN=models.lab.org"


@pytest.mark.filterwarnings("ignore:Parsed a serial number")
@pytest.mark.parametrize("flip", [0x01, 0x80])
def test_a_changed_byte_of_a_certificate_to_sign_with_ends_in_nothing_but_this_error(folder, pki, tmp_path, flip):
    whole = pki["lab"].certificate.public_bytes(Encoding.DER)
    for place in range(len(whole)):
        broken = whole[:place] + bytes([whole[place] ^ flip]) + whole[place + 1 :]
        path = tmp_path / "broken.pem"
        text = base64.encodebytes(broken).decode()
        path.write_text(f"-----BEGIN CERTIFICATE-----\n{text}-----END CERTIFICATE-----\n")
        with contextlib.suppress(SignatureError):
            sign(folder, pki["lab"].key_file, path)


def test_a_stranger_is_checked_as_far_as_that_goes(folder, pki):
    by_key, by_certificate = sign_as(folder, pki["stranger"]), sign_as(folder, pki["stranger"], pki["stranger"])
    check_unknown(by_key, folder)
    check_unknown(by_certificate, folder)
    with pytest.raises(SignatureError, match="the signature is broken"):
        check_unknown(dataclasses.replace(by_certificate, signature=sign_as(folder, pki["lab"]).signature), folder)
    (folder / "notes.txt").write_text("later")
    for bundle in (by_key, by_certificate):
        with pytest.raises(SignatureError, match="the signature is of other files"):
            check_unknown(bundle, folder)
