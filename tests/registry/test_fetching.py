from dataclasses import replace

import pytest

from tests.registry.made_stores import Faulty, store_model, write_model
from zoo.errors import ChecksumMismatch, DownloadError, ModelError
from zoo.model.checksums import verify_checksums
from zoo.model.folder import load_folder
from zoo.registry import transfer
from zoo.registry.cache import Cache
from zoo.registry.fetching import add_signature, fetch
from zoo.registry.names import blob_path
from zoo.registry.resolving import Place


@pytest.fixture
def model(tmp_path, monkeypatch):
    monkeypatch.setattr(transfer, "WAIT", 0)
    monkeypatch.setattr("zoo.model.probation.examine", load_folder)  # here, not in a process of its own: half a second
    return write_model(tmp_path / "model")


@pytest.fixture
def listing(model, tmp_path):
    return store_model(model, tmp_path / "store")


@pytest.fixture
def files(tmp_path, listing):
    """The files of the store, by name."""
    store = tmp_path / "store"
    return {path.relative_to(store).as_posix(): path.read_bytes() for path in store.rglob("*") if path.is_file()}


@pytest.fixture
def cache(tmp_path):
    return Cache(tmp_path / "home")


def by_digest(*readers):
    return Place(readers, ".", by_digest=True)


def test_each_file_is_asked_for_once_the_list_of_them_first(listing, files, cache):
    reader = Faulty(files)
    folder, came = fetch(listing, by_digest(reader), cache)
    assert verify_checksums(folder) == listing.entry.sha256sums
    assert came == listing.entry.size
    assert reader.asked[0] == (blob_path(listing.entry.sha256sums), 0)
    assert len(reader.asked) == len(set(reader.asked)) == 4


def test_a_model_that_another_process_brought_meanwhile_is_not_fetched(listing, files, cache):
    fetch(listing, by_digest(Faulty(files)), cache)
    reader = Faulty(files)
    assert fetch(listing, by_digest(reader), cache)[1] == 0
    assert reader.asked == []


def test_a_model_that_another_process_brought_meanwhile_must_bear_the_name_too(listing, files, cache):
    fetch(listing, by_digest(Faulty(files)), cache)
    with pytest.raises(ModelError, match=r"expected the card of ctcf@1\.0\.0, found that of g-at-anchor@1\.0\.0"):
        fetch(replace(listing, name="ctcf"), by_digest(Faulty(files)), cache)


def test_files_of_a_folder_are_asked_for_by_their_names(model, listing, cache):
    files = {f"models/g/{path.name}": path.read_bytes() for path in model.iterdir()}
    reader = Faulty(files)
    fetch(listing, Place((reader,), "models/g", by_digest=False), cache)
    assert {path for path, _ in reader.asked} == set(files)


@pytest.mark.parametrize("place", range(4))
@pytest.mark.parametrize("fault", [100, ("silent", 100), DownloadError("500"), OSError("reset")], ids=str)
def test_one_fault_at_any_file_changes_nothing(listing, files, cache, place, fault):
    folder, _ = fetch(listing, by_digest(Faulty(files, *[None] * place, fault)), cache)
    assert verify_checksums(folder) == listing.entry.sha256sums


@pytest.mark.parametrize("place", range(4))
def test_wrong_bytes_at_any_file_bring_nothing(listing, files, cache, place):
    with pytest.raises(ChecksumMismatch, match=r"^g-at-anchor@1\.0\.0: "):
        fetch(listing, by_digest(Faulty(files, *[None] * place, b"wrong")), cache)
    assert cache.find(listing.entry.sha256sums) is None
    assert list(cache.folder.glob("incoming/*")) == []


def test_the_bytes_that_are_told_end_with_all_of_them(listing, files, cache):
    told = []
    fetch(listing, by_digest(Faulty(files, 100)), cache, report=lambda *share: told.append(share))
    assert told[-1] == (listing.entry.size, listing.entry.size)
    assert told == sorted(told)


def test_a_model_without_a_signature_stays_without(listing, files, cache):
    fetch(listing, by_digest(Faulty(files)), cache)
    reader = Faulty(files)
    assert add_signature(listing, by_digest(reader), cache) == 0
    assert reader.asked == []
