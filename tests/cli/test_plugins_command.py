import json

import pytest

from zoo.announcements import EntryPoint, show_version
from zoo.cli import main
from zoo.plugins import Plugins, discover, load_plugins


@pytest.fixture
def one_failed_plugin(monkeypatch):
    def load():
        raise ImportError("No module named 'torch'")

    failed = load_plugins([EntryPoint("broken", "broken-package", "0.1", load)])
    found = Plugins(discover().components, failed.failures)
    monkeypatch.setattr("zoo.plugins.discover", lambda: found)


def test_json_holds_components_and_failures(capsys, one_failed_plugin):
    assert main(["plugins", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["api_version"] == show_version()
    scorer = next(row for row in document["components"] if row["name"] == "weighted_difference")
    assert scorer["kind"] == "scorer"
    assert (scorer["plugin"], scorer["distribution"]) == ("assayzoo:scorers", "assayzoo")
    assert scorer["source"] == "doi:10.1038/nbt.3300"
    assert document["failures"] == [
        {
            "plugin": "broken-package:broken",
            "distribution": "broken-package",
            "version": "0.1",
            "error": "ImportError: No module named 'torch'",
        }
    ]


def test_the_table_has_a_row_a_component_and_tells_what_failed(capsys, one_failed_plugin):
    assert main(["plugins"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split("\t") == ["kind", "name", "distribution", "version", "summary", "source"]
    assert sum(line.startswith("scorer\tdifference\tassayzoo\t") for line in lines) == 1
    assert lines[-1] == "failed: broken-package:broken: ImportError: No module named 'torch'"


def test_a_reader_at_a_terminal_gets_a_table(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    assert main(["plugins"]) == 0
    shown = capsys.readouterr().out
    assert "\t" not in shown
    assert "weighted_difference" in shown
