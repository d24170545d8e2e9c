"""What ``zoo new-plugin`` writes is built and installed as it is, and does everything that a package of ours does."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.fresh_environment import make_fresh_environment, run
from zoo.announcements import show_version
from zoo.plugin_kit.naming import KINDS
from zoo.plugin_kit.new_plugin import write_plugin

ROOT = Path(__file__).resolve().parents[2]
NAME = "a-strangers-own-finder-of-motifs"
COMPONENT = NAME.replace("-", "_")
MODEL = f"{NAME}-example"
KEY = f"ZOO_{MODEL}".replace("-", "_").upper()
EXAMPLES = ROOT / "examples"

examples_needed = pytest.mark.skipif(not EXAMPLES.is_dir(), reason=f"{EXAMPLES} is not there")


@pytest.fixture(scope="module")
def package(tmp_path_factory):
    """A package of all three kinds."""
    return write_plugin(NAME, KINDS, tmp_path_factory.mktemp("made") / "package")


@pytest.fixture(scope="module")
def stranger(tmp_path_factory, package):
    """A fresh environment into which it was installed."""
    environment = make_fresh_environment(tmp_path_factory.mktemp("stranger") / "env")
    environment.install(package)
    return environment


@pytest.fixture(scope="module")
def model(stranger, package, tmp_path_factory):
    """A model that its recipe trained for one epoch."""
    pytest.importorskip("tensorflow", reason="training needs the extra `train`")
    folder = tmp_path_factory.mktemp("trained") / "model"
    recipe = package / "short.yaml"
    text = (package / "recipe.yaml").read_text()
    assert "epochs: 15" in text
    recipe.write_text(text.replace("epochs: 15", "epochs: 1"))
    stranger.zoo("train", str(recipe), "-o", str(folder))
    return folder


@pytest.mark.parametrize("kinds", [(kind,) for kind in KINDS] + [KINDS], ids="+".join)
@pytest.mark.parametrize("name", ["x", "m" * 40], ids=["short", "long"])
def test_what_is_made_passes_ruff(tmp_path, name, kinds):
    ruff = shutil.which("ruff", path=str(Path(sys.executable).parent)) or pytest.skip("needs ruff, of the extra `dev`")
    folder = write_plugin(name, kinds, tmp_path / "package")
    run([ruff, "check", "--no-cache", "."], cwd=folder)
    run([ruff, "format", "--no-cache", "--check", "."], cwd=folder)


def test_what_is_made_passes_mypy(package, tmp_path):
    pytest.importorskip("mypy", reason="needs mypy, of the extra `dev`")
    run([sys.executable, "-m", "mypy", "--cache-dir", str(tmp_path)], cwd=package)


def test_it_is_listed(stranger):
    document = json.loads(stranger.zoo("plugins", "--json"))
    assert document["failures"] == []
    found = {row["kind"]: row for row in document["components"] if row["name"] == COMPONENT}
    assert set(found) == {"architecture", "data loader", "scorer"}
    assert {row["distribution"] for row in found.values()} == {f"zoo-{NAME}"}


@pytest.mark.training
def test_its_own_tests_pass(stranger, package):
    pytest.importorskip("tensorflow", reason="building a network needs the extra `train`")
    printed = stranger.run("-P", "-m", "pytest", "-q", "-p", "no:cacheprovider", str(package / "tests"))
    assert "13 passed" in printed


@pytest.mark.training
def test_what_it_trains_is_a_model_of_its_own_components(stranger, model):
    card = json.loads(stranger.zoo("info", str(model), "--json"))["card"]
    assert (card["architecture"]["name"], card["data"]["loader"], card["scorer"]["name"]) == (COMPONENT,) * 3
    stranger.zoo("test", str(model))


def annotate(stranger, model, folder, more=None):
    """Annotate the example in a folder of its own; return the lines of the VCF."""
    folder.mkdir()
    shutil.copy(EXAMPLES / "genome.fa", folder)
    genome, output = str(folder / "genome.fa"), folder / "annotated.vcf"
    stranger.zoo("annotate", str(EXAMPLES / "variants.vcf"), "-f", genome, "-m", model, "-o", str(output), more=more)
    return output.read_text().splitlines()


@pytest.mark.training
@examples_needed
def test_its_model_annotates_with_its_scorer(stranger, model, tmp_path):
    lines = annotate(stranger, str(model), tmp_path / "work")
    assert any(line.startswith("##") and f"scorer {COMPONENT}" in line for line in lines)
    found = [re.search(rf"{KEY}=([^;\t]+)", line) for line in lines if not line.startswith("#")]
    scores = [float(score) for each in found if each for score in each[1].split(",") if score != "."]
    assert len(scores) == 80  # the alleles of the example that can be scored
    assert all(-1 <= score <= 1 for score in scores)
    assert any(scores)


@pytest.mark.training
@examples_needed
def test_its_model_is_published_and_annotates_the_same_for_who_pulls_it(stranger, model, tmp_path):
    stranger.zoo("publish", str(model), "--to", str(tmp_path / "store"))
    somebody = {"ZOO_HOME": str(tmp_path / "home"), "ZOO_REGISTRY": str(tmp_path / "store" / "registry.yaml")}
    pulled = annotate(stranger, MODEL, tmp_path / "there", somebody)
    made = annotate(stranger, str(model), tmp_path / "here")
    assert [line for line in pulled if line[0] != "#"] == [line for line in made if line[0] != "#"]
    assert any((tmp_path / "home").rglob("model.onnx"))


def test_one_that_was_made_for_a_later_plugin_api_is_left_out_and_the_others_go_on(stranger, package, tmp_path):
    """Another package, in the same environment, that would fail if anybody imported it."""
    later = write_plugin("from-the-future", ["scorer"], tmp_path / "later")
    project = later / "pyproject.toml"
    project.write_text(project.read_text().replace(f'"{show_version()}" =', '"99.0" ='))
    (later / "zoo_from_the_future" / "__init__.py").write_text("raise SystemExit('imported')\n")
    stranger.install(later)
    message = f"made for plugin API 99.0, this is {show_version()}; update assayzoo: pip install -U assayzoo"
    try:
        document = json.loads(stranger.zoo("plugins", "--json"))
        assert document["failures"] == [
            {
                "plugin": "zoo-from-the-future:from_the_future",
                "distribution": "zoo-from-the-future",
                "version": "0.1.0",
                "error": message,
            }
        ]
        assert COMPONENT in {row["name"] for row in document["components"]}
        assert f"failed: zoo-from-the-future:from_the_future: {message}" in stranger.zoo("plugins")
    finally:
        stranger.run("-m", "pip", "uninstall", "--quiet", "--yes", "--disable-pip-version-check", "zoo-from-the-future")


def test_the_name_of_a_plugin_that_is_installed_is_taken(stranger, tmp_path):
    done = subprocess.run(
        [stranger.commands / "zoo", "new-plugin", NAME, "--kind", "scorer"],
        cwd=tmp_path, env=stranger.variables, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 1
    assert f"zoo: error: scorer '{COMPONENT}' is offered by 'zoo-{NAME}:{COMPONENT}'" in done.stderr
