"""Virtual environments of the other programs, one each, made with pip on first use."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

PYTHON = "3.11"
_TORCH = "torch==2.13.0"

# selene-sdk asks for a PyTorch of long ago and imports `pkg_resources`, which newer setuptools lack; both can't be had
# by resolving, so its needs are installed by name and the last step goes behind the resolver's back.
RECIPES: dict[str, tuple[tuple[str, ...], ...]] = {
    "tangermeme": ((_TORCH, "tangermeme"),),
    "grelu": ((_TORCH, "gReLU"),),
    "selene": (
        ("numpy<2", "cython<3", "setuptools<70", "wheel"),
        ("--no-build-isolation", "--no-deps", "selene-sdk"),
        (
            *(_TORCH, "numpy<2", "pandas<2.3", "click", "h5py", "matplotlib", "plotly", "pyfaidx", "pytabix", "pyyaml"),
            *("ruamel.yaml", "scikit-learn", "scipy", "seaborn", "six", "statsmodels", "tqdm"),
        ),
        ("--no-deps", "setuptools<70"),
    ),
}
"""What `pip install` is given, step by step."""


class EnvironmentFailed(Exception):
    """An environment could not be made; the message says where the log lies."""


def make_environment(work: Path, name: str) -> None:
    """Make an environment, or keep one that is whole.

    Raises:
        EnvironmentFailed: A step failed.
    """
    folder = work / "envs" / name
    finished = folder / "ready"
    if finished.exists():
        return
    shutil.rmtree(folder, ignore_errors=True)
    folder.parent.mkdir(parents=True, exist_ok=True)
    log = folder.parent / f"{name}.log"
    pip = [str(interpreter(work, name)), "-m", "pip", "install", "--quiet"]
    with log.open("w", encoding="utf-8") as output:
        for command in ([_find_python(), "-m", "venv", str(folder)], *([*pip, *step] for step in RECIPES[name])):
            status = subprocess.run(command, stdout=output, stderr=subprocess.STDOUT, check=False).returncode
            if status:
                raise EnvironmentFailed(f"could not be installed: `{' '.join(command[1:6])} …` failed, see {log.name}")
    finished.touch()


def interpreter(work: Path, name: str) -> Path:
    """The Python of an environment."""
    return work / "envs" / name / "bin" / "python"


def list_versions(work: Path, name: str) -> dict[str, str]:
    """Return the versions of what an environment was made for, and of PyTorch."""
    packages = {"tangermeme": "tangermeme", "grelu": "gReLU", "selene": "selene-sdk"}
    code = "import importlib.metadata as m, sys; print(*(m.version(name) for name in sys.argv[1:]))"
    names = (packages[name], "torch")
    found = subprocess.run(
        [interpreter(work, name), "-c", code, *names], capture_output=True, text=True, check=False
    ).stdout.split()
    return dict(zip(names, found, strict=False))


def _find_python() -> str:
    if "{}.{}".format(*sys.version_info) == PYTHON:
        return sys.executable
    found = shutil.which(f"python{PYTHON}")
    if found is None:
        raise EnvironmentFailed(f"could not be installed: no python{PYTHON} here")
    return found
