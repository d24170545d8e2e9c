import contextlib
import json
import math
import os
import sys
import threading
import time

import pytest

from tests.registry.made_stores import store_model, write_model
from zoo.errors import DownloadError, MissingExtra, ModelError
from zoo.places import HOME_VARIABLE
from zoo.registry import refreshing
from zoo.registry.refreshing import FRESH, describe_age, find_age, keep_copy, open_stores, refresh
from zoo.registry.sources import Source, add_source
from zoo.registry.stores.protocol import TRIES
from zoo.testing.servers import ALWAYS, Fault, serve_folder


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv(HOME_VARIABLE, str(tmp_path / "home"))
    monkeypatch.setattr("zoo.registry.stores.asking.WAIT", 0)
    return tmp_path / "home"


@pytest.fixture
def store(tmp_path):
    store_model(write_model(tmp_path / "model"), tmp_path / "store")
    return tmp_path / "store"


def make_source(server, **fields):
    return Source(name="lab", url=f"{server.address}/registry.yaml", **fields)


def publish(store, version):
    store_model(write_model(store.parent / version, version=version), store)


def find_version(opened):
    return opened.catalogue.find("g-at-anchor").version


def grow_older(home, seconds):
    path = home / "registries" / "lab" / "state.json"
    state = json.loads(path.read_text())
    path.write_text(json.dumps({**state, "asked": time.time() - seconds}))


def test_a_registry_on_this_disk_is_read_where_it_lies(store, home):
    opened = refresh(Source(name="lab", url=str(store)))
    assert (find_version(opened), opened.age) == ("1.0.0", None)
    assert not (home / "registries").exists()


def test_of_a_registry_whose_disk_is_gone_the_copy_serves_that_was_kept_when_a_model_was_pulled(store, home, tmp_path):
    source, other = (Source(name=name, url=str(store)) for name in ("lab", "other"))
    add_source(source)
    add_source(other)
    keep_copy(source)
    store.rename(tmp_path / "elsewhere")
    with pytest.warns(
        UserWarning, match=r"lab \(.*\) can't be read: .*zoo registry remove lab; its copy of .* is used"
    ):
        assert find_version(refresh(source)) == "1.0.0"
    with pytest.raises(DownloadError, match=r"other \(.*\) can't be read: .*zoo registry remove other$"):
        refresh(other)


def test_of_what_is_no_registry_of_the_users_no_copy_serves(store, home, tmp_path):
    source = Source(name="lab", url=str(store))
    keep_copy(source)
    store.rename(tmp_path / "elsewhere")
    with pytest.raises(ModelError, match=r"registry\.yaml: can't be read: No such file or directory$"):
        find_version(refresh(source))


@pytest.mark.filterwarnings("always")
def test_a_registry_that_failed_is_not_asked_again_for_the_next_model(store, monkeypatch):
    with serve_folder(store) as server:
        source = make_source(server)
        refresh(source)
        server.faults.append(Fault(status=500, times=ALWAYS))
        with pytest.warns(UserWarning, match="can't be reached") as told:
            assert [find_version(refresh(source)) for _ in range(3)] == ["1.0.0"] * 3
        assert (len(told), len(server.requests)) == (1, 1 + TRIES)
        server.faults.clear()
        publish(store, "1.1.0")
        monkeypatch.setattr(refreshing, "_GIVEN_UP", 0.0)
        assert find_version(refresh(source)) == "1.1.0"


def test_what_was_published_since_is_seen_and_what_is_the_same_is_not_sent_again(store):
    with serve_folder(store) as server:
        source = make_source(server)
        assert find_version(refresh(source)) == "1.0.0"
        assert find_version(refresh(source)) == "1.0.0"
        assert "if-none-match" in server.requests[-1].headers
        publish(store, "1.1.0")
        assert find_version(refresh(source)) == "1.1.0"
    assert len(server.requests) == 3


def test_a_young_copy_is_taken_for_the_registry_where_that_will_do(store, home):
    with serve_folder(store) as server:
        source = make_source(server)
        refresh(source)
        publish(store, "1.1.0")
        assert find_version(refresh(source, max_age=FRESH)) == "1.0.0"
        grow_older(home, FRESH + 1)
        assert find_version(refresh(source, max_age=FRESH)) == "1.1.0"


def test_a_copy_of_a_clock_that_runs_ahead_is_asked_for_again(store, home):
    with serve_folder(store) as server:
        source = make_source(server)
        refresh(source)
        publish(store, "1.1.0")
        grow_older(home, -300)
        assert find_version(refresh(source, offline=True)) == "1.0.0"
        assert find_version(refresh(source, max_age=FRESH)) == "1.1.0"
        grow_older(home, -300)
        publish(store, "1.2.0")
        assert find_version(refresh(source)) == "1.2.0"


def test_offline_the_copy_serves_however_old(store, home):
    with serve_folder(store) as server:
        source = make_source(server)
        refresh(source)
    grow_older(home, 9 * 86_400)
    opened = refresh(source, offline=True)
    assert find_version(opened) == "1.0.0"
    assert describe_age(opened.age) == describe_age(find_age(source)) == "9 days"


def test_offline_without_a_copy_says_so(store):
    source = Source(name="lab", url="https://lab.invalid/registry.yaml")
    with pytest.raises(DownloadError, match=r"^lab \(https://lab\.invalid/registry\.yaml\): no copy of this registry"):
        refresh(source, offline=True)
    assert find_age(source) is None


def test_where_the_registry_fails_its_copy_serves_with_a_warning_that_tells_its_age(store, home):
    with serve_folder(store) as server:
        source = make_source(server)
        refresh(source)
        grow_older(home, 7300)
        server.faults.append(Fault(status=500, times=ALWAYS))
        with pytest.warns(UserWarning, match=r"lab \(.*\) can't be reached: .*500.*; its copy of 2 hours ago is used"):
            assert find_version(refresh(source)) == "1.0.0"


@pytest.mark.parametrize("fault", [Fault(status=500), Fault(cut=0.5)], ids=["500", "cut"])
def test_a_fault_that_passes_costs_another_request(store, fault):
    with serve_folder(store, fault) as server:
        assert find_version(refresh(make_source(server))) == "1.0.0"
    assert len(server.requests) == 2


def test_a_registry_that_can_not_be_reached_and_has_no_copy_is_an_error(store):
    failing = serve_folder(store, Fault(status=503, times=ALWAYS))
    with failing as server, pytest.raises(DownloadError, match=r"lab \(.*\) can't be reached: .*503"):
        refresh(make_source(server))


def test_a_file_that_is_not_there_is_asked_for_once(store):
    with serve_folder(store) as server:
        with pytest.raises(DownloadError, match="no such file"):
            refresh(Source(name="lab", url=f"{server.address}/other.yaml"), max_age=FRESH)
        assert len(server.requests) == 1


def test_a_mirror_is_asked_where_the_registry_fails(store):
    with serve_folder(store, Fault(status=500, times=ALWAYS)) as server, serve_folder(store) as mirror:
        opened = refresh(make_source(server, mirrors=(mirror.address,)))
        assert find_version(opened) == "1.0.0"
        assert opened.age == 0.0


def break_registry(store):
    (store / "registry.yaml").write_text("schema_version: 2\nmodels: {a: 1}\n")


def test_what_is_no_registry_never_takes_the_place_of_the_copy(store):
    with serve_folder(store) as server:
        source = make_source(server)
        refresh(source)
        break_registry(store)
        with pytest.warns(UserWarning, match=r"can't be read: .*field 'models\.a'.*; its copy of .* is used"):
            assert find_version(refresh(source)) == "1.0.0"
        assert find_version(refresh(source, offline=True)) == "1.0.0"


def test_what_is_no_registry_is_told_where_there_is_no_copy(store):
    break_registry(store)
    with serve_folder(store) as server, pytest.raises(ModelError, match=r"registry\.yaml: field 'models\.a'"):
        refresh(make_source(server))


def test_a_mirror_is_asked_where_the_registry_is_none(store, tmp_path):
    store_model(write_model(tmp_path / "again"), tmp_path / "mirror")
    break_registry(store)
    with serve_folder(store) as server, serve_folder(tmp_path / "mirror") as mirror:
        opened = refresh(make_source(server, mirrors=(f"{mirror.address}/registry.yaml",)))
        assert find_version(opened) == "1.0.0"


@pytest.fixture
def bare(monkeypatch):
    """An installation without s3fs."""
    monkeypatch.setitem(sys.modules, "s3fs", None)
    monkeypatch.delitem(sys.modules, "zoo.registry.stores.s3", raising=False)


@pytest.mark.usefixtures("bare")
@pytest.mark.parametrize("first", [True, False])
def test_a_store_whose_library_is_not_installed_is_passed_over_where_there_is_another(store, first):
    with serve_folder(store) as server:
        served, bucket = f"{server.address}/registry.yaml", "s3://lab/registry.yaml"
        url, mirror = (served, bucket) if first else (bucket, served)
        source = Source(name="lab", url=url, mirrors=(mirror,))
        assert find_version(refresh(source)) == "1.0.0"
        assert len(open_stores(source)) == 2


@pytest.mark.usefixtures("bare")
def test_a_library_that_is_not_installed_is_named_where_there_is_no_other_store():
    source = Source(name="lab", url="s3://lab/registry.yaml")
    with pytest.raises(MissingExtra, match=r"pip install 'assayzoo\[s3\]'"):
        refresh(source)
    with pytest.raises(MissingExtra, match=r"pip install 'assayzoo\[s3\]'"):
        list(open_stores(source)[0].read("blobs/a"))


def test_the_copy_of_another_address_under_the_same_name_does_not_count(store, tmp_path):
    with serve_folder(store) as server:
        refresh(make_source(server))
        other = Source(name="lab", url=f"{server.address}/elsewhere/registry.yaml")
        assert find_age(other) is None


def test_the_cache_keeps_no_password(store, home):
    with serve_folder(store) as server:
        url = server.address.replace("://", "://user:secret@")
        refresh(Source(name="lab", url=f"{url}/registry.yaml"))
    kept = b"".join(path.read_bytes() for path in home.rglob("*") if path.is_file())
    assert b"secret" not in kept


@pytest.mark.parametrize("done", [0, 1, 2, 3])
def test_a_process_that_is_ended_between_two_files_leaves_a_copy_that_serves(store, monkeypatch, done):
    whole, left = refreshing.write_whole, [True] * done

    def write(path, content):
        if not left:
            raise KeyboardInterrupt
        left.pop()
        whole(path, content)

    with serve_folder(store) as server:
        source = make_source(server)
        refresh(source)
        publish(store, "1.1.0")
        with monkeypatch.context() as patch:
            patch.setattr(refreshing, "write_whole", write)
            with contextlib.suppress(KeyboardInterrupt):
                refresh(source)
        assert find_version(refresh(source, offline=True)) == ("1.1.0" if done == 3 else "1.0.0")
        assert find_version(refresh(source)) == "1.1.0"


def test_whichever_of_two_processes_notes_its_copy_last_that_copy_is_there(store, home):
    with serve_folder(store) as server:
        source = make_source(server)
        refresh(source)
        state = home / "registries" / "lab" / "state.json"
        old = state.read_bytes()
        publish(store, "1.1.0")
        refresh(source)
        state.write_bytes(old)
        assert find_version(refresh(source, offline=True)) == "1.0.0"
        assert find_version(refresh(source)) == "1.1.0"


def test_a_copy_that_is_damaged_does_not_count(store, home):
    with serve_folder(store) as server:
        source = make_source(server)
        refresh(source)
        (copy,) = (home / "registries" / "lab").glob("*.yaml")
        copy.write_bytes(copy.read_bytes()[:-1])
        assert find_age(source) is None
        assert find_version(refresh(source)) == "1.0.0"


def edit_state(**changed):
    def edit(path):
        fields = {**json.loads(path.read_text()), **changed}
        path.write_text(json.dumps({key: value for key, value in fields.items() if value is not None}))

    return edit


def make_pipe(path):
    path.unlink()
    os.mkfifo(path)


def make_folder(path):
    path.unlink()
    (path / "below").mkdir(parents=True)


@pytest.mark.parametrize(
    "damage",
    [
        pytest.param(lambda path: path.write_text(" " * 70_000), id="too long"),
        pytest.param(lambda path: path.write_text("[" * 60_000), id="nested"),
        pytest.param(lambda path: path.write_bytes(b"\xff"), id="no text"),
        pytest.param(lambda path: path.write_text("[]"), id="no object"),
        pytest.param(edit_state(address=None), id="no address"),
        pytest.param(edit_state(asked=-math.inf), id="for ever ago"),
        pytest.param(edit_state(asked=math.inf), id="never"),
        pytest.param(edit_state(asked=math.nan), id="at no time"),
        pytest.param(make_folder, id="a folder"),
        pytest.param(make_pipe, id="a pipe"),
    ],
)
def test_a_state_that_is_damaged_does_not_count_and_is_made_anew(store, home, damage):
    with serve_folder(store) as server:
        source = make_source(server)
        refresh(source)
        damage(home / "registries" / "lab" / "state.json")
        assert find_age(source) is None
        assert find_version(refresh(source, max_age=FRESH)) == "1.0.0"
        assert find_version(refresh(source, offline=True)) == "1.0.0"


@pytest.mark.parametrize("make", [make_folder, make_pipe])
@pytest.mark.parametrize("what", ["*.yaml", "*.index.jsonl"])
def test_what_is_no_file_in_the_place_of_a_copy_gives_way(store, home, make, what):
    with serve_folder(store) as server:
        source = make_source(server)
        refresh(source)
        (copy,) = (home / "registries" / "lab").glob(what)
        make(copy)
        assert find_version(refresh(source, max_age=FRESH)) == "1.0.0"
        assert find_version(refresh(source, offline=True)) == "1.0.0"


def test_a_letter_of_a_kept_index_that_flipped_hides_no_model(store, home):
    with serve_folder(store) as server:
        source = make_source(server)
        refresh(source)
        (index,) = (home / "registries" / "lab").glob("*.index.jsonl")
        index.write_bytes(index.read_bytes().replace(b"g-at-anchor", b"g-au-anchor"))
        assert find_version(refresh(source)) == "1.0.0"


def test_copies_that_nobody_reads_any_more_are_removed(store, home):
    folder = home / "registries" / "lab"
    with serve_folder(store) as server:
        source = make_source(server)
        for version in ("1.1.0", "1.2.0", "1.3.0"):
            refresh(source)
            for path in folder.iterdir():
                os.utime(path, (0, 0))
            publish(store, version)
        assert find_version(refresh(source)) == "1.3.0"
    # The newest and the one before it, which another process may have just opened, with their indexes.
    assert len(list(folder.glob("*.yaml"))) == len(list(folder.glob("*.index.jsonl"))) == 2


def test_threads_that_refresh_at_once_end_with_the_newest(store):
    with serve_folder(store) as server:
        source = make_source(server)
        publish(store, "1.1.0")
        found = []
        threads = [threading.Thread(target=lambda: found.append(find_version(refresh(source)))) for _ in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert found == ["1.1.0"] * 6
        assert find_version(refresh(source, offline=True)) == "1.1.0"


def test_nothing_waits_for_a_lock_that_somebody_left(store, home):
    with serve_folder(store) as server:
        folder = home / "registries" / "lab"
        folder.mkdir(parents=True)
        (folder / ".registry.yaml.lock").write_text("1\nelsewhere\n")
        assert find_version(refresh(make_source(server))) == "1.0.0"


@pytest.mark.skipif(os.geteuid() == 0, reason="the administrator may write everywhere")
def test_a_cache_that_can_only_be_read_serves_its_copy(store, home):
    with serve_folder(store) as server:
        source = make_source(server)
        refresh(source)
        grow_older(home, 60)
        publish(store, "1.1.0")
        (home / "registries" / "lab").chmod(0o555)
        try:
            with pytest.warns(UserWarning, match="can't be written"):
                assert find_version(refresh(source)) == "1.0.0"
        finally:
            (home / "registries" / "lab").chmod(0o755)


@pytest.mark.parametrize(
    ("seconds", "text"), [(5, "less than a minute"), (60, "1 minute"), (7300, "2 hours"), (86_400, "1 day")]
)
def test_an_age_is_told_in_its_largest_unit(seconds, text):
    assert describe_age(seconds) == text
