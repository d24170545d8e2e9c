"""Benchmarks are not collected with the tests, and would rot unseen where what they import is moved."""

import importlib
from pathlib import Path

import pytest

MODULES = sorted(path.stem for path in (Path(__file__).parents[2] / "benchmarks").glob("*.py"))


@pytest.mark.parametrize("module", MODULES)
def test_what_a_benchmark_imports_is_there(module):
    try:
        importlib.import_module(f"benchmarks.{module}")
    except ModuleNotFoundError as missing:
        if str(missing.name).partition(".")[0] in {"zoo", "benchmarks"}:
            raise
        pytest.skip(f"needs {missing.name}")
