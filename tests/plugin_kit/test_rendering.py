import ast
import hashlib
import importlib.metadata
import itertools
import re
import tomllib

import pytest
import yaml

from zoo.hookspecs import API_VERSION
from zoo.plugin_kit.naming import KINDS, choose_names
from zoo.plugin_kit.rendering import is_trainable, render
from zoo.plugins import discover

CHOICES = [chosen for count in (1, 2, 3) for chosen in itertools.combinations(KINDS, count)]
NAMES = choose_names("motif-scanner")


@pytest.fixture(params=CHOICES, ids="+".join)
def kinds(request):
    return request.param


def test_a_package_has_a_module_and_a_test_for_each_kind(kinds):
    files = render(NAMES, kinds)
    expected = {
        "pyproject.toml",
        "README.md",
        ".github/workflows/test.yml",
        "zoo_motif_scanner/__init__.py",
        "zoo_motif_scanner/py.typed",
        *(f"zoo_motif_scanner/{kind}.py" for kind in kinds),
        *(f"tests/test_{kind}.py" for kind in kinds),
    }
    if "loader" in kinds:
        expected |= {"recipe.yaml", "data/examples.tsv"}
    elif "architecture" in kinds:
        expected |= {"recipe.yaml", "data/positives.fa", "data/negatives.fa"}
    assert set(files) == expected


def test_every_word_of_the_templates_has_been_put_in(kinds):
    for path, text in render(NAMES, kinds).items():
        assert re.findall(r"\$(?!\{\{)", text) == [], path
        assert text.endswith("\n") or text == "", path
        assert not text.endswith("\n\n"), path
        assert "\n\n\n\n" not in text, path


def test_its_python_is_python_and_announces_the_components_that_it_has(kinds):
    files = render(NAMES, kinds)
    for path in (path for path in files if path.endswith(".py")):
        ast.parse(files[path], path)
    hooks = re.findall(r"@hookimpl\ndef (\w+)\(\)", files["zoo_motif_scanner/__init__.py"])
    of_kind = {"architecture": "architectures", "loader": "data_loaders", "scorer": "scorers"}
    assert hooks == [f"register_{of_kind[kind]}" for kind in kinds]


def test_it_announces_itself_and_the_plugin_api_that_is_ours(kinds):
    project = tomllib.loads(render(NAMES, kinds)["pyproject.toml"])["project"]
    assert project["name"] == "zoo-motif-scanner"
    assert project["entry-points"] == {
        "zoo": {"motif_scanner": "zoo_motif_scanner"},
        "zoo.api": {"{}.{}".format(*API_VERSION): "zoo_motif_scanner"},
    }


def test_a_package_that_trains_asks_for_the_extra_that_trains(kinds):
    project = tomllib.loads(render(NAMES, kinds)["pyproject.toml"])["project"]
    extras = "cpu,train" if is_trainable(kinds) else "cpu"
    assert f"assayzoo[{extras}]" in project["optional-dependencies"]["dev"]
    assert project["dependencies"] == [f"assayzoo>={importlib.metadata.version('assayzoo')}"]


def test_the_workflow_is_yaml_and_runs_the_tests(kinds):
    workflow = yaml.safe_load(render(NAMES, kinds)[".github/workflows/test.yml"])
    steps = [step.get("run") for step in workflow["jobs"]["test"]["steps"]]
    assert "python -m pytest" in steps
    assert ("zoo train recipe.yaml -o model && zoo test ./model" in steps) == is_trainable(kinds)


def test_the_recipe_is_valid_names_what_the_package_adds_and_pins_its_data(kinds):
    from zoo.training.recipe import Recipe

    files = render(NAMES, kinds)
    if not is_trainable(kinds):
        assert "recipe.yaml" not in files
        return
    recipe = Recipe.model_validate(yaml.safe_load(files["recipe.yaml"]))
    assert (recipe.data.loader == "motif_scanner") == ("loader" in kinds)
    assert (recipe.architecture.name == "motif_scanner") == ("architecture" in kinds)
    assert (recipe.scorer.name == "motif_scanner") == ("scorer" in kinds)
    if "loader" not in kinds:
        discover().data_loader(recipe.data.loader).config.model_validate(recipe.data.config)
    if "architecture" not in kinds:
        discover().architecture(recipe.architecture.name).config.model_validate(recipe.architecture.config)
    pinned = {source.path: source.sha256 for source in recipe.data.sources}
    data = {path: text for path, text in files.items() if path.startswith("data/")}
    assert pinned == {path: hashlib.sha256(text.encode()).hexdigest() for path, text in data.items()}


@pytest.mark.parametrize("word", ["null", "on", "true", "no"])
def test_a_name_that_yaml_takes_for_something_else_stays_a_name(word):
    recipe = yaml.safe_load(render(choose_names(word), KINDS)["recipe.yaml"])
    assert (recipe["data"]["loader"], recipe["architecture"]["name"], recipe["scorer"]["name"]) == (word, word, word)


def test_the_same_package_is_the_same_text(kinds):
    assert render(NAMES, kinds) == render(NAMES, kinds)
