"""Conversions that start no child: what it finds is told by its own tests, and it takes longer than all else here."""

import pytest

from zoo.conversion import convert
from zoo.model.folder import load_folder


@pytest.fixture(autouse=True)
def examine_here(request, monkeypatch):
    """Look at a new model in this process, but in tests marked ``usefixtures("examine_apart")``."""
    if "examine_apart" not in request.fixturenames:
        monkeypatch.setattr(convert, "examine", load_folder)


@pytest.fixture
def examine_apart():
    """Let a new model be tried in a process of its own, as users have it."""
