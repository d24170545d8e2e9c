import os
import shutil
import threading
import time
from pathlib import Path

import pytest

from tests.registry.made_stores import write_model
from zoo.errors import OutputError
from zoo.model.checksums import hash_file, verify_checksums
from zoo.registry import cache as cache_module
from zoo.registry import turns
from zoo.registry.cache import Cache


@pytest.fixture
def cache(tmp_path):
    return Cache(tmp_path / "home")


@pytest.fixture
def model(tmp_path):
    return write_model(tmp_path / "model")


def bring(cache, model):
    digest = hash_file(model / "SHA256SUMS")
    with cache.open_incoming(digest) as incoming:
        shutil.copytree(model, incoming, dirs_exist_ok=True)
        return cache.adopt(incoming, digest)


def list_files(folder):
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def test_a_model_is_found_by_its_digest_once_it_is_whole(cache, model):
    digest = hash_file(model / "SHA256SUMS")
    assert cache.find(digest) is None
    place = bring(cache, model)
    assert cache.find(digest) == place == cache.folder / "models" / digest[:2] / digest
    assert verify_checksums(place) == digest
    assert list_files(cache.folder / "incoming") == []


def test_files_of_a_model_are_not_to_be_written(cache, model):
    place = bring(cache, model)
    assert {path.stat().st_mode & 0o777 for path in place.iterdir()} == {0o444}


def test_the_folder_that_was_first_stays(cache, model):
    place = bring(cache, model)
    before = (place / "model.onnx").stat().st_ino
    assert bring(cache, model) == place
    assert (place / "model.onnx").stat().st_ino == before
    assert list(cache.folder.glob("incoming/*")) == []


@pytest.mark.parametrize("damaged", ["model.onnx", "SHA256SUMS"])
def test_a_damaged_folder_gives_way_to_a_whole_one(cache, model, damaged):
    place = bring(cache, model)
    (place / damaged).unlink()
    assert bring(cache, model) == place
    assert verify_checksums(place) == place.name


def test_a_damaged_model_is_taken_away_and_a_whole_one_stays(cache, model):
    place = bring(cache, model)
    assert not cache.discard(place.name)  # as where another process mended it meanwhile
    assert verify_checksums(place) == place.name
    (place / "model.onnx").unlink()
    assert cache.discard(place.name)
    assert cache.discard(place.name)
    assert list_files(cache.folder) == []


@pytest.mark.parametrize("stands", ["a file", "a link to a folder", "a link that leads nowhere"])
def test_what_is_no_model_in_the_place_of_one_gives_way(cache, model, tmp_path, stands):
    place = cache.folder / "models" / hash_file(model / "SHA256SUMS")[:2] / hash_file(model / "SHA256SUMS")
    place.parent.mkdir(parents=True)
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "kept").write_text("")
    if stands == "a file":
        place.write_text("")
    else:
        place.symlink_to(tmp_path / ("elsewhere" if stands == "a link to a folder" else "nowhere"))
    assert bring(cache, model) == place
    assert verify_checksums(place) == place.name
    assert not place.is_symlink()
    assert list_files(tmp_path / "elsewhere") == ["kept"]
    assert list_files(cache.folder / "incoming") == []


@pytest.mark.parametrize("levels", [1, 2])
def test_a_file_in_the_place_of_a_folder_of_models_gives_way(cache, model, levels):
    digest = hash_file(model / "SHA256SUMS")
    path = cache.folder / "models" if levels == 1 else cache.folder / "models" / digest[:2]
    path.parent.mkdir(parents=True)
    path.write_text("")
    assert cache.find(digest) is None
    assert verify_checksums(bring(cache, model)) == digest


def test_a_link_to_another_disk_that_is_not_there_stays(cache, model, tmp_path):
    cache.folder.mkdir()
    (cache.folder / "models").symlink_to(tmp_path / "disk")
    with pytest.raises(OutputError, match="can't be written: File exists"):
        bring(cache, model)
    (tmp_path / "disk").mkdir()
    assert verify_checksums(bring(cache, model))


def refuse(path, *_):
    raise PermissionError(13, "Permission denied", str(path))


def test_a_damaged_model_that_is_somebody_elses_is_told(cache, model, monkeypatch):
    place = bring(cache, model)
    (place / "model.onnx").unlink()
    monkeypatch.setattr(Path, "rename", refuse)
    with pytest.raises(OutputError, match=rf"{place}: is damaged and can't be taken away: Permission denied; ask"):
        cache.discard(place.name)


def test_a_cache_that_may_not_be_looked_at_is_told(cache, monkeypatch):
    monkeypatch.setattr(Path, "is_file", refuse)
    with pytest.raises(OutputError, match=r"5555: can't be read: Permission denied"):
        cache.find("5" * 64)
    monkeypatch.setattr(Path, "iterdir", refuse)
    assert cache.sweep(0) == 0


def test_work_that_breaks_off_leaves_nothing_incoming(cache):
    def break_off():
        with cache.open_incoming("5" * 64) as incoming:
            (incoming / "model.onnx").write_text("half")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        break_off()
    assert list(cache.folder.glob("incoming/*")) == []


def test_a_part_is_kept_for_the_next_one(cache):
    with cache.claim_part("a") as part:
        part.write_text("half")
    with cache.claim_part("a") as part:
        assert part.read_text() == "half"
        part.unlink()
    assert list_files(cache.folder) == []


def test_a_part_that_was_let_go_is_not_copied(cache):
    with cache.claim_part("a") as part:
        part.write_text("half")
        before = part.stat().st_ino
    with cache.claim_part("a") as part:
        assert part.stat().st_ino == before


def test_who_lets_less_go_leaves_what_another_one_let_go(cache):
    with cache.claim_part("a") as longer, cache.claim_part("a") as shorter:
        longer.write_text("abcdef")
        shorter.write_text("abc")
        longer.rename(cache.folder / "partial" / "a.part")
    with cache.claim_part("a") as part:
        assert part.read_text() == "abcdef"


def test_a_part_that_can_not_be_let_go_is_no_fault(cache, monkeypatch):
    with cache.claim_part("a") as part:
        part.write_text("half")
        monkeypatch.setattr(Path, "replace", refuse)
    assert part.read_text() == "half"


def test_of_several_parts_the_longest_is_gone_on_with(cache):
    (cache.folder / "partial").mkdir(parents=True)
    for process, text in (("part", "abc"), (f"{cache_module._host()}-999999999-00", "abcdef"), ("gone-12-34", "abcd")):
        path = cache.folder / "partial" / f"a.{process}"
        path.write_text(text)
        os.utime(path, (0, 0))
    with cache.claim_part("a") as part:
        assert part.read_text() == "abcdef"
        assert list_files(cache.folder) == [f"partial/{part.name}"]


@pytest.mark.parametrize("where", ["here", "elsewhere"])
def test_a_part_that_another_one_may_be_writing_is_left_alone(cache, where):
    process = f"{cache_module._host()}-{os.getpid()}-00" if where == "here" else "elsewhere-12-34"
    theirs = cache.folder / "partial" / f"a.{process}"
    theirs.parent.mkdir(parents=True)
    theirs.write_text("theirs")
    with cache.claim_part("a") as part:
        assert not part.exists()
    assert theirs.read_text() == "theirs"


def test_a_part_is_copied_so_that_who_was_thought_dead_writes_elsewhere(cache):
    theirs = cache.folder / "partial" / "a.gone-12-34"
    theirs.parent.mkdir(parents=True)
    with theirs.open("w") as stream:
        stream.write("abc")
        stream.flush()
        os.utime(theirs, (0, 0))
        with cache.claim_part("a") as part:
            stream.write("def")
            stream.flush()
            assert part.read_text() == "abc"


def test_a_process_waits_for_another_one_that_fetches_the_same(cache, model):
    digest = hash_file(model / "SHA256SUMS")
    told, order = [], []

    def fetch_elsewhere():
        with cache.wait_for_others(digest, told.append):
            order.append("waited")
            assert cache.find(digest) is not None

    with cache.wait_for_others(digest, told.append):
        thread = threading.Thread(target=fetch_elsewhere)
        thread.start()
        while not told:
            time.sleep(0.01)
        order.append("fetched")
        bring(cache, model)
    thread.join()
    assert order == ["fetched", "waited"]
    assert told == ["another process fetches it; waiting"]
    assert list(cache.folder.glob("incoming/*")) == []


def test_a_process_that_brings_nothing_is_not_waited_for_for_ever(cache, monkeypatch):
    monkeypatch.setattr(turns, "PATIENCE", 0.0)
    told = []
    with cache.wait_for_others("5" * 64, told.append), cache.wait_for_others("5" * 64, told.append):
        pass
    assert told == ["another process fetches it; waiting", "no sign of life from it for 0 s; fetching it here"]


def wait_until(is_so):
    for _ in range(20_000):
        if is_so():
            return
        time.sleep(0.001)
    raise AssertionError("it never was")


def test_who_fetches_shows_life_by_its_lock_and_by_each_part_that_it_has(cache, monkeypatch):
    monkeypatch.setattr(turns, "_BEAT", 0.001)
    with cache.wait_for_others("5" * 64, print), cache.claim_part("a") as part:
        part.write_text("whole")
        for path in (part, cache.folder / "incoming" / f"{'5' * 64}.lock"):
            os.utime(path, (0, 0))
            wait_until(lambda path=path: path.stat().st_mtime > 0)


def test_what_broken_runs_left_is_swept_when_nobody_touched_it_for_long(cache, model):
    place = bring(cache, model)
    for path in ("incoming/x.1/a/b", "incoming/x.lock", "partial/x.part", "partial/y.part"):
        (cache.folder / path).parent.mkdir(parents=True, exist_ok=True)
        (cache.folder / path).write_text("left")
    for path in (cache.folder / "incoming" / "x.1").rglob("*"):
        os.utime(path, (0, 0))
    for path in ("incoming/x.1", "incoming/x.lock", "partial/x.part"):
        os.utime(cache.folder / path, (0, 0))
    assert cache.sweep(60) == 3
    assert list_files(cache.folder / "partial") == ["y.part"]
    assert list_files(cache.folder / "incoming") == []
    assert verify_checksums(place) == place.name


def test_what_the_disk_has_no_room_for_is_not_begun(cache, monkeypatch):
    monkeypatch.setattr(cache_module.shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(2000, 1000, 1000))
    cache.check_room(900)
    with pytest.raises(OutputError, match=r"home: 1,100 bytes are needed, 1,000 are free; make room"):
        cache.check_room(1000)


def test_what_came_of_a_model_needs_no_room_again(cache, monkeypatch):
    monkeypatch.setattr(cache_module.shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(2000, 1000, 1000))
    with cache.claim_part("a") as part:
        part.write_text("a" * 100)
    cache.check_room(1000)
    with pytest.raises(OutputError, match=r"home: 1,001 bytes are needed, 1,000 are free"):
        cache.check_room(1001)


def test_a_folder_that_can_not_be_made_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match=r"file.*: can't be made: .*; set ZOO_HOME to a folder that you may write"):
        Cache(tmp_path / "file").check_room(1)
