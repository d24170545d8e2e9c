import hashlib
import json

import pytest

from tests.publishing.makers import read_files, read_public_key, write_certificate, write_key, write_model
from zoo.errors import (
    ChecksumMismatch,
    ModelError,
    OutputError,
    PublishConflict,
    SignatureError,
    UnknownModel,
    UnsafeModel,
    VersionExists,
)
from zoo.model.checksums import SIGNATURE, verify_checksums, write_checksums
from zoo.model.limits import FILES
from zoo.model.signature import sign
from zoo.publishing.publish import publish
from zoo.publishing.yank import set_alias, yank
from zoo.registry.index import read_registry
from zoo.registry.index_file import is_index_of
from zoo.registry.names import blob_path
from zoo.registry.pull import pull
from zoo.registry.sources import Source, add_source
from zoo.registry.stores.local import LocalStore


def pull_from(store, name="g-at-anchor"):
    return pull(name, registry=store / "registry.yaml").folder


def find_entry(store, version="1.0.0"):
    return read_registry(store / "registry.yaml").index.models["g-at-anchor"].versions[version]


def test_what_was_published_is_pulled_with_the_same_bytes(model, store):
    done = publish(model, store)
    assert read_files(pull_from(store)) == read_files(model)
    assert (done.full_name, done.digest, done.changed) == ("g-at-anchor@1.0.0", verify_checksums(model), True)
    assert done.size == sum(map(len, read_files(model).values()))
    assert done.sent == done.blobs == len(read_files(model))


def test_a_signature_is_published_and_the_users_folder_is_not_written(model, store, key):
    before = {path: path.stat().st_mtime_ns for path in [model, *model.rglob("*")]}
    done = publish(model, store, key=key)
    pulled = read_files(pull_from(store))
    signature = pulled.pop(SIGNATURE)
    assert pulled == read_files(model)
    assert find_entry(store).signature == hashlib.sha256(signature).hexdigest()
    assert json.loads(signature)["verificationMaterial"]["publicKey"]["hint"] == done.signer
    assert {path: path.stat().st_mtime_ns for path in [model, *model.rglob("*")]} == before


def test_the_index_beside_the_registry_is_that_of_the_registry(model, store):
    publish(model, store)
    registry, index = ((store / name).read_bytes() for name in ("registry.yaml", "registry.index.jsonl"))
    assert is_index_of(index, registry)


def test_the_same_bytes_again_change_nothing_and_say_so(model, store, key):
    publish(model, store, key=key)
    before = read_files(store)
    for again in (publish(model, store), publish(model, store, key=key)):
        assert (again.changed, again.sent) == (False, 0)
    assert read_files(store) == before


def test_a_version_never_changes(model, store, tmp_path):
    publish(model, store)
    before = read_files(store)
    other = write_model(tmp_path / "other", base="A")
    with pytest.raises(
        VersionExists, match=rf"lists it with sha256 {verify_checksums(model)} .* has {verify_checksums(other)}"
    ):
        publish(other, store)
    assert read_files(store) == before


def test_latest_is_the_highest_version_that_is_not_withdrawn_and_aliases_stay(store, tmp_path):
    def latest():
        return read_registry(store / "registry.yaml").index.models["g-at-anchor"].latest

    publish(write_model(tmp_path / "9", "0.9.0"), store)
    publish(write_model(tmp_path / "10", "0.10.0"), store)
    set_alias("g-at-anchor", "stable", "0.9.0", store)
    publish(write_model(tmp_path / "1", "0.1.0"), store)
    assert latest() == "0.10.0"
    yank("g-at-anchor@0.10.0", store, "wrong")
    assert latest() == "0.9.0"
    publish(write_model(tmp_path / "11", "0.11.0"), store)
    assert latest() == "0.11.0"
    assert read_registry(store / "registry.yaml").index.models["g-at-anchor"].aliases == {"stable": "0.9.0"}


def test_a_withdrawn_version_that_is_published_again_stays_withdrawn(model, store):
    publish(model, store)
    yank("g-at-anchor@1.0.0", store, "wrong")
    done = publish(model, store)
    assert (done.changed, done.yanked) == (False, "wrong")


@pytest.mark.parametrize(
    ("first", "second", "conflict"),
    [
        pytest.param(None, None, False, id="nobody-nobody"),
        pytest.param(None, "a", False, id="nobody-somebody"),
        pytest.param("a", "a", False, id="the-same"),
        pytest.param("a", "b", True, id="another"),
        pytest.param("a", None, True, id="somebody-nobody"),
    ],
)
def test_a_new_version_is_signed_by_who_signed_the_last(store, tmp_path, first, second, conflict):
    keys = {None: None, "a": write_key(tmp_path / "a.pem"), "b": write_key(tmp_path / "b.pem")}
    publish(write_model(tmp_path / "1", "1.0.0"), store, key=keys[first])
    before = read_files(store)
    new = write_model(tmp_path / "2", "1.1.0")
    if conflict:
        with pytest.raises(PublishConflict, match=r"expected the signer of g-at-anchor@1.0.0, \w{64}, .*--new-signer"):
            publish(new, store, key=keys[second])
        assert read_files(store) == before
    assert publish(new, store, key=keys[second], new_signer=conflict).changed


def test_a_renewed_certificate_of_the_same_subject_is_the_same_signer(store, tmp_path):
    def publish_version(version, subject):
        key = write_key(tmp_path / f"{version}.pem")
        certificate = write_certificate(tmp_path / f"{version}.crt", key, subject)
        return publish(write_model(tmp_path / version, version), store, key=key, certificate=certificate)

    assert publish_version("1.0.0", "lab").signer == "CN=lab"
    assert publish_version("1.1.0", "lab").changed
    with pytest.raises(PublishConflict, match=r"expected the signer of g-at-anchor@1\.1\.0, CN=lab, found CN=other"):
        publish_version("1.2.0", "other")


def test_a_signature_may_be_added_later_and_changes_nothing_else(model, store, key):
    publish(model, store)
    before = find_entry(store)
    assert publish(model, store, key=key).changed
    after = find_entry(store)
    assert after.signature is not None
    assert after.model_copy(update={"signature": None}) == before


def test_a_signature_is_replaced_only_where_that_is_asked_for(model, store, key, tmp_path):
    other = write_key(tmp_path / "other.pem")
    first = publish(model, store, key=key)
    with pytest.raises(PublishConflict, match=f"signed by {first.signer}, this one is by .*--new-signer"):
        publish(model, store, key=other)
    second = publish(model, store, key=other, new_signer=True)
    assert (second.changed, second.signer != first.signer) == (True, True)
    assert json.loads((pull_from(store) / SIGNATURE).read_text())["verificationMaterial"]["publicKey"] == {
        "hint": second.signer
    }


def test_a_signature_that_the_folder_holds_is_published(model, store, key):
    (model / SIGNATURE).write_bytes(sign(model, key))
    publish(model, store)
    assert (pull_from(store) / SIGNATURE).read_bytes() == (model / SIGNATURE).read_bytes()


def test_a_signature_of_other_files_is_refused(model, store, key, tmp_path):
    (model / SIGNATURE).write_bytes(sign(write_model(tmp_path / "other", base="A"), key))
    with pytest.raises(SignatureError, match="the signature is of other files"):
        publish(model, store)
    assert not store.exists()


def test_a_broken_signature_that_the_folder_holds_is_refused_where_its_key_is_known(model, store, key, home, tmp_path):
    ours, other = (json.loads(sign(folder, key)) for folder in (model, write_model(tmp_path / "other", base="A")))
    ours["dsseEnvelope"]["signatures"] = other["dsseEnvelope"]["signatures"]
    (model / SIGNATURE).write_text(json.dumps(ours))
    known = {"name": "lab", "models": ["*"], "public_key": read_public_key(key)}
    (home / "trust.yaml").write_text(json.dumps({"schema_version": 1, "keys": [known]}))
    with pytest.raises(SignatureError, match="broken"):
        publish(model, store)
    assert not store.exists()


def test_a_certificate_without_its_key_is_refused(model, store, tmp_path):
    certificate = write_certificate(tmp_path / "c.pem", write_key(tmp_path / "k.pem"), "lab")
    with pytest.raises(SignatureError, match=r"c\.pem: a certificate signs nothing without its private key"):
        publish(model, store, certificate=certificate)


def test_a_signature_before_that_is_gone_stops_a_publication_unless_it_is_not_asked_for(store, key, tmp_path):
    publish(write_model(tmp_path / "1", "1.0.0"), store, key=key)
    (store / blob_path(find_entry(store).signature)).unlink()
    new = write_model(tmp_path / "2", "1.1.0")
    with pytest.raises(
        ChecksumMismatch, match=r"g-at-anchor@1.0.0: its signature, blobs/.*, is missing; .*--new-signer"
    ):
        publish(new, store, key=key)
    assert publish(new, store, key=key, new_signer=True).changed


@pytest.mark.parametrize("damage", ["missing", "wrong", "short", "longer"])
def test_a_blob_that_is_lost_or_damaged_is_mended(model, store, damage):
    publish(model, store)
    blob = store / blob_path(find_entry(store).sha256sums)
    content = blob.read_bytes()
    blob.unlink()
    if damage != "missing":
        blob.write_bytes({"wrong": b"x" + content[1:], "short": content[:-1], "longer": content + b"x"}[damage])
    done = publish(model, store)
    assert (done.changed, done.sent) == (False, 1)
    assert blob.read_bytes() == content


def test_a_store_that_gives_back_other_bytes_lists_nothing(model, store, monkeypatch):
    whole = LocalStore.read

    def read(self, path, start=0):
        for piece in whole(self, path, start):
            yield piece.replace(b"g-at-anchor", b"t-at-anchor") if path.startswith("blobs/") else piece

    monkeypatch.setattr(LocalStore, "read", read)
    with pytest.raises(ChecksumMismatch, match=r"expected sha256 .*, found .* from "):
        publish(model, store)
    assert not (store / "registry.yaml").exists()


def test_a_model_that_does_not_repeat_its_example_is_not_sent(model, store):
    example = json.loads((model / "example.json").read_text())
    example["predictions"]["prediction"][0][0] += 0.5
    (model / "example.json").write_text(json.dumps(example))
    write_checksums(model)
    with pytest.raises(ModelError, match=r"output 'prediction', sequence 1: expected .*, found"):
        publish(model, store)
    assert not store.exists()


def test_a_model_is_examined_before_anything_is_sent(model, store, examined, monkeypatch):
    publish(model, store)
    assert examined == [model]

    def refuse(folder):
        raise UnsafeModel("no")

    monkeypatch.setattr("zoo.publishing.preparing.examine", refuse)
    with pytest.raises(UnsafeModel, match="no"):
        publish(model, store.parent / "another")
    assert not (store.parent / "another").exists()


def test_more_files_than_a_pull_takes_are_refused_here_not_there(model, store):
    nothing = hashlib.sha256(b"").hexdigest()
    for number in range(FILES):
        (model / f"{number}.txt").write_text("")
    with (model / "SHA256SUMS").open("a") as sums:
        sums.writelines(f"{nothing}  {number}.txt\n" for number in range(FILES))
    with pytest.raises(ModelError, match="expected at most 100 files, found 103"):
        publish(model, store)
    assert not store.exists()


def test_files_without_bytes_and_in_folders_are_published(model, store):
    (model / "notes").mkdir()
    (model / "notes" / "empty.txt").write_text("")
    write_checksums(model)
    publish(model, store)
    assert (store / blob_path(hashlib.sha256(b"").hexdigest())).read_bytes() == b""
    assert (pull_from(store) / "notes" / "empty.txt").read_bytes() == b""


def test_a_folder_that_changes_while_it_is_read_is_refused(model, store, monkeypatch):
    def change(folder):
        (folder / "example.json").write_text("{}")
        write_checksums(folder)

    monkeypatch.setattr("zoo.publishing.preparing.examine", change)
    monkeypatch.setattr("zoo.publishing.preparing.verify_folder", lambda folder: None)
    with pytest.raises(ChecksumMismatch, match=rf"^{model}: changed while it was read"):
        publish(model, store)
    assert not store.exists()


@pytest.mark.parametrize("place", ["", "store"])
def test_nothing_is_published_into_the_models_own_folder(model, place):
    before = read_files(model)
    with pytest.raises(OutputError, match="lies in the model's folder"):
        publish(model, model / place)
    with pytest.raises(OutputError, match="lies in the model's folder"):
        publish(model, "s3://lab", registry=model / place / "registry.yaml")
    assert read_files(model) == before


@pytest.mark.parametrize("name", ["registry.yaml", "a.yml", "st\udcff", "a\\b", "a "], ids=ascii)
def test_a_store_with_a_name_that_is_none_is_refused_before_anything_is_made(model, tmp_path, name):
    before = sorted(tmp_path.iterdir())
    with pytest.raises(OutputError, match=r"expected (a|the name of a) store"):
        publish(model, tmp_path / name, registry=tmp_path / "registry.yaml")
    with pytest.raises(OutputError, match=r"expected (a|the name of a) store"):
        publish(model, tmp_path / name / "deeper" / name, registry=tmp_path / "registry.yaml")
    assert sorted(tmp_path.iterdir()) == before


def test_a_signature_without_bytes_is_told_by_the_users_own_path(model, store):
    (model / SIGNATURE).write_bytes(b"")
    with pytest.raises(SignatureError, match=f"^{model}") as caught:
        publish(model, store)
    assert "zoo-publish-" not in str(caught.value)


def test_the_size_that_is_told_is_what_is_pulled(model, store, key):
    done = publish(model, store, key=key)
    assert (
        done.size
        == sum(map(len, read_files(pull_from(store)).values()))
        == sum(map(len, read_files(store / "blobs").values()))
    )


@pytest.mark.parametrize("empty", ["", " "])
def test_an_address_of_which_nothing_is_left_is_refused(model, store, empty):
    with pytest.raises(OutputError, match="found an empty address"):
        publish(model, empty)
    with pytest.raises(OutputError, match="found an empty address"):
        publish(model, store, registry=empty)
    with pytest.raises(OutputError, match="found an empty address"):
        publish(model, empty, registry=store)


def test_a_file_that_was_changed_is_named_with_what_to_do(model, store):
    (model / "example.json").write_text("{}")
    with pytest.raises(ChecksumMismatch, match=r"example\.json: expected sha256 .* write SHA256SUMS anew"):
        publish(model, store)


def test_a_folder_that_is_not_there_is_named(store):
    with pytest.raises(UnknownModel, match="nothing: no model folder there"):
        publish("nothing", store)


def test_a_store_below_the_registry_is_named_by_its_path(model, tmp_path):
    publish(model, tmp_path / "lab" / "files", registry=tmp_path / "lab" / "registry.yaml")
    assert find_entry(tmp_path / "lab").blobs == "files"
    assert read_files(pull_from(tmp_path / "lab")) == read_files(model)


def test_a_store_beside_the_registry_is_refused_before_anything_is_sent(model, store, tmp_path):
    with pytest.raises(OutputError, match=r"store: expected a folder inside .*/lab, where the registry lies"):
        publish(model, store, registry=tmp_path / "lab" / "registry.yaml")
    assert not store.exists()


def test_a_store_is_a_folder_even_if_a_known_registry_has_its_name(model, tmp_path, monkeypatch):
    add_source(Source(name="lab", url=str(tmp_path / "elsewhere" / "registry.yaml")))
    monkeypatch.chdir(tmp_path)
    assert publish(model, "lab").registry == "lab/registry.yaml"
    assert (tmp_path / "lab" / "registry.yaml").exists()


def test_what_is_listed_in_another_store_stays_there(model, tmp_path):
    registry = tmp_path / "lab" / "registry.yaml"
    publish(model, tmp_path / "lab" / "one", registry=registry)
    done = publish(model, tmp_path / "lab" / "two", registry=registry)
    assert (done.changed, done.sent, (tmp_path / "lab" / "two").exists()) == (False, 0, False)
    assert done.elsewhere == "one"
    assert find_entry(tmp_path / "lab").blobs == "one"


def test_a_signature_for_what_is_listed_in_another_store_is_refused(model, tmp_path, key):
    registry = tmp_path / "lab" / "registry.yaml"
    assert publish(model, tmp_path / "lab" / "one", registry=registry).elsewhere == ""
    with pytest.raises(PublishConflict, match=r"registry\.yaml lists it in another store, one, .* without a key$"):
        publish(model, tmp_path / "lab" / "two", registry=registry, key=key)
    assert publish(model, tmp_path / "lab" / "one", registry=registry, key=key).signer


def test_bytes_that_came_back_are_told(model, store):
    told = []
    done = publish(model, store, report=lambda came, total: told.append((came, total)))
    assert told[-1] == (done.size, done.size)
    assert [came for came, _ in told] == sorted(came for came, _ in told)


def test_nothing_is_left_in_the_folder_for_temporary_files(model, store, tmp_path, monkeypatch):
    work = tmp_path / "temporary"
    work.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(work))
    publish(model, store)
    with pytest.raises(VersionExists):
        publish(write_model(tmp_path / "other", base="A"), store)
    assert list(work.iterdir()) == []
