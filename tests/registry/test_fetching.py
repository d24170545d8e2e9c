from dataclasses import replace

import pytest

from tests.registry.made_stores import Faulty, store_model, write_model
from zoo.errors import ChecksumMismatch, DownloadError, ModelError
from zoo.model.checksums import verify_checksums
from zoo.model.folder import load_folder
from zoo.registry.cache import Cache
from zoo.registry.fetching import add_signature, fetch
from zoo.registry.names import blob_path
from zoo.registry.resolving import Place
from zoo.registry.stores.protocol import TRIES


@pytest.fixture
def model(tmp_path, monkeypatch):
    monkeypatch.setattr("zoo.registry.stores.asking.WAIT", 0)
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
@pytest.mark.parametrize("fault", [[DownloadError("500")] * TRIES, [b"wrong"]], ids=["gone", "wrong"])
def test_whole_files_that_came_before_a_fault_are_not_asked_for_again(listing, files, cache, place, fault):
    first, second, told = Faulty(files, *[None] * place, *fault), Faulty(files), []
    with pytest.raises((DownloadError, ChecksumMismatch)):
        fetch(listing, by_digest(first), cache)
    folder, came = fetch(listing, by_digest(second), cache, report=lambda *share: told.append(share))
    assert verify_checksums(folder) == listing.entry.sha256sums
    assert len(second.asked) == 4 - place
    assert {path for path, _ in second.asked}.isdisjoint(path for path, _ in first.asked[:place])
    assert came == sum(len(files[path]) for path, _ in second.asked)
    assert told[-1] == (listing.entry.size, listing.entry.size)
    assert list(cache.folder.glob("partial/*")) == []


def test_of_a_file_that_came_in_part_the_rest_comes(listing, files, cache):
    with pytest.raises(DownloadError):
        fetch(listing, by_digest(Faulty(files, 100, *[DownloadError("500")] * TRIES)), cache)
    assert fetch(listing, by_digest(Faulty(files)), cache)[1] == listing.entry.size - 100


def test_whole_files_that_another_machine_took_for_left_are_fetched_again(listing, files, cache):
    class Robbed(Faulty):
        def read(self, path, start=0):
            if len(self.asked) == 3:
                for part in cache.folder.glob("partial/*"):
                    part.unlink()
            yield from super().read(path, start)

    reader = Robbed(files)
    folder, _ = fetch(listing, by_digest(reader), cache)
    assert verify_checksums(folder) == listing.entry.sha256sums
    assert len(reader.asked) == 8


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
