"""Keys and predictions, and folders to keep them in."""

from itertools import count

import numpy as np
import pytest

from zoo.prediction.cache.folder import CacheFolder
from zoo.prediction.cache.keys import digest_windows


@pytest.fixture
def make_keys():
    """Return the keys of windows of ten bases that spell numbers."""
    return lambda numbers: digest_windows(
        np.array([[number // 4**place % 4 for place in range(10)] for number in numbers], dtype=np.uint8).reshape(
            -1, 10
        )
    )


@pytest.fixture
def make_values():
    """Return as predictions each number, and its half."""
    return lambda numbers: np.array([[number, number / 2] for number in numbers], dtype=np.float32).reshape(-1, 2)


@pytest.fixture
def folder(tmp_path):
    """A cache whose clock counts its segments."""
    return CacheFolder(tmp_path / "cache", 10**9, count(1).__next__)
