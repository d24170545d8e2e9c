"""Publications that are killed, and publications at once: readers see the old state or the new one."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from zoo.registry.index import read_registry
from zoo.registry.index_file import is_index_of

ROOT = Path(__file__).resolve().parents[2]

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="this system can't fork")


def run_publishers(mode, folder):
    command = [sys.executable, "-m", "tests.publishing.publishers", mode, str(folder)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_a_publication_killed_at_any_step_is_seen_whole_or_not_at_all_and_can_be_repeated(tmp_path):
    *killed, finished = run_publishers("kill", tmp_path)
    old = {"names": ["g-at-anchor@1.0.0"], "bare": "g-at-anchor@1.0.0"}
    new = {"names": ["g-at-anchor@1.0.0", "g-at-anchor@1.1.0"], "bare": "g-at-anchor@1.1.0"}
    assert all(row["killed"] for row in killed)
    assert not finished["killed"]
    states = [{name: row["seen"][name] for name in old} for row in killed]
    assert states == [old] * states.count(old) + [new] * states.count(new)  # in this order: once new, new for ever
    assert old in states
    assert new in states
    assert [row["again"] for row in [*killed, finished]] == [{**new, "indexed": True}] * (len(killed) + 1)


def test_eight_publishers_at_once_lose_no_entry(tmp_path):
    told = dict(run_publishers("race", tmp_path))
    assert len(told) == 8 * 5
    published = {version for version, conflict in told.items() if not conflict}
    assert set(read_registry(tmp_path / "store" / "registry.yaml").index.models["g-at-anchor"].versions) == published
    assert all("others changed it each of" in conflict for conflict in told.values() if conflict)
    assert len(published) > 8
    registry, index = ((tmp_path / "store" / name).read_bytes() for name in ("registry.yaml", "registry.index.jsonl"))
    assert is_index_of(index, registry)
