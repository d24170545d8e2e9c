import threading

import pytest
import yaml

from zoo.errors import LockMismatch, ModelError
from zoo.registry.project_lock import Lock, Pin, read_lock, update_lock


def make_pin(version="1.0.0", letter="a", **fields):
    return Pin(version=version, sha256sums=letter * 64, registry="https://lab.org/registry.yaml", **fields)


def test_what_is_pinned_is_read(tmp_path):
    path = tmp_path / "zoo.lock"
    update_lock(path, {"b": make_pin(signer="lab"), "a": make_pin()})
    assert read_lock(path).models == {"a": make_pin(), "b": make_pin(signer="lab")}
    assert yaml.safe_load(path.read_text()) == {
        "schema_version": 1,
        "models": {
            "a": {"version": "1.0.0", "sha256sums": "a" * 64, "registry": "https://lab.org/registry.yaml"},
            "b": {
                "version": "1.0.0",
                "sha256sums": "a" * 64,
                "registry": "https://lab.org/registry.yaml",
                "signer": "lab",
            },
        },
    }


def test_the_order_of_pinning_changes_no_byte(tmp_path):
    one, other = tmp_path / "one", tmp_path / "other"
    update_lock(one, {"a": make_pin(), "b": make_pin()})
    update_lock(other, {"b": make_pin()})
    update_lock(other, {"a": make_pin()})
    assert one.read_bytes() == other.read_bytes()


def test_a_new_pin_replaces_that_of_its_model_alone(tmp_path):
    update_lock(tmp_path / "zoo.lock", {"a": make_pin(), "b": make_pin()})
    update_lock(tmp_path / "zoo.lock", {"a": make_pin("2.0.0", "b")})
    assert read_lock(tmp_path / "zoo.lock").models == {"a": make_pin("2.0.0", "b"), "b": make_pin()}


def test_a_lock_that_is_a_link_out_of_its_folder_is_changed_where_it_lies(tmp_path):
    (tmp_path / "project").mkdir()
    path = tmp_path / "project" / "zoo.lock"
    update_lock(tmp_path / "shared.lock", {"a": make_pin()})
    path.symlink_to(tmp_path / "shared.lock")
    update_lock(path, {"b": make_pin()})
    assert path.is_symlink()
    assert set(read_lock(tmp_path / "shared.lock").models) == {"a", "b"}


def test_no_pin_of_several_processes_is_lost(tmp_path):
    path = tmp_path / "zoo.lock"
    threads = [threading.Thread(target=update_lock, args=[path, {f"m{n}": make_pin()}]) for n in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(read_lock(path).models) == [f"m{n}" for n in range(6)]
    assert [file.name for file in tmp_path.iterdir()] == ["zoo.lock"]


@pytest.mark.parametrize("name", ["a", "a@1.0.0", "lab:a", "lab:a@1.0.0"])
def test_a_model_is_found_by_name_and_by_the_version_that_is_pinned(name):
    assert Lock(schema_version=1, models={"a": make_pin()}).pin(name) == make_pin()


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("ab", r"^'ab' is not in zoo\.lock; .*'abc'\? \(zoo lock ab adds it\)$"),
        ("abc@1.0.1", r"^abc@1\.0\.1: zoo\.lock pins version 1\.0\.0; leave the version out"),
        ("abc@latest", r"^abc@latest: zoo\.lock pins version 1\.0\.0"),
        ("abc@stable", r"^abc@stable: zoo\.lock pins version 1\.0\.0"),
    ],
)
def test_anything_else_is_refused(name, message):
    with pytest.raises(LockMismatch, match=message):
        Lock(schema_version=1, models={"abc": make_pin()}).pin(name)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("models: {}", "field 'schema_version' is missing"),
        ("schema_version: 2", "field 'schema_version'"),
        ("schema_version: 1\nmodels: {a: {version: 1.0.0, registry: x}}", r"field 'models\.a\.sha256sums' is missing"),
        ("schema_version: 1\nmodels: {a: {version: one, sha256sums: x, registry: x}}", r"field 'models\.a\.version'"),
        ("schema_version: 1\nmodel: {}", "unknown field 'model'; did you mean 'models'"),
    ],
)
def test_a_wrong_field_is_named_and_the_file_stays(tmp_path, text, message):
    path = tmp_path / "zoo.lock"
    path.write_text(text)
    with pytest.raises(ModelError, match=rf"zoo\.lock: {message}"):
        update_lock(path, {"a": make_pin()})
    assert path.read_text() == text


def test_a_lock_that_is_missing_is_named(tmp_path):
    with pytest.raises(ModelError, match=r"zoo\.lock: can't be read: No such file"):
        read_lock(tmp_path / "zoo.lock")
