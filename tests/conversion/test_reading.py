import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from zoo.conversion.reading import Reading, arrange_predictions, check_alphabet, check_layout, encode_windows
from zoo.errors import ConversionError
from zoo.genome.codes import one_hot, reverse_complement

CODES = np.array([[0, 1, 4]], np.uint8)


def test_a_window_in_the_zoos_own_way_is_its_one_hot():
    assert encode_windows(CODES, Reading(3)).tolist() == one_hot(CODES).tolist()


@pytest.mark.parametrize(
    ("reading", "expected"),
    [
        pytest.param(Reading(3, "NCL"), [[[1, 0, 0], [0, 1, 0], [0, 0, 0], [0, 0, 0]]], id="channels first"),
        pytest.param(Reading(3, "NC1L"), [[[[1, 0, 0]], [[0, 1, 0]], [[0, 0, 0]], [[0, 0, 0]]]], id="two axes"),
        pytest.param(Reading(3, alphabet="TGCA"), [[[0, 0, 0, 1], [0, 0, 1, 0], [0, 0, 0, 0]]], id="order"),
        pytest.param(Reading(3, reverse=True), [[[0, 0, 0, 0], [0, 1, 0, 0], [1, 0, 0, 0]]], id="from the end"),
        pytest.param(Reading(3, unknown="quarter"), [[[1, 0, 0, 0], [0, 1, 0, 0], [0.25] * 4]], id="quarters"),
        pytest.param(
            Reading(3, alphabet="NACGT"), [[[0, 1, 0, 0, 0], [0, 0, 1, 0, 0], [1, 0, 0, 0, 0]]], id="fifth channel"
        ),
    ],
)
def test_a_window_of_three(reading, expected):
    found = encode_windows(CODES, reading)
    assert found.tolist() == expected
    assert found.shape[1:] == reading.shape


@given(st.lists(st.integers(0, 4), min_size=1, max_size=9))
def test_from_the_end_and_complemented_is_the_other_strand(codes):
    window = np.array([codes], np.uint8)
    turned = encode_windows(window, Reading(len(codes), reverse=True, alphabet="TGCA"))
    assert turned.tolist() == encode_windows(reverse_complement(window), Reading(len(codes))).tolist()


@pytest.mark.parametrize(
    ("layout", "shape", "expected"),
    [
        ("NT", (2, 3), (2, 3)),
        ("N", (2,), (2, 1)),
        ("NB", (2, 5), (2, 5, 1)),
        ("NTB", (2, 3, 5), (2, 5, 3)),
        ("N1B", (2, 1, 5), (2, 5, 1)),
        ("NT1", (2, 3, 1), (2, 3)),
        ("NT1B", (2, 3, 1, 5), (2, 5, 3)),
    ],
)
def test_outputs_become_sequences_bins_and_tracks(layout, shape, expected):
    values = np.arange(np.prod(shape)).reshape(shape)
    found = arrange_predictions(values, layout)
    assert (found.shape, found.dtype) == (expected, np.float32)
    assert sorted(found.ravel()) == sorted(values.ravel())


def test_the_first_bin_of_a_window_read_from_its_end_is_the_last():
    values = np.array([[[1], [2], [3]]])
    assert arrange_predictions(values, "NBT", reverse=True).ravel().tolist() == [3, 2, 1]
    assert arrange_predictions(values[..., 0], "NT", reverse=True).ravel().tolist() == [1, 2, 3]


@pytest.mark.parametrize("layout", ["CLN", "NC", "NCC", "NCLX", "NCLL", ""])
def test_layouts_that_are_none_are_refused_with_one_that_is(layout):
    with pytest.raises(ConversionError, match=r"expected N first, then C and L, no letter twice, .*as in NCL"):
        check_layout(layout, "NCL", needed="NCL", example="NCL")


@pytest.mark.parametrize("alphabet", ["ACG", "ACGG", "ACGTX", "ACGTNN", "ACGNT1", ""])
def test_alphabets_that_are_none_are_refused(alphabet):
    with pytest.raises(ConversionError, match="expected A, C, G and T once each in the order of the channels"):
        check_alphabet(alphabet)
