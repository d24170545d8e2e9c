import pytest
import yaml

from zoo.errors import DownloadError, ModelError, OutputError, PublishConflict
from zoo.publishing.swapping import change_registry, read_versions, update_index
from zoo.publishing.target import open_registry_file
from zoo.registry import writing
from zoo.registry.blocks import cut
from zoo.registry.index import Entry, Versions
from zoo.registry.index_file import is_index_of
from zoo.registry.stores import amending, asking
from zoo.registry.stores.local import LocalStore
from zoo.registry.stores.protocol import TRIES, Changed

ENTRY = Entry(blobs=".", sha256sums="0" * 64, size=1, assay="none", summary="a test")


@pytest.fixture
def registry(tmp_path, monkeypatch):
    monkeypatch.setattr(amending, "_LONGEST", 0.0)
    monkeypatch.setattr(asking, "WAIT", 0.0)
    return open_registry_file(tmp_path / "registry.yaml")


def add(version):
    """A change that adds a version."""

    def change(current):
        versions = {**(current.versions if current else {}), version: ENTRY}
        return Versions(latest=max(versions), versions=versions)

    return change


def list_versions(registry, name="m"):
    return sorted(read_versions(registry, name).versions)


def fail_swaps(monkeypatch, registry, *plan):
    """Let swaps of the registry do what a plan says: ``lost`` (done, its answer lost), ``refused`` or ``changed``."""
    whole, left = LocalStore.swap, list(plan)

    def swap(self, path, content, expected):
        fault = left.pop(0) if left and path == registry.path else ""
        if fault == "changed":
            raise Changed(path)
        if fault == "refused":
            raise OutputError("no answer")
        tag = whole(self, path, content, expected)
        if fault == "lost":
            raise OutputError("no answer")
        return tag

    monkeypatch.setattr(LocalStore, "swap", swap)
    return left


def test_a_registry_begins_with_its_first_model(registry):
    assert read_versions(registry, "m") is None
    done = change_registry(registry, "m", add("1.0.0"))
    assert (done.tries, done.changed) == (1, True)
    assert list_versions(registry) == ["1.0.0"]


def test_a_change_that_is_there_already_writes_nothing(registry, tmp_path):
    change_registry(registry, "m", add("1.0.0"))
    (tmp_path / "registry.yaml").chmod(0o444)
    before = (tmp_path / "registry.yaml").stat().st_mtime_ns
    assert not change_registry(registry, "m", add("1.0.0")).changed
    assert (tmp_path / "registry.yaml").stat().st_mtime_ns == before


def test_lines_of_other_models_stay_to_the_letter(registry, tmp_path):
    other = (
        "  b-model:\n    # a remark\n    latest:   1.0.0\n    versions:\n      1.0.0:\n        url: b\n"
        f"        sha256sums: '{'1' * 64}'\n        assay: none\n        summary: \"by hand\"\n"
    )
    (tmp_path / "registry.yaml").write_text(f"schema_version: 1\nmodels:\n{other}")
    change_registry(registry, "a-model", add("1.0.0"))
    change_registry(registry, "c-model", add("1.0.0"))
    text = (tmp_path / "registry.yaml").read_text()
    assert other in text
    assert yaml.safe_load(text)["schema_version"] == 2


def test_a_registry_is_cut_once_for_each_time_that_it_is_read(registry, monkeypatch):
    change_registry(registry, "m", add("1.0.0"))
    texts = []
    monkeypatch.setattr(writing, "cut", lambda text: texts.append(text) or cut(text))
    change_registry(registry, "m", add("1.1.0"))
    assert sum(text == texts[0] for text in texts) == 1


def test_what_others_enter_meanwhile_stays(registry):
    others = iter(["0.1.0", "0.2.0"])

    def change(current):
        if (version := next(others, None)) is not None:
            change_registry(registry, "m", add(version))
        return add("1.0.0")(current)

    assert change_registry(registry, "m", change).tries == 3
    assert list_versions(registry) == ["0.1.0", "0.2.0", "1.0.0"]


def test_an_answer_that_was_lost_is_no_fault_if_the_change_was_made(registry, monkeypatch):
    fail_swaps(monkeypatch, registry, "lost")
    done = change_registry(registry, "m", add("1.0.0"))
    assert (done.tries, done.changed) == (2, True)
    assert list_versions(registry) == ["1.0.0"]


def test_a_change_that_others_made_meanwhile_is_not_claimed(registry):
    def change(current):
        if current is None:
            change_registry(registry, "m", add("1.0.0"))
        return add("1.0.0")(current)

    done = change_registry(registry, "m", change)
    assert (done.tries, done.changed) == (2, False)


def test_a_change_that_was_refused_is_told(registry, monkeypatch):
    fail_swaps(monkeypatch, registry, "refused")
    with pytest.raises(OutputError, match="no answer"):
        change_registry(registry, "m", add("1.0.0"))
    assert read_versions(registry, "m") is None


def test_a_remote_store_is_asked_again(registry, monkeypatch):
    registry.store.address = "s3://lab"  # what is asked again is what lies behind a network
    left = fail_swaps(monkeypatch, registry, *["refused"] * (TRIES - 1), "lost")
    assert change_registry(registry, "m", add("1.0.0")).changed
    assert left == []


def test_a_registry_that_others_change_all_the_time_is_a_conflict(registry, monkeypatch):
    fail_swaps(monkeypatch, registry, *["changed"] * 3)
    with pytest.raises(PublishConflict, match=r"registry.yaml: others changed it each of 3 times that m was to be"):
        change_registry(registry, "m", add("1.0.0"), tries=3)


def test_whether_a_change_was_made_is_not_claimed_where_it_is_not_known(registry, monkeypatch):
    fail_swaps(monkeypatch, registry, "lost")
    reads = []

    def read_tagged(self, path, limit, known=None):
        reads.append(path)
        if len(reads) > 1:
            raise DownloadError("gone")

    monkeypatch.setattr(LocalStore, "read_tagged", read_tagged)
    with pytest.raises(OutputError, match=r"no answer; and it can't be read, so it is not known .*\(gone\); try again"):
        change_registry(registry, "m", add("1.0.0"))


def test_a_registry_that_is_none_is_left_alone(registry, tmp_path):
    for content in (b"models: [", b"\xff\xfe"):
        (tmp_path / "registry.yaml").write_bytes(content)
        with pytest.raises(ModelError, match=r"registry\.yaml"):
            change_registry(registry, "m", add("1.0.0"))
        assert (tmp_path / "registry.yaml").read_bytes() == content


def test_the_index_is_that_of_the_newest_registry_whoever_changed_it(registry, tmp_path, monkeypatch):
    def read(name):
        return (tmp_path / name).read_bytes()

    first = change_registry(registry, "m", add("1.0.0"))
    update_index(registry, first.text)
    second = change_registry(registry, "m", add("1.1.0"))
    whole = LocalStore.swap

    def swap(self, path, content, expected):
        tag = whole(self, path, content, expected)
        monkeypatch.setattr(LocalStore, "swap", whole)
        change_registry(registry, "another", add("1.0.0"))  # after ours was read
        return tag

    monkeypatch.setattr(LocalStore, "swap", swap)
    update_index(registry, second.text)
    assert is_index_of(read("registry.index.jsonl"), read("registry.yaml"))


def test_an_index_that_can_not_be_written_is_a_warning(registry, tmp_path):
    change_registry(registry, "m", add("1.0.0"))
    (tmp_path / "registry.index.jsonl").mkdir()
    with pytest.warns(UserWarning, match=r"readers of .*registry\.yaml do without its index"):
        update_index(registry)
