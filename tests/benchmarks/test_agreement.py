import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.agreement import FEWEST, agree, draw_groups, measure_agreement
from zoo.training.metrics.bootstrap import measure_once

NAMES = ("pearson", "spearman", "sign", "concordance")


def measure(measured, predicted):
    found = measure_agreement(np.array(measured, dtype=float), np.array(predicted, dtype=float))
    return measure_once(found, len(measured))


def test_one_answer_for_all_has_a_concordance_of_one_half_and_the_share_of_that_sign():
    found = measure([-3, -2, -1, 4], [-0.1, -0.2, -0.3, -0.4])
    assert found["concordance"] == 0.5
    assert found["sign"] == 0.75


def test_the_concordance_is_the_mean_over_both_directions():
    # Below 0: two of three are right; above 0: one of two.
    found = measure([-3, -2, -1, 4, 5], [-1, -1, 1, 1, -1])
    assert found["concordance"] == pytest.approx((2 / 3 + 1 / 2) / 2)
    assert found["sign"] == pytest.approx(3 / 5)


def test_a_predicted_zero_is_half_right_and_a_measured_zero_counts_in_neither():
    found = measure([-1, 1, 0, 0], [0, 1, 5, -5])
    assert found["concordance"] == 0.75
    assert found["sign"] == 0.75


def test_a_set_of_one_direction_has_no_concordance():
    assert np.isnan(measure([-1, -2], [-1, 1])["concordance"])


effects = st.lists(st.tuples(st.integers(-20, 20), st.integers(-20, 20)), min_size=12, max_size=30)


@given(effects)
def test_correlations_do_not_ask_for_the_unit_and_turn_with_the_sign(pairs):
    measured, predicted = np.array(pairs, dtype=float).T
    found, doubled, turned = (measure(measured, factor * predicted) for factor in (1, 2, -1))
    for name in ("pearson", "spearman"):
        np.testing.assert_allclose(doubled[name], found[name], atol=1e-9)
        np.testing.assert_allclose(turned[name], -found[name], atol=1e-9)
    np.testing.assert_allclose(turned["concordance"], 1 - found["concordance"], atol=1e-9)


def test_a_draw_of_groups_is_the_draw_of_all_that_stand_in_them():
    measured, predicted = np.array([-1.0, 2, -3, 4]), np.array([-1.0, -2, 3, 4])
    of_examples = measure_agreement(measured, predicted)
    of_groups = draw_groups(of_examples, np.array([7, 3, 7, 3]))
    # Groups in order: 3 (the second and the last example), 7 (the others).
    found, expected = of_groups(np.array([[2.0, 1]])), of_examples(np.array([[1.0, 2, 1, 2]]))
    assert {name: values[0] for name, values in found.items()} == {name: values[0] for name, values in expected.items()}


def test_a_value_lies_in_its_interval_and_groups_widen_it():
    generator = np.random.default_rng(1)
    measured = np.repeat(generator.normal(size=40), 10)
    predicted = measured + np.repeat(generator.normal(size=40), 10)
    alone, grouped = (
        agree(measured, predicted, groups, NAMES, draws=200)
        for groups in (np.arange(400), np.repeat(np.arange(40), 10))
    )
    for name in NAMES:
        low, high = grouped[name].interval
        assert low <= grouped[name].value == alone[name].value <= high
    widths = [found["pearson"].interval[1] - found["pearson"].interval[0] for found in (alone, grouped)]
    assert widths[1] > 2 * widths[0]


def test_a_score_that_is_the_same_for_all_has_no_correlation():
    found = agree(np.arange(-6.0, 6), np.zeros(12), np.arange(12), ("pearson", "concordance"), draws=20)
    assert (found["pearson"].value, found["pearson"].interval) == (None, None)
    assert found["concordance"].value == 0.5


def test_too_few_effects_have_no_figures():
    found = agree(np.ones(FEWEST - 1), np.ones(FEWEST - 1), np.arange(FEWEST - 1), ("spearman",))
    assert found["spearman"].value is None
