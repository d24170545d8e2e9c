from pathlib import Path

import pytest
import yaml

import zoo
from tests.registry.made_stores import store_model, write_model
from zoo.errors import ChecksumMismatch, DownloadError, LockMismatch, ModelError, UnknownModel
from zoo.model.checksums import write_checksums
from zoo.publishing.registering import register
from zoo.registry import load, locate, open_registry
from zoo.registry.project_lock import update_lock
from zoo.registry.sources import Source, add_source


@pytest.fixture
def registry_path(g_at_anchor_folder, tmp_path):
    register(g_at_anchor_folder, tmp_path / "registry.yaml")
    return tmp_path / "registry.yaml"


def change_entry(path, **fields):
    document = yaml.safe_load(path.read_text())
    document["models"]["g-at-anchor"]["versions"]["1.0.0"].update(fields)
    path.write_text(yaml.safe_dump(document))


@pytest.mark.parametrize("name", ["g-at-anchor", "g-at-anchor@1.0.0"])
def test_a_model_is_loaded_by_name_and_by_version(registry_path, name):
    model = load(name, "cpu", registry=registry_path)
    assert model.card.full_name == "g-at-anchor@1.0.0"
    assert model.predict("AAAAGAAAA")["g"].tolist() == [1.0]


@pytest.mark.parametrize("kind", [str, Path])
def test_a_model_is_loaded_from_the_path_of_a_folder(g_at_anchor_folder, kind):
    assert zoo.load(kind(g_at_anchor_folder)).card.name == "g-at-anchor"


def test_a_bare_name_is_never_a_folder_and_the_message_says_how_to_name_one(g_at_anchor_folder, monkeypatch):
    monkeypatch.chdir(g_at_anchor_folder.parent)
    with pytest.raises(
        UnknownModel, match=r"no model 'g-at-anchor' .*; for the folder of that name write \./g-at-anchor$"
    ):
        locate("g-at-anchor")
    assert locate("./g-at-anchor").listing is None


def test_no_folder_takes_the_place_of_a_published_model(registry_path, g_at_anchor_folder, monkeypatch):
    monkeypatch.chdir(g_at_anchor_folder.parent)
    assert locate("g-at-anchor", registry_path).listing is not None


def test_a_path_that_leads_nowhere_is_named(tmp_path):
    with pytest.raises(UnknownModel, match=r"^\./nowhere/model: no model folder there$"):
        load("./nowhere/model")


def test_the_environment_may_name_another_index(registry_path, monkeypatch):
    monkeypatch.setenv("ZOO_REGISTRY", str(registry_path))
    assert open_registry().path == registry_path
    assert load("g-at-anchor").card.version == "1.0.0"


def test_the_index_that_comes_with_the_package_is_found(monkeypatch):
    monkeypatch.delenv("ZOO_REGISTRY", raising=False)
    registry = open_registry()
    assert registry.path.name == "registry.yaml"
    for listing in registry.list_models():
        assert locate(listing.full_name).folder.is_dir()


def test_a_folder_that_is_not_the_published_one_is_refused(registry_path, g_at_anchor_folder):
    (g_at_anchor_folder / "notes.txt").write_text("added, with checksums to match")
    digest = write_checksums(g_at_anchor_folder)
    message = rf"g-at-anchor@1\.0\.0 is listed with sha256 [0-9a-f]{{64}} of its SHA256SUMS, found {digest}"
    with pytest.raises(ChecksumMismatch, match=message):
        load("g-at-anchor", registry=registry_path)


def test_a_withdrawn_version_warns_and_says_why(registry_path):
    change_entry(registry_path, yanked="trained on the test contigs")
    with pytest.warns(UserWarning, match=r"^g-at-anchor@1\.0\.0 was withdrawn: trained on the test contigs$"):
        load("g-at-anchor@1.0.0", registry=registry_path)


@pytest.mark.parametrize(
    ("url", "error", "message"),
    [
        ("../outside", ModelError, r"versions\.1\.0\.0\.url: expected a path that stays in .*, found '\.\./outside'"),
        ("/etc", ModelError, "expected a path that stays in .*, found '/etc'"),
        ("file:///m", ModelError, r"expected a relative path, or https://, .*, found .file:///m."),
        ("models/nowhere", ModelError, r"no folder .*models/nowhere"),
    ],
)
def test_a_url_that_leads_elsewhere_is_refused(registry_path, tmp_path, url, error, message):
    change_entry(registry_path, url=url)
    with pytest.raises(error, match=message):
        load("g-at-anchor", registry=registry_path)


def test_a_link_out_of_the_registrys_folder_is_refused(registry_path, tmp_path, tmp_path_factory):
    outside = tmp_path_factory.mktemp("outside")
    (tmp_path / "models" / "linked").symlink_to(outside)
    change_entry(registry_path, url="models/linked")
    with pytest.raises(ModelError, match="expected a path that stays in"):
        load("g-at-anchor", registry=registry_path)


@pytest.fixture
def lab(tmp_path, monkeypatch):
    """A registry of blobs that the user has added, and an empty home."""
    monkeypatch.setenv("ZOO_HOME", str(tmp_path / "home"))
    store_model(write_model(tmp_path / "lab-model", "lab-g"), tmp_path / "lab")
    add_source(Source(name="lab", url=str(tmp_path / "lab")))
    return tmp_path / "lab"


def test_a_model_that_is_not_here_is_pulled_and_the_log_says_so(lab, caplog):
    with caplog.at_level("INFO", logger="zoo"):
        assert load("lab-g", "cpu").predict("AAAAGAAAA")["g"].tolist() == [1.0]
    (told,) = [record.getMessage() for record in caplog.records if "pulling" in record.getMessage()]
    assert told.startswith("pulling lab-g@1.0.0 from lab (")
    caplog.clear()
    load("lab-g", "cpu")
    assert not [record for record in caplog.records if "pulling" in record.getMessage()]


def test_a_pulled_model_is_loaded_as_a_folder_is(lab, tmp_path):
    pulled, folder = load("lab-g", "cpu"), load(tmp_path / "lab-model", "cpu")
    assert pulled.digest == folder.digest
    assert pulled.network == folder.network


def test_offline_nothing_is_pulled(lab):
    with pytest.raises(DownloadError, match=r"lab-g@1\.0\.0 is not in .*; with a network zoo pull fetches it"):
        load("lab-g", offline=True)


def test_a_lock_refuses_a_folder_and_what_it_does_not_pin(lab, tmp_path):
    update_lock(tmp_path / "zoo.lock", {})
    with pytest.raises(LockMismatch, match=r"lab-model: a folder is not pinned by zoo\.lock"):
        load(tmp_path / "lab-model", locked=tmp_path / "zoo.lock")
    with pytest.raises(LockMismatch, match=r"'lab-g' is not in zoo\.lock"):
        load("lab-g", locked=str(tmp_path / "zoo.lock"))


def test_a_damaged_model_in_the_cache_is_told_with_its_remedy(lab):
    folder = locate("lab-g").folder
    (folder / "example.json").chmod(0o644)
    (folder / "example.json").write_text("{}")
    with pytest.raises(ChecksumMismatch, match=r"example\.json: expected sha256 .*; fetch the model again"):
        load("lab-g")
