"""Keys of windows: equal where the windows are, and nowhere else."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from zoo.prediction.cache.keys import digest_windows, take_prefixes

few = st.tuples(st.integers(1, 8), st.integers(1, 7))
"""Windows that are often equal."""


@given(arrays(np.uint8, few, elements=st.integers(0, 4)))
def test_keys_are_equal_where_windows_are(codes):
    keys = digest_windows(codes)
    same = (codes[:, np.newaxis] == codes[np.newaxis]).all(axis=2)
    assert np.array_equal(keys[:, np.newaxis] == keys[np.newaxis], same)


@pytest.mark.parametrize("length", [1, 2, 3, 4, 9, 100, 101])
def test_any_other_base_at_any_place_is_another_key(length):
    window = np.arange(length, dtype=np.uint8) % 5
    others = [window]
    for place in range(length):
        for base in range(5):
            if base != window[place]:
                others.append(window.copy())
                others[-1][place] = base
    assert len(np.unique(digest_windows(np.array(others)))) == 1 + 4 * length


def test_all_windows_of_three_bases_have_keys_of_their_own():
    windows = np.indices((5, 5, 5), dtype=np.uint8).reshape(3, -1).T
    assert len(np.unique(digest_windows(windows))) == 5**3


@given(arrays(np.uint8, few, elements=st.integers(0, 4)))
def test_a_key_is_that_of_the_window_alone(codes):
    alone = [digest_windows(codes[row : row + 1])[0] for row in range(len(codes))]
    assert digest_windows(codes).tolist() == alone


def test_keys_have_128_bits_and_prefixes_64_of_them():
    keys = digest_windows(np.zeros((1, 9), dtype=np.uint8))
    assert keys.dtype == "S16"
    assert take_prefixes(keys).tolist() == [int.from_bytes(keys.tobytes()[:8], "little")]


def test_no_windows_have_no_keys():
    assert digest_windows(np.zeros((0, 9), dtype=np.uint8)).tolist() == []


def test_codes_that_are_none_are_refused():
    with pytest.raises(ValueError, match=r"^codes: expected 0 to 4, found 5$"):
        digest_windows(np.array([[0, 5]], dtype=np.uint8))
