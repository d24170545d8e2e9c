"""The package in ``examples/plugin-package`` is built and installed as a stranger's would be."""

import json
import shutil
import sys
from pathlib import Path

import pytest

from tests.fresh_environment import make_fresh_environment

PACKAGE = Path(__file__).resolve().parents[2] / "examples" / "plugin-package"


@pytest.fixture(scope="module")
def stranger(tmp_path_factory):
    """A fresh environment with the package installed."""
    if not PACKAGE.is_dir():
        pytest.skip(f"{PACKAGE} is not there")
    folder = tmp_path_factory.mktemp("stranger")
    environment = make_fresh_environment(folder / "env")
    shutil.copytree(PACKAGE, folder / "package", ignore=shutil.ignore_patterns("__pycache__"))
    environment.install(folder / "package")
    return environment


def test_zoo_plugins_shows_the_strangers_architecture(stranger):
    document = json.loads(stranger.zoo("plugins", "--json"))
    assert document["failures"] == []
    (found,) = [row for row in document["components"] if row["name"] == "motif_scanner"]
    assert found == {
        "kind": "architecture",
        "name": "motif_scanner",
        "plugin": "zoo-motif-scanner:motif_scanner",
        "distribution": "zoo-motif-scanner",
        "version": "0.1.0",
        "summary": "the best match of each motif, weighed and added up",
        "source": "after DeepBind, doi:10.1038/nbt.3300",
    }


def test_it_says_which_plugin_api_it_was_made_for(stranger):
    code = "from zoo.announcements import read_entry_points as r; print({e.plugin: e.made_for for e in r()[0]})"
    assert "'zoo-motif-scanner:motif_scanner': ('1.0',)" in stranger.run("-c", code)


def test_this_environment_knows_nothing_of_it(stranger):
    from zoo.plugins import discover

    assert "motif_scanner" not in {found.name for found in discover().components}
    assert Path(sys.prefix) not in stranger.python.parents


@pytest.mark.training
def test_its_own_tests_pass(stranger):
    pytest.importorskip("tensorflow", reason="building a network needs the extra `train`")
    environment_check = "import zoo_motif_scanner; print(zoo_motif_scanner.__file__)"
    assert str(stranger.commands.parent) in stranger.run("-c", environment_check)
    assert "2 passed" in stranger.run("-m", "pytest", "-q", "-p", "no:cacheprovider", str(PACKAGE / "tests"))
