import os
import stat
import threading

import pytest
import yaml

from tests.registry.made_stores import store_model, write_model
from zoo.errors import ModelError
from zoo.model.document import validate
from zoo.places import HOME_VARIABLE
from zoo.registry.sources import (
    CONFIG_FILE,
    Source,
    add_source,
    complete_address,
    find_source,
    find_target,
    read_sources,
    remove_source,
    unbundled_registry,
)


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv(HOME_VARIABLE, str(tmp_path / "home"))
    monkeypatch.delenv("ZOO_REGISTRY", raising=False)
    return tmp_path / "home"


def list_names():
    return [source.name for source in read_sources()]


def test_only_the_registry_of_the_package_is_asked_at_first(home):
    assert list_names() == ["assayzoo"]
    assert not home.exists()


def test_the_smallest_priority_is_asked_first_and_equal_ones_as_they_were_added():
    for name, priority in (("c", 50), ("b", 50), ("a", 60), ("first", -1)):
        add_source(Source(name=name, url=f"https://zoo.{name}.org/registry.yaml", priority=priority))
    assert list_names() == ["first", "assayzoo", "c", "b", "a"]


def test_a_registry_that_is_added_again_is_replaced():
    add_source(Source(name="lab", url="https://old.org/registry.yaml", mirrors=("https://mirror.org/zoo",)))
    add_source(Source(name="lab", url="https://new.org/registry.yaml"))
    lab = read_sources()[-1]
    assert (lab.url, lab.mirrors) == ("https://new.org/registry.yaml", ())


def test_what_is_read_is_what_was_added(home):
    lab = Source(name="lab", url="https://lab.org/zoo", priority=7, mirrors=("https://mirror.org/zoo",))
    add_source(lab)
    assert read_sources()[-1] == lab
    assert yaml.safe_load((home / CONFIG_FILE).read_text()) == {
        "schema_version": 1,
        "registries": [
            {
                "name": "lab",
                "url": "https://lab.org/zoo/registry.yaml",
                "priority": 7,
                "mirrors": ["https://mirror.org/zoo/registry.yaml"],
            }
        ],
    }


@pytest.mark.skipif(os.name == "nt", reason="permissions are POSIX's")
def test_a_new_configuration_is_its_owners_alone_and_keeps_the_permissions_that_it_is_given(home):
    add_source(Source(name="lab", url="https://user:s3cret@lab.org/zoo"))
    path = home / CONFIG_FILE
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    path.chmod(0o640)
    add_source(Source(name="other", url="https://other.org/zoo"))
    assert stat.S_IMODE(path.stat().st_mode) == 0o640


def test_a_configuration_that_is_a_link_out_of_its_folder_is_read_and_changed_where_it_lies(home, tmp_path):
    home.mkdir()
    (tmp_path / "dotfiles").mkdir()
    (home / CONFIG_FILE).symlink_to(tmp_path / "dotfiles" / "zoo.yaml")
    with pytest.raises(
        ModelError, match=r"config\.yaml: can't be read: it is a link to .*zoo\.yaml, which is not there"
    ):
        read_sources()
    (tmp_path / "dotfiles" / "zoo.yaml").write_text("schema_version: 1\n")
    add_source(Source(name="lab", url="https://lab.org/zoo"))
    assert (home / CONFIG_FILE).is_symlink()
    assert "lab.org" in (tmp_path / "dotfiles" / "zoo.yaml").read_text()
    assert list_names() == ["assayzoo", "lab"]


def test_none_is_lost_of_several_that_are_added_at_once():
    def add(number):
        add_source(Source(name=f"lab-{number}", url=f"https://lab.org/{number}"))

    threads = [threading.Thread(target=add, args=[number]) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(list_names()[1:]) == [f"lab-{number}" for number in range(6)]


def test_what_came_in_bundles_is_asked_last():
    add_source(Source(name="lab", url="https://lab.org/zoo", priority=10_000))
    unbundled_registry().parent.mkdir(parents=True)
    unbundled_registry().write_text("schema_version: 2\n")
    assert list_names() == ["assayzoo", "lab", "unbundled"]


def test_a_user_without_a_home_folder_has_the_registry_of_the_package(monkeypatch):
    monkeypatch.delenv(HOME_VARIABLE)
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    monkeypatch.setattr("zoo.places.Path.home", lambda: (_ for _ in ()).throw(RuntimeError))
    assert list_names() == ["assayzoo"]


@pytest.mark.parametrize(
    ("address", "whole"),
    [
        ("https://lab.org/zoo", "https://lab.org/zoo/registry.yaml"),
        ("https://lab.org/zoo/", "https://lab.org/zoo/registry.yaml"),
        ("https://lab.org", "https://lab.org/registry.yaml"),
        ("https://lab.org/zoo/models.yaml", "https://lab.org/zoo/models.yaml"),
        ("https://lab.org/zoo?key=a/b.c", "https://lab.org/zoo/registry.yaml?key=a/b.c"),
        ("s3://bucket/zoo", "s3://bucket/zoo/registry.yaml"),
        ("/srv/zoo", "/srv/zoo/registry.yaml"),
        ("/srv/zoo/../r.yml", "/srv/r.yml"),
    ],
)
def test_an_address_is_that_of_the_file(address, whole):
    assert Source(name="lab", url=address).url == whole
    assert Source(name="lab", url=whole).url == whole


def test_a_relative_path_holds_from_every_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert Source(name="lab", url="store").url == str(tmp_path / "store" / "registry.yaml")


@pytest.mark.parametrize("address", ["file:///etc/zoo.yaml", "ftp://a/b", "https://", "s3:///", "a\nb", "a\0b"])
def test_an_address_of_another_kind_is_refused(address):
    with pytest.raises(ValueError, match="expected"):
        Source(name="lab", url=address)
    with pytest.raises(ModelError, match="expected"):
        complete_address(address)


def test_a_word_that_no_disk_takes_for_a_name_is_no_registry():
    with pytest.raises(ModelError, match=r"^no registry 'aaa"):
        find_source("a" * 999)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("registries: [{name: lab}]", r"config\.yaml: field 'registries\.0\.url' is missing"),
        ("registries: [{name: assayzoo, url: a}]", "the name 'assayzoo' is taken"),
        ("registries: [{name: a, url: a}, {name: a, url: b}]", "the name 'a' is taken"),
        ("registries: [{name: ../a, url: a}]", r"field 'registries\.0\.name'"),
        ("registrys: []", "unknown field 'registrys'; did you mean 'registries'?"),
        ("schema_version: 2", "field 'schema_version'"),
        ("a: [", "expected YAML"),
    ],
)
def test_a_wrong_field_of_the_configuration_is_named(home, text, message):
    home.mkdir()
    (home / CONFIG_FILE).write_text(text)
    with pytest.raises(ModelError, match=message):
        read_sources()


def test_one_that_is_removed_is_not_asked_any_more():
    add_source(Source(name="lab", url="https://lab.org/zoo"))
    remove_source("lab")
    assert list_names() == ["assayzoo"]
    with pytest.raises(ModelError, match=r"^no registry 'assayzoo' was added; it comes with the package$"):
        remove_source("assayzoo")


def test_one_registry_is_named_by_its_name_address_path_or_folder(tmp_path, monkeypatch):
    add_source(Source(name="lab", url="https://lab.org/zoo"))
    store_model(write_model(tmp_path / "model"), tmp_path / "store")
    monkeypatch.chdir(tmp_path)
    file = str(tmp_path / "store" / "registry.yaml")
    assert find_source(None) is None
    assert find_source("lab").url == "https://lab.org/zoo/registry.yaml"
    assert find_source("https://other.org/zoo").url == "https://other.org/zoo/registry.yaml"
    assert (
        find_source("store/registry.yaml").url
        == find_source(tmp_path / "store").url
        == find_source("store").url
        == file
    )


def test_the_environment_names_the_only_one(monkeypatch):
    add_source(Source(name="lab", url="https://lab.org/zoo"))
    monkeypatch.setenv("ZOO_REGISTRY", "lab")
    assert find_source(None).name == "lab"
    monkeypatch.setenv("ZOO_REGISTRY", "lob")
    with pytest.raises(ModelError, match=r"no registry 'lob'; did you mean 'lab'\? \(see zoo registry list\)"):
        find_source(None)


SECRETS = {
    "url": {"name": "lab", "url": "ftp://user:s3cret@lab"},
    "an empty url": {"name": "lab", "url": "https:///?key=s3cret"},
    "mirror": {"name": "lab", "url": "https://lab", "mirrors": ["ftp://user:s3cret@lab"]},
    "another field": {"name": "Lab", "url": "https://user:s3cret@lab"},
    "its name": {"name": "assayzoo", "url": "https://user:s3cret@lab"},
    "lines": {"name": "lab", "url": "https://user:s3cret\n@lab"},
}


@pytest.mark.parametrize("fields", SECRETS.values(), ids=SECRETS)
def write_config(home, registries):
    home.mkdir()
    (home / CONFIG_FILE).write_text(yaml.safe_dump({"schema_version": 1, "registries": registries}))


@pytest.mark.parametrize("fields", SECRETS.values(), ids=SECRETS)
def test_no_fault_of_a_registry_that_is_added_shows_its_password(fields):
    with pytest.raises(ModelError) as caught:
        add_source(validate(Source, fields, "zoo registry add", ModelError))
    assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize("fields", SECRETS.values(), ids=SECRETS)
def test_no_fault_of_the_configuration_shows_a_password(home, fields):
    write_config(home, [fields])
    with pytest.raises(ModelError) as caught:
        read_sources()
    assert "s3cret" not in str(caught.value)


def test_two_registries_of_one_name_are_told_without_the_list_of_them(home):
    write_config(home, [{"name": "lab", "url": f"https://user:{'s3cret' * 40}@{host}"} for host in ("a", "b")])
    with pytest.raises(ModelError, match=r"config\.yaml: field 'registries': the name 'lab' is taken; .* its own$"):
        read_sources()


@pytest.mark.parametrize("address", ["", " "])
def test_a_registry_without_an_address_is_refused(address):
    with pytest.raises(ModelError, match=r"field 'url': .* at least 1 character"):
        validate(Source, {"name": "lab", "url": address}, "zoo registry add", ModelError)


def test_a_list_of_registries_that_is_none_is_told_without_passwords(home):
    home.mkdir()
    (home / CONFIG_FILE).write_text("schema_version: 1\nregistries: https://user:s3cret@lab\n")
    with pytest.raises(ModelError, match="found 'https://lab'"):
        read_sources()


def test_a_registry_that_is_asked_alone_is_refused_without_its_password():
    with pytest.raises(ModelError, match=r"^ftp://lab: expected https://.*, found 'ftp://lab'$"):
        find_source("ftp://user:s3cret@lab")


def test_a_wrong_address_is_told_with_its_field():
    with pytest.raises(ModelError, match=r"^zoo registry add: field 'url': expected https://.*, found 'ftp://lab'$"):
        validate(Source, {"name": "lab", "url": "ftp://user:s3cret@lab"}, "zoo registry add", ModelError)


@pytest.mark.parametrize("name", ["bad name", "Lab", "-lab", "lab-", "", "a" * 65, "lab\n", "../a"])
def test_a_name_that_is_none_is_told_with_what_it_may_be(name):
    with pytest.raises(
        ModelError, match=r"field 'name': expected at most 64 lower-case letters, digits and dashes between them, found"
    ):
        validate(Source, {"name": name, "url": "lab"}, "zoo registry add", ModelError)


@pytest.mark.parametrize("name", ["a", "4dn", "lab-2", "a--b", "a" * 64])
def test_a_name_of_letters_digits_and_dashes_is_one(name):
    assert Source(name=name, url="lab").name == name


@pytest.mark.parametrize(
    "address",
    [
        *("http://[bad/registry.yaml", "http://exa\u2100mple.com/r.yaml", "s3://[x]/", "http://["),
        *("s3:///x", "gs:///x/r.yaml", "hf:///x", "oci:///x", "http:///x"),
        *("s3://zoo/b#1", "s3://zoo/c?d", "https://lab.org/zoo#1"),
    ],
)
def test_an_address_that_nobody_can_be_asked_at_is_refused_wherever_it_is_given(address, monkeypatch):
    for give in (complete_address, find_source, find_target):
        with pytest.raises(ModelError, match="expected an address with"):
            give(address)
    monkeypatch.setenv("ZOO_REGISTRY", address)
    with pytest.raises(ModelError, match="expected an address with"):
        find_source(None)
    for field, value in (("url", address), ("mirrors", (address,))):
        fields = {"name": "lab", "url": "https://lab.org/zoo", field: value}
        with pytest.raises(ModelError, match=f"^here: field '{field}': expected an address with"):
            validate(Source, fields, "here", ModelError)
