import datetime as dt
import logging

import pytest
import yaml

from tests.model.signing import TODAY, Owner
from zoo.errors import SignatureError
from zoo.model.signature import fingerprint, sign
from zoo.registry import trust
from zoo.registry.trust import Signer, judge, read_trust, trust_path

MODEL = "g-at-anchor@1.0.0"
SOON = TODAY + dt.timedelta(days=30)


@pytest.fixture(scope="module")
def people(tmp_path_factory):
    """A lab and a stranger with keys, an institute with a certificate of its root, and an impostor of the same name."""
    folder = tmp_path_factory.mktemp("people")
    root = Owner(folder, "root", authority=True, years=10)
    other_root = Owner(folder, "other-root", authority=True, years=10)
    return {
        "lab": Owner(folder, "lab"),
        "stranger": Owner(folder, "stranger"),
        "root": root,
        "other-root": other_root,
        "institute": Owner(folder, "institute", root),
        "impostor": Owner(tmp_path_factory.mktemp("apart"), "institute", other_root),
    }


@pytest.fixture
def folder(g_at_anchor_folder):
    return g_at_anchor_folder


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("ZOO_HOME", str(tmp_path / "home"))
    trust._warn.cache_clear()
    return tmp_path / "home"


def write_trust(**fields):
    path = trust_path()
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(yaml.safe_dump({"schema_version": 1, **fields}))


def list_key(owner, *models, name="lab"):
    return {"name": name, "models": list(models), "public_key": owner.public_key}


def list_certificate(root, *models, name="the institute", subject="CN=institute"):
    return {"name": name, "models": list(models), "subject": subject, "roots": root.pem}


def sign_as(folder, owner, *, certified=False):
    content = sign(folder, owner.key_file, owner.certificate_file if certified else None)
    (folder / "SHA256SUMS.sig").write_bytes(content)


def test_a_model_that_nobody_signed_is_told_once(folder, caplog):
    assert judge(folder, MODEL) == judge(folder, MODEL) == Signer("unsigned")
    assert [record.getMessage() for record in caplog.records] == [
        "g-at-anchor@1.0.0: nobody signed it: who made it is not known"
    ]
    assert caplog.records[0].levelno == logging.WARNING


def test_a_quiet_judge_warns_of_nothing_and_refuses_what_it_did(folder, caplog):
    assert judge(folder, MODEL, quiet=True) == Signer("unsigned")
    assert not caplog.records
    write_trust(unsigned="refuse")
    with pytest.raises(SignatureError, match="expected the signature"):
        judge(folder, MODEL, quiet=True)


def test_it_may_be_accepted_without_a_word(folder, caplog):
    write_trust(unsigned="accept")
    assert judge(folder, MODEL).state == "unsigned"
    assert not caplog.records


def test_it_may_be_refused(folder):
    write_trust(unsigned="refuse")
    with pytest.raises(SignatureError, match=r"^g-at-anchor@1\.0\.0: expected the signature of somebody whom "):
        judge(folder, MODEL)


@pytest.mark.parametrize("pattern", ["*", "g-at-anchor", "g-*", "g-at-ancho?"])
@pytest.mark.parametrize("unsigned", ["warn", "refuse"])
def test_the_owner_of_a_listed_key_is_trusted_with_its_names(folder, people, caplog, pattern, unsigned):
    write_trust(unsigned=unsigned, keys=[list_key(people["lab"], pattern)])
    sign_as(folder, people["lab"])
    assert judge(folder, MODEL) == Signer("trusted", "lab")
    assert not caplog.records


def test_a_signer_who_is_not_listed_is_named_by_the_key_and_counts_as_unsigned(folder, people, caplog):
    sign_as(folder, people["stranger"])
    key = fingerprint(people["stranger"].public_key)
    assert judge(folder, MODEL) == Signer("unknown", key)
    assert f"it is signed by {key}, whom no trust file lists: who made it is not known" in caplog.text
    write_trust()
    judge(folder, MODEL)
    assert f"it is signed by {key}, whom {trust_path()} does not list for it: who made it is not known" in caplog.text
    write_trust(unsigned="refuse")
    with pytest.raises(SignatureError, match=f"but it is signed by {key}"):
        judge(folder, MODEL)


def test_a_key_is_good_for_its_own_names_only(folder, people):
    write_trust(keys=[list_key(people["lab"], "lab-*", "g-at")])
    sign_as(folder, people["lab"])
    assert judge(folder, MODEL) == Signer("unknown", "lab")


def test_a_name_that_is_given_to_somebody_is_theirs_alone_whatever_else_is_accepted(folder, people):
    write_trust(unsigned="accept", keys=[list_key(people["lab"], "g-*"), list_key(people["stranger"], "x-*", name="x")])
    with pytest.raises(SignatureError, match=r"trust\.yaml gives this name to lab, but nobody signed it here"):
        judge(folder, MODEL)
    sign_as(folder, people["stranger"])
    with pytest.raises(SignatureError, match="gives this name to lab, but it is signed by x here"):
        judge(folder, MODEL)


def test_who_is_trusted_with_everything_owns_no_name(folder, people):
    write_trust(unsigned="accept", keys=[list_key(people["lab"], "*")])
    assert judge(folder, MODEL).state == "unsigned"


@pytest.mark.parametrize("certified", [True, False])
def test_who_is_trusted_with_everything_does_not_sign_what_is_somebody_elses(folder, people, certified):
    keys = [] if certified else [list_key(people["institute"], "*", name="all")]
    certificates = [list_certificate(people["root"], "*", name="all")] if certified else []
    write_trust(keys=keys, certificates=certificates)
    sign_as(folder, people["institute"], certified=certified)
    assert judge(folder, MODEL, now=SOON) == Signer("trusted", "all")
    write_trust(keys=[*keys, list_key(people["lab"], "g-*")], certificates=certificates)
    with pytest.raises(SignatureError, match="gives this name to lab, but it is signed by all here"):
        judge(folder, MODEL, now=SOON)
    sign_as(folder, people["lab"])
    assert judge(folder, MODEL) == Signer("trusted", "lab")


def test_an_owner_whose_other_key_is_for_everything_may_sign_with_it(folder, people):
    write_trust(keys=[list_key(people["stranger"], "*"), list_key(people["lab"], "g-*")])
    sign_as(folder, people["stranger"])
    assert judge(folder, MODEL) == Signer("trusted", "lab")


def test_one_owner_may_have_two_keys(folder, people):
    write_trust(keys=[list_key(people["stranger"], "g-*"), list_key(people["lab"], "g-*")])
    sign_as(folder, people["lab"])
    assert judge(folder, MODEL) == Signer("trusted", "lab")


@pytest.mark.parametrize("listed", [True, False])
@pytest.mark.parametrize("certified", [True, False])
def test_a_signature_of_other_files_is_refused_whoever_made_it(folder, people, listed, certified):
    keys = [list_key(people["institute"], "*")] if listed else []
    certificates = [list_certificate(people["root"], "*")] if listed else []
    write_trust(unsigned="accept", keys=keys, certificates=certificates)
    sign_as(folder, people["institute"], certified=certified)
    (folder / "notes.txt").write_text("later")
    with pytest.raises(SignatureError, match="the signature is of other files"):
        judge(folder, MODEL)


def test_whom_an_authority_of_the_trust_file_vouches_for_is_trusted(folder, people, caplog):
    write_trust(certificates=[list_certificate(people["root"], "g-*")])
    sign_as(folder, people["institute"], certified=True)
    assert judge(folder, MODEL, now=SOON) == Signer("trusted", "the institute")
    assert not caplog.records


def test_a_certificate_that_expired_since_still_counts_and_is_told(folder, people, caplog):
    write_trust(certificates=[list_certificate(people["root"], "g-*")])
    sign_as(folder, people["institute"], certified=True)
    signer = judge(folder, MODEL, now=TODAY + dt.timedelta(days=3650))
    assert (signer.state, signer.name, signer.expired) == ("trusted", "the institute", TODAY + dt.timedelta(days=365))
    assert "with a certificate that expired since, on 2027-01-01" in caplog.text


def test_an_impostor_with_the_right_name_from_another_authority_is_refused(folder, people):
    write_trust(unsigned="accept", certificates=[list_certificate(people["root"], "*")])
    sign_as(folder, people["impostor"], certified=True)
    with pytest.raises(SignatureError, match="'CN=institute' does not lead to a root of the trust file"):
        judge(folder, MODEL)


def test_one_name_from_two_authorities_is_two_people(folder, people):
    write_trust(
        certificates=[
            list_certificate(people["root"], "g-*", name="theirs"),
            list_certificate(people["other-root"], "x-*", name="others"),
        ]
    )
    sign_as(folder, people["impostor"], certified=True)
    with pytest.raises(SignatureError, match="gives this name to theirs, but it is signed by others here"):
        judge(folder, MODEL)
    sign_as(folder, people["institute"], certified=True)
    assert judge(folder, MODEL, now=SOON) == Signer("trusted", "theirs")


def test_a_certificate_that_nobody_listed_is_named_by_its_subject(folder, people):
    sign_as(folder, people["institute"], certified=True)
    assert judge(folder, MODEL) == Signer("unknown", "CN=institute")


def test_without_a_file_nobody_is_trusted(home):
    assert trust_path() == home / "trust.yaml"
    assert (read_trust().unsigned, read_trust().keys, read_trust().certificates) == ("warn", (), ())


@pytest.mark.parametrize("linked", ["the file", "its folder", "the folder above", "in a ring"])
def test_a_trust_file_on_a_disk_that_is_gone_is_an_error_and_not_no_trust_file(folder, tmp_path, monkeypatch, linked):
    home = tmp_path / "user" / "zoo"
    monkeypatch.setenv("ZOO_HOME", str(home))
    link = {"its folder": home, "the folder above": home.parent}.get(linked, home / "trust.yaml")
    link.parent.mkdir(parents=True, exist_ok=True)
    link.symlink_to(link if linked == "in a ring" else tmp_path / "gone")
    with pytest.raises(SignatureError, match=r"trust\.yaml: can't be read: "):
        judge(folder, MODEL)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("schema_version: 2\n", r"field 'schema_version': "),
        ("schema_version: 1\nunsinged: refuse\n", r"unknown field 'unsinged'; did you mean 'unsigned'\?"),
        ("schema_version: 1\nunsigned: never\n", r"field 'unsigned': Input should be 'warn', 'refuse' or 'accept'"),
        ("schema_version: 1\nkeys: [{name: a, models: [], public_key: b}]\n", r"field 'keys\.0\.models'"),
        ("schema_version: 1\nkeys: [{name: a, models: [A], public_key: b}]\n", r"field 'keys\.0\.models\.0'"),
        ("schema_version: 1\nkeys: [{name: a, models: [a], public_key: b}]\n", r"field 'keys\.0\.public_key': .* PEM"),
        (
            "schema_version: 1\ncertificates: [{name: a, models: [a], subject: CN=a, roots: b}]\n",
            r"field 'certificates\.0\.roots': .* PEM",
        ),
    ],
)
def test_a_fault_of_the_trust_file_is_named_by_its_field(home, text, message):
    home.mkdir()
    (home / "trust.yaml").write_text(text)
    with pytest.raises(SignatureError, match=rf"trust\.yaml: {message}"):
        read_trust()
