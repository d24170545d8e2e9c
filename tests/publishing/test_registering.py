"""A folder is listed where it lies; whoever does so at the same time is listed as well."""

import threading

import pytest

from tests.publishing.makers import write_model
from zoo.errors import ChecksumMismatch, ModelError, OutputError, VersionExists
from zoo.model.checksums import verify_checksums
from zoo.publishing.publish import publish
from zoo.publishing.registering import register
from zoo.publishing.yank import set_alias, yank
from zoo.registry.index import read_registry
from zoo.registry.index_file import is_index_of
from zoo.registry.stores.local import LocalStore


@pytest.fixture
def registry(tmp_path):
    return tmp_path / "registry.yaml"


@pytest.fixture
def enter(tmp_path, registry):
    """Write and register a version of a model; another base at the anchor makes other bytes."""

    def enter(version="1.0.0", base="G", **options):
        return register(write_model(tmp_path / "models" / f"{version}-{base}", version, base), registry, **options)

    return enter


def test_a_folder_is_listed_by_relative_path_and_hash(enter, registry):
    listing = enter()
    assert listing.entry.url == "models/1.0.0-G"
    assert listing.entry.sha256sums == verify_checksums(registry.parent / listing.entry.url)
    assert read_registry(registry).list_models() == [listing]


def test_none_is_lost_of_several_that_are_registered_at_once(tmp_path, registry):
    versions = [f"{number}.0.0" for number in range(8)]
    folders = [write_model(tmp_path / version, version) for version in versions]
    threads = [threading.Thread(target=register, args=[folder, registry]) for folder in folders]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [listing.version for listing in read_registry(registry).list_models()] == versions


def test_what_is_entered_between_reading_and_writing_stays(enter, monkeypatch, registry):
    whole, others = LocalStore.swap, ["0.2.0", "0.1.0"]

    def swap(self, path, content, expected):
        if others:
            enter(others.pop())
        return whole(self, path, content, expected)

    monkeypatch.setattr("zoo.registry.stores.amending._LONGEST", 0.0)
    monkeypatch.setattr(LocalStore, "swap", swap)
    enter()
    assert [listing.version for listing in read_registry(registry).list_models()] == ["0.1.0", "0.2.0", "1.0.0"]


def test_comments_and_lines_of_other_models_stay(enter, registry):
    other = (
        "  # of the lab\n  b-model:\n    # a remark\n    latest:   1.0.0\n    versions:\n      1.0.0:\n        url: b\n"
        f"        sha256sums: '{'1' * 64}'\n        assay: none\n        summary: by hand\n"
    )
    registry.write_text(f"schema_version: 2\nmodels:\n{other}")
    enter()
    assert other in registry.read_text()


def test_the_index_beside_the_registry_is_brought_up_to_date(enter, registry):
    for version in ("1.0.0", "2.0.0"):
        enter(version)
        assert is_index_of((registry.parent / "registry.index.jsonl").read_bytes(), registry.read_bytes())


def test_the_order_of_registering_changes_no_byte(enter, registry):
    enter("1.0.0")
    enter("2.0.0")
    before = registry.read_bytes()
    registry.unlink()
    for version in ("2.0.0", "1.0.0", "1.0.0"):
        enter(version)
    assert registry.read_bytes() == before


def test_an_alias_stands_for_its_version_and_survives_a_new_one(enter, registry):
    enter("1.0.0")
    set_alias("g-at-anchor", "stable", "1.0.0", registry)
    enter("2.0.0")
    assert read_registry(registry).find("g-at-anchor@stable").version == "1.0.0"
    assert read_registry(registry).find("g-at-anchor@latest").version == "2.0.0"


def test_a_version_never_changes_its_bytes_but_before_it_is_published(enter):
    enter()
    with pytest.raises(VersionExists, match=r"g-at-anchor@1\.0\.0: .* lists it with .*: give the model a new one$"):
        enter(base="C")
    assert enter(base="C", replace=True).entry.url.endswith("1.0.0-C")


def test_a_withdrawn_version_stays_withdrawn_when_it_is_listed_again(enter, registry):
    enter()
    yank("g-at-anchor@1.0.0", registry, "wrong anchor")
    assert enter().entry.yanked == "wrong anchor"
    assert enter(base="C", replace=True).entry.yanked is None


def test_a_published_version_with_the_same_bytes_is_listed_where_it_lies(model, tmp_path, registry):
    publish(model, tmp_path)
    entry = register(model, registry).entry
    assert (entry.url, entry.blobs) == ("model", None)


def test_a_registry_keeps_its_permissions_and_stays_a_link(enter, registry):
    enter("1.0.0")
    registry.rename(registry.with_name("real.yaml")).chmod(0o640)
    registry.symlink_to("real.yaml")
    enter("2.0.0")
    assert registry.is_symlink()
    assert registry.stat().st_mode & 0o777 == 0o640


def test_a_folder_outside_is_not_listed(model, tmp_path):
    with pytest.raises(ModelError, match=r"expected a model folder below .*elsewhere"):
        register(model, tmp_path / "elsewhere" / "registry.yaml")


def test_a_registry_of_a_server_is_refused(model):
    pytest.importorskip("s3fs")
    with pytest.raises(OutputError, match=r"^s3://lab/registry\.yaml: expected a registry on this disk; zoo publish"):
        register(model, "s3://lab/registry.yaml")


def test_a_folder_with_a_changed_byte_is_not_listed(model, registry):
    (model / "example.json").write_text("{}")
    with pytest.raises(ChecksumMismatch, match=r"example\.json"):
        register(model, registry)
    assert not registry.exists()


def test_a_registry_in_the_models_own_folder_would_change_it_and_is_refused(tmp_path):
    folder = write_model(tmp_path / "model")
    with pytest.raises(ModelError, match=r"model: expected a model folder below .*/model, where the registry lies$"):
        register(folder, folder / "registry.yaml")
    assert verify_checksums(folder)
