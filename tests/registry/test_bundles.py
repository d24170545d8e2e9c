import shutil

import pytest

from tests.registry.made_stores import store_model, write_model
from zoo.errors import ChecksumMismatch, DownloadError, ModelError, OutputError, UnknownModel, VersionExists
from zoo.model.checksums import hash_file, verify_checksums, write_checksums
from zoo.model.folder import load_folder
from zoo.places import HOME_VARIABLE
from zoo.publishing.registering import register
from zoo.registry import load
from zoo.registry.bundles import read_bundle, write_bundle
from zoo.registry.index import read_registry
from zoo.registry.names import blob_path
from zoo.registry.pull import lock_models, obtain
from zoo.registry.sources import read_sources, unbundled_registry
from zoo.registry.stores.archive import ArchiveStore, write_archive


@pytest.fixture
def machine(tmp_path, monkeypatch):
    """Change to the home of another machine; the registries of the environment stay behind."""

    def change(name):
        monkeypatch.setenv(HOME_VARIABLE, str(tmp_path / name))
        monkeypatch.delenv("ZOO_REGISTRY", raising=False)
        return tmp_path / name

    monkeypatch.setattr("zoo.model.probation.examine", load_folder)  # here, not in a process of its own: half a second
    change("first")
    return change


@pytest.fixture
def store(tmp_path, machine, monkeypatch):
    for name, base in (("lab-g", "G"), ("lab-c", "C")):
        store_model(write_model(tmp_path / name, name, base=base), tmp_path / "store")
    monkeypatch.setenv("ZOO_REGISTRY", str(tmp_path / "store" / "registry.yaml"))
    return tmp_path / "store"


@pytest.fixture
def bundle(tmp_path, store):
    write_bundle(["lab-g", "lab-c"], tmp_path / "models.tar")
    return tmp_path / "models.tar"


def test_models_of_a_bundle_are_known_and_loaded_where_no_network_is(bundle, machine, store, tmp_path):
    home = machine("second")
    shutil.rmtree(store)
    found = read_bundle(bundle)
    assert [each.full_name for each in found] == ["lab-c@1.0.0", "lab-g@1.0.0"]
    assert found[1].folder == home / "models" / found[1].folder.name[:2] / hash_file(tmp_path / "lab-g" / "SHA256SUMS")
    assert load("lab-g", "cpu", offline=True).predict("AAAAGAAAA")["g"].tolist() == [1.0]
    assert load("unbundled:lab-c@1.0.0", "cpu").predict("AAAACAAAA")["g"].tolist() == [1.0]


def test_the_same_models_give_the_same_bytes_in_whatever_order(bundle, tmp_path):
    other = tmp_path / "other.tar"
    write_bundle(["lab-c@1.0.0", "lab-g", "lab-c"], other)
    assert other.read_bytes() == bundle.read_bytes()


def test_what_is_unbundled_can_be_bundled_again_to_the_same_bytes(bundle, machine, tmp_path):
    machine("second")
    read_bundle(bundle)
    write_bundle(["lab-g", "lab-c"], tmp_path / "again.tar", offline=True)
    assert (tmp_path / "again.tar").read_bytes() == bundle.read_bytes()


def test_a_model_of_the_package_is_bundled_from_its_folder(machine, tmp_path):
    (found,) = write_bundle(["gm12878-ctcf"], tmp_path / "models.tar", offline=True)
    machine("second")
    (unbundled,) = read_bundle(tmp_path / "models.tar")
    assert unbundled.signer is None  # the package vouches for these bytes
    assert verify_checksums(unbundled.folder) == hash_file(found.folder / "SHA256SUMS")
    assert obtain("gm12878-ctcf").source == "assayzoo"
    assert obtain("unbundled:gm12878-ctcf").folder == unbundled.folder


def test_two_files_of_the_same_bytes_are_one_in_the_bundle_and_two_in_the_model(machine, tmp_path):
    model = write_model(tmp_path / "models" / "twice", "twice")
    for name in ("a.txt", "b.txt"):
        (model / name).write_text("the same")
    write_checksums(model)
    register(model, tmp_path / "registry.yaml")
    write_bundle(["twice"], tmp_path / "models.tar", registry=tmp_path / "registry.yaml")
    machine("second")
    (found,) = read_bundle(tmp_path / "models.tar")
    assert (found.folder / "b.txt").read_text() == "the same"


def test_what_a_lock_pins_is_bundled_and_enough_for_the_lock_elsewhere(bundle, store, machine, tmp_path):
    lock = tmp_path / "zoo.lock"
    lock_models(["lab-g"], lock)
    write_bundle(["lab-g"], tmp_path / "locked.tar", locked=lock)
    machine("second")
    read_bundle(tmp_path / "locked.tar")
    assert obtain("lab-g", locked=lock, offline=True).full_name == "lab-g@1.0.0"


def test_a_second_bundle_adds_to_the_first_one(bundle, store, machine, tmp_path, monkeypatch):
    store_model(write_model(tmp_path / "newer", "lab-g", "1.1.0"), store)
    write_bundle(["lab-g"], tmp_path / "newer.tar")
    machine("second")
    read_bundle(bundle)
    read_bundle(tmp_path / "newer.tar")
    index = read_registry(unbundled_registry()).index
    assert {name: list(model.versions) for name, model in index.models.items()} == {
        "lab-c": ["1.0.0"],
        "lab-g": ["1.0.0", "1.1.0"],
    }
    assert obtain("lab-g").full_name == "lab-g@1.1.0"


def test_other_bytes_under_a_version_that_came_before_are_refused(bundle, machine, tmp_path):
    model = write_model(tmp_path / "models" / "lab-g", "lab-g", base="T")
    register(model, tmp_path / "registry.yaml")
    write_bundle(["lab-g"], tmp_path / "other.tar", registry=tmp_path / "registry.yaml")
    home = machine("second")
    read_bundle(bundle)
    before = sorted(home.rglob("*"))
    with pytest.raises(VersionExists, match=r"other\.tar: lab-g@1\.0\.0 has sha256 .*, that of an earlier bundle"):
        read_bundle(tmp_path / "other.tar")
    assert sorted(home.rglob("*")) == before


def test_a_damaged_model_is_mended_from_its_bundle(bundle, machine):
    machine("second")
    folder = read_bundle(bundle)[0].folder
    (folder / "model.onnx").unlink()
    read_bundle(bundle)
    verify_checksums(folder)


def rewrite(bundle, change):
    """Write a bundle again with its files changed: a dictionary by name."""
    store = ArchiveStore(bundle)
    files = {name: b"".join(store.read(name)) for name in store._members}
    change(files)
    with bundle.open("wb") as stream:
        write_archive(stream, list(files.items()))


def assert_nothing_came(home):
    assert [path for path in home.rglob("*") if path.is_file() and "partial" not in path.parts] == []
    assert [source.name for source in read_sources()] == ["assayzoo"]


@pytest.mark.parametrize("name", ["SHA256SUMS", "model.onnx", "model.yaml"])
def test_a_bundle_with_other_bytes_brings_nothing(bundle, machine, tmp_path, name):
    blob = blob_path(hash_file(tmp_path / "lab-c" / name))
    rewrite(bundle, lambda files: files.update({blob: files[blob] + b" "}))
    home = machine("second")
    with pytest.raises(ChecksumMismatch, match=r"^lab-c@1\.0\.0: .*expected sha256"):
        read_bundle(bundle)
    assert_nothing_came(home)


def test_a_bundle_that_lacks_a_file_brings_nothing(bundle, machine, tmp_path):
    rewrite(bundle, lambda files: files.pop(blob_path(hash_file(tmp_path / "lab-c" / "model.onnx"))))
    home = machine("second")
    with pytest.raises(DownloadError, match=r"^lab-c@1\.0\.0: .*holds no blobs"):
        read_bundle(bundle)
    assert_nothing_came(home)


@pytest.mark.parametrize(
    ("registry", "message"),
    [
        (None, r"expected a bundle, found no registry\.yaml in it"),
        (b"\xff", r"registry\.yaml: expected text"),
        (b"models: 1", r"registry\.yaml: "),
        (
            b"schema_version: 2\nmodels: {m: {latest: 1.0.0, versions: {1.0.0: {url: ../x, sha256sums: '%s', assay: a, "
            b"summary: b}}}}" % (b"5" * 64),
            r"m@1\.0\.0: expected its files in the bundle, found another place",
        ),
    ],
)
def test_a_bundle_without_a_registry_of_its_own_is_refused(bundle, machine, registry, message):
    rewrite(bundle, lambda files: files.pop("registry.yaml"))
    if registry is not None:
        rewrite(bundle, lambda files: files.update({"registry.yaml": registry}))
    home = machine("second")
    with pytest.raises(ModelError, match=message):
        read_bundle(bundle)
    assert_nothing_came(home)


def test_a_name_that_is_unknown_writes_no_bundle(store, tmp_path):
    with pytest.raises(UnknownModel):
        write_bundle(["lab-g", "lab-x"], tmp_path / "models.tar")
    assert not list(tmp_path.glob("models.tar*"))


def test_a_full_disk_leaves_no_bundle(store, tmp_path, monkeypatch):
    def fill(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("zoo.registry.bundles.write_archive", fill)
    with pytest.raises(OutputError, match=r"models\.tar: can't be written: No space left on device"):
        write_bundle(["lab-g"], tmp_path / "models.tar")
    assert not list(tmp_path.glob("models.tar*"))
