import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zoo.network import spreading
from zoo.network.filtering import SHORTEST, count_products, find_scheme, is_filtered
from zoo.network.operators import Convolve, Slide


@pytest.fixture(params=["numpy", "numba"], scope="module")
def functions(request):
    if request.param == "numpy":
        return spreading
    pytest.importorskip("numba")
    from zoo.network import kernels

    return kernels


@given(st.integers(SHORTEST, 20), st.integers(SHORTEST, 20), st.integers(0, 2**32 - 1))
@settings(max_examples=50)
def test_outputs_are_those_of_each_position_with_each_tap(functions, width, taps, seed):
    rng = np.random.default_rng(seed)
    # Whole numbers, which float32 adds up without rounding.
    changes = rng.integers(-9, 10, (2, width, 3)).astype(np.float32)
    weights = rng.integers(-9, 10, (taps, 3, 5)).astype(np.float32)
    scheme = find_scheme(width, taps)

    sums = tuple(np.empty((2, len(part.places), 3), dtype=np.float32) for part in scheme.parts)
    functions.add_up(changes, scheme.columns, scheme.places, scheme.place_ends, sums)
    products = []
    for part, rows in zip(scheme.parts, sums, strict=True):
        of_taps = np.stack([weights[list(summed)].sum(axis=0) for summed in part.taps])
        products.append(np.ascontiguousarray(np.einsum("npc,tcf->nptf", rows, of_taps)))
    result = np.empty((2, width + taps - 1, 5), dtype=np.float32)
    functions.combine(tuple(products), scheme.terms, scheme.term_ends, result)

    expected = np.zeros_like(result)
    for place in range(width):
        for tap in range(taps):
            expected[:, place + tap] += changes[:, place] @ weights[tap]
    assert (result == expected).all()


def test_two_levels_of_three_products_for_four():
    # 4 x 4 is twice halved: 3 x 3 for 16. 7 x 11: 4 x 6 twice and 3 x 5, which are 18, 18 and 14.
    assert count_products(4, 4) == 9
    assert count_products(7, 11) == 50


def test_too_few_positions_are_multiplied_each_with_each():
    assert count_products(3, 11) == 33
    assert count_products(11, 3) == 33


def convolution(weights, **slide):
    weights = np.asarray(weights, dtype=np.float32)
    return Convolve("a", "b", Slide(weights.shape[2], **slide), weights, np.zeros(len(weights), dtype=np.float32))


def test_a_filter_with_taps_of_very_different_sizes_is_left_alone():
    weights = np.ones((64, 64, 6))
    assert is_filtered(convolution(weights))
    weights[5, :, 2] = 1e-3

    assert not is_filtered(convolution(weights))
    assert is_filtered(convolution(weights * np.where(np.arange(64) == 5, 0, 1)[:, None, None] + 1))


@pytest.mark.parametrize("slide", [{"stride": 2}, {"dilation": 2}])
def test_outputs_that_leave_positions_out_are_left_alone(slide):
    assert not is_filtered(convolution(np.ones((64, 64, 6)), **slide))


def test_a_few_channels_are_left_alone():
    assert not is_filtered(convolution(np.ones((8, 8, 6))))


def test_weights_whose_sums_would_be_infinite_are_left_alone():
    assert not is_filtered(convolution(np.full((64, 64, 6), 2e38)))
