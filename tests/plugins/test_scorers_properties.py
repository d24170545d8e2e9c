"""What every scorer keeps, whatever the predictions."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from zoo_scorers import register_scorers

SCORERS = register_scorers()
OF_PROBABILITIES = {"logit_difference", "deepsea_effect"}
EXTREMES = [
    0,
    1,
    1e38,
    -1e38,
    float(np.finfo(np.float32).max),
    -float(np.finfo(np.float32).max),
    2.0**-149,
    -(2.0**-149),
]
FINITE = st.sampled_from(EXTREMES) | st.floats(width=32, allow_nan=False, allow_infinity=False)
PROBABILITIES = st.sampled_from([0.0, 1.0]) | st.floats(0, 1, width=32)

CASES = [pytest.param(scorer, kind, id=f"{scorer.name}, {kind}") for scorer in SCORERS for kind in sorted(scorer.takes)]
BINNED = [pytest.param(scorer, id=scorer.name) for scorer in SCORERS if "binned" in scorer.takes]


def run(scorer, ref, alt):
    return scorer.score(scorer.config(), {"p": ref}, {"p": alt})


def draw_alleles(data, scorer, kind, elements=FINITE):
    """Draw predictions of both alleles, (N, T) or (N, B, T)."""
    sizes = (4, 2) if kind == "flat" else (4, data.draw(st.integers(1, 9)), 2)
    chosen = PROBABILITIES if scorer.name in OF_PROBABILITIES else elements
    return (data.draw(arrays.arrays(np.float32, sizes, elements=chosen)) for _ in range(2))


@pytest.mark.parametrize(("scorer", "kind"), CASES)
@given(data=st.data())
@settings(max_examples=30)
def test_scores_of_finite_predictions_are_finite_float32(scorer, kind, data):
    scores = run(scorer, *draw_alleles(data, scorer, kind))
    assert scores.dtype == np.float32
    assert np.isfinite(scores).all()


@pytest.mark.parametrize(("scorer", "kind"), [case for case in CASES if not case.values[0].level])
@given(data=st.data())
@settings(max_examples=30)
def test_equal_alleles_score_0_unless_the_score_is_a_level(scorer, kind, data):
    ref, _ = draw_alleles(data, scorer, kind)
    assert not run(scorer, ref, ref).any()


@pytest.mark.parametrize(("scorer", "kind"), CASES)
@given(data=st.data())
@settings(max_examples=30)
def test_swapped_alleles_change_the_sign_alone_and_nothing_where_there_is_none(scorer, kind, data):
    ref, alt = draw_alleles(data, scorer, kind)
    np.testing.assert_array_equal(run(scorer, alt, ref), (-1 if scorer.signed else 1) * run(scorer, ref, alt))


@pytest.mark.parametrize(("scorer", "kind"), CASES)
@given(data=st.data())
@settings(max_examples=30)
def test_each_allele_is_scored_on_its_own_in_any_order(scorer, kind, data):
    ref, alt = draw_alleles(data, scorer, kind)
    rows = data.draw(st.permutations(range(len(ref))))
    np.testing.assert_array_equal(run(scorer, ref[rows], alt[rows]), run(scorer, ref, alt)[rows])


@pytest.mark.parametrize("scorer", [case for case in BINNED if case.id != "centre"])
@given(data=st.data())
@settings(max_examples=30)
def test_bins_without_a_partner_change_nothing(scorer, data):
    ref, alt = draw_alleles(data, scorer, "binned", PROBABILITIES)
    places = data.draw(st.lists(st.integers(0, ref.shape[1]), max_size=4))
    more = (np.insert(values, places, np.nan, axis=1) for values in (ref, alt))
    np.testing.assert_allclose(run(scorer, *more), run(scorer, ref, alt), rtol=1e-5, atol=1e-7)


@given(data=st.data())
@settings(max_examples=30)
def test_a_bin_without_a_partner_adds_nothing_to_the_centre(data):
    scorer = next(scorer for scorer in SCORERS if scorer.name == "centre")
    ref, alt = draw_alleles(data, scorer, "binned", PROBABILITIES)
    missing = data.draw(arrays.arrays(np.bool_, ref.shape[1]))
    ref[:, missing] = alt[:, missing]
    expected = run(scorer, ref, alt)
    ref[:, missing] = alt[:, missing] = np.nan
    np.testing.assert_array_equal(run(scorer, ref, alt), expected)


@pytest.mark.parametrize("scorer", BINNED)
@pytest.mark.parametrize("bins", [0, 1, 5])
def test_an_allele_without_a_bin_scores_0(scorer, bins):
    nothing = np.full((3, bins, 2), np.nan, np.float32)
    np.testing.assert_array_equal(run(scorer, nothing, nothing), np.zeros((3, 2)))


@given(data=st.data())
@settings(max_examples=30)
def test_distances_of_profiles_lie_between_0_and_1(data):
    scorer = next(scorer for scorer in SCORERS if scorer.name == "jensen_shannon")
    scores = run(scorer, *draw_alleles(data, scorer, "binned"))
    assert ((scores >= 0) & (scores <= 1)).all()


@given(data=st.data())
@settings(max_examples=30)
def test_a_level_is_that_of_the_stronger_allele(data):
    scorer = next(scorer for scorer in SCORERS if scorer.level)
    ref, alt = draw_alleles(data, scorer, "flat")
    np.testing.assert_array_equal(run(scorer, ref, alt), np.maximum(ref, alt))
