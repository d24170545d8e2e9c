"""Pulling from a web server that fails in every way that a network has."""

import os
import shutil

import pytest

from tests.registry.made_stores import find_blob, store_model, write_model
from zoo.errors import ChecksumMismatch, DownloadError
from zoo.model.checksums import hash_file, verify_checksums, write_checksums
from zoo.model.folder import load_folder
from zoo.places import HOME_VARIABLE
from zoo.registry.pull import obtain, pull
from zoo.registry.sources import Source, add_source
from zoo.testing.servers import ALWAYS, Fault, serve_folder

LARGE = 3_000_000


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv(HOME_VARIABLE, str(tmp_path / "home"))
    monkeypatch.setattr("zoo.model.probation.examine", load_folder)  # here, not in a process of its own: half a second
    monkeypatch.setattr("zoo.registry.stores.asking.WAIT", 0)
    return tmp_path / "home"


@pytest.fixture
def model(tmp_path):
    """A model with a file so large that a cut falls inside it."""
    folder = write_model(tmp_path / "model", "lab-g")
    (folder / "background.bin").write_bytes(os.urandom(1000) * (LARGE // 1000))
    write_checksums(folder)
    return folder


@pytest.fixture
def store(tmp_path, model):
    store_model(model, tmp_path / "store")
    return tmp_path / "store"


def add(server, *mirrors):
    add_source(Source(name="lab", url=server.address, mirrors=tuple(mirror.address for mirror in mirrors)))


def kept(home):
    return [path for path in (home / "models").rglob("*") if path.is_file()]


def test_a_model_is_pulled_from_a_web_server(home, store, model):
    with serve_folder(store) as server:
        add(server)
        found = pull("lab-g")
    assert verify_checksums(found.folder) == hash_file(model / "SHA256SUMS")
    assert found.fetched == sum(path.stat().st_size for path in model.iterdir())


def test_a_model_that_is_listed_as_a_folder_is_pulled_from_there(home, tmp_path, model):
    store = tmp_path / "site"
    shutil.copytree(model, store / "models" / "lab-g")
    store_model(model, store, blobs=None, url="models/lab-g", size=None)
    shutil.rmtree(store / "blobs")
    with serve_folder(store) as server:
        add(server)
        assert verify_checksums(pull("lab-g").folder) == hash_file(model / "SHA256SUMS")


@pytest.mark.parametrize(
    "fault",
    [
        Fault(cut=0.5, path="/blobs/*", times=3),
        Fault(cut=0.0, path="/blobs/*", times=3),
        Fault(status=500, path="/blobs/*", times=3),
        Fault(status=503, times=3),
        Fault(whole=True, path="/blobs/*", times=ALWAYS),
    ],
    ids=["cut at half", "cut at once", "500", "503", "no ranges"],
)
def test_faults_that_pass_are_passed(home, store, model, fault):
    with serve_folder(store, fault) as server:
        add(server)
        assert verify_checksums(pull("lab-g").folder) == hash_file(model / "SHA256SUMS")


def test_a_download_that_broke_off_goes_on_where_it_was_in_another_run(home, store, model):
    large = find_blob(store, model, "background.bin")
    path = f"/blobs/sha256/{large.parent.name}/{large.name}"
    with serve_folder(store, Fault(cut=0.5, path=path), Fault(status=500, path=path, times=3)) as server:
        add(server)
        with pytest.raises(DownloadError, match=r"^lab-g@1\.0\.0: .*500"):
            pull("lab-g")
        assert kept(home) == []
        (part,) = (home / "partial").glob(f"{large.name}.*")
        assert part.stat().st_size == LARGE // 2
        before = len(server.requests)
        pull("lab-g")
        last = [request for request in server.requests[before:] if request.path == path]
        assert [request.headers.get("range") for request in last] == [f"bytes={LARGE // 2}-"]
    assert not list((home / "partial").iterdir())


def test_a_mirror_gives_what_the_registry_has_wrong_or_not(home, store, tmp_path, model):
    shutil.copytree(store, tmp_path / "mirror")
    find_blob(store, model, "model.onnx").write_bytes(b"wrong")
    find_blob(store, model, "model.yaml").unlink()
    with serve_folder(store) as server, serve_folder(tmp_path / "mirror") as mirror:
        add(server, mirror)
        assert verify_checksums(pull("lab-g").folder) == hash_file(model / "SHA256SUMS")


def test_a_mirror_goes_on_where_the_registry_broke_off(home, store, tmp_path, model):
    shutil.copytree(store, tmp_path / "mirror")
    large = find_blob(store, model, "background.bin").name
    faults = Fault(cut=0.5, path=f"*{large}"), Fault(status=500, path=f"*{large}", times=ALWAYS)
    with serve_folder(store, *faults) as server, serve_folder(tmp_path / "mirror") as mirror:
        add(server, mirror)
        pull("lab-g")
        assert [request.headers.get("range") for request in mirror.requests] == [f"bytes={LARGE // 2}-"]


@pytest.mark.parametrize("wrong", [0.0, 0.5, 0.999999])
def test_wrong_bytes_are_never_accepted(home, store, wrong):
    with serve_folder(store, Fault(wrong=wrong, path="/blobs/*", times=ALWAYS)) as server:
        add(server)
        with pytest.raises(ChecksumMismatch, match=r"^lab-g@1\.0\.0: .*expected sha256 .*nothing was kept"):
            pull("lab-g")
    assert kept(home) == []


def test_wrong_bytes_once_are_not_accepted_either_and_the_next_pull_has_the_right_ones(home, store):
    with serve_folder(store, Fault(wrong=0.5, path="/blobs/*")) as server:
        add(server)
        with pytest.raises(ChecksumMismatch):
            pull("lab-g")
        verify_checksums(pull("lab-g").folder)


def test_a_redirect_is_followed_to_the_same_bytes(home, store, tmp_path):
    with serve_folder(store) as other:
        with serve_folder(store, Fault(redirect=other.address + "{path}", path="/blobs/*", times=ALWAYS)) as server:
            add(server)
            verify_checksums(pull("lab-g").folder)
        assert other.requests


def test_what_was_pulled_is_loaded_without_asking_anybody(home, store):
    with serve_folder(store) as server:
        add(server)
        pull("lab-g")
        before = len(server.requests)
        obtain("lab-g")
        obtain("lab-g@1.0.0")
        assert len(server.requests) == before
    assert obtain("lab-g").fetched == 0
    assert obtain("lab-g", offline=True).fetched == 0
