import json

import pytest

from zoo.apart import Answer
from zoo.cli import main
from zoo.health import check as checking
from zoo.health.devices import Devices
from zoo.model.folder import load_folder
from zoo.testing.models import make_base_at_anchor_graph, write_model_folder


@pytest.fixture(autouse=True)
def in_this_process(monkeypatch):
    """Examine and verify without a process for each model, which takes a second; and on the CPU alone."""
    monkeypatch.setattr(checking, "run_apart", lambda task, arguments, limit: Answer(checking.verify(*arguments)))
    monkeypatch.setattr(checking, "examine", load_folder)
    monkeypatch.setattr(checking, "choose_devices", lambda names: Devices(("cpu",), {"cuda": "no driver"}))


@pytest.fixture
def broken_folder(tmp_path):
    folder = write_model_folder(tmp_path / "broken", make_base_at_anchor_graph())
    (folder / "model.yaml").write_text("")
    return folder


def test_models_that_pass_are_a_table_and_status_0(g_at_anchor_folder, capsys):
    assert main(["check", str(g_at_anchor_folder), "--threads", "1"]) == 0
    shown = capsys.readouterr()
    assert shown.out.splitlines() == [
        "model\tdevice\tstate\tdifference\tallowed\tsigner\terror",
        f"{g_at_anchor_folder}\tcpu\tpassed\t0\t1e-05\t\t",
    ]
    assert shown.err.splitlines() == ["zoo: cuda was left out: no driver", "zoo: 1 of 1 models passed on cpu"]


def test_one_model_that_does_not_pass_is_status_1(g_at_anchor_folder, broken_folder, capsys):
    assert main(["check", str(broken_folder), str(g_at_anchor_folder)]) == 1
    shown = capsys.readouterr()
    assert [line.split("\t")[2] for line in shown.out.splitlines()] == ["state", "failed", "passed"]
    assert shown.err.endswith("zoo: 1 of 2 models passed on cpu\n")


def test_json_on_the_standard_output_stands_there_alone(g_at_anchor_folder, capfd):
    assert main(["check", str(g_at_anchor_folder), "--json", "-"]) == 0
    document = json.loads(capfd.readouterr().out)
    assert [row["state"] for row in document["rows"]] == ["passed"]
    assert document["absent_devices"] == {"cuda": "no driver"}


def test_page_badge_and_document_are_written(g_at_anchor_folder, tmp_path, capsys):
    names = [str(tmp_path / name) for name in ("check.json", "check.html", "badge.json")]
    arguments = [word for pair in zip(("--json", "--html", "--badge"), names, strict=True) for word in pair]
    assert main(["check", str(g_at_anchor_folder), *arguments]) == 0
    assert json.loads((tmp_path / "check.json").read_text())["rows"][0]["state"] == "passed"
    assert (tmp_path / "check.html").read_text().startswith("<!doctype html>")
    assert json.loads((tmp_path / "badge.json").read_text())["message"] == "1 of 1"
    assert capsys.readouterr().out.startswith("model\t")


def test_a_file_that_cannot_be_written_is_told_before_the_first_model(
    g_at_anchor_folder, tmp_path, capsys, monkeypatch
):
    monkeypatch.setattr(checking, "check", None)
    assert main(["check", str(g_at_anchor_folder), "--html", str(tmp_path / "none" / "page.html")]) == 1
    assert "there is no folder" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "found"), [([], "found neither"), (["primer", "--all"], "found --all beside primer")]
)
def test_either_names_or_all_are_given(arguments, found, capsys):
    assert main(["check", *arguments]) == 2
    assert f"expected the names of models, or --all; {found}" in " ".join(capsys.readouterr().err.split())


@pytest.mark.parametrize(("option", "start"), [("--html", "<!doctype html>"), ("--badge", '{"schemaVersion"')])
def test_a_page_or_badge_on_the_standard_output_stands_there_alone(g_at_anchor_folder, capfd, option, start):
    assert main(["check", str(g_at_anchor_folder), option, "-"]) == 0
    shown = capfd.readouterr().out
    assert shown.startswith(start)
    assert "model\tdevice" not in shown


def test_two_documents_on_one_standard_output_are_refused(capsys):
    assert main(["check", "primer", "--json", "-", "--html", "-"]) == 2
    assert "--json and --html would print on one standard output" in " ".join(capsys.readouterr().err.split())


def test_a_check_that_breaks_off_leaves_no_file(g_at_anchor_folder, tmp_path, monkeypatch, capsys):
    def interrupt(*arguments, **options):
        raise KeyboardInterrupt

    monkeypatch.setattr(checking, "check", interrupt)
    assert main(["check", str(g_at_anchor_folder), "--badge", str(tmp_path / "badge.json")]) == 130
    assert list(tmp_path.glob("badge.json*")) == []
