import shutil
import sys
from pathlib import Path

import pytest
import yaml

pytest.importorskip("tensorflow")
pytest.importorskip("optuna")

from zoo.cli import main
from zoo.cli.tune import EXAMPLE
from zoo.training.network.history import Epoch, Fit
from zoo.training.search import trials as search

pytestmark = pytest.mark.training

EXAMPLES = Path(__file__).resolve().parents[2] / "examples" / "recipes"
RANGES = """
# What to search.
tune:
  training.learning_rate: {low: 1.0e-3, high: 1.0e-1, log: true}
  architecture.config.convolutions.0.filters: {choices: [8, 16]}
"""


@pytest.fixture
def recipe(tmp_path):
    """The example recipe with ranges, and its data, in a folder that may be written."""
    shutil.copytree(EXAMPLES, tmp_path / "recipes")
    path = tmp_path / "recipes" / "planted_motif.yaml"
    path.write_text(path.read_text(encoding="utf-8") + RANGES, encoding="utf-8")
    return path


@pytest.fixture
def trained(monkeypatch):
    """Put in place of training what finds the loss to be the learning rate; fails where ``fails`` is set."""
    told = {"fails": False}

    def train_networks(plan, space, threads, progress, **options):
        if told["fails"]:
            raise search.TrainingError("it fails")
        rate = plan.recipe.training.learning_rate
        epoch = Epoch(1, 1.0, rate, rate, rate, 0.1)
        progress.start(1, 1)
        progress.report(epoch, monitor="loss", is_best=True)
        return [], (Fit((epoch,), epoch),), ()

    monkeypatch.setattr(search, "train_networks", train_networks)
    return told


def test_the_best_recipe_is_printed_and_the_trials_beside_it(recipe, capsys):
    text = recipe.read_text(encoding="utf-8").replace("epochs: 12", "epochs: 2")
    recipe.write_text(text, encoding="utf-8")

    status = main(["tune", str(recipe), "--trials", "2", "--threads", "2"])

    printed = capsys.readouterr()
    assert status == 0, printed.err
    header, *rows, last = (line.split("\t") for line in printed.err.splitlines())
    assert header == ["trial", "state", "loss", "epochs", "seconds", *yaml.safe_load(RANGES)["tune"]]
    assert [row[:2] for row in rows] == [["1", "complete"], ["2", "complete"]]
    assert rows[0][5:] == ["0.02", "16"]
    best = min(rows, key=lambda row: float(row[2]))
    assert last == [f"best: trial {best[0]}, loss {best[2]}; the recipe as it was: {rows[0][2]}"]
    tuned = yaml.safe_load(printed.out)
    assert f"{tuned['training']['learning_rate']:.4g}" == best[5]
    lines = [line for line in printed.out.splitlines() if line not in text.splitlines()]
    assert all("learning_rate" in line or "filters" in line for line in lines)


def test_the_best_recipe_is_written_where_it_is_wanted(recipe, trained, tmp_path, capsys):
    best = tmp_path / "best.yaml"

    assert main(["tune", str(recipe), "--trials", "3", "-o", str(best), "--seed", "9"]) == 0

    assert capsys.readouterr().out == ""
    written = yaml.safe_load(best.read_text(encoding="utf-8"))
    assert "tune" not in written
    assert written["seed"] == 9


def test_the_recipe_itself_is_not_overwritten(recipe, trained, capsys):
    before = recipe.read_bytes()

    assert main(["tune", str(recipe), "--trials", "1", "-o", str(recipe)]) == 1

    assert "the output is the input" in capsys.readouterr().err
    assert recipe.read_bytes() == before


def test_each_trial_is_told_at_a_terminal(recipe, trained, capsys, monkeypatch):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)

    assert main(["tune", str(recipe), "--trials", "2"]) == 0

    lines = capsys.readouterr().err.splitlines()
    assert lines[0] == "trial 1/2: 0.02, best 0.02 (trial 1)"
    assert lines[1].startswith("trial 2/2: ")


def test_where_all_trials_fail_nothing_is_written(recipe, trained, tmp_path, capsys):
    trained["fails"] = True

    assert main(["tune", str(recipe), "--trials", "2", "-o", str(tmp_path / "best.yaml")]) == 1

    lines = capsys.readouterr().err.splitlines()
    assert lines[:2] == ["zoo: trial 1/2 failed: it fails", "zoo: trial 2/2 failed: it fails"]
    assert lines[2].endswith("tune: all of 2 trials failed; the last: it fails")
    assert [path.name for path in tmp_path.iterdir()] == ["recipes"]


def test_a_search_goes_on_from_its_study(recipe, trained, tmp_path, capsys):
    command = ["tune", str(recipe), "--study", str(tmp_path / "study.log"), "--trials"]
    assert main([*command, "2"]) == 0
    capsys.readouterr()

    assert main([*command, "3"]) == 0

    assert len(capsys.readouterr().err.splitlines()) == 1 + 3 + 1


def test_a_recipe_without_ranges_is_one_line_and_status_one(capsys):
    assert main(["tune", str(EXAMPLES / "planted_motif.yaml"), "--trials", "2"]) == 1

    (line,) = capsys.readouterr().err.splitlines()
    assert "tune is missing: expected the ranges to search, such as tune: {training.learning_rate:" in line


def test_the_help_has_an_example(capsys):
    assert main(["tune", "--help"]) == 0

    assert EXAMPLE in capsys.readouterr().out
