"""What a lock pins is found by its digest, wherever it is listed on this machine."""

import re

import pytest

from tests.registry.made_stores import store_model, write_model
from zoo.errors import DownloadError, LockMismatch, ModelError, UnknownModel
from zoo.places import HOME_VARIABLE
from zoo.registry.pinned import check_registry, find_pinned, name_registry
from zoo.registry.project_lock import Pin
from zoo.registry.refreshing import keep_copy
from zoo.registry.sources import Source, add_source, read_sources


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv(HOME_VARIABLE, str(tmp_path / "home"))
    monkeypatch.delenv("ZOO_REGISTRY", raising=False)
    return tmp_path / "home"


@pytest.fixture
def add(tmp_path):
    """Add a registry that lists the model m; return the sha256 of its SHA256SUMS."""

    def add(lab, base="G"):
        listing = store_model(write_model(tmp_path / lab / "m", "m", base=base), tmp_path / lab / "store")
        add_source(Source(name=lab, url=str(tmp_path / lab / "store")))
        return listing.entry.sha256sums

    return add


def find(pin, told=None):
    tell = [] if told is None else told
    return find_pinned("m@1.0.0", pin, offline=False, newest=False, tell=tell.append)


def make_pin(digest, registry):
    return Pin(version="1.0.0", sha256sums=digest, registry=registry)


def test_a_model_is_found_where_it_was_locked_from(add, tmp_path):
    digest, told = add("lab"), []
    add("other")
    assert find(make_pin(digest, str(tmp_path / "other" / "store" / "registry.yaml")), told).source.name == "other"
    assert told == []


def test_a_registry_that_lies_elsewhere_on_this_machine_serves_the_same_bytes(add):
    add("another", base="C")
    digest, told = add("lab"), []
    assert find(make_pin(digest, "/disk/lab/registry.yaml"), told).source.name == "lab"
    assert told == ["m@1.0.0: zoo.lock has it from /disk/lab/registry.yaml; lab lists the same bytes"]


@pytest.mark.filterwarnings("ignore:lab .* can't be read")
def test_where_a_copy_is_kept_of_a_registry_whose_disk_is_gone_another_one_serves_too(add, tmp_path):
    pin = make_pin(add("lab"), str(tmp_path / "lab" / "store" / "registry.yaml"))
    keep_copy(read_sources()[-1])
    (tmp_path / "lab").rename(tmp_path / "elsewhere")
    assert find(pin).source.name == "lab"
    add("other")
    assert find(pin).source.name == "other"


@pytest.mark.parametrize(
    ("registry", "error", "message"),
    [
        ("/disk/lab/registry.yaml", ModelError, r"^/disk/lab/registry\.yaml: can't be read: No such file"),
        ("assayzoo", UnknownModel, "^no model 'm' in "),
        ("http://127.0.0.1:9/registry.yaml", DownloadError, "^http://127.0.0.1:9/registry.yaml can't be reached"),
    ],
)
def test_where_nobody_lists_the_same_bytes_it_is_told_what_to_do(add, monkeypatch, registry, error, message):
    monkeypatch.setattr("zoo.registry.stores.asking.WAIT", 0)
    add("lab", base="C")
    wanted = "no other registry of yours lists the same bytes: add one that does (zoo registry add NAME ADDRESS), or"
    with pytest.raises(error, match=f"{message}.*{re.escape(wanted)}"):
        find(make_pin("5" * 64, registry))


def test_a_registry_that_lists_other_bytes_now_is_refused_whatever_others_list(add, tmp_path):
    digest = add("lab")
    add("other", base="C")
    with pytest.raises(LockMismatch, match=r"m@1\.0\.0: pinned with sha256 .*, other \(.*\) lists .*; this is another"):
        find(make_pin(digest, str(tmp_path / "other" / "store" / "registry.yaml")))


def test_a_registry_that_is_named_beside_a_lock_is_the_one_that_the_lock_has(add, tmp_path):
    pin = make_pin(add("lab"), str(tmp_path / "lab" / "store" / "registry.yaml"))
    add("other")
    for name, registry in (("m", None), ("lab:m", None), ("m", "lab"), ("lab:m", "lab")):
        check_registry(name, registry, pin)
    for name, registry in (("other:m", None), ("m", "other")):
        with pytest.raises(LockMismatch, match=r"zoo\.lock pins it from .*lab.*, expected it from other"):
            check_registry(name, registry, pin)
    with pytest.raises(ModelError, match="lab stands before the name, and other"):
        check_registry("lab:m", "other", pin)


def test_a_lock_calls_the_registry_of_the_package_by_its_name_and_others_by_their_addresses(add, tmp_path):
    add("lab")
    assert [name_registry(source) for source in read_sources()] == [
        "assayzoo",
        str(tmp_path / "lab" / "store" / "registry.yaml"),
    ]
