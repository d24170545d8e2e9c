"""Scores of lower precision against those of float32."""

import dataclasses

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from zoo.errors import ModelError
from zoo.prediction.scoring.parity import Parity, compare_scores, refuse_loss

GOOD = Parity("int8", 1000, correlation=1.0, rank_correlation=0.99, signs=0.99, difference=0.05)


def column(*values):
    return np.array(values, dtype=np.float32)[:, np.newaxis]


@given(arrays.arrays(np.float32, (20, 2), elements=st.floats(-100, 100, width=32)))
def test_the_same_scores_are_alike_in_every_way(scores):
    parity = compare_scores("float16", scores, scores.copy())
    assert parity.correlation == pytest.approx(1)
    assert parity.rank_correlation == pytest.approx(1)
    assert (parity.signs, parity.difference, parity.variants, parity.holds) == (1, 0, 20, True)


def test_ranks_are_spearmans_and_equals_share_theirs():
    # Ranks 0, 1.5, 1.5, 3 against 0, 1, 2, 3: deviations (-1.5, 0, 0, 1.5) and (-1.5, -0.5, 0.5, 1.5).
    parity = compare_scores("int8", column(1, 2, 2, 9), column(-5, 2, 3, 100))
    assert parity.rank_correlation == pytest.approx(4.5 / np.sqrt(4.5 * 5))


def test_an_order_turned_round_has_rank_correlation_minus_one():
    assert compare_scores("int8", column(1, 2, 3), column(3, 2, 1)).rank_correlation == pytest.approx(-1)


def test_correlation_is_pearsons():
    assert compare_scores("int8", column(0, 1, 5), column(1, 3, 11)).correlation == pytest.approx(1)


def test_signs_of_small_scores_do_not_count():
    parity = compare_scores("int8", column(10, -10, 0.2, 0.09, -0.05), column(10, 10, 0.2, -0.09, 0.05))
    assert parity.signs == pytest.approx(2 / 3)


def test_the_largest_difference_is_a_share_of_the_largest_score():
    assert compare_scores("int8", column(-8, 1, 2), column(-8, 1, 4)).difference == 0.25


def test_the_worst_track_decides():
    expected = np.hstack([column(1, 2, 3), column(1, 2, 3)])
    found = np.hstack([column(1, 2, 3), column(-1, 3, 2)])
    parity = compare_scores("int8", expected, found)
    assert parity.rank_correlation < 1
    assert parity.signs == pytest.approx(2 / 3)
    assert parity.difference == pytest.approx(2 / 3)
    assert parity.correlation < 1


def test_a_track_that_never_changes_must_stay_so():
    assert compare_scores("int8", column(0, 0, 0), column(0, 0, 0)).holds
    parity = compare_scores("int8", column(0, 0, 0), column(0, 0.1, 0))
    assert (parity.rank_correlation, parity.difference) == (0, 1)


@pytest.mark.parametrize(("field", "value"), [("rank_correlation", 0.9899), ("signs", 0.9899), ("difference", 0.0501)])
def test_scores_hold_at_the_limits_and_not_beyond(field, value):
    assert GOOD.holds
    refuse_loss("g", GOOD)
    worse = dataclasses.replace(GOOD, **{field: value})
    with pytest.raises(ModelError, match=r"^g: int8 against float32 on 1,000 background variants: rank correlation"):
        refuse_loss("g", worse)


def test_a_refusal_tells_figures_limits_and_what_to_do():
    parity = Parity("int8", 1000, correlation=0.9, rank_correlation=0.67, signs=0.58, difference=0.5)
    with pytest.raises(ModelError) as caught:
        refuse_loss("g-at-anchor@1.0.0", parity)
    assert str(caught.value) == (
        "g-at-anchor@1.0.0: int8 against float32 on 1,000 background variants: rank correlation 0.6700, correlation "
        "0.9000, equal signs 58.00%, largest difference 50.00% of the largest score; expected at least 0.99, 99% of "
        "signs and at most 5%; choose float16, or leave out precision"
    )
    with pytest.raises(ModelError, match=r"at most 5%; leave out precision$"):
        refuse_loss("g", dataclasses.replace(parity, precision="float16"))
