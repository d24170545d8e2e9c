import pytest

from zoo.cli import main


@pytest.fixture(autouse=True)
def in_an_empty_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def test_a_scorer_can_be_tested_at_once(capsys, tmp_path):
    assert main(["new-plugin", "no-such-plugin", "--kind", "scorer"]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "zoo-no-such-plugin: a package to fill in; next:",
        "  cd zoo-no-such-plugin",
        "  pip install -e '.[dev]'",
        "  zoo plugins",
        "  python -m pytest",
    ]
    assert (tmp_path / "zoo-no-such-plugin" / "zoo_no_such_plugin" / "scorer.py").is_file()


def test_an_architecture_is_made_by_default_and_can_be_trained(capsys, tmp_path):
    assert main(["new-plugin", "no-such-plugin", "-o", "my plugin"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert (lines[1], lines[-1]) == ("  cd 'my plugin'", "  zoo train recipe.yaml -o model")
    assert (tmp_path / "my plugin" / "zoo_no_such_plugin" / "architecture.py").is_file()


def test_several_kinds_are_made_together(tmp_path):
    assert main(["new-plugin", "no-such-plugin", "--kind", "scorer", "--kind", "loader"]) == 0
    made = {path.name for path in (tmp_path / "zoo-no-such-plugin" / "zoo_no_such_plugin").iterdir()}
    assert made == {"__init__.py", "py.typed", "loader.py", "scorer.py"}


@pytest.mark.parametrize(
    ("arguments", "status", "message"),
    [
        (["No Such"], 1, "zoo: error: a plugin's name: expected up to 40 lower-case letters"),
        (["difference", "--kind", "scorer"], 1, "zoo: error: scorer 'difference' is offered by 'assayzoo:scorers'"),
        (["x", "--kind", "model"], 2, "'model' is not one of"),
        ([], 2, "Missing argument"),
        (["x", "-o", "."], 1, "zoo: error: .: expected a folder to be made, found that it exists"),
    ],
)
def test_what_is_wrong_is_told_and_nothing_is_written(capsys, tmp_path, arguments, status, message):
    assert main(["new-plugin", *arguments]) == status
    assert message in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []
