"""Starting up stays light: what is heavy is imported where it is used."""

import json
import subprocess
import sys
import time

import pytest

import zoo

HEAVY = ("tensorflow", "keras", "onnxruntime", "pandas", "sklearn", "matplotlib")


def list_heavy_modules(statements):
    """Run statements in a fresh interpreter; return the heavy modules that it has imported."""
    code = f"{statements}\nimport json, sys\nprint('\\n' + json.dumps([m for m in {HEAVY} if m in sys.modules]))"
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
    assert list_heavy_modules(statements) == []


@pytest.mark.parametrize("name", zoo.__all__)
def test_every_name_of_the_face_is_there(name):
    assert getattr(zoo, name) is not None


def test_an_unknown_name_of_the_face_is_an_attribute_error():
    with pytest.raises(AttributeError, match="module 'zoo' has no attribute 'annotade'"):
        _ = zoo.annotade
    assert "load" in dir(zoo)


def measure(*arguments):
    """Return the quickest of three runs, in seconds: other processes only ever add."""

    def run_once():
        start = time.perf_counter()
        subprocess.run([sys.executable, *arguments], capture_output=True, check=True)
        return time.perf_counter() - start

    return min(run_once() for _ in range(3))


def test_help_costs_less_than_half_a_second_over_a_bare_interpreter():
    help_seconds = measure("-c", "from zoo.cli import main; main(['--help'])")
    assert help_seconds - measure("-c", "pass") < 0.5
