"""A virtual environment that sees this one's packages, into which a stranger's package is built and installed."""

import importlib.util
import os
import site
import subprocess
import sysconfig
import venv
from dataclasses import dataclass
from pathlib import Path

import pytest

OFFLINE = ("--no-index", "--no-build-isolation", "--no-deps", "--disable-pip-version-check", "--no-cache-dir")
"""What lets pip install a folder with what is here, fetching nothing from anywhere."""


@dataclass(frozen=True)
class FreshEnvironment:
    """A virtual environment in a folder of its own."""

    python: Path

    @property
    def commands(self):
        """The folder of its commands, ``pip`` and ``python`` among them."""
        return self.python.parent

    @property
    def variables(self):
        """The environment variables of a shell in which it was activated, and nothing of another one's."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("PIP_", "PYTHONPATH"))}
        return {
            **kept,
            "PATH": f"{self.commands}{os.pathsep}{os.environ['PATH']}",
            "VIRTUAL_ENV": str(self.commands.parent),
        }

    def run(self, *arguments, more=None, **options):
        """Run its Python, with ``more`` environment variables; return what it printed, or show both streams."""
        return run([self.python, *arguments], env={**self.variables, **(more or {})}, **options)

    def zoo(self, *arguments, **options):
        """Run ``zoo`` with these arguments; what lies in the working folder is not in the way."""
        return self.run("-P", "-m", "zoo", *arguments, **options)

    def install(self, package):
        self.run("-m", "pip", "install", "--quiet", *OFFLINE, str(package))


def run(command, **options):
    done = subprocess.run(command, capture_output=True, text=True, check=False, **options)
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    return done.stdout


def make_fresh_environment(folder):
    """Make one in ``folder``; without hatchling, which builds packages, the test is skipped."""
    pytest.importorskip("hatchling", reason="building a package needs hatchling, of the extra `dev`")
    venv.create(folder, with_pip=importlib.util.find_spec("pip") is None, symlinks=True)
    made = FreshEnvironment(folder / "bin" / "python")
    purelib = made.run("-c", "import sysconfig; print(sysconfig.get_path('purelib'))").strip()
    # Plain paths in a .pth file would not bring in the .pth file of an editable install.
    seen = {sysconfig.get_path("purelib"), sysconfig.get_path("platlib"), site.getusersitepackages()}
    lines = [f"import site; site.addsitedir({path!r})\n" for path in sorted(seen) if Path(path).is_dir()]
    Path(purelib, "outer.pth").write_text("".join(lines))
    command = made.commands / "zoo"
    command.write_text(f'#!/bin/sh\nexec "{made.python}" -P -m zoo "$@"\n')
    command.chmod(0o755)
    return made
