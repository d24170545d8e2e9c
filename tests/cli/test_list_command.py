"""``zoo list`` prints what is found: a table, lines for programs, or JSON."""

import json

import pytest

from tests.registry.made_indexes import make_text
from zoo.cli import list_models, main, tables

SUMMARY = "Is CTCF bound?"


@pytest.fixture
def path(tmp_path, monkeypatch):
    path = tmp_path / "registry.yaml"
    path.write_text(
        make_text(
            a_ctcf={
                "assay": "TF ChIP-seq",
                "biosample": "K562",
                "organism": "Homo sapiens",
                "summary": SUMMARY,
                "metrics": {"auroc": 0.9876543},
            },
            b_ctcf={"assay": "TF ChIP-seq", "genome": "hg19", "summary": SUMMARY, "metrics": {"auroc": 0.99}},
            c_mpra={"assay": "MPRA", "organism": "Saccharomyces cerevisiae", "summary": "one\ntwo\x1b[31m red"},
        )
    )
    monkeypatch.setenv("ZOO_REGISTRY", str(path))
    return path


def list_lines(capsys, *arguments):
    assert main(["list", *arguments]) == 0
    return [line.split("\t") for line in capsys.readouterr().out.splitlines()]


def test_what_is_new_stands_behind_the_six_columns_of_before(path, capsys):
    six = ["name", "version", "assay", "biosample", "genome", "summary"]
    assert list_lines(capsys)[0] == six
    assert list_lines(capsys, "--sort", "auroc") == [
        [*six, "auroc"],
        ["b-ctcf", "1.0.0", "TF ChIP-seq", "", "hg19", SUMMARY, "0.99"],
        ["a-ctcf", "1.0.0", "TF ChIP-seq", "K562", "", SUMMARY, "0.9877"],
        ["c-mpra", "1.0.0", "MPRA", "", "", "one two\\x1b[31m red", ""],
    ]
    assert [row[-1] for row in list_lines(capsys, "--sort", "organism")] == [
        "organism", "Homo sapiens", "Saccharomyces cerevisiae", ""]  # fmt: skip
    assert list_lines(capsys, "--sort", "biosample")[0] == six


@pytest.mark.parametrize(
    ("arguments", "names"),
    [
        (["--assay", "CTCF", "--biosample", "k562", "--organism", "human"], ["a-ctcf"]),
        (["--genome", "GRCh37"], ["b-ctcf"]),
        (["bound", "hg"], ["b-ctcf"]),
        (["--assay", "MPRA", "--genome", "hg19"], []),
    ],
)
def test_options_and_words_narrow_the_list(path, capsys, arguments, names):
    assert [row[0] for row in list_lines(capsys, *arguments)[1:]] == names
    assert main(["list", "--json", *arguments]) == 0
    assert [row["name"] for row in json.loads(capsys.readouterr().out)] == names


def test_json_has_every_field_of_every_model_the_empty_ones_too(path, capsys):
    assert main(["list", "--json"]) == 0
    first, *_, last = json.loads(capsys.readouterr().out)
    assert list(first) == list(last)
    assert (first["registry"], first["metrics"], first["aliases"]) == (str(path), {"auroc": 0.9876543}, [])
    assert (first["sha256sums"], first["yanked"], last["tracks"]) == ("a" * 64, None, [])


def test_many_models_are_the_same_json_with_a_line_for_each(path, capsys, monkeypatch):
    assert main(["list", "--json"]) == 0
    before = capsys.readouterr().out
    monkeypatch.setattr(tables, "_MANY", 2)
    assert main(["list", "--json"]) == 0
    after = capsys.readouterr().out
    assert json.loads(after) == json.loads(before)
    assert len(after.splitlines()) == 3 + 2


def test_a_word_that_no_model_has_is_one_line_and_an_error(path, capsys):
    assert main(["list", "--assay", "CTFC"]) == 1
    assert capsys.readouterr() == (
        "",
        f"zoo: error: no model in {path} has assay 'CTFC'; did you mean 'ctcf'?\n",
    )


def test_the_column_of_registries_is_there_where_several_are_asked(path, capsys, monkeypatch, tmp_path):
    from zoo.registry.sources import Source, add_source

    monkeypatch.setenv("ZOO_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("ZOO_REGISTRY")
    add_source(Source(name="lab", url=str(path)))
    rows = list_lines(capsys, "ctcf", "--sort", "auroc")
    assert rows[0][6:] == ["registry", "auroc"]
    assert {row[6] for row in rows[1:]} == {"assayzoo", "lab"}
    assert [row[0] for row in list_lines(capsys, "--registry", "lab")] == ["name", "a-ctcf", "b-ctcf", "c-mpra"]


def test_a_terminal_gets_the_first_of_very_many_and_is_told(path, capsys, monkeypatch):
    monkeypatch.setattr(list_models, "_MOST_AT_TERMINAL", 2)
    assert [row[0] for row in list_lines(capsys)[1:]] == ["a-ctcf", "b-ctcf", "c-mpra"]  # a program gets all
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    monkeypatch.setenv("COLUMNS", "150")
    assert main(["list"]) == 0
    shown = capsys.readouterr().out
    assert "b-ctcf" in shown
    assert "c-mpra" not in shown
    assert shown.endswith("and 1 more: say what you look for (zoo list --help), or list to a file\n")


def test_nothing_that_a_stranger_wrote_moves_the_cursor(path, capsys, monkeypatch):
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    monkeypatch.setenv("COLUMNS", "150")
    assert main(["list", "mpra"]) == 0
    assert "\\x1b[31m red" in capsys.readouterr().out
