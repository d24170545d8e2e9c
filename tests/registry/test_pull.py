import contextlib
import errno
import os
import re
import select
import shutil
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
import yaml

from tests.model.signing import Owner
from tests.registry.made_stores import find_blob, store_model, write_model
from zoo.errors import (
    ChecksumMismatch,
    DownloadError,
    LockMismatch,
    ModelError,
    OutputError,
    SignatureError,
    UnknownModel,
    UnsafeModel,
)
from zoo.model.checksums import hash_file, verify_checksums, write_checksums
from zoo.model.folder import load_folder
from zoo.model.signature import sign
from zoo.places import HOME_VARIABLE
from zoo.publishing.registering import register
from zoo.registry import transfer
from zoo.registry import trust as trust_module
from zoo.registry.cache import Cache
from zoo.registry.project_lock import update_lock
from zoo.registry.pull import lock_models, make_pin, obtain, pull
from zoo.registry.sources import Source, add_source
from zoo.registry.stores.protocol import PIECE
from zoo.registry.trust import Signer

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv(HOME_VARIABLE, str(tmp_path / "home"))
    monkeypatch.setattr("zoo.registry.stores.asking.WAIT", 0)
    monkeypatch.setattr("zoo.model.probation.examine", load_folder)  # here, not in a process of its own: half a second
    return tmp_path / "home"


@pytest.fixture
def model(tmp_path):
    return write_model(tmp_path / "model")


@pytest.fixture
def store(tmp_path, model, monkeypatch):
    """A store that has the model, and is the only registry."""
    store_model(model, tmp_path / "store")
    monkeypatch.setenv("ZOO_REGISTRY", str(tmp_path / "store" / "registry.yaml"))
    return tmp_path / "store"


def list_files(folder):
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def assert_nothing_was_kept(home):
    assert list_files(home / "models") == []
    assert list_files(home / "incoming") == []


def test_a_pulled_model_has_the_bytes_that_were_published(home, store, model):
    found = pull("g-at-anchor")
    assert found.folder == home / "models" / found.folder.name[:2] / hash_file(model / "SHA256SUMS")
    assert {path.name: path.read_bytes() for path in found.folder.iterdir()} == {
        path.name: path.read_bytes() for path in model.iterdir()
    }
    assert found.full_name == "g-at-anchor@1.0.0"
    assert found.fetched == sum(path.stat().st_size for path in model.iterdir())
    assert list_files(home / "incoming") == list_files(home / "partial") == []


def test_what_is_there_is_not_fetched_again(home, store):
    pull("g-at-anchor")
    shutil.rmtree(store / "blobs")
    assert pull("g-at-anchor").fetched == 0


def test_a_folder_inside_the_model_is_pulled_too(home, tmp_path, monkeypatch):
    model = write_model(tmp_path / "model")
    (model / "notes").mkdir()
    (model / "notes" / "a.txt").write_text("a")
    (model / "notes" / "same.txt").write_text("a")
    (model / "empty.txt").write_text("")
    write_checksums(model)
    store_model(model, tmp_path / "store")
    found = pull("g-at-anchor", registry=tmp_path / "store" / "registry.yaml")
    assert list_files(found.folder) == list_files(model)


def test_a_damaged_model_is_fetched_again_by_pull_and_told_by_obtain(home, store):
    place = pull("g-at-anchor").folder
    (place / "model.onnx").unlink()
    assert obtain("g-at-anchor").folder == place  # who loads it compares every file
    assert pull("g-at-anchor").fetched > 0
    verify_checksums(place)
    (place / "SHA256SUMS").chmod(0o644)
    (place / "SHA256SUMS").write_text("damaged")
    with pytest.raises(ChecksumMismatch, match=r"was damaged; zoo pull g-at-anchor@1\.0\.0 fetches it again"):
        obtain("g-at-anchor")
    with pytest.raises(ChecksumMismatch, match="was damaged"):
        pull("g-at-anchor", offline=True)


@pytest.mark.parametrize("name", ["SHA256SUMS", "model.onnx", "model.yaml", "example.json"])
@pytest.mark.parametrize("content", [b"other bytes", b"", None], ids=["other", "empty", "longer"])
def test_a_file_with_other_bytes_is_never_accepted(home, store, model, name, content):
    blob = find_blob(store, model, name)
    blob.write_bytes(blob.read_bytes() + b" " if content is None else content)
    with pytest.raises(ChecksumMismatch, match=r"^g-at-anchor@1\.0\.0: .*expected sha256 .*, found .*nothing was kept"):
        pull("g-at-anchor")
    assert_nothing_was_kept(home)


@pytest.mark.parametrize("name", ["SHA256SUMS", "model.onnx"])
def test_a_blob_that_is_missing_is_told(home, store, model, name):
    find_blob(store, model, name).unlink()
    with pytest.raises(DownloadError, match=r"^g-at-anchor@1\.0\.0: .*no such file"):
        pull("g-at-anchor")
    assert_nothing_was_kept(home)


def test_what_came_before_a_fault_is_not_fetched_again(home, store, model):
    blob = find_blob(store, model, "model.yaml")
    blob.rename(store / "aside")
    with pytest.raises(DownloadError):
        pull("g-at-anchor")
    for name in ("SHA256SUMS", "model.onnx", "example.json"):
        find_blob(store, model, name).unlink()
    (store / "aside").rename(blob)
    assert pull("g-at-anchor").fetched == (model / "model.yaml").stat().st_size
    assert list_files(home / "partial") == []


def test_a_model_larger_than_its_registry_says_is_refused(home, tmp_path, model):
    size = sum(path.stat().st_size for path in model.iterdir() if path.name != "SHA256SUMS")
    store_model(model, tmp_path / "store", size=size - 1)
    with pytest.raises(ChecksumMismatch, match="found more than"):
        pull("g-at-anchor", registry=tmp_path / "store" / "registry.yaml")
    assert_nothing_was_kept(home)


def test_files_that_would_lie_elsewhere_are_refused_before_they_are_fetched(home, tmp_path, model):
    sums = model / "SHA256SUMS"
    sums.write_text(sums.read_text() + f"{'5' * 64}  ../../escaped\n")
    store_model(model, tmp_path / "store")
    with pytest.raises(UnsafeModel, match=r"^g-at-anchor@1\.0\.0: SHA256SUMS, line 4: file name '\.\./\.\./escaped'"):
        pull("g-at-anchor", registry=tmp_path / "store" / "registry.yaml")
    assert_nothing_was_kept(home)


def test_a_network_that_is_none_is_refused(home, tmp_path, model):
    (model / "model.onnx").write_bytes(b"no network")
    write_checksums(model)
    store_model(model, tmp_path / "store")
    with pytest.raises(UnsafeModel, match=r"^g-at-anchor@1\.0\.0: model\.onnx"):
        pull("g-at-anchor", registry=tmp_path / "store" / "registry.yaml")
    assert_nothing_was_kept(home)


def test_a_model_under_another_name_is_refused(home, tmp_path, model):
    listing = store_model(model, tmp_path / "store")
    path = tmp_path / "store" / "registry.yaml"
    path.write_text(path.read_text().replace(f"{listing.name}:", "ctcf:"))
    with pytest.raises(ModelError, match=r"expected the card of ctcf@1\.0\.0, found that of g-at-anchor@1\.0\.0"):
        pull("ctcf", registry=path)
    assert_nothing_was_kept(home)


OTHER_CARD = r"expected the card of (lab-b|ctcf)@.*, found that of g-at-anchor@1\.0\.0"


@pytest.mark.parametrize("find", [pull, obtain])
def test_a_model_that_is_here_already_is_not_had_under_another_name(home, store, model, find):
    pull("g-at-anchor")
    path = store / "registry.yaml"
    path.write_text(path.read_text().replace("g-at-anchor:", "ctcf:"))
    with pytest.raises(ModelError, match=OTHER_CARD):
        find("ctcf")
    path.write_text(path.read_text().replace("ctcf:", "lab-b:").replace("1.0.0", "9.0.0"))
    with pytest.raises(ModelError, match=OTHER_CARD):
        find("lab-b", offline=True)


@pytest.mark.parametrize("write", [str, Path])
def test_a_lock_is_named_by_its_path_or_as_text(home, store, tmp_path, write):
    update_lock(tmp_path / "zoo.lock", {"g-at-anchor": make_pin(pull("g-at-anchor"))})
    assert pull("g-at-anchor", locked=write(tmp_path / "zoo.lock")).full_name == "g-at-anchor@1.0.0"


def test_a_lock_gives_a_model_no_other_name(home, store, tmp_path):
    pin = make_pin(pull("g-at-anchor"))
    update_lock(tmp_path / "zoo.lock", {"ctcf": pin})
    with pytest.raises(ModelError, match=OTHER_CARD):
        obtain("ctcf", locked=tmp_path / "zoo.lock")


def test_a_plain_folder_is_not_had_under_another_name(home, plain):
    plain.write_text(plain.read_text().replace("g-at-anchor:", "ctcf:"))
    with pytest.raises(ModelError, match=OTHER_CARD):
        obtain("ctcf", registry=plain)


def test_a_damaged_card_is_told_as_damaged(home, store):
    card = pull("g-at-anchor").folder / "model.yaml"
    card.chmod(0o644)
    for content in ("", card.read_text().replace("1.0.0", "1.0.1")):
        card.write_text(content)
        with pytest.raises(ChecksumMismatch, match=r"model\.yaml"):
            obtain("g-at-anchor")


def test_a_signature_that_is_refused_keeps_the_model_out(home, store, monkeypatch):
    def refuse(folder, full_name):
        raise SignatureError(f"{folder / 'SHA256SUMS.sig'}: expected one for {full_name}")

    monkeypatch.setattr("zoo.registry.fetching.judge", refuse)
    with pytest.raises(SignatureError, match=r"^g-at-anchor@1\.0\.0: SHA256SUMS\.sig: expected one for g-at-anchor"):
        pull("g-at-anchor")
    assert_nothing_was_kept(home)


def test_a_refusal_names_the_model_once(home, store):
    write_trust(home, unsigned="refuse")
    with pytest.raises(SignatureError, match=r"^g-at-anchor@1\.0\.0: expected the signature of somebody"):
        pull("g-at-anchor")


@pytest.fixture
def plain(tmp_path, model):
    """A registry on this disk that names the model's folder."""
    register(model, tmp_path / "registry.yaml")
    return tmp_path / "registry.yaml"


def write_trust(home, **fields):
    home.mkdir(exist_ok=True)
    (home / "trust.yaml").write_text(yaml.safe_dump({"schema_version": 1, **fields}))


@pytest.mark.parametrize("find", [pull, obtain])
def test_a_plain_folder_is_judged_as_what_is_fetched_once_there_is_a_trust_file(home, plain, find):
    assert find("g-at-anchor", registry=plain).signer is None
    write_trust(home, unsigned="accept")
    assert find("g-at-anchor", registry=plain).signer == Signer("unsigned")
    write_trust(home, unsigned="refuse")
    with pytest.raises(SignatureError, match=r"^g-at-anchor@1\.0\.0: expected the signature .* but nobody signed it"):
        find("g-at-anchor", registry=plain)


def test_a_plain_folder_under_a_name_that_is_given_to_somebody_must_be_theirs(home, plain, model, tmp_path):
    owner = Owner(tmp_path, "lab")
    key = {"name": "lab", "models": ["g-at-*"], "public_key": owner.public_key}
    write_trust(home, unsigned="accept", keys=[key])
    with pytest.raises(SignatureError, match="gives this name to lab, but nobody signed it here"):
        obtain("g-at-anchor", registry=plain)
    (model / "SHA256SUMS.sig").write_bytes(sign(model, owner.key_file))
    found = obtain("g-at-anchor", registry=plain)
    assert make_pin(found).signer == "lab"


def test_a_plain_folder_is_examined_once_there_is_a_trust_file(home, plain, monkeypatch):
    examined = []
    monkeypatch.setattr("zoo.model.probation.examine", examined.append)
    pull("g-at-anchor", registry=plain)
    assert examined == []
    write_trust(home, unsigned="accept")
    folder = pull("g-at-anchor", registry=plain).folder
    assert examined == [folder]


def test_models_that_come_with_the_package_need_no_signature(home):
    write_trust(home, unsigned="refuse")
    assert obtain("primer").signer is None


@pytest.fixture
def owners(tmp_path):
    return {name: Owner(tmp_path, name) for name in ("lab", "stranger")}


def trust(home, *owners):
    keys = [{"name": owner.name, "models": ["*"], "public_key": owner.public_key} for owner in owners]
    write_trust(home, unsigned="accept", keys=keys)


def sign_later(model, store, owner):
    """Sign a model that is in a store already."""
    (model / "SHA256SUMS.sig").write_bytes(sign(model, owner.key_file))
    store_model(model, store, signature=hash_file(model / "SHA256SUMS.sig"))


def test_a_signature_made_later_is_fetched_by_the_next_pull(home, store, model, owners):
    trust(home, owners["lab"])
    place = pull("g-at-anchor").folder
    sign_later(model, store, owners["lab"])
    assert obtain("g-at-anchor").signer == Signer("unsigned")
    assert pull("g-at-anchor").signer == Signer("trusted", "lab")
    assert (place / "SHA256SUMS.sig").read_bytes() == (model / "SHA256SUMS.sig").read_bytes()
    assert pull("g-at-anchor").fetched == 0
    assert list_files(place) == list_files(model)
    assert list_files(home / "partial") == list_files(home / "incoming") == []


def test_who_loads_a_signed_model_that_was_damaged_is_told_to_pull_it(home, store, model, owners):
    trust(home, owners["lab"])
    sign_later(model, store, owners["lab"])
    place = pull("g-at-anchor").folder
    shutil.rmtree(home / "judged")  # else nobody looks at the signature today
    (place / "model.onnx").unlink()
    with pytest.raises(ChecksumMismatch, match=r"was damaged; zoo pull g-at-anchor@1\.0\.0 fetches it again"):
        obtain("g-at-anchor")
    assert pull("g-at-anchor").fetched > 0
    assert obtain("g-at-anchor").signer == Signer("trusted", "lab")


def test_that_nobody_signed_a_model_is_told_when_it_is_pulled_and_not_by_each_use(home, store, caplog):
    def is_told(use):
        caplog.clear()
        trust_module._warn.cache_clear()
        use("g-at-anchor")
        return "g-at-anchor@1.0.0: nobody signed it" in caplog.text

    assert [is_told(use) for use in (obtain, obtain, pull, pull, obtain)] == [True, False, True, True, False]


def test_where_there_are_no_links_the_files_are_copied_for_it(home, store, model, owners, monkeypatch):
    def refuse(*_):
        raise OSError(errno.EPERM, os.strerror(errno.EPERM))

    trust(home, owners["lab"])
    pull("g-at-anchor")
    sign_later(model, store, owners["lab"])
    monkeypatch.setattr("zoo.registry.fetching.os.link", refuse)
    assert pull("g-at-anchor").signer == Signer("trusted", "lab")


@pytest.mark.parametrize("signed_before", [True, False])
def test_a_broken_signature_made_later_changes_nothing_here(home, store, model, owners, signed_before):
    if signed_before:
        sign_later(model, store, owners["stranger"])
    before = obtain("g-at-anchor")
    files = {path.name: path.read_bytes() for path in before.folder.iterdir()}
    (model / "SHA256SUMS.sig").write_text("broken")
    store_model(model, store, signature=hash_file(model / "SHA256SUMS.sig"))
    with pytest.raises(SignatureError, match=r"^g-at-anchor@1\.0\.0: SHA256SUMS\.sig"):
        pull("g-at-anchor")
    assert {path.name: path.read_bytes() for path in before.folder.iterdir()} == files
    assert obtain("g-at-anchor").signer == before.signer


def test_a_signature_of_whom_the_user_trusts_gives_way_to_no_other(home, store, model, owners):
    trust(home, owners["lab"])
    sign_later(model, store, owners["lab"])
    pull("g-at-anchor")
    sign_later(model, store, owners["stranger"])
    assert pull("g-at-anchor").signer == Signer("trusted", "lab")
    trust(home, owners["stranger"])  # the lab's key was revoked
    assert pull("g-at-anchor").signer == Signer("trusted", "stranger")


def test_offline_uses_what_is_here_and_tells_how_to_bring_the_rest(home, store):
    with pytest.raises(
        DownloadError, match=r"g-at-anchor@1\.0\.0 is not in .*home; with a network zoo pull fetches it"
    ):
        pull("g-at-anchor", offline=True)
    pull("g-at-anchor")
    assert obtain("g-at-anchor", offline=True).fetched == 0


def test_what_is_fetched_is_told_with_its_bytes(home, store, model):
    told, shares = [], []
    found = pull("g-at-anchor", report=lambda *share: shares.append(share), tell=told.append)
    assert told == [f"pulling g-at-anchor@1.0.0 from {store}/registry.yaml ({found.fetched:,} bytes)"]
    assert shares[-1] == (found.fetched, found.fetched)


@pytest.mark.parametrize("name", ["model.yaml", "SHA256SUMS.sig", "SHA256SUMS"])
def test_a_pipe_in_a_model_of_the_cache_is_damage_and_holds_nobody_up(home, store, name):
    place = pull("g-at-anchor").folder
    (place / name).unlink(missing_ok=True)
    os.mkfifo(place / name)
    if name != "SHA256SUMS":  # without which there is no model
        with pytest.raises(ChecksumMismatch, match=r"was damaged; zoo pull g-at-anchor@1\.0\.0 fetches it again"):
            obtain("g-at-anchor")
    assert pull("g-at-anchor").fetched > 0
    verify_checksums(place)


def test_a_model_in_the_cache_is_found_when_the_disk_of_its_registry_is_gone(home, store, monkeypatch, tmp_path):
    monkeypatch.delenv("ZOO_REGISTRY")
    add_source(Source(name="lab", url=str(store)))
    pull("g-at-anchor")
    store.rename(tmp_path / "elsewhere")
    for find in (obtain, pull):
        with pytest.warns(UserWarning, match=r"lab \(.*\) can't be read: no such file.*remove lab; its copy of"):
            assert find("g-at-anchor", offline=True).fetched == 0
    shutil.rmtree(home / "models")
    with pytest.warns(UserWarning, match="its copy of"), pytest.raises(ModelError, match="no folder "):
        pull("g-at-anchor")


def test_the_bytes_that_the_package_pins_need_no_signature_whoever_lists_them(home, tmp_path, caplog):
    folder = obtain("primer").folder
    store_model(folder, tmp_path / "store")
    write_trust(home, unsigned="refuse")
    trust_module._warn.cache_clear()
    for _ in range(2):
        assert pull("primer", registry=tmp_path / "store").signer is None
    assert "nobody signed" not in caplog.text
    store_model(write_model(tmp_path / "other", "primer"), tmp_path / "store")
    with pytest.raises(SignatureError, match="but nobody signed it"):
        pull("primer", registry=tmp_path / "store")


def test_a_full_disk_leaves_nothing(home, store, monkeypatch):
    def fill(*_):
        raise OSError(28, os.strerror(28))

    monkeypatch.setattr(transfer.os, "fsync", fill)
    with pytest.raises(OutputError, match=r"^g-at-anchor@1\.0\.0: .*this disk has no room for"):
        pull("g-at-anchor")
    assert_nothing_was_kept(home)


@pytest.fixture
def lock(home, store, tmp_path):
    """A lock that pins the model, which is not here yet."""
    found = pull("g-at-anchor")
    shutil.rmtree(home)
    update_lock(tmp_path / "zoo.lock", {"g-at-anchor": make_pin(found)})
    return tmp_path / "zoo.lock"


def test_a_lock_is_kept_to_whatever_is_published_later(home, store, lock, tmp_path):
    store_model(write_model(tmp_path / "newer", version="1.1.0", base="C"), store)
    assert pull("g-at-anchor").full_name == "g-at-anchor@1.1.0"
    assert pull("g-at-anchor", locked=lock).full_name == "g-at-anchor@1.0.0"
    with pytest.raises(LockMismatch, match=r"g-at-anchor@1\.1\.0: zoo\.lock pins version 1\.0\.0"):
        pull("g-at-anchor@1.1.0", locked=lock)


def test_a_locked_model_that_is_here_needs_no_registry(home, store, lock):
    pull("g-at-anchor", locked=lock)
    shutil.rmtree(store)
    assert obtain("g-at-anchor", locked=lock, offline=True).full_name == "g-at-anchor@1.0.0"


def test_a_registry_that_is_named_beside_a_lock_must_be_the_one_that_it_has(home, store, lock, tmp_path, monkeypatch):
    address = f"{store}/registry.yaml"
    monkeypatch.delenv("ZOO_REGISTRY")
    shutil.copytree(store, tmp_path / "other")
    for name in ("here", "other"):
        add_source(Source(name=name, url=str({"here": store, "other": tmp_path / "other"}[name])))
    other = f"zoo.lock pins it from {address}, expected it from other ({tmp_path}/other/registry.yaml); leave the"
    for cached in (False, True):
        for name, registry in (("g-at-anchor", "other"), ("other:g-at-anchor", None)):
            with pytest.raises(LockMismatch, match=re.escape(other)):
                pull(name, registry=registry, locked=lock)
        assert (pull("g-at-anchor", registry="here", locked=lock).fetched == 0) == cached
    assert pull("here:g-at-anchor", registry=store, locked=lock).full_name == "g-at-anchor@1.0.0"


def test_a_registry_that_lists_other_bytes_than_were_locked_is_refused(home, store, lock, tmp_path):
    store_model(write_model(tmp_path / "other", base="C"), store)
    with pytest.raises(LockMismatch, match=r"g-at-anchor@1\.0\.0: pinned with sha256 .*; this is another model"):
        pull("g-at-anchor", locked=lock)


def test_a_lock_serves_where_the_registry_lies_elsewhere(home, store, lock, tmp_path, monkeypatch):
    monkeypatch.delenv("ZOO_REGISTRY")
    store.rename(tmp_path / "elsewhere")
    with pytest.raises(ModelError, match=r"no other registry of yours lists the same bytes: add one that does"):
        pull("g-at-anchor", locked=lock)
    add_source(Source(name="lab", url=str(tmp_path / "elsewhere")))
    told = []
    assert pull("g-at-anchor", locked=lock, tell=told.append).source == "lab"
    assert told[0].endswith("; lab lists the same bytes")


def test_a_model_of_two_registries_or_versions_is_not_locked(home, store, tmp_path):
    store_model(write_model(tmp_path / "newer", version="1.1.0", base="C"), store)
    shutil.copytree(store, tmp_path / "other")
    add_source(Source(name="lab", url=str(store)))
    add_source(Source(name="other", url=str(tmp_path / "other")))
    two = f"^g-at-anchor is named from {store}/registry.yaml and from {tmp_path}/other/registry.yaml; a lock pins one$"
    for names, message in (
        (["lab:g-at-anchor", "other:g-at-anchor"], two),
        (["g-at-anchor", "g-at-anchor@1.0.0"], "^g-at-anchor is named in versions 1.1.0 and 1.0.0; a lock pins one$"),
    ):
        with pytest.raises(LockMismatch, match=message):
            lock_models(names, tmp_path / "zoo.lock")
    assert not (tmp_path / "zoo.lock").exists()


def test_a_registry_whose_name_is_no_text_is_not_locked(home, store, tmp_path):
    other = tmp_path / "d\udcff"
    shutil.copytree(store, other)
    with pytest.raises(LockMismatch, match=r"expected a registry whose name is text in UTF-8, .*d\\udcff"):
        lock_models(["g-at-anchor"], tmp_path / "zoo.lock", registry=other)


def test_a_model_that_is_not_locked_is_refused(home, store, lock):
    with pytest.raises(
        LockMismatch, match=r"'ctcf' is not in zoo\.lock; there is g-at-anchor \(zoo lock ctcf adds it\)"
    ):
        pull("ctcf", locked=lock)


def test_a_model_that_was_locked_as_signed_must_stay_so(home, store, tmp_path, monkeypatch):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("zoo.registry.judging.judge", lambda *_, **__: Signer("trusted", "lab"))
        update_lock(tmp_path / "zoo.lock", {"g-at-anchor": make_pin(pull("g-at-anchor"))})
    with pytest.raises(LockMismatch, match=r"locked as signed by lab, found signed by nobody"):
        pull("g-at-anchor", locked=tmp_path / "zoo.lock")


def test_a_version_that_is_not_listed_is_told(home, store):
    with pytest.raises(UnknownModel, match=r"no version '2\.0\.0' of model 'g-at-anchor'"):
        pull("g-at-anchor@2.0.0")


# Every step of a pull that changes what lies on the disk: a fork counts them, and ends itself at the one it is told.
PULL = """
    import os, signal, sys
    import zoo.model.probation, zoo.registry.pull
    from pathlib import Path
    zoo.model.probation.examine = lambda folder: None  # takes half a second, and changes nothing
    seen = 0

    def count():
        global seen
        seen += 1
        if seen == last:
            os.kill(os.getpid(), signal.SIGKILL)

    def stop_at(change):
        def changed(*arguments, **options):
            count()
            done = change(*arguments, **options)
            count()
            return done
        return changed

    for name in ("rename", "replace", "unlink", "mkdir"):
        setattr(Path, name, stop_at(getattr(Path, name)))
    os.fsync = stop_at(os.fsync)
    for line in sys.stdin:
        last = int(line)
        if fork := os.fork():
            print(os.waitstatus_to_exitcode(os.waitpid(fork, 0)[1]), flush=True)
            continue
        zoo.registry.pull.pull("g-at-anchor")
        print(seen, flush=True)
        os._exit(0)
"""


def start(code, *arguments):
    command = [sys.executable, "-c", textwrap.dedent(code), *arguments]
    return subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=ROOT
    )


def tell(process, line):
    process.stdin.write(f"{line}\n")
    process.stdin.flush()


def test_a_kill_at_any_step_leaves_nothing_or_the_whole_model(home, store, model):
    digest = hash_file(model / "SHA256SUMS")
    with start(PULL) as child:
        tell(child, 0)
        steps, status = int(child.stdout.readline()), int(child.stdout.readline())
        assert status == 0
        assert steps > 40
        for step in range(1, steps + 1):
            shutil.rmtree(home)
            tell(child, step)
            assert int(child.stdout.readline()) == -signal.SIGKILL
            found = Cache().find(digest)
            assert found is None or verify_checksums(found) == digest
            assert verify_checksums(pull("g-at-anchor").folder) == digest
            assert list_files(home / "models") == [f"{digest[:2]}/{digest}/{name}" for name in list_files(model)]
        child.stdin.close()


# Every pull tells each time that it reads the large file, and stops in the midst of it until it is told to go on.
TOGETHER = """
    import fcntl, sys
    import filelock
    if sys.argv[1] == "deaf":  # as on a network file system that grants every lock to everybody
        fcntl.flock = lambda *_: None
        filelock.SoftFileLock.acquire = lambda self, *_, **__: self
        filelock.SoftFileLock.release = lambda self, *_, **__: None
    import zoo.model.probation
    zoo.model.probation.examine = lambda folder: None
    from zoo.registry.pull import pull
    from zoo.registry.stores.local import LocalStore
    read = LocalStore.read

    def read_and_stop(self, path, start=0):
        pieces = read(self, path, start)
        if path.endswith(sys.argv[2]):
            yield next(pieces)
            print("reads", start, flush=True)
            sys.stdin.readline()
        yield from pieces

    LocalStore.read = read_and_stop
    sys.stdin.readline()
    print(pull("g-at-anchor", tell=lambda line: print("waits", flush=True) if "waiting" in line else None).folder)
"""


@pytest.fixture
def large(model):
    """A model with a file of three pieces, so that a pull can end in the midst of it; its sha256."""
    (model / "background.bin").write_bytes(os.urandom(1000) * (3 * PIECE // 1000))
    write_checksums(model)
    return hash_file(model / "background.bin")


@pytest.fixture
def start_together(home, large, store):
    """Start eight processes that pull; at the end none runs."""
    with contextlib.ExitStack() as stack:

        def start_eight(locks):
            processes = [stack.enter_context(start(TOGETHER, locks, large)) for _ in range(8)]
            for process in processes:
                stack.callback(process.kill)
                tell(process, "go")
            return processes

        yield start_eight


def assert_they_have_the_same_whole_model(home, model, processes):
    digest = hash_file(model / "SHA256SUMS")
    for process in processes:
        tell(process, "go on")
    done = [process.communicate(timeout=120) for process in processes]
    assert [process.returncode for process in processes] == [0] * len(processes), done
    assert {out.splitlines()[-1] for out, _ in done} == {str(home / "models" / digest[:2] / digest)}
    assert verify_checksums(Cache().find(digest)) == digest
    Cache().sweep(older_than=0)
    assert list_files(home / "incoming") == list_files(home / "partial") == []
    return [out for out, _ in done]


def kill(process):
    process.kill()
    process.communicate()


def test_of_eight_processes_that_pull_at_once_one_fetches_and_another_goes_on_where_it_was_killed(
    home, model, start_together
):
    processes = start_together("held")
    said = {process: process.stdout.readline() for process in processes}
    assert sorted(said.values()) == ["reads 0\n", *["waits\n"] * 7]
    (first,) = [process for process in processes if said[process] == "reads 0\n"]
    processes.remove(first)
    kill(first)
    (second, *others), _, _ = select.select([process.stdout for process in processes], [], [], 60)
    assert others == []
    assert second.readline() == f"reads {PIECE}\n"
    out = assert_they_have_the_same_whole_model(home, model, processes)
    assert "reads" not in "".join(out)


def test_eight_processes_that_no_lock_holds_up_have_the_same_whole_model(home, model, start_together):
    processes = start_together("deaf")
    for process in processes:
        assert process.stdout.readline() == "reads 0\n"
    for process in processes[:2]:
        kill(process)
    assert_they_have_the_same_whole_model(home, model, processes[2:])


def test_what_came_is_examined_in_a_process_of_its_own(store, tmp_path, monkeypatch):
    monkeypatch.setenv(HOME_VARIABLE, str(tmp_path / "home"))
    verify_checksums(pull("g-at-anchor").folder)
    model = tmp_path / "hostile"
    write_model(model, "hostile")
    (model / "model.onnx").write_bytes(b"no network")
    write_checksums(model)
    store_model(model, store)
    with pytest.raises(UnsafeModel, match=r"^hostile@1\.0\.0: model\.onnx"):
        pull("hostile")
    assert len(list((tmp_path / "home" / "models").glob("*/*"))) == 1
