"""Every scorer by an example that can be checked by hand, and what its configuration changes."""

import numpy as np
import pytest
from pydantic import ValidationError
from zoo_scorers import register_scorers

from zoo.errors import DataError
from zoo.plugins import discover
from zoo.testing.contract import check_scorer

SCORERS = {scorer.name: scorer for scorer in register_scorers()}


def score(name, ref, alt, **config):
    scorer = SCORERS[name]
    given, other = ({"p": np.array(values, dtype=np.float32)} for values in (ref, alt))
    return scorer.score(scorer.config(**config), given, other)


def score_bins(name, ref, alt, **config):
    """Score one allele of one track, from its bins."""
    return score(name, [[[value] for value in ref]], [[[value] for value in alt]], **config)[0, 0]


@pytest.mark.parametrize("scorer", register_scorers(), ids=lambda scorer: scorer.name)
def test_every_scorer_keeps_the_contract(scorer):
    check_scorer(scorer)


@pytest.mark.parametrize("scorer", register_scorers(), ids=lambda scorer: scorer.name)
def test_every_scorer_names_its_source_and_is_installed(scorer):
    assert scorer.source.startswith("doi:10.")
    assert scorer.source.removeprefix("doi:") in scorer.score.__doc__
    assert discover().scorer(scorer.name) is scorer


def test_which_scorers_take_bins_and_which_have_no_sign():
    binned = {name for name, scorer in SCORERS.items() if "binned" in scorer.takes}
    flat = {name for name, scorer in SCORERS.items() if "flat" in scorer.takes}
    assert binned & flat == {"log_sum", "active"}
    assert flat - binned == {
        "difference", "weighted_difference", "logit_difference", "log2_ratio", "absolute", "deepsea_effect",
    }  # fmt: skip
    unsigned = {name for name, scorer in SCORERS.items() if not scorer.signed}
    assert unsigned == {"absolute", "deepsea_effect", "l1", "l2", "log_l2", "jensen_shannon", "active"}
    assert {name for name, scorer in SCORERS.items() if scorer.level} == {"active"}


@pytest.mark.parametrize(
    ("name", "ref", "alt", "expected"),
    [
        pytest.param("difference", 0.25, 0.75, 0.5, id="difference: gain"),
        pytest.param("difference", 0.75, 0.25, -0.5, id="difference: loss"),
        pytest.param("absolute", 0.75, 0.25, 0.5, id="absolute: a loss counts as a gain does"),
        pytest.param("weighted_difference", 0.25, 0.5, 0.125, id="weighted: 0.25 times the stronger, 0.5"),
        pytest.param("weighted_difference", 0.5, 0.25, -0.125, id="weighted: the stronger may be REF"),
        pytest.param("weighted_difference", -3.0, -1.0, 0.0, id="weighted: neither binds"),
        pytest.param("weighted_difference", -1.0, 2.0, 6.0, id="weighted: one binds"),
        pytest.param("logit_difference", 0.5, 0.75, np.log(3), id="logit: odds of 1 and 3"),
        pytest.param("logit_difference", 0.75, 0.25, -np.log(9), id="logit: odds of 3 and a third"),
        pytest.param("deepsea_effect", 0.75, 0.5, 0.25 * np.log(3), id="deepsea: a quarter, and odds of 3 and 1"),
        pytest.param("log2_ratio", 1, 3, 1, id="log2_ratio: 4 / 2"),
        pytest.param("log2_ratio", 3, -5, -2, id="log2_ratio: 1 / 4, below 0 is 0"),
        pytest.param("log_sum", 1, 3, 1, id="log_sum: 4 / 2"),
        pytest.param("active", 0.75, 0.25, 0.75, id="active: the stronger, REF"),
        pytest.param("active", -2, -1, -1, id="active: the stronger of two below 0"),
    ],
)
def test_scores_of_flat_outputs_can_be_checked_by_hand(name, ref, alt, expected):
    assert score(name, [[ref]], [[alt]])[0, 0] == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize(
    ("name", "ref", "alt", "expected"),
    [
        pytest.param("sum_difference", [1, 2], [3, 1], 1, id="sum: 2 - 1"),
        pytest.param("log_sum", [1, 2], [3, 4], 1, id="log_sum: 8 / 4"),
        pytest.param("log_sum", [1, -2], [3, -4], 1, id="log_sum: below 0 is 0 in each bin"),
        pytest.param("log_sum_difference", [1, 3], [3, 1], 0, id="log_sum_difference: 1 - 1"),
        pytest.param("log_sum_difference", [1, -3], [7, -1], 2, id="log_sum_difference: 8 / 2, below 0 is 0"),
        pytest.param("l1", [1, 2], [3, 1], 3, id="l1: 2 + 1"),
        pytest.param("l2", [1, 5], [4, 1], 5, id="l2: sides of 3 and 4"),
        pytest.param("log_l2", [0, 15], [7, 0], 5, id="log_l2: sides of 3 and 4 doublings"),
        pytest.param("largest_bin", [0, 0, 0], [1, -3, 2], -3, id="largest_bin: a loss"),
        pytest.param("largest_bin", [1, 1, 1], [1, 3, -1], 2, id="largest_bin: of equal ones the first"),
        pytest.param("jensen_shannon", [1, 0], [0, 1], 1, id="jensen_shannon: nothing in common"),
        pytest.param("jensen_shannon", [1, -9], [0, 1], 1, id="jensen_shannon: below 0 is 0"),
        pytest.param("jensen_shannon", [1, 3], [2, 6], 0, id="jensen_shannon: of one shape"),
        pytest.param("jensen_shannon", [0, 0], [5, 5], 0, id="jensen_shannon: nothing is level"),
        pytest.param("centre", [0] * 6, [1, 2, 4, 8, 16, 32], 2 + 4 + 8 + 16, id="centre: 4 of 6"),
        pytest.param("active", [1, 2], [0, 5], 5, id="active: ALT"),
        pytest.param("profile_times_count", [1, 0], [0, 3], 1, id="profile_times_count: 1 · log2(4 / 2)"),
        pytest.param("profile_times_count", [0, 7], [1, 0], -2, id="profile_times_count: the totals give the sign"),
        pytest.param("profile_times_count", [1, 0], [0, 1], 0, id="profile_times_count: of one total"),
    ],
)
def test_scores_of_bins_can_be_checked_by_hand(name, ref, alt, expected):
    little = {"pseudocount": 1e-12} if "pseudocount" in SCORERS[name].config.model_fields else {}
    assert score_bins(name, ref, alt, **little) == pytest.approx(expected, rel=1e-6, abs=1e-5)


def test_the_divergence_is_the_square_of_the_distance():
    # (1, 0) and (½, ½) have (¾, ¼) between them: ½ log2(4/3) + ½ [½ log2(2/3) + ½ log2(2)].
    expected = 1.5 - 0.75 * np.log2(3)
    found = score_bins("jensen_shannon", [1, 0], [2, 2], distance=False, pseudocount=1e-12)
    assert found == pytest.approx(expected)
    assert score_bins("jensen_shannon", [1, 0], [2, 2], pseudocount=1e-12) == pytest.approx(np.sqrt(expected))
    # The distance, not the divergence, is multiplied: 1 + 4 over 1 + 1.
    found = score_bins("profile_times_count", [1, 0], [2, 2], pseudocount=1e-12)
    assert found == pytest.approx(np.sqrt(expected) * np.log2(5 / 2))


def test_pseudocounts_are_added_to_what_they_should_be():
    assert score("log2_ratio", [[0]], [[3]], pseudocount=0.5)[0, 0] == pytest.approx(np.log2(7))
    # (1 + 1, 0 + 1) and (0 + 1, 1 + 1): shares of two and one third.
    found = score_bins("jensen_shannon", [1, 0], [0, 1], distance=False, pseudocount=1)
    assert found == pytest.approx(2 / 3 * np.log2(4 / 3) + 1 / 3 * np.log2(2 / 3))


@pytest.mark.parametrize(
    ("bins", "width", "expected"),
    [(5, 1, 4), (4, 1, 4), (4, 2, 2 + 4), (5, 2, 4 + 8), (5, 3, 2 + 4 + 8), (4, 9, 15), (1, 4, 1)],
)
def test_the_bin_of_the_middle_base_is_always_in_the_centre(bins, width, expected):
    alt = [2**number for number in range(bins)]
    found = score_bins("centre", [0] * bins, alt, width=width)
    assert found == expected
    assert int(found) & alt[bins // 2]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("sum_difference", 2),
        ("l1", 2),
        ("largest_bin", 2),
        ("log_sum", 1),
        ("active", 3),
        ("centre", 2),
        ("jensen_shannon", 0),
        ("profile_times_count", 0),
    ],
)
def test_a_bin_without_a_partner_is_left_out(name, expected):
    assert score_bins(name, [np.nan, 1], [np.nan, 3]) == expected


@pytest.mark.parametrize("name", [name for name, scorer in SCORERS.items() if "binned" in scorer.takes])
def test_nan_in_one_allele_alone_and_infinity_are_no_scores(name):
    assert np.isnan(score_bins(name, [1, 1], [1, np.nan]))
    assert np.isnan(score_bins(name, [1, 1], [np.inf, 1]))
    assert np.isnan(score_bins(name, [1, np.inf], [1, np.inf]))


@pytest.mark.parametrize("name", [name for name, scorer in SCORERS.items() if "flat" in scorer.takes])
def test_nan_of_a_flat_output_is_no_score(name):
    assert np.isnan(score(name, [[np.nan]], [[0.5]])).all()
    assert np.isnan(score(name, [[np.nan]], [[np.nan]])).all()


@pytest.mark.parametrize("name", ["difference", "weighted_difference", "logit_difference", "log2_ratio", "log_sum"])
def test_tracks_of_all_outputs_stand_side_by_side_in_their_order(name):
    scorer = SCORERS[name]
    ref = {"b": np.full((2, 1), 0.5, np.float32), "a": np.full((2, 2), 0.5, np.float32)}
    alt = {"a": np.full((2, 2), 0.25, np.float32), "b": np.full((2, 1), 0.75, np.float32)}
    scores = scorer.score(scorer.config(), ref, alt)
    assert (scores.shape, scores.dtype) == ((2, 3), np.float32)
    assert np.sign(scores).tolist() == [[1, -1, -1]] * 2


def test_what_float32_can_not_hold_is_clipped():
    largest = np.finfo(np.float32).max
    assert score("difference", [[-largest]], [[largest]])[0, 0] == largest
    assert score("weighted_difference", [[largest]], [[-1]])[0, 0] == -largest
    assert score_bins("l2", [largest] * 3, [-largest] * 3) == largest


def test_epsilon_bounds_the_score_of_certainty():
    assert score("logit_difference", [[0]], [[1]], epsilon=0.25)[0, 0] == pytest.approx(np.log(9))
    assert score("logit_difference", [[0]], [[1]])[0, 0] == pytest.approx(2 * np.log(1e6 - 1))
    # 1 - 1e-30 is 1 in float64.
    assert score("logit_difference", [[0]], [[1]], epsilon=1e-30)[0, 0] == pytest.approx(2 * np.log(1e30))


@pytest.mark.parametrize("name", ["logit_difference", "deepsea_effect"])
def test_a_rounding_error_outside_0_and_1_is_no_fault(name):
    assert np.isfinite(score(name, [[-1e-8]], [[1 + 1.2e-7]])).all()


@pytest.mark.parametrize("name", ["logit_difference", "deepsea_effect"])
@pytest.mark.parametrize("value", [-0.5, 1.5, 30])
def test_logits_need_probabilities(name, value):
    expected = f"^{name}: output 'p': expected probabilities, found {value}; choose the scorer 'diff"
    with pytest.raises(DataError, match=expected):
        score(name, [[0.5]], [[value]])


@pytest.mark.parametrize(
    ("name", "field", "value"),
    [
        *(("logit_difference", "epsilon", value) for value in (0, 0.5, -1)),
        *(("log2_ratio", "pseudocount", value) for value in (0, -1, float("inf"))),
        *(("jensen_shannon", "pseudocount", value) for value in (0, 1e300)),
        ("centre", "width", 0),
    ],
)
def test_a_configuration_out_of_reach_is_refused(name, field, value):
    with pytest.raises(ValidationError, match=field):
        SCORERS[name].config(**{field: value})
