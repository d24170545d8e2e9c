"""Starting up stays light: what is heavy is imported where it is used."""

import json
import subprocess
import sys

import pytest

import zoo

HEAVY = ("tensorflow", "keras", "onnxruntime", "pandas", "sklearn", "matplotlib")


def list_imported(statements, among):
    """Run statements in a fresh interpreter; return which of some modules it has imported."""
    code = f"{statements}\nimport json, sys\nprint('\\n' + json.dumps([m for m in {among} if m in sys.modules]))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return json.loads(done.stdout.splitlines()[-1])


@pytest.mark.parametrize(
    "statements",
    [
        "import zoo",
        "from zoo.cli import main; main(['--help'])",
        "from zoo.cli import main; main(['list'])",
        "from zoo.cli import main; main(['plugins'])",
        "import zoo.model.session, zoo.model.folder, zoo.model.verify, zoo.registry, zoo.testing.models",
    ],
)
def test_nothing_heavy_is_imported(statements):
    assert list_imported(statements, HEAVY) == []


def test_the_help_imports_no_package_that_does_the_work():
    parts = ("model", "network", "plugins", "prediction", "registry", "training")
    packages = (*(f"zoo.{part}" for part in parts), "numpy", "yaml")
    assert list_imported("from zoo.cli import main; main(['--help'])", packages) == []


def test_a_list_imports_nothing_that_pulls_or_runs_a_model():
    modules = ("numpy", "zoo.model.folder", "zoo.network", "zoo.prediction", "zoo.registry.pull", "zoo.registry.trust")
    assert list_imported("from zoo.cli import main; main(['list'])", modules) == []


def test_a_misspelt_name_imports_nothing_that_runs_a_model():
    modules = ("numpy", "zoo.model.folder", "zoo.network", "zoo.prediction")
    assert list_imported("from zoo.cli import main; assert main(['info', 'gm12878-ctfc']) == 1", modules) == []


@pytest.mark.parametrize("name", zoo.__all__)
def test_every_name_of_the_face_is_there(name):
    assert getattr(zoo, name) is not None


def test_an_unknown_name_of_the_face_is_an_attribute_error():
    with pytest.raises(AttributeError, match="module 'zoo' has no attribute 'annotade'"):
        _ = zoo.annotade
    assert "load" in dir(zoo)
