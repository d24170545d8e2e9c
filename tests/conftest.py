"""Fixtures that many tests share."""

from pathlib import Path

import pytest

from zoo.testing.models import make_base_at_anchor_graph, write_model_folder


@pytest.fixture
def g_at_anchor_folder(tmp_path: Path) -> Path:
    """A model folder: window of 9, anchor 4, one strand; predicts 1 where the base at the anchor is a G, else 0."""
    return write_model_folder(tmp_path / "models" / "g-at-anchor", make_base_at_anchor_graph())
