import os
import time
import warnings
from types import SimpleNamespace

import pytest

from zoo.errors import DownloadError
from zoo.health import surroundings
from zoo.health.finding import Finding
from zoo.health.surroundings import (
    clean_cache,
    examine_cache,
    examine_configuration,
    examine_registries,
    examine_trust,
    find_damaged,
    find_left,
    find_models,
)
from zoo.model.checksums import hash_file
from zoo.publishing.registering import register
from zoo.registry.cache import Cache
from zoo.registry.refreshing import Opened
from zoo.registry.sources import Source, add_source, read_sources
from zoo.testing.models import make_base_at_anchor_graph, write_model_folder

DAY = 86_400


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    """A home of the test's own, on a disk with room."""
    folder = tmp_path / "home"
    monkeypatch.setenv("ZOO_HOME", str(folder))

    monkeypatch.setattr(surroundings.shutil, "disk_usage", lambda path: SimpleNamespace(free=1 << 40))
    return folder


def age(path, seconds):
    then = time.time() - seconds
    os.utime(path, (then, then))


def keep_model(home, *, damaged=False):
    """Put a model into the cache as ``pull`` does."""
    made = write_model_folder(home.parent / "made", make_base_at_anchor_graph())
    digest = hash_file(made / "SHA256SUMS")
    place = home / "models" / digest[:2] / digest
    place.parent.mkdir(parents=True)
    made.rename(place)
    if damaged:
        (place / "SHA256SUMS").write_text("")
    return place


def leave_download(home, seconds, name="partial"):
    part = home / name / f"{'0' * 64}.part"
    part.parent.mkdir(parents=True, exist_ok=True)
    part.write_bytes(b"half")
    age(part, seconds)
    return part


def test_a_home_that_was_never_used_is_sound(home):
    assert [finding.state for finding in (*examine_configuration(), *examine_cache())] == ["ok", "ok"]
    assert not home.exists()


def test_a_configuration_that_cannot_be_read_fails(home):
    home.mkdir()
    (home / "config.yaml").write_text("registries: 1\n")
    (finding,) = examine_configuration()
    assert finding.state == "failed"
    assert "config.yaml" in finding.found
    assert str(home / "config.yaml") in finding.mend


def test_variables_that_have_a_say_are_told_without_their_secrets(home, monkeypatch):
    monkeypatch.setenv("ZOO_REGISTRY", "https://me:secret@zoo.example.org/registry.yaml")
    (finding,) = examine_configuration()
    assert f"ZOO_HOME={home}" in finding.found
    assert "ZOO_REGISTRY=https://" in finding.found
    assert "secret" not in finding.found


def test_a_lock_that_a_killed_process_left_is_told_with_its_path(home):
    home.mkdir()
    lock = home / ".config.yaml.lock"
    lock.write_text("")
    assert [finding.area for finding in examine_configuration()] == ["configuration"]
    age(lock, 2 * DAY)
    _, finding = examine_configuration()
    assert (finding.area, finding.state) == ("locks", "warning")
    assert finding.found == f"{lock} has stood for 2 days"
    assert finding.mend == f"if nobody writes: rm {lock}"


def test_a_lock_beside_what_a_link_leads_to_is_told_too(home, tmp_path):
    home.mkdir()
    (tmp_path / "dotfiles").mkdir()
    (tmp_path / "dotfiles" / "zoo.yaml").write_text("schema_version: 1\n")
    (home / "config.yaml").symlink_to(tmp_path / "dotfiles" / "zoo.yaml")
    lock = tmp_path / "dotfiles" / ".zoo.yaml.lock"
    lock.write_text("")
    age(lock, 2 * DAY)
    assert examine_configuration()[1].found == f"{lock} has stood for 2 days"


def test_the_cache_is_measured(home):
    place = keep_model(home)
    size = sum(path.stat().st_size for path in place.iterdir())
    assert examine_cache() == [Finding("cache", "ok", f"{size / 1000:.1f} kB in {home}: 1 model")]


def test_a_download_that_broke_off_is_a_warning_and_one_that_goes_on_is_not(home):
    leave_download(home, 10)
    assert [finding.state for finding in examine_cache()] == ["ok"]
    leave_download(home, DAY)
    (finding,) = examine_cache()
    assert finding.state == "warning"
    assert finding.found.endswith(", 1 broken download")
    assert finding.mend == "zoo doctor --clean"


def test_a_folder_in_which_something_happens_is_no_broken_download(home):
    part = leave_download(home, 10, "incoming/0.host-1-2")
    age(part.parent, DAY)
    assert find_left(Cache()) == []


def test_a_model_whose_list_of_files_is_another_is_damaged(home):
    keep_model(home, damaged=True)
    cache, damage = examine_cache()
    assert (cache.state, damage.state) == ("ok", "failed")
    assert "1 damaged" in damage.found


def test_cleaning_removes_what_is_broken_and_nothing_else(home):
    whole = keep_model(home)
    damaged = home / "models" / "00" / ("0" * 64)
    damaged.mkdir(parents=True)
    old, young = leave_download(home, DAY), leave_download(home, 10, "incoming")
    assert clean_cache() == 2
    assert (find_models(Cache()), find_damaged(Cache())) == ([whole], [])
    assert (old.exists(), young.exists()) == (False, True)
    assert clean_cache() == 0


def test_a_cache_that_cannot_be_written_fails(home, monkeypatch):
    monkeypatch.setattr(surroundings.os, "access", lambda path, mode: False)
    _, finding = examine_cache()
    assert (finding.state, finding.found) == ("failed", f"{home.parent} can't be written")
    assert "ZOO_HOME" in finding.mend


def test_a_disk_that_is_nearly_full_is_a_warning(monkeypatch):

    monkeypatch.setattr(surroundings.shutil, "disk_usage", lambda path: SimpleNamespace(free=5_000_000))
    _, finding = examine_cache()
    assert (finding.state, finding.found) == ("warning", "5.0 MB are free on its disk")


def test_the_registry_of_the_package_is_read():
    (finding,) = examine_registries()
    assert finding.state == "ok"
    assert finding.found.startswith("assayzoo: ")
    assert finding.found.endswith("models, on this disk")


def test_a_registry_that_is_missing_fails(tmp_path, monkeypatch):
    monkeypatch.setenv("ZOO_REGISTRY", str(tmp_path / "none.yaml"))
    (finding,) = examine_registries()
    assert finding.state == "failed"
    assert "none.yaml" in finding.found
    assert finding.mend == "check ZOO_REGISTRY"


@pytest.fixture
def away(monkeypatch):
    """One remote registry, and what asking it comes to."""

    def ask(outcome):
        source = Source(name="lab", url="https://zoo.example.org/registry.yaml")
        catalogue = SimpleNamespace(list_names=list)

        def refresh(source):
            if isinstance(outcome, Exception):
                raise outcome
            if outcome:
                warnings.warn("timed out; its copy of 9 days ago is used", stacklevel=1)
            return Opened(source, catalogue, outcome)

        monkeypatch.setattr(surroundings, "read_sources", lambda: (source,))
        monkeypatch.setattr(surroundings, "refresh", refresh)
        return examine_registries()

    return ask


def test_a_registry_that_was_reached_is_sound(away):
    assert away(0.0) == [Finding("registries", "ok", "lab: 0 models, reached")]


def test_a_registry_whose_copy_is_used_is_a_warning_with_its_age(away):
    (finding,) = away(9.0 * DAY)
    assert (finding.state, finding.found) == ("warning", "lab: 0 models, as it was 9 days ago; timed out")


def test_a_registry_that_was_never_reached_fails(away):
    (finding,) = away(DownloadError("no route"))
    assert (finding.state, finding.found) == ("failed", "lab: no route")
    assert finding.mend == "check its address, or zoo registry remove lab"


def test_a_name_that_two_registries_list_is_a_warning(tmp_path):
    primer = {"name": "primer"}
    folder = write_model_folder(tmp_path / "lab" / "models" / "primer", make_base_at_anchor_graph(), primer)
    register(folder, tmp_path / "lab" / "registry.yaml")
    add_source(Source(name="lab", url=str(tmp_path / "lab" / "registry.yaml")))
    assert [source.name for source in read_sources()] == ["assayzoo", "lab"]
    *_, finding = examine_registries()
    assert finding == Finding(
        "registries",
        "warning",
        "assayzoo and lab both list primer",
        "that of assayzoo is meant; for the other write lab:primer",
    )


def test_whom_the_user_trusts_is_told(home):
    (finding,) = examine_trust()
    assert finding == Finding(
        "trust", "ok", "nobody is listed; models that none of them signed are used with a warning"
    )
    home.mkdir()
    (home / "trust.yaml").write_text("schema_version: 1\nunsigned: refuse\n")
    (finding,) = examine_trust()
    assert finding.found == f"{home / 'trust.yaml'} lists 0 signers; models that none of them signed are refused"


def test_a_trust_file_that_cannot_be_read_fails(home):
    home.mkdir()
    (home / "trust.yaml").write_text("schema_version: 1\nunsigned: perhaps\n")
    (finding,) = examine_trust()
    assert finding.state == "failed"
    assert "unsigned" in finding.found
    assert finding.mend == f"mend that line of {home / 'trust.yaml'}"


@pytest.fixture
def trusting(home):
    """A trust file, and its folder, that this user alone may write."""
    home.mkdir(mode=0o755)
    path = home / "trust.yaml"
    path.write_text("schema_version: 1\n")
    path.chmod(0o644)
    return path


def find_writers():
    return [(finding.state, finding.found) for finding in examine_trust()[1:]]


def test_a_trust_file_of_the_users_own_is_sound(trusting):
    assert find_writers() == []


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such bits")
@pytest.mark.parametrize("mode", [0o666, 0o646, 0o664])
def test_a_trust_file_that_others_may_write_is_a_warning(trusting, monkeypatch, mode):
    monkeypatch.setattr("grp.getgrgid", lambda _: SimpleNamespace(gr_name="lab", gr_mem=[]))
    trusting.chmod(mode)
    _, finding = examine_trust()
    assert (finding.area, finding.state) == ("trust", "warning")
    assert finding.found == f"{trusting} decides whose models are used, and others than you may write it"
    assert finding.mend == f"chmod go-w {trusting}; to share models set XDG_CACHE_HOME, not ZOO_HOME"


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such bits")
def test_a_folder_that_others_may_write_is_a_warning_where_the_trust_file_is_a_link_into_it(trusting, tmp_path):
    elsewhere = tmp_path / "dotfiles"
    elsewhere.mkdir()
    elsewhere.chmod(0o777)
    trusting.rename(elsewhere / "trust.yaml")
    trusting.symlink_to(elsewhere / "trust.yaml")
    assert find_writers() == [("warning", f"{elsewhere} holds trust.yaml, and others than you may write it")]


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such bits")
def test_a_folder_that_others_may_write_is_a_warning_even_before_it_holds_a_trust_file(home):
    home.mkdir()
    home.chmod(0o777)
    assert find_writers() == [("warning", f"{home} holds trust.yaml, and others than you may write it")]


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such bits")
@pytest.mark.parametrize(
    ("name", "members", "warned"),
    [("me", [], False), ("me", ["me"], False), ("me", ["me", "you"], True), ("lab", [], True), ("lab", ["me"], True)],
)
def test_a_group_that_is_the_users_own_is_nobody_else(trusting, monkeypatch, name, members, warned):
    monkeypatch.setattr("pwd.getpwuid", lambda _: SimpleNamespace(pw_name="me"))
    monkeypatch.setattr("grp.getgrgid", lambda _: SimpleNamespace(gr_name=name, gr_mem=members))
    trusting.chmod(0o664)
    assert bool(find_writers()) == warned


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such users")
def test_a_trust_file_of_another_user_is_a_warning(trusting, monkeypatch):
    if trusting.stat().st_uid == 0:  # whom everybody trusts
        for path in (trusting, trusting.parent):
            os.chown(path, 4711, 4711)
    you = trusting.stat().st_uid + 1
    monkeypatch.setattr(surroundings.os, "getuid", lambda: you)
    assert [found.split(" ")[0] for _, found in find_writers()] == [str(trusting.parent), str(trusting)]
    assert examine_trust()[1].mend == "have one of your own: set ZOO_HOME to a folder of yours"


def test_a_registry_of_the_package_that_is_broken_is_installed_again(tmp_path, monkeypatch):
    monkeypatch.setattr(
        surroundings, "read_sources", lambda: (Source(name="assayzoo", url=str(tmp_path / "none.yaml")),)
    )
    (finding,) = examine_registries()
    assert (finding.state, finding.mend) == ("failed", "pip install --force-reinstall assayzoo")


def test_a_name_that_came_in_a_bundle_as_well_is_none(home, tmp_path):
    place = home / "registries" / "unbundled"
    folder = write_model_folder(place / "models" / "primer", make_base_at_anchor_graph(), {"name": "primer"})
    register(folder, place / "registry.yaml")
    assert [source.name for source in read_sources()] == ["assayzoo", "unbundled"]
    assert [finding.state for finding in examine_registries()] == ["ok", "ok"]
