"""The package in ``examples/plugin-package`` is built and installed as a stranger's would be."""

import importlib.util
import json
import os
import shutil
import site
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[2] / "examples" / "plugin-package"


@pytest.fixture(scope="module")
def python(tmp_path_factory):
    """The interpreter of a fresh virtual environment that sees this one's packages, and the example's.

    Installed without an index and without isolation, so nothing is fetched from anywhere.
    """
    pytest.importorskip("hatchling", reason="building the package needs hatchling, of the extra `dev`")
    if not PACKAGE.is_dir():
        pytest.skip(f"{PACKAGE} is not there")
    folder = tmp_path_factory.mktemp("stranger")
    shutil.copytree(PACKAGE, folder / "package", ignore=shutil.ignore_patterns("__pycache__"))
    venv.create(folder / "env", with_pip=importlib.util.find_spec("pip") is None, symlinks=True)
    interpreter = folder / "env" / "bin" / "python"
    purelib = subprocess.run(
        [interpreter, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"],
        check=True, capture_output=True, text=True,
    ).stdout.strip()  # fmt: skip
    # Plain paths in a .pth file would not bring in the .pth file of an editable install.
    seen = {sysconfig.get_path("purelib"), sysconfig.get_path("platlib"), site.getusersitepackages()}
    lines = [f"import site; site.addsitedir({path!r})\n" for path in sorted(seen) if Path(path).is_dir()]
    Path(purelib, "outer.pth").write_text("".join(lines))
    run(
        interpreter, "-m", "pip", "install", "--quiet", "--no-index", "--no-build-isolation", "--no-deps",
        "--disable-pip-version-check", "--no-cache-dir", str(folder / "package"),
    )  # fmt: skip
    return interpreter


def run(interpreter, *arguments):
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("PIP_", "VIRTUAL_ENV"))}
    done = subprocess.run([interpreter, *arguments], capture_output=True, text=True, check=False, env=environment)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_zoo_plugins_shows_the_strangers_architecture(python):
    code = "import sys; from zoo.cli import main; sys.exit(main(['plugins', '--json']))"
    document = json.loads(run(python, "-c", code))
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


def test_this_environment_knows_nothing_of_it(python):
    from zoo.plugins import discover

    assert "motif_scanner" not in {found.name for found in discover().components}
    assert Path(sys.prefix) not in Path(python).parents


@pytest.mark.training
def test_its_own_tests_pass(python):
    pytest.importorskip("tensorflow", reason="building a network needs the extra `train`")
    environment_check = "import zoo_motif_scanner; print(zoo_motif_scanner.__file__)"
    assert str(Path(python).parents[1]) in run(python, "-c", environment_check)
    assert "2 passed" in run(python, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(PACKAGE / "tests"))
