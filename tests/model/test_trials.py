import itertools

import numpy as np
import pytest

from tests.model.networks import LENGTH, make_card
from zoo.errors import ModelError
from zoo.model.trials import TOLERANCE, Trials, largest_difference

TRACKS = [{"name": name, "assay": "none"} for name in "ab"]
LINEAR = {"outputs": [{"name": "prediction", "tracks": TRACKS, "activation": "linear"}]}
SIGMOID = {"outputs": [{"name": "prediction", "tracks": TRACKS, "activation": "sigmoid"}]}
TWO = {
    "outputs": [
        {
            "name": name,
            "tracks": [{"name": f"{name} {track}", "assay": "none"} for track in "ab"],
            "activation": "linear",
        }
        for name in ("one", "other")
    ]
}


def name_predictions(*rows):
    return {"prediction": np.array(rows, dtype=np.float32)}


def test_windows_are_a_few_of_the_models_own_example_or_drawn():
    given = np.random.default_rng(0).integers(0, 4, (9, LENGTH), dtype=np.uint8)
    known = {"prediction": np.arange(18, dtype=np.float32).reshape(9, 2)}

    codes, predictions = Trials(make_card(), lambda: (given, known)).example
    drawn, nothing = Trials(make_card()).example

    np.testing.assert_array_equal(codes, given[:4])
    np.testing.assert_array_equal(predictions["prediction"], known["prediction"][:4])
    # All letters and unknown bases are among those that are drawn.
    assert (drawn.shape, drawn.dtype, set(drawn.ravel().tolist()), nothing) == (
        (4, LENGTH), np.uint8, {0, 1, 2, 3, 4}, None,
    )  # fmt: skip


def test_the_example_is_followed_by_windows_in_each_of_which_another_base_abounds_up_to_all_of_it():
    trials = Trials(make_card())

    example, *drawn = trials.walk()

    assert example is trials.example
    assert all((codes.shape, codes.dtype, known) == ((4, LENGTH), np.uint8, None) for codes, known in drawn)
    assert sorted(drawn[-1][0].tolist()) == [[base] * LENGTH for base in range(4)]
    assert len({codes.tobytes() for codes, _ in drawn}) == len(drawn)


def test_what_agrees_is_near_in_every_output_relative_to_its_largest_prediction():
    trials = Trials(make_card(**TWO))
    expected = {"one": np.array([[100.0, 1.0]]), "other": np.array([[1.0, 0.5]])}

    assert trials.agrees({"one": np.array([[100.0, 1.0009]]), "other": expected["other"]}, expected, 1e-5)
    assert not trials.agrees({"one": expected["one"], "other": np.array([[1.0, 0.5009]])}, expected, 1e-5)
    assert not trials.agrees({"one": expected["one"], "other": np.array([[1.0, np.nan]])}, expected, 1e-5)


def test_probabilities_near_zero_are_compared_with_a_tenth():
    found, expected = name_predictions([1.5e-6, 0]), name_predictions([1e-6, 0])

    assert Trials(make_card(**SIGMOID)).agrees(found, expected, 1e-5)
    assert not Trials(make_card(**LINEAR)).agrees(found, expected, 1e-5)


@pytest.mark.parametrize(
    ("fields", "rows", "expected"),
    [
        pytest.param(LINEAR, ([0, 1], [0, 1], [0, 1]), False, id="each track is always the same"),
        pytest.param(LINEAR, ([0, 1], [0, 1], [0, 2]), True, id="one track differs"),
        pytest.param(LINEAR, ([0, 1], [0, 1 + 1e-6]), False, id="by no more than is allowed"),
        pytest.param(LINEAR, ([1e-7, 0], [2e-7, 0]), True, id="all are small"),
        pytest.param(SIGMOID, ([1e-7, 0], [2e-7, 0]), False, id="all are probabilities near 0"),
    ],
)
def test_predictions_that_are_the_same_for_all_windows_tell_nothing(fields, rows, expected):
    assert Trials(make_card(**fields)).tells(name_predictions(*rows)) is expected


def test_each_output_has_to_tell_something():
    trials = Trials(make_card(**TWO))
    same, other = np.ones((2, 2)), np.eye(2)

    assert trials.tells({"one": other, "other": other})
    assert not trials.tells({"one": other, "other": same})


@pytest.mark.parametrize("telling", [0, 3, 99])
def test_a_form_is_tried_until_its_predictions_tell_something_or_all_windows_were_tried(telling):
    tried = []

    def compare(example):
        tried.append(example)
        same, other = name_predictions([1, 1], [1, 1]), name_predictions([1, 1], [1, 2])
        yield other, other, TOLERANCE
        values = other if len(tried) > telling else same
        yield values, values, TOLERANCE

    trials = Trials(make_card(**LINEAR))
    trials.run(compare, "the form predicts")

    every = list(trials.walk())
    assert len(tried) == min(telling + 1, len(every))
    for (codes, _), (expected, _) in zip(tried, every, strict=False):
        np.testing.assert_array_equal(codes, expected)


def test_a_form_that_differs_on_windows_that_are_tried_at_last_is_refused():
    numbers = itertools.count()

    def compare(_):
        found = name_predictions([1, 1], [1, 1])
        yield found, found, TOLERANCE
        yield found, name_predictions([1, 1], [1, 1 + (next(numbers) == 8)]), TOLERANCE

    with pytest.raises(
        ModelError,
        match=r"^g-at-anchor@1\.0\.0: the form predicts otherwise than the whole network; choose --engine full$",
    ):
        Trials(make_card(**LINEAR)).run(compare, "the form predicts")


def test_differences_are_told_relative_to_the_largest_prediction():
    expected = np.array([[-4.0], [2.0]])

    assert largest_difference(expected + np.array([[0], [1]]), expected) == 0.25
    assert largest_difference(np.array([0.5]), np.array([0.0])) == 0.5
    assert np.isnan(largest_difference(np.array([np.nan]), np.array([1.0])))
    assert np.isnan(largest_difference(np.array([np.inf, 0]), np.array([np.inf, 0])))
    assert largest_difference(np.empty((0, 2)), np.empty((0, 2))) == 0.0
