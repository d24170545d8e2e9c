import numpy as np
import pytest

from zoo.prediction.windows.bins import align_bins
from zoo.prediction.windows.placement import WindowBatch


def windows_of(ref_start, ref_length, alt_length, alt_start=None):
    codes = np.zeros((1, 8), dtype=np.uint8)
    one = [
        np.array([value])
        for value in (ref_start, ref_start if alt_start is None else alt_start, ref_length, alt_length)
    ]
    return WindowBatch(codes, np.array([0]), codes, *one)


def align(ref, alt, windows, length=8, crop=0):
    shape = (1, -1, 1)
    found = align_bins(np.float32(ref).reshape(shape), np.float32(alt).reshape(shape), windows, length, crop)
    return [[None if np.isnan(value) else int(value) for value in each.ravel()] for each in found]


NUMBERS = list(range(8))


@pytest.mark.parametrize(
    ("windows", "ref", "alt"),
    [
        pytest.param(windows_of(3, 1, 1), NUMBERS, NUMBERS, id="SNV"),
        # REF's base 4 is ALT's base 6; the last two of REF are pushed out of ALT's window.
        pytest.param(
            windows_of(3, 1, 3), [0, 1, 2, 3, 4, 5, None, None], [0, 1, 2, 3, 6, 7, None, None], id="insertion"
        ),
        pytest.param(
            windows_of(3, 3, 1), [0, 1, 2, 3, None, None, 6, 7], [0, 1, 2, 3, None, None, 4, 5], id="deletion"
        ),
        # The end stays in place: what stands before a deletion of two has moved to the right by two.
        pytest.param(
            windows_of(3, 3, 1, alt_start=5),
            [0, 1, 2, 3, None, None, 6, 7],
            [2, 3, 4, 5, None, None, 6, 7],
            id="deletion, end in place",
        ),
        pytest.param(windows_of(3, 2, 2), NUMBERS, NUMBERS, id="MNV"),
    ],
)
def test_bins_of_a_base_stand_beside_their_partner(windows, ref, alt):
    assert align(NUMBERS, NUMBERS, windows) == [ref, alt]


def test_an_indel_of_less_than_half_a_bin_moves_nothing():
    assert align([0, 1, 2, 3], [0, 1, 2, 3], windows_of(20, 6, 1), length=64) == [[0, 1, 2, 3]] * 2


def test_an_indel_of_about_a_bin_moves_the_bins_behind_it_by_one():
    # Bins of 16 bases: 14 inserted ones at base 20 are nearest to one bin.
    found = align([0, 1, 2, 3], [0, 1, 2, 3], windows_of(20, 1, 15), length=64)
    assert found == [[0, 1, 2, None], [0, 2, 3, None]]


def test_a_bin_that_is_wholly_deleted_has_no_partner():
    # Bases 16 to 47, bins 1 and 2, are gone: REF's bin 3 is ALT's bin 1.
    found = align([0, 1, 2, 3], [0, 1, 2, 3], windows_of(15, 33, 1), length=64)
    assert found == [[0, None, None, 3], [0, None, None, 1]]


def test_cropped_bins_count_from_where_they_begin():
    # Bins of one base from base 2 on: an insertion of 2 behind base 3, which is bin 1.
    assert align([2, 3, 4, 5], [2, 3, 4, 5], windows_of(3, 1, 3), crop=2) == [[2, 3, None, None], [2, 3, None, None]]


def test_alleles_that_move_nothing_come_back_as_they_are():
    values = np.random.default_rng(0).normal(size=(1, 8, 2)).astype(np.float32)
    ref, alt = align_bins(values, values + 1, windows_of(3, 1, 1), 8, 0)
    assert ref is values
    assert np.array_equal(alt, values + 1)
