import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from zoo.network.layouts import Flat, View, reshape, squeeze, transpose, unsqueeze
from zoo.network.network import Map

SHAPE = Map(channels=3, length=5)
VALUES = np.arange(2 * 3 * 5, dtype=np.float32).reshape(2, 3, 5)  # N, C, L
AXES = st.sampled_from(["NCL", "NLC", "NC1L", "NCL1", "N1LC", "NL1C", "NC11L"])


def lay_out(axes):
    """Return the map of two windows as a tensor with these axes."""
    letters = axes.replace("1", "")
    tensor = VALUES if letters == "NCL" else VALUES.transpose(0, 2, 1)
    for index, axis in enumerate(axes):
        if axis == "1":
            tensor = np.expand_dims(tensor, index)
    return tensor


@given(AXES, st.data())
def test_a_view_that_is_transposed_says_where_its_axes_went(axes, data):
    perm = [0, *data.draw(st.permutations(range(1, len(axes))))]

    found = transpose(View("m", axes), perm)

    assert found is not None
    np.testing.assert_array_equal(lay_out(found.axes), lay_out(axes).transpose(perm))


@given(AXES, st.data())
def test_a_view_gets_axes_of_one_and_loses_them_again(axes, data):
    rank = len(axes) + 1
    axis = data.draw(st.integers(1, rank - 1))
    axis -= data.draw(st.sampled_from([0, rank]))

    wider = unsqueeze(View("m", axes), [axis])

    assert wider is not None
    np.testing.assert_array_equal(lay_out(wider.axes), np.expand_dims(lay_out(axes), axis))
    assert squeeze(wider, [axis]) == View("m", axes)


@given(AXES, AXES)
def test_a_reshape_is_a_view_only_where_it_moves_no_number(before, after):
    target = [-1, *lay_out(after).shape[1:]]

    found = reshape(View("m", before), SHAPE, target)

    if isinstance(found, View):
        np.testing.assert_array_equal(lay_out(found.axes), lay_out(before).reshape(target))
    else:
        assert found is None
        assert before.replace("1", "") != after.replace("1", "")


@pytest.mark.parametrize("target", [[-1, 15], [0, 15], [0, -1]])
def test_a_reshape_to_one_axis_is_flat_in_the_order_of_the_axes(target):
    assert reshape(View("m", "NCL"), SHAPE, target) == Flat("m", "NCL")
    assert Flat("m", "NCL").order == "CL"
    assert Flat("m", "N1LC").order == "LC"


@pytest.mark.parametrize(
    ("axes", "target"),
    [
        pytest.param("NCL", [2, 15], id="batch of two"),
        pytest.param("NCL", [-1, 5, 3], id="positions and channels mixed"),
        pytest.param("NCL", [-1, 30], id="two windows in one row"),
        pytest.param("NCL", [-1], id="no batch axis"),
        pytest.param("NCL", [], id="nothing"),
        pytest.param("NCL", [0, -1, -1], id="two unknown sizes"),
        pytest.param("NCL", [-1, -1, 5], id="batch unknown too"),
        pytest.param("NCL", [0, 0, 0, 0], id="an axis copied that is not there"),
        pytest.param("NLC", [0, 3, 5], id="turned without a transpose"),
    ],
)
def test_a_reshape_that_is_no_view_is_none(axes, target):
    assert reshape(View("m", axes), SHAPE, target) is None


def test_a_reshape_copies_sizes_and_reckons_one():
    assert reshape(View("m", "NC1L"), SHAPE, [0, 0, -1]) == View("m", "NCL")
    assert reshape(View("m", "NCL"), SHAPE, [0, 0, 1, 5]) == View("m", "NC1L")
    assert reshape(View("m", "NCL"), SHAPE, [0, 3, 5]) == View("m", "NCL")


def test_letters_are_not_guessed_where_an_axis_has_one_element():
    one_channel = Map(channels=1, length=5)

    # [N, 1, 5, 1] could be channel, positions, nothing or nothing, positions, channel.
    assert reshape(View("m", "NCL"), one_channel, [0, 1, 5, 1]) is None
    assert reshape(View("m", "NCL"), one_channel, [0, 5]) == Flat("m", "NCL")


def test_the_batch_axis_stays_in_front():
    assert transpose(View("m", "NCL"), [1, 0, 2]) is None
    assert transpose(View("m", "NCL"), None) is None
    assert unsqueeze(View("m", "NCL"), [0]) is None
    assert unsqueeze(View("m", "NCL"), [-4]) is None


def test_only_axes_of_one_element_are_squeezed():
    assert squeeze(View("m", "NC1L"), [2]) == View("m", "NCL")
    assert squeeze(View("m", "NC1L"), [-2]) == View("m", "NCL")
    assert squeeze(View("m", "NC1L"), [1]) is None
    # Without a list all axes of one element go: of the batch or the positions nobody knows.
    assert squeeze(View("m", "NC1L"), None) is None


@given(AXES, st.booleans())
def test_a_constant_of_channels_is_aligned_as_it_is_broadcast(axes, short):
    channels = np.array([1, 10, 100], np.float32)
    shape = [3 if axis == "C" else 1 for axis in axes]
    if short:
        shape = shape[axes.index("C") :]

    found = View("m", axes).align(channels.reshape(shape), 3)

    assert found is not None
    np.testing.assert_array_equal(found, channels.reshape(1, 3, 1, 1))


def test_a_constant_that_differs_between_positions_or_windows_is_not_aligned():
    assert View("m", "NCL").align(np.ones(5), 3) is None
    assert View("m", "NLC").align(np.ones((5, 1)), 3) is None
    assert View("m", "NLC").align(np.ones((2, 1, 3)), 3) is None
    assert View("m", "NCL").align(np.ones((1, 1, 3, 1)), 3) is None
    assert View("m", "NLC").align(np.ones(2), 3) is None


def test_a_single_number_is_aligned_with_all():
    for axes in ("NCL", "NLC", "NC1L"):
        found = View("m", axes).align(np.array(2.0), 3)
        assert found is not None
        assert found.shape == (1, 1, 1, 1)
