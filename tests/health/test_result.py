import json

import pytest

from zoo.health.devices import Devices
from zoo.health.result import Health, Row


def make_health(*states):
    rows = tuple(Row(f"model{number}", "", "", "cpu", state) for number, state in enumerate(states))
    return Health("2026-01-02T03:04:05+00:00", {"python": "3.11"}, Devices(("cpu",)), rows)


@pytest.mark.parametrize(
    ("states", "message", "color"),
    [
        (("passed", "passed"), "2 of 2", "brightgreen"),
        (("passed", "unsafe"), "1 of 2", "orange"),
        (("failed", "unreachable"), "0 of 2", "red"),
        ((), "0 of 0", "lightgrey"),
    ],
)
def test_the_badge_counts_the_models_that_passed(states, message, color):
    assert make_health(*states).as_badge() == {
        "schemaVersion": 1, "label": "models", "message": message, "color": color,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("states", "sound"), [(("passed", "passed"), True), (("passed", "failed"), False), ((), False)]
)
def test_it_is_sound_where_there_are_models_and_all_of_them_passed(states, sound):
    assert make_health(*states).sound == sound


def test_the_document_is_json_and_holds_every_row():
    document = json.loads(json.dumps(make_health("passed", "failed").as_dict(), allow_nan=False))
    assert document["schema_version"] == 1
    assert (document["made"], document["versions"]) == ("2026-01-02T03:04:05+00:00", {"python": "3.11"})
    assert set(document["rows"][0]) == {
        "model", "digest", "registry", "device", "state", "largest_difference", "tolerance", "seconds", "signer",
        "error",
    }  # fmt: skip
    assert [row["state"] for row in document["rows"]] == ["passed", "failed"]
