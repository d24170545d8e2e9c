"""A short run of the faults that benchmarks/FAULTS.md counts; it raises where anything is left half done."""

import os

import pytest

from benchmarks.faults import FULL, KILLED, SITES, Site, Steps, list_cases, measure
from zoo.testing.servers import Server

pytest.importorskip("onnxruntime")


def test_a_few_runs_at_a_folder_and_a_web_server_leave_nothing_half_done(tmp_path):
    tallies, models = measure(tmp_path, 5, 3, SITES[:2])
    assert sum(tally.ends.total() for tally in tallies.values()) == 5
    assert sum(tally.left.total() for tally in tallies.values()) == 5
    assert models == 2 * 2 + 5


def test_every_step_is_a_moment_before_and_one_behind(monkeypatch, tmp_path):
    struck = []
    monkeypatch.setattr("benchmarks.faults.os.kill", lambda process, number: struck.append(number))
    for strike in range(1, 5):
        steps = Steps(KILLED, strike)
        with monkeypatch.context() as patch:
            patch.setattr(os, "replace", os.replace)  # so that it is put back
            steps.watch(os, "replace", writes=True)
            for name in ("a", "b"):
                (tmp_path / "file").write_bytes(b"")
                (tmp_path / "file").replace(tmp_path / name)
        assert (steps.moments, steps.writes, len(struck)) == (4, 2, strike)


def test_a_full_disk_refuses_one_of_the_writes(monkeypatch, tmp_path):
    monkeypatch.setattr(os, "replace", os.replace)
    Steps(FULL, 2).watch(os, "replace", writes=True)
    for name in ("a", "b"):
        (tmp_path / name).write_bytes(b"")
    (tmp_path / "a").replace(tmp_path / "c")
    with pytest.raises(OSError, match="No space left on device"):
        (tmp_path / "b").replace(tmp_path / "d")


def test_each_site_has_its_faults(tmp_path):
    folder = list_cases(Site("folder", "", "", "", folder=tmp_path))
    web = list_cases(Site("web server", "", "", "", server=Server("")))
    bucket = list_cases(Site("S3", "", "", "", server=Server("")))
    assert len(folder) == 2 * 3
    assert {action for action, _ in web} == {"pull"}
    assert set(web) < set(bucket)
    assert ("publish", "done, and 500") in bucket
