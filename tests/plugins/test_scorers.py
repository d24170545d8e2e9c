import numpy as np
import pytest
from pydantic import ValidationError
from zoo_scorers import register_scorers

from zoo.errors import DataError
from zoo.plugins import discover
from zoo.testing.contract import check_scorer

NAMES = ("difference", "weighted_difference", "logit_difference")


def score(name, ref, alt, **config):
    scorer = discover().scorer(name)
    given, other = ({"p": np.array(values, dtype=np.float32)} for values in (ref, alt))
    return scorer.score(scorer.config(**config), given, other)


@pytest.mark.parametrize(
    ("name", "ref", "alt", "expected"),
    [
        pytest.param("difference", 0.25, 0.75, 0.5, id="difference: gain"),
        pytest.param("difference", 0.75, 0.25, -0.5, id="difference: loss"),
        pytest.param("weighted_difference", 0.25, 0.5, 0.125, id="weighted: 0.25 times the stronger, 0.5"),
        pytest.param("weighted_difference", 0.5, 0.25, -0.125, id="weighted: the stronger may be REF"),
        pytest.param("weighted_difference", -3.0, -1.0, 0.0, id="weighted: neither binds"),
        pytest.param("weighted_difference", -1.0, 2.0, 6.0, id="weighted: one binds"),
        pytest.param("logit_difference", 0.5, 0.75, np.log(3), id="logit: odds of 1 and 3"),
        pytest.param("logit_difference", 0.75, 0.25, -np.log(9), id="logit: odds of 3 and a third"),
    ],
)
def test_scores_can_be_checked_by_hand(name, ref, alt, expected):
    assert score(name, [[ref]], [[alt]])[0, 0] == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("scorer", register_scorers(), ids=lambda scorer: scorer.name)
def test_every_scorer_keeps_the_contract(scorer):
    check_scorer(scorer)


@pytest.mark.parametrize("name", NAMES)
def test_swapped_alleles_change_the_sign_alone(name):
    rng = np.random.default_rng(0)
    ref, alt = rng.random((2, 5, 3))
    assert np.array_equal(score(name, ref, alt), -score(name, alt, ref))


@pytest.mark.parametrize("name", NAMES)
def test_tracks_of_all_outputs_stand_side_by_side_in_their_order(name):
    scorer = discover().scorer(name)
    ref = {"b": np.full((2, 1), 0.5, np.float32), "a": np.full((2, 2), 0.5, np.float32)}
    alt = {"a": np.full((2, 2), 0.25, np.float32), "b": np.full((2, 1), 0.75, np.float32)}
    scores = scorer.score(scorer.config(), ref, alt)
    assert (scores.shape, scores.dtype) == ((2, 3), np.float32)
    assert np.sign(scores).tolist() == [[1, -1, -1]] * 2


@pytest.mark.parametrize("name", NAMES)
def test_every_scorer_is_signed_takes_flat_outputs_and_keeps_nan(name):
    scorer = discover().scorer(name)
    assert (scorer.signed, scorer.takes) == (True, {"flat"})
    assert np.isnan(score(name, [[np.nan]], [[0.5]])).all()


def test_epsilon_bounds_the_score_of_certainty():
    assert score("logit_difference", [[0]], [[1]], epsilon=0.25)[0, 0] == pytest.approx(np.log(9))
    assert score("logit_difference", [[0]], [[1]])[0, 0] == pytest.approx(2 * np.log(1e6 - 1))


def test_a_rounding_error_outside_0_and_1_is_no_fault():
    assert np.isfinite(score("logit_difference", [[-1e-8]], [[1 + 1.2e-7]])).all()


@pytest.mark.parametrize("value", [-0.5, 1.5, 30])
def test_logits_need_probabilities(value):
    with pytest.raises(DataError, match=f"output 'p': expected probabilities, found {value}; choose the scorer 'diff"):
        score("logit_difference", [[0.5]], [[value]])


@pytest.mark.parametrize("epsilon", [0, 0.5, -1])
def test_an_epsilon_outside_0_and_a_half_is_refused(epsilon):
    with pytest.raises(ValidationError, match="epsilon"):
        discover().scorer("logit_difference").config(epsilon=epsilon)
