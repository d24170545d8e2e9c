"""What a model does to its own process is no matter of the check's."""

import pytest

from zoo.health import check as checking
from zoo.health.check import check
from zoo.health.devices import Devices

MISHAPS = """
import os, time

def verify(folder, device, threads):
    if "hanging" in folder:
        time.sleep(60)
    if "crashing" in folder:
        os._exit(7)
    return {"device": device, "largest_difference": 0.0, "tolerance": 1e-5}
"""


@pytest.fixture
def mishaps(tmp_path, monkeypatch):
    """Have models hang or crash as they are named."""
    (tmp_path / "mishaps.py").write_text(MISHAPS)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.setattr(checking, "_TASK", "mishaps:verify")
    monkeypatch.setattr(checking, "choose_devices", lambda names: Devices(("cpu",)))


def test_a_model_whose_process_hangs_or_crashes_fails_alone(publish, mishaps):
    for name in ("crashing", "hanging", "sound"):
        publish(name)
    health = check(["crashing", "hanging", "sound"], limit=5)
    assert [row.state for row in health.rows] == ["failed", "failed", "passed"]
    assert health.rows[0].error == "its process ended with status 7 and no answer"
    assert health.rows[1].error == "no answer within 5 s; its process was ended"


def test_a_model_is_verified_in_a_process_of_its_own_on_the_device_that_was_chosen(g_at_anchor_folder):
    (row,) = check([g_at_anchor_folder], ["cpu"], threads=1).rows
    assert (row.device, row.state, row.largest_difference) == ("cpu", "passed", 0.0)
