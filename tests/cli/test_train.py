import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

pytest.importorskip("tensorflow")

from zoo.cli import main
from zoo.cli.train import EXAMPLE

pytestmark = pytest.mark.training

EXAMPLES = Path(__file__).resolve().parents[2] / "examples" / "recipes"


@pytest.fixture
def recipe(tmp_path):
    """The example recipe and its data, in a folder that may be written."""
    shutil.copytree(EXAMPLES, tmp_path / "recipes")
    return tmp_path / "recipes" / "planted_motif.yaml"


def test_train_writes_a_model_and_prints_its_test_metrics(recipe, tmp_path, capsys):
    status = main(["train", str(recipe), "-o", str(tmp_path / "model"), "--threads", "2"])

    printed = capsys.readouterr()
    assert status == 0, printed.err
    header, row, (baseline,) = (line.split("\t") for line in printed.out.splitlines())
    assert header == ["test track", "n", "prevalence", "auroc", "auprc", "accuracy"]
    assert row[0] == "motif"
    assert float(row[3].split()[0]) > 0.9
    assert baseline.startswith("motif: kmer_logistic has auroc ")
    assert "parameters, best of" in printed.err
    assert (tmp_path / "model" / "model.onnx").exists()

    document = yaml.safe_load(recipe.read_text(encoding="utf-8"))
    document["training"]["start_from"] = str(tmp_path / "model")
    recipe.write_text(yaml.safe_dump(document), encoding="utf-8")
    assert main(["train", str(recipe), "--dry-run", "--threads", "2"]) == 0
    assert f"note: start_from {tmp_path / 'model'}: " in capsys.readouterr().out


def test_a_dry_run_tells_the_plan_and_trains_nothing(recipe, tmp_path, capsys):
    assert main(["train", str(recipe), "--dry-run", "--threads", "2"]) == 0

    printed = capsys.readouterr().out
    assert "planted-motif@1.0.0: multilayer_cnn\n" in printed
    assert "input sequence: (N, 40, 4)\noutput prediction: (N, 1) sigmoid, loss binary_crossentropy\n" in printed
    assert "network: 1,041 parameters, 1,009 of them learned" in printed
    assert "one step: loss 0." in printed
    assert "split by contig: train 800, validation 200, test 200" in printed
    assert sorted(path.name for path in tmp_path.iterdir()) == ["recipes"]


def test_without_an_output_nothing_is_trained(recipe, capsys):
    assert main(["train", str(recipe)]) == 2

    assert "name the model's folder" in capsys.readouterr().err


def test_a_wrong_recipe_is_one_line_and_status_one(recipe, tmp_path, capsys):
    recipe.write_text(recipe.read_text(encoding="utf-8").replace("seed:", "sed:"), encoding="utf-8")

    assert main(["train", str(recipe), "-o", str(tmp_path / "model")]) == 1

    (line,) = capsys.readouterr().err.splitlines()
    assert "planted_motif.yaml: " in line
    assert "unknown field 'sed'; did you mean 'seed'?" in line


def test_the_help_has_an_example(capsys):
    assert main(["train", "--help"]) == 0

    assert EXAMPLE in capsys.readouterr().out


def test_a_bar_is_drawn_on_a_terminal_and_the_seed_replaced(recipe, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)

    assert main(["train", str(recipe), "-o", str(tmp_path / "m"), "--seed", "5", "--threads", "2"]) == 0

    assert "seed: 5" in (tmp_path / "m" / "model.yaml").read_text(encoding="utf-8")
    assert "validation loss" in capsys.readouterr().err


def test_the_examples_data_are_what_their_script_makes(recipe):
    before = {path.name: path.read_bytes() for path in recipe.parent.glob("*.fa")}
    for name in before:
        (recipe.parent / name).unlink()

    subprocess.run([sys.executable, recipe.parent / "make_data.py"], check=True)

    assert {path.name: path.read_bytes() for path in recipe.parent.glob("*.fa")} == before
    assert len(before) == 2
