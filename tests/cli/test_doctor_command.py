import json

import pytest

from zoo.cli import main
from zoo.health.finding import Finding

FINDINGS = [
    Finding("onnxruntime", "ok", "onnxruntime 1.31.1"),
    Finding("cache", "warning", "1 broken download", "zoo doctor --clean"),
]
FAILURE = Finding("plugins", "failed", "no torch", "pip uninstall zoo-motif")


@pytest.fixture
def find(monkeypatch):
    def set_findings(*findings):
        monkeypatch.setattr("zoo.health.doctor.examine_installation", lambda: list(findings))

    return set_findings


def test_a_line_tells_area_state_what_was_found_and_how_to_mend_it(find, capsys):
    find(*FINDINGS)
    assert main(["doctor"]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "onnxruntime   ok       onnxruntime 1.31.1",
        "cache         warning  1 broken download → zoo doctor --clean",
    ]


def test_what_failed_makes_the_status_1(find, capsys):
    find(*FINDINGS, FAILURE)
    assert main(["doctor"]) == 1
    assert capsys.readouterr().out.endswith("plugins       failed   no torch → pip uninstall zoo-motif\n")


def test_json_holds_the_same(find, capsys):
    find(FAILURE)
    assert main(["doctor", "--json"]) == 1
    assert json.loads(capsys.readouterr().out) == [
        {"area": "plugins", "state": "failed", "found": "no torch", "mend": "pip uninstall zoo-motif"}
    ]


def test_the_cache_is_cleaned_first(find, capsys, monkeypatch):
    find(*FINDINGS)
    monkeypatch.setattr("zoo.health.surroundings.clean_cache", lambda: 3)
    assert main(["doctor", "--clean"]) == 0
    assert capsys.readouterr().err == "zoo: removed 3 files and folders from the cache\n"


def test_this_installation_is_examined(capsys, monkeypatch, tmp_path):
    monkeypatch.setenv("ZOO_HOME", str(tmp_path))
    main(["doctor", "--json"])
    areas = {finding["area"] for finding in json.loads(capsys.readouterr().out)}
    assert {"python", "packages", "onnxruntime", "devices", "plugins", "cache", "registries"} <= areas
