"""Fixtures that many tests share."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from zoo.testing.models import make_base_at_anchor_graph, write_model_folder

# The same examples on every run, and no clock: machines that test are shared.
settings.register_profile("zoo", derandomize=True, deadline=None)
settings.load_profile("zoo")


@pytest.fixture(scope="session", autouse=True)
def no_settings_of_the_user(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keep a user's own backgrounds and registry out of the tests, and the tests out of them."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ZOO_HOME", str(tmp_path_factory.mktemp("home")))
        patch.delenv("ZOO_REGISTRY", raising=False)
        yield


@pytest.fixture
def g_at_anchor_folder(tmp_path: Path) -> Path:
    """A model folder: window of 9, anchor 4, one strand; predicts 1 where the base at the anchor is a G, else 0."""
    return write_model_folder(tmp_path / "models" / "g-at-anchor", make_base_at_anchor_graph())
