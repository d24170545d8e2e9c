"""Fixtures that many tests share."""

from pathlib import Path

import pytest
from hypothesis import settings

from zoo.testing.models import make_base_at_anchor_graph, write_model_folder

# The same examples on every run, and no clock: machines that test are shared.
settings.register_profile("zoo", derandomize=True, deadline=None)
settings.load_profile("zoo")


@pytest.fixture
def g_at_anchor_folder(tmp_path: Path) -> Path:
    """A model folder: window of 9, anchor 4, one strand; predicts 1 where the base at the anchor is a G, else 0."""
    return write_model_folder(tmp_path / "models" / "g-at-anchor", make_base_at_anchor_graph())
