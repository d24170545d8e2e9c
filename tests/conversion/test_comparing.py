import numpy as np
import pytest

from zoo.conversion.comparing import HALVES_LIMIT, LIMIT, ROUNDING, choose_measure, compare
from zoo.errors import ConversionError

ROWS = 8
CODES = np.zeros((ROWS, 5), dtype=np.uint8)
COMMON = np.tile([0.25, 0.75], ROWS // 2)
RARE = np.tile([1e-6, 3e-6], ROWS // 2)
"""A track of probabilities that spreads by 1e-6."""


def stack(*tracks):
    return np.stack(tracks, axis=-1).astype(np.float32)


def compare_tracks(expected, found, rounding=ROUNDING, *, halves=False):
    measure = choose_measure("p", expected, rounding, halves=halves)
    return measure, compare(measure, expected, found, CODES, 64)


def test_a_probability_may_be_off_by_5e_7_however_small_it_is():
    measure, largest = compare_tracks(stack(COMMON, RARE), stack(COMMON, RARE + 4e-7))
    assert largest <= LIMIT
    assert measure.unproven.tolist() == [False, False]
    with pytest.raises(ConversionError, match=r"predicts for AAAAA, found .*: 6e-07 apart, 4.8e-07 is allowed; no"):
        compare_tracks(stack(COMMON, RARE), stack(COMMON, RARE + 6e-7))


def test_a_number_that_no_sigmoid_made_may_not():
    with pytest.raises(ConversionError, match="is allowed; nothing was written"):
        compare_tracks(stack(COMMON, RARE), stack(COMMON, RARE + 4e-7), rounding=0)


def test_a_probability_that_is_no_rare_one_is_measured_by_its_track():
    expected = stack(COMMON, COMMON / 10)
    with pytest.raises(ConversionError, match=r"found .* 2e-05 of the largest prediction of its track, 1e-05 is allow"):
        compare_tracks(expected, expected * np.float32(1 + 2e-5))


def test_a_rare_track_is_no_other_rare_track():
    first, second = np.tile([1e-7, 5e-7], 4), np.tile([1e-7, 1e-7, 5e-7, 5e-7], 2)  # spread by 2e-7, 4e-7 apart
    expected = stack(COMMON, first, second)
    with pytest.raises(ConversionError, match="track 2 that go with the network's own, which spread by 2e-07, found"):
        compare_tracks(expected, expected[:, [0, 2, 1]])
    measure, _ = compare_tracks(expected, expected)
    assert not measure.unproven.any()


def test_a_rare_track_is_not_twice_itself():
    expected = stack(COMMON, RARE / 8)
    with pytest.raises(ConversionError, match="track 2 that go with the network's own"):
        compare_tracks(expected, expected * np.array([1, 2], np.float32))


def test_a_track_that_hardly_spreads_is_not_proven():
    measure, largest = compare_tracks(stack(COMMON, RARE / 20), stack(COMMON, RARE / 20 + 4e-7))
    assert largest <= LIMIT
    assert measure.unproven.tolist() == [False, True]


def test_an_output_of_nothing_else_is_refused():
    with pytest.raises(
        ConversionError,
        match=r"output 'p': its predictions, of which the largest is 1.5e-07, .*export the network with",
    ):
        choose_measure("p", stack(RARE / 20), ROUNDING)


def test_predictions_above_1_are_no_probabilities():
    expected = stack(COMMON * 2, COMMON / 100)
    with pytest.raises(ConversionError, match="is allowed"):
        compare_tracks(expected, expected + np.array([0, 3e-7], np.float32))


def test_a_track_that_is_hardly_there_is_measured_by_a_thousandth_of_the_largest():
    expected = stack(1000 * COMMON, 1e-4 * COMMON)
    limit = LIMIT * 750 / 1000
    measure, largest = compare_tracks(expected, expected + np.array([0, 2e-6], np.float32), rounding=0)
    assert largest == pytest.approx(LIMIT * 2e-6 / limit, rel=1e-3)
    assert measure.loose.tolist() == [False, True]


def test_16_bits_may_be_a_hundredth_off():
    expected = stack(100 * COMMON)
    measure, largest = compare_tracks(expected, expected * np.float32(1.009), 0, halves=True)
    assert largest == pytest.approx(0.009, rel=1e-3)
    assert (measure.limit, measure.unproven.tolist()) == (HALVES_LIMIT, [False])
    with pytest.raises(ConversionError, match=r"of the largest prediction of its track, 0.01 is allowed"):
        compare_tracks(expected, expected * np.float32(1.011), 0, halves=True)


def test_16_bits_that_spread_by_less_than_their_rounding_prove_nothing():
    with pytest.raises(ConversionError, match="nothing can be proven of them beyond rounding"):
        choose_measure("p", stack(100 + COMMON / 100), halves=True)


def test_what_is_no_number_is_never_let_through():
    expected = stack(COMMON, RARE)
    for nothing in (np.nan, np.inf):
        found = expected.copy()
        found[3, 1] = nothing
        with pytest.raises(ConversionError, match="is allowed"):
            compare_tracks(expected, found)


def test_bins_count_as_sequences_do():
    expected = np.stack([stack(COMMON, RARE)] * 3, axis=1)
    measure, _ = compare_tracks(expected, expected)
    assert measure.spread.tolist() == pytest.approx([0.25, 1e-6])
