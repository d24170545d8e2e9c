import json
import re

import pytest
import yaml

from zoo.cli import main
from zoo.model.benchmarks import Benchmarks, write_benchmarks
from zoo.model.checksums import verify_checksums
from zoo.publishing.registering import register
from zoo.testing.models import CARD, make_base_at_anchor_graph, write_model_folder


@pytest.fixture
def registry(tmp_path, monkeypatch):
    """A registry of two versions of one model, the older withdrawn."""
    path = tmp_path / "registry.yaml"
    for version in ("0.9.0", "1.0.0"):
        folder = tmp_path / "models" / "g-at-anchor" / version
        metrics = {
            "test": {"g": {"n": 20, "auroc": 0.98765432, "auroc_interval": [0.5, 1.0], "baseline": {"name": "words"}}}
        }
        register(
            write_model_folder(folder, make_base_at_anchor_graph(), {"version": version, "metrics": metrics}), path
        )
    document = yaml.safe_load(path.read_text())
    document["models"]["g-at-anchor"]["versions"]["0.9.0"]["yanked"] = "wrong anchor"
    path.write_text(yaml.safe_dump(document))
    monkeypatch.setenv("ZOO_REGISTRY", str(path))
    return path


def test_list_shows_the_latest_version_of_each_model(registry, capsys):
    assert main(["list"]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "name\tversion\tassay\tbiosample\tgenome\tsummary",
        f"g-at-anchor\t1.0.0\tnone\t\t\t{CARD['summary']}",
    ]


def test_list_all_shows_withdrawn_versions_as_such(registry, capsys):
    assert main(["list", "--all"]) == 0
    versions = [line.split("\t")[1] for line in capsys.readouterr().out.splitlines()[1:]]
    assert versions == ["0.9.0 (withdrawn)", "1.0.0"]


def test_list_json_holds_the_hash(registry, capsys):
    assert main(["list", "--json"]) == 0
    (row,) = json.loads(capsys.readouterr().out)
    folder = registry.parent / row["url"]
    assert (row["name"], row["version"], row["latest"]) == ("g-at-anchor", "1.0.0", True)
    assert row["sha256sums"] == verify_checksums(folder)


def test_info_shows_the_card_its_metrics_limitations_size_and_digest(registry, capsys):
    assert main(["info", "g-at-anchor"]) == 0
    shown = capsys.readouterr().out
    folder = registry.parent / "models" / "g-at-anchor" / "1.0.0"
    assert shown.startswith(f"g-at-anchor@1.0.0: {CARD['summary']}\n")
    fields = dict(re.split(r"\s{2,}", line.strip(), maxsplit=1) for line in shown.splitlines()[1:])
    assert fields["window"] == "9 bases, a variant's first base at 4 (0-based)"
    metrics = [re.split(r"\s{2,}", line.strip())[1] for line in shown.splitlines() if "test metrics" in line]
    assert metrics == ["g: n 20, auroc 0.9877 [0.5, 1]", "g, baseline: name words"]
    assert fields["limitations"] == CARD["limitations"]
    assert fields["size"] == f"{sum(path.stat().st_size for path in folder.iterdir()):,} bytes"
    assert fields["digest"] == verify_checksums(folder)


def test_info_prints_no_letter_that_moves_the_cursor(tmp_path, capsys):
    texts = {"summary": "a\x1b[2Jb", "limitations": "c\x1b]0;d\x07 \x9b2J\n\te"}
    folder = write_model_folder(tmp_path / "m", make_base_at_anchor_graph(), texts)
    assert main(["info", str(folder)]) == 0
    shown = capsys.readouterr().out
    assert shown.replace("\n", "").isprintable()
    assert r"g-at-anchor@1.0.0: a\x1b[2Jb" in shown
    assert r"c\x1b]0;d\x07 \x9b2J e" in shown


def write_measured(folder, digest=None):
    row = {"effects": "asb", "track": "g", "scorer": "difference", "windows": "centred"}
    rows = [
        {**row, "part": "all", "n": 1200, "figures": {"pearson": {"value": 0.5}, "sign": {"value": None}}},
        {**row, "part": "chr8", "n": 2, "figures": {"pearson": {"value": None}}},
        {**row, "part": "all", "n": 3, "figures": {"pearson": {"value": 0.1}}, "scorer": "logit_difference"},
        {**row, "effects": "elements", "part": "F9", "n": 9, "figures": {"spearman": {"value": 0.251}}},
        {**row, "effects": "elements", "part": "LDLR", "n": 9, "figures": {"spearman": {"value": None}}},
    ]
    document = {"name": "g-at-anchor", "version": "1.0.0", "digest": digest or verify_checksums(folder)}
    write_benchmarks(Benchmarks.model_validate({**document, "benchmarks": rows}), folder)


def test_info_shows_the_measured_effects_by_the_scorer_of_the_card(registry, capsys):
    write_measured(registry.parent / "models" / "g-at-anchor" / "1.0.0")
    assert main(["info", "g-at-anchor"]) == 0
    lines = [line for line in capsys.readouterr().out.splitlines() if "measured effects" in line]
    assert [line.split("  ", 2)[2].strip() for line in lines] == [
        "asb, g, windows centred: pearson 0.50, sign undefined (n 1,200)",
        "elements, g, windows centred: spearman F9 0.25, LDLR undefined",
    ]


def test_info_json_holds_the_measured_effects_by_every_scorer(registry, capsys):
    write_measured(registry.parent / "models" / "g-at-anchor" / "1.0.0")
    assert main(["info", "g-at-anchor", "--json"]) == 0
    assert [row["n"] for row in json.loads(capsys.readouterr().out)["benchmarks"]] == [1200, 2, 3, 9, 9]


def test_info_refuses_measured_effects_of_other_bytes(g_at_anchor_folder, capsys):
    write_measured(g_at_anchor_folder, "0" * 64)
    assert main(["info", str(g_at_anchor_folder)]) == 1
    assert re.match(r"zoo: error: .*g-at-anchor\.benchmarks\.yaml: expected .*\n$", capsys.readouterr().err)


def test_info_json_holds_the_whole_card(g_at_anchor_folder, capsys):
    assert main(["info", str(g_at_anchor_folder), "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["card"]["window"]["anchor"] == 4
    assert document["benchmarks"] is None
    assert document["digest"] == verify_checksums(g_at_anchor_folder)


def test_info_of_a_changed_folder_is_an_error(g_at_anchor_folder, capsys):
    (g_at_anchor_folder / "example.json").write_text("{}")
    assert main(["info", str(g_at_anchor_folder)]) == 1
    assert re.match(r"zoo: error: .*example\.json: expected sha256 .*\n$", capsys.readouterr().err)


@pytest.mark.parametrize("by", ["name", "folder"])
def test_test_recomputes_the_example(registry, g_at_anchor_folder, capsys, by):
    assert main(["test", "g-at-anchor@1.0.0" if by == "name" else str(g_at_anchor_folder), "--threads", "1"]) == 0
    expected = (
        "g-at-anchor@1.0.0: passed on cpu: 8 sequences, largest difference 0 of the largest prediction, 1e-05 allowed\n"
    )
    assert capsys.readouterr().out == expected


def test_the_help_of_test_says_why_it_runs_on_the_cpu(capsys):
    assert main(["test", "--help"]) == 0
    assert "where the example was written" in " ".join(capsys.readouterr().out.replace("│", " ").split())


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["test", "g-at-ancor"], r"no model 'g-at-ancor' in .*; did you mean 'g-at-anchor'\?"),
        (["info", "g-at-anchor@2.0.0"], r"no version '2\.0\.0' of model 'g-at-anchor'; did you mean '1\.0\.0'\?"),
        (["test", "g-at-anchor", "--device", "cud"], r"no device 'cud'; did you mean 'cuda'\?"),
        (["info", "./nowhere"], r"\./nowhere: no model folder there"),
    ],
)
def test_an_unknown_model_or_device_is_one_line(registry, capsys, arguments, message):
    assert main(arguments) == 1
    error = capsys.readouterr().err
    assert re.match(rf"^zoo: error: {message}", error)
    assert error.count("\n") == 1
