"""Files into stores that lose, damage or keep what they should not; no file is ever held in memory as a whole."""

import hashlib
import shutil
import subprocess
import tracemalloc

import pytest

from zoo.errors import ChecksumMismatch
from zoo.publishing.pull_request import Checkout
from zoo.publishing.uploading import Blob, upload
from zoo.registry.names import blob_path
from zoo.registry.stores.local import LocalStore
from zoo.registry.stores.oci import OciStore
from zoo.registry.stores.protocol import PIECE
from zoo.testing.oci import ImageRegistry
from zoo.testing.servers import serve


@pytest.fixture
def blob(tmp_path):
    """A file of 32 pieces."""
    file = tmp_path / "file"
    file.write_bytes(bytes(range(256)) * (PIECE // 8))
    return Blob(file, "model.onnx", hashlib.sha256(file.read_bytes()).hexdigest())


@pytest.fixture
def back(tmp_path):
    folder = tmp_path / "back"
    folder.mkdir()
    return folder


def damage(file):
    with file.open("r+b") as stream:
        stream.write(b"x")


def measure_peak(do):
    tracemalloc.start()
    try:
        do()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_a_damaged_file_is_mended_in_little_memory(blob, store, back):
    local = LocalStore(store)
    upload([blob], local, local, back)
    (back / blob.name).unlink()
    stored = store / blob_path(blob.digest)
    damage(stored)
    assert measure_peak(lambda: upload([blob], local, local, back)) < 8 * PIECE
    assert stored.read_bytes() == blob.file.read_bytes()


@pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")
def test_a_file_goes_into_git_and_comes_back_in_little_memory(blob, tmp_path, back):
    folder = tmp_path / "checkout"
    subprocess.run(["git", "init", "-q", str(folder)], check=True)
    store = Checkout(str(folder / "registry.yaml")).open_store(str(folder))
    store._checkout._base = "HEAD"
    person = ["-c", "user.name=a", "-c", "user.email=a@lab"]
    subprocess.run(["git", *person, "-C", str(folder), "commit", "-q", "--allow-empty", "-m", "first"], check=True)
    assert measure_peak(lambda: upload([blob], store, store, back)) < 8 * PIECE
    assert (back / blob.name).read_bytes() == blob.file.read_bytes()


def upload_to_images(images, blob, back, monkeypatch, tmp_path):
    """Upload to a registry of images that has damaged what it was given before."""
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path / "docker"))
    monkeypatch.setattr("zoo.registry.stores.asking.WAIT", 0.0)
    with serve(images) as server:
        store = OciStore(server.address.replace("http://", "oci://") + "/lab/models")
        upload([blob], store, store, back)
        (back / blob.name).unlink()
        images.blobs[f"sha256:{blob.digest}"] = b"x" + blob.file.read_bytes()[1:]
        return upload([blob], store, store, back)


def test_a_registry_of_images_that_takes_a_damaged_blob_anew_is_mended(blob, back, monkeypatch, tmp_path):
    images = ImageRegistry(keeps=False)
    assert upload_to_images(images, blob, back, monkeypatch, tmp_path) == 1
    assert images.blobs[f"sha256:{blob.digest}"] == blob.file.read_bytes()


def test_a_registry_of_images_that_keeps_a_damaged_blob_is_told(blob, back, monkeypatch, tmp_path):
    with pytest.raises(ChecksumMismatch, match=rf"^{blob_path(blob.digest)}: expected sha256 {blob.digest}, found "):
        upload_to_images(ImageRegistry(), blob, back, monkeypatch, tmp_path)


def test_why_a_damaged_file_can_not_be_replaced_is_told(blob, store, back, monkeypatch):
    local = LocalStore(store)
    upload([blob], local, local, back)
    (back / blob.name).unlink()
    damage(store / blob_path(blob.digest))

    def fill(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("zoo.registry.stores.files.os.fsync", fill)
    with pytest.raises(ChecksumMismatch, match=r"expected sha256 .*; it can't be replaced: .*No space left on device"):
        upload([blob], local, local, back)
