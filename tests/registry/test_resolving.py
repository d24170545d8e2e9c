import json
import re
import shutil
import time

import pytest

from tests.registry.made_stores import store_model, write_model
from zoo.errors import DownloadError, ModelError, UnknownModel
from zoo.places import HOME_VARIABLE
from zoo.registry.index import Entry, Listing
from zoo.registry.resolving import Resolved, find_place, resolve
from zoo.registry.sources import Source, add_source
from zoo.registry.stores.protocol import TRIES
from zoo.testing.servers import ALWAYS, Fault, serve_folder


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv(HOME_VARIABLE, str(tmp_path / "home"))
    monkeypatch.delenv("ZOO_REGISTRY", raising=False)
    monkeypatch.setattr("zoo.registry.stores.asking.WAIT", 0)
    return tmp_path / "home"


@pytest.fixture
def add(tmp_path):
    """Add a registry that lists models given as name@version; each has bytes of its own."""

    def add(lab, *full_names, priority=50):
        for full_name in full_names:
            name, _, version = full_name.partition("@")
            model = write_model(tmp_path / lab / full_name, name, version or "1.0.0")
            store_model(model, tmp_path / lab / "store", summary=f"of {lab}")
        add_source(Source(name=lab, url=str(tmp_path / lab / "store"), priority=priority))
        return tmp_path / lab / "store"

    return add


def test_the_first_registry_that_lists_the_name_counts(add):
    add("far", "lab-g@2.0.0", priority=60)
    add("near", "lab-g@1.0.0", priority=40)
    assert resolve("lab-g").source.name == "near"
    assert resolve("lab-g").listing.version == "1.0.0"


def test_a_version_that_only_a_later_registry_lists_is_not_taken_from_there(add):
    add("far", "lab-g@2.0.0", priority=60)
    add("near", "lab-g@1.0.0", priority=40)
    with pytest.raises(UnknownModel, match=r"no version '2\.0\.0' of model 'lab-g'; did you mean '1\.0\.0'\?"):
        resolve("lab-g@2.0.0")
    assert resolve("far:lab-g@2.0.0").source.name == "far"


def test_nobody_takes_the_place_of_the_models_of_the_package_unless_the_user_says_so(add):
    add("lab", "gm12878-ctcf@99.0.0")
    assert resolve("gm12878-ctcf").source.name == "assayzoo"
    assert resolve("lab:gm12878-ctcf").listing.version == "99.0.0"
    add("mine", "gm12878-ctcf@98.0.0", priority=-1)
    assert resolve("gm12878-ctcf").source.name == "mine"
    assert resolve("assayzoo:gm12878-ctcf").source.name == "assayzoo"


def test_one_registry_that_is_named_is_the_only_one(add, monkeypatch):
    store = add("lab", "lab-g")
    assert resolve("lab-g", "lab").source.name == "lab"
    with pytest.raises(UnknownModel, match="no model 'gm12878-ctcf' in"):
        resolve("gm12878-ctcf", store)
    monkeypatch.setenv("ZOO_REGISTRY", str(store / "registry.yaml"))
    with pytest.raises(UnknownModel, match="no model 'gm12878-ctcf' in"):
        resolve("gm12878-ctcf")
    assert resolve("assayzoo:gm12878-ctcf").source.name == "assayzoo"


def test_an_unknown_name_is_told_with_the_registries_and_a_near_match(add):
    add("lab", "lab-g")
    with pytest.raises(UnknownModel, match=r"^no model 'lab-f' in assayzoo, lab; did you mean 'lab-g'\?"):
        resolve("lab-f")
    with pytest.raises(ModelError, match=r"^no registry 'lob'; did you mean 'lab'\?"):
        resolve("lob:lab-g")


def test_a_registry_that_can_not_be_reached_is_not_passed_over(add, tmp_path):
    add("far", "lab-g", priority=60)
    store = add("near", "other", priority=40)
    with serve_folder(store, Fault(status=500, times=ALWAYS)) as server:
        add_source(Source(name="near", url=server.address, priority=40))
        with pytest.raises(
            DownloadError, match=r"near .*can't be reached.*; lab-g is not in a registry that comes before"
        ):
            resolve("lab-g")
        assert resolve("gm12878-ctcf").source.name == "assayzoo"
        with pytest.raises(DownloadError, match=r"near .*no copy of this registry is kept.*; lab-g is not in .*"):
            resolve("lab-g", offline=True)
        assert resolve("far:lab-g", offline=True).source.name == "far"
        assert resolve("lab-g", "far", offline=True).source.name == "far"


@pytest.mark.filterwarnings("always")
def test_a_registry_that_just_could_not_be_reached_is_not_asked_and_told_of_again(add, home):
    store = add("lab", "lab-g")
    with serve_folder(store) as server:
        add_source(Source(name="lab", url=server.address))
        resolve("lab-g")
        server.faults.append(Fault(status=500, times=ALWAYS))
        before = len(server.requests)
        with pytest.warns(UserWarning, match="lab .* can't be reached") as told, pytest.raises(UnknownModel):
            resolve("lab-x", newest=True)
        assert len(told) == 1
        assert len(server.requests) - before == TRIES


def test_models_of_the_package_are_found_without_asking_anybody(add, tmp_path):
    store = add("lab", "lab-g")
    with serve_folder(store) as server:
        add_source(Source(name="lab", url=server.address))
        resolve("gm12878-ctcf", newest=True)
        assert server.requests == []


def test_a_model_that_was_published_since_is_found_though_the_copy_is_young(add, tmp_path):
    store = add("lab", "lab-g")
    with serve_folder(store) as server:
        add_source(Source(name="lab", url=server.address))
        resolve("lab-g")
        asked = len(server.requests)
        resolve("lab-g")
        assert len(server.requests) == asked
        store_model(write_model(tmp_path / "new", "lab-new"), store)
        store_model(write_model(tmp_path / "newer", "lab-g", "1.1.0"), store)
        assert resolve("lab-new").listing.version == "1.0.0"
        assert resolve("lab-g@1.1.0").listing.version == "1.1.0"


def test_a_name_is_asked_for_though_the_clock_that_noted_the_copy_runs_ahead(add, home, tmp_path):
    store = add("lab", "lab-g")
    with serve_folder(store) as server:
        add_source(Source(name="lab", url=server.address))
        resolve("lab-g")
        state = home / "registries" / "lab" / "state.json"
        state.write_text(json.dumps({**json.loads(state.read_text()), "asked": time.time() + 300}))
        store_model(write_model(tmp_path / "new", "lab-new"), store)
        assert resolve("lab-new").listing.version == "1.0.0"


def test_two_registries_of_which_one_alone_is_to_be_asked_are_refused(add):
    store = add("lab", "lab-g")
    add("other", "lab-g")
    with pytest.raises(ModelError, match=r"^lab:lab-g: lab stands before the name, and other \(.*\) is to be asked"):
        resolve("lab:lab-g", "other")
    assert resolve("lab:lab-g", "lab").source.name == resolve("lab:lab-g", store).source.name == "lab"


@pytest.mark.parametrize("name", ["", ":lab-g", "lab:", "lab:@1.0.0", "@1.0.0"])
def test_a_name_of_which_half_is_missing_is_refused(add, name):
    add("lab", "lab-g")
    with pytest.raises(UnknownModel, match=f"^expected the name of a model, or REGISTRY:NAME, found '{name}'$"):
        resolve(name)


def test_of_many_names_that_hold_what_was_asked_for_it_is_told_how_they_are_listed(add):
    add("lab", *(f"lab-{letter}" for letter in "abcdefg"))
    with pytest.raises(UnknownModel, match=r"did you mean 'lab-a', 'lab-b' or one of 5 more \(zoo list lab\)\?$"):
        resolve("lab", "lab")


def test_a_registry_whose_disk_is_gone_is_told_and_not_passed_over(add):
    add("far", "lab-g", priority=60)
    shutil.rmtree(add("near", "other", priority=40))
    with pytest.raises(DownloadError, match=r"near \(.*\) can't be read: .*zoo registry remove near; lab-g is not in"):
        resolve("lab-g")
    assert resolve("far:lab-g").source.name == "far"


def test_the_newest_is_asked_for_where_that_is_wanted(add, tmp_path):
    store = add("lab", "lab-g")
    with serve_folder(store) as server:
        add_source(Source(name="lab", url=server.address))
        resolve("lab-g")
        store_model(write_model(tmp_path / "newer", "lab-g", "1.1.0"), store)
        assert resolve("lab-g").listing.version == "1.0.0"
        assert resolve("lab-g", newest=True).listing.version == "1.1.0"


def make_resolved(registry="https://lab.org/zoo/registry.yaml", mirrors=(), **fields):
    entry = Entry(sha256sums="5" * 64, assay="none", summary="a test", size=1, **fields)
    return Resolved(Listing("m", "1.0.0", latest=True, entry=entry), Source(name="lab", url=registry, mirrors=mirrors))


@pytest.mark.parametrize(
    ("fields", "addresses", "file"),
    [
        ({"blobs": "."}, ["https://lab.org/zoo", "https://mirror.org"], f"blobs/sha256/77/{'7' * 64}"),
        ({"blobs": "store/a"}, ["https://lab.org/zoo", "https://mirror.org"], f"store/a/blobs/sha256/77/{'7' * 64}"),
        ({"url": "models/m"}, ["https://lab.org/zoo", "https://mirror.org"], "models/m/model.onnx"),
        ({"blobs": "https://big.org/x/"}, ["https://big.org/x", "https://mirror.org"], f"blobs/sha256/77/{'7' * 64}"),
        ({"url": "https://big.org/m"}, ["https://big.org/m"], "model.onnx"),
    ],
)
def test_files_lie_below_the_registry_or_where_it_says(fields, addresses, file):
    place = find_place(make_resolved(mirrors=("https://mirror.org",), **fields))
    assert [reader.address for reader in place.readers] == addresses
    assert place.name_file("model.onnx", "7" * 64) == file


@pytest.mark.parametrize("field", ["url", "blobs"])
@pytest.mark.parametrize(
    "address", ["../x", "/etc", "a/../../x", "a\\b", "file:///etc", "ftp://a/b", "http://a/b", "x://a"]
)
def test_a_registry_may_not_name_another_place(field, address):
    message = rf"models\.m\.versions\.1\.0\.0\.{field}: expected .*, found {re.escape(repr(address))}"
    with pytest.raises(ModelError, match=message):
        find_place(make_resolved(**{field: address}))


def test_a_place_that_is_refused_is_told_without_its_password():
    with pytest.raises(ModelError, match=r"found 'ftp://a/b'$"):
        find_place(make_resolved(blobs="ftp://user:s3cret@a/b"))


@pytest.mark.parametrize("address", ["../x", "/etc", "file:///etc", "http://a/b"])
def test_a_registry_on_this_disk_may_not_either(tmp_path, address):
    with pytest.raises(ModelError, match="expected"):
        find_place(make_resolved(registry=str(tmp_path / "registry.yaml"), blobs=address))
