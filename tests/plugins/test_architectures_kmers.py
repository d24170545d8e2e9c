"""The baselines: what they count, what they solve, and that the network says the same."""

import numpy as np
import pytest

pytest.importorskip("tensorflow")

from zoo_architectures.kmer_logistic import KMER_LOGISTIC
from zoo_architectures.kmer_ridge import KMER_RIDGE
from zoo_architectures.kmers import count_words, number_words

from zoo import ExampleSet, InputSpec, OutputSpec, RecipeError, encode, one_hot, reverse_complement
from zoo.training.network.backend import import_backend

pytestmark = pytest.mark.training

import_backend(threads=2)

LENGTH = 30
INPUTS = (InputSpec("sequence", (LENGTH, 4)),)


def make_output(activation, *tracks):
    return (OutputSpec("prediction", tracks, activation),)


def draw_codes(count=400, seed=0):
    return np.random.default_rng(seed).integers(0, 4, (count, LENGTH), dtype=np.uint8)


def count_letter(codes, *letters):
    """How many bases are one of these codes, centred; 2 letters that pair make it the same on both strands."""
    return (np.isin(codes, letters).sum(axis=1) - LENGTH * len(letters) / 4).astype(np.float32)


def make_examples(codes, *targets, weights=None):
    names = tuple(f"t{number}" for number in range(len(targets)))
    return ExampleSet(codes, np.stack(targets, axis=1).astype(np.float32), names, weights=weights)


def solve(architecture, train, activation, validation=None, **config):
    chosen = architecture.config(**{"k": 2, **config})
    output = make_output(activation, *train.tracks)
    weights = architecture.fit_weights(chosen, train, validation or train, output, 0)
    model = architecture.build(chosen, INPUTS, output, weights)
    return weights, lambda codes: model(one_hot(codes))["prediction"].numpy()


def test_words_are_counted_by_hand():
    # ACGTA holds AC, CG, GT and TA; GTN holds GT alone.
    codes = np.stack([encode("ACGTA"), encode("GTNNN")])

    each = count_words(codes, 2, number_words(2, canonical=False)).toarray()
    pooled = count_words(codes, 2, number_words(2, canonical=True)).toarray()

    ac, cg, gt, ta = (4 * first + second for first, second in ((0, 1), (1, 2), (2, 3), (3, 0)))
    assert [row.nonzero()[0].tolist() for row in each] == [[ac, cg, gt, ta], [gt]]
    # AC and GT are one word of the two strands.
    assert pooled.shape == (2, 10)
    assert sorted(pooled[0]) == [0] * 7 + [1, 1, 2]
    assert pooled[1].sum() == 1
    assert pooled[0, pooled[1].argmax()] == 2


def test_there_are_as_many_canonical_words_as_there_should_be():
    # 4^6 words, of which 4^3 are their own reverse complement.
    assert number_words(6, canonical=True).max() + 1 == (4**6 + 4**3) // 2
    assert number_words(5, canonical=True).max() + 1 == 4**5 // 2


def test_a_linear_target_is_found_and_both_strands_agree():
    codes = draw_codes()
    weights, predict = solve(KMER_RIDGE, make_examples(codes, count_letter(codes, 1, 2)), "linear", penalties=(1e-6,))
    fresh = draw_codes(seed=1)

    np.testing.assert_allclose(predict(fresh)[:, 0], count_letter(fresh, 1, 2), atol=1)
    np.testing.assert_allclose(predict(fresh), predict(reverse_complement(fresh)), atol=1e-5)
    assert weights["coefficients"].shape == (16, 1)
    assert weights["intercept"].shape == (1,)


def test_one_strand_alone_can_be_counted():
    codes = draw_codes()
    _, predict = solve(KMER_RIDGE, make_examples(codes, count_letter(codes, 1)), "linear", canonical=False)
    fresh = draw_codes(seed=1)

    assert np.corrcoef(predict(fresh)[:, 0], count_letter(fresh, 1))[0, 1] > 0.99
    assert np.corrcoef(predict(reverse_complement(fresh))[:, 0], count_letter(fresh, 1))[0, 1] < 0.5


@pytest.mark.parametrize(
    ("architecture", "activation"), [(KMER_LOGISTIC, "sigmoid"), (KMER_LOGISTIC, "softmax"), (KMER_RIDGE, "linear")]
)
def test_the_network_adds_up_what_was_solved(architecture, activation):
    codes = draw_codes()
    codes[::7, 3] = 4
    label = count_letter(codes, 1, 2) > 0
    weights, predict = solve(architecture, make_examples(codes, 1 - label, label), activation)

    sums = count_words(codes, 2, number_words(2, canonical=False)) @ weights["coefficients"] + weights["intercept"]
    expected = {
        "sigmoid": 1 / (1 + np.exp(-sums)),
        "softmax": np.exp(sums) / np.exp(sums).sum(axis=1, keepdims=True),
        "linear": sums,
    }
    np.testing.assert_allclose(predict(codes), expected[activation], atol=1e-5)
    assert np.corrcoef(predict(codes)[:, 1], label)[0, 1] > 0.7


def test_a_softmax_of_three_classes_is_solved_together_and_an_absent_one_gets_nothing():
    codes = draw_codes(600)
    share = count_letter(codes, 1, 2)
    targets = [share < -1, np.zeros(len(codes)), (share >= -1) & (share <= 1), share > 1]

    _, predict = solve(KMER_LOGISTIC, make_examples(codes, *targets), "softmax")

    found = predict(codes)
    np.testing.assert_allclose(found.sum(axis=1), 1, atol=1e-5)
    assert (found[:, 1] < 1e-3).all()
    assert (found.argmax(axis=1) == np.stack(targets, axis=1).argmax(axis=1)).mean() > 0.6


@pytest.mark.parametrize(("architecture", "activation"), [(KMER_LOGISTIC, "sigmoid"), (KMER_RIDGE, "linear")])
def test_missing_targets_and_weightless_rows_change_nothing(architecture, activation):
    codes = draw_codes()
    label = (count_letter(codes, 1, 2) > 0).astype(np.float32)
    # The second half says the opposite: missing on one track, weighing nothing for all.
    spoilt = np.where(np.arange(len(codes)) < 200, label, 1 - label)
    masked = np.where(np.arange(len(codes)) < 200, label, np.nan)
    weights = (np.arange(len(codes)) < 200).astype(np.float32)

    alone, _ = solve(architecture, make_examples(codes[:200], label[:200]), activation)
    missing, _ = solve(architecture, make_examples(codes, masked, 1 - label), activation)
    weightless, _ = solve(architecture, make_examples(codes, spoilt, weights=weights), activation)

    for found in (missing["coefficients"][:, :1], weightless["coefficients"]):
        np.testing.assert_allclose(found, alone["coefficients"], atol=2e-3)


@pytest.mark.parametrize(("architecture", "activation"), [(KMER_LOGISTIC, "sigmoid"), (KMER_RIDGE, "linear")])
def test_weights_of_two_are_like_rows_that_stand_there_twice(architecture, activation):
    codes = draw_codes(200)
    label = np.random.default_rng(3).integers(0, 2, 200)
    twice, labels = np.concatenate([codes, codes[:100]]), np.concatenate([label, label[:100]])
    weights = np.where(np.arange(200) < 100, 2, 1).astype(np.float32)

    # The penalty stands beside the mean loss, so the number of rows does not matter to it.
    one, _ = solve(architecture, make_examples(codes, label, weights=weights), activation, penalties=(0.01,))
    other, _ = solve(architecture, make_examples(twice, labels), activation, penalties=(0.01,))

    np.testing.assert_allclose(one["coefficients"], other["coefficients"], atol=1e-3)


def test_weights_of_the_validation_part_count_in_the_choice():
    codes = draw_codes(200)
    target = count_letter(codes, 1, 2)
    train = make_examples(codes, target)
    # Twice as many rows say the opposite, but weigh next to nothing.
    weights = np.repeat([1, 0.001], [200, 400]).astype(np.float32)
    mixed = make_examples(np.concatenate([codes] * 3), np.concatenate([target, -target, -target]), weights=weights)

    alone, _ = solve(KMER_RIDGE, train, "linear", train, penalties=(0.001, 10))
    weighted, _ = solve(KMER_RIDGE, train, "linear", mixed, penalties=(0.001, 10))

    np.testing.assert_array_equal(weighted["coefficients"], alone["coefficients"])


@pytest.mark.parametrize("architecture", [KMER_LOGISTIC, KMER_RIDGE])
def test_the_penalty_is_the_one_that_predicts_the_validation_part_best(architecture):
    codes, held = draw_codes(120), draw_codes(400, seed=1)
    noise = np.random.default_rng(2).normal(0, 3, len(codes))
    train = make_examples(codes, count_letter(codes, 1, 2) + noise > 0)
    validation = make_examples(held, count_letter(held, 1, 2) > 0)
    activation = "sigmoid" if architecture is KMER_LOGISTIC else "linear"

    weak, _ = solve(architecture, train, activation, validation, penalties=(1e-3,), k=4)
    chosen, _ = solve(architecture, train, activation, validation, penalties=(1e-3, 0.1), k=4)
    # On the training part itself the weakest penalty is the best.
    own, _ = solve(architecture, train, activation, train, penalties=(1e-3, 0.1), k=4)

    assert np.abs(chosen["coefficients"]).max() < 0.5 * np.abs(weak["coefficients"]).max()
    np.testing.assert_allclose(own["coefficients"], weak["coefficients"], atol=0.02)


def test_one_class_alone_is_predicted_for_all():
    codes = draw_codes(20)

    for value in (0, 1):
        _, predict = solve(KMER_LOGISTIC, make_examples(codes, np.full(20, value)), "sigmoid")
        np.testing.assert_allclose(predict(codes), value, atol=1e-6)


@pytest.mark.parametrize(("activation", "low", "high"), [("relu", 0, 9), ("exponential", 0, 9), ("sigmoid", 0, 1)])
def test_ridge_regression_stays_within_what_an_activation_gives(activation, low, high):
    codes = draw_codes()
    target = count_letter(codes, 1, 2)

    _, predict = solve(KMER_RIDGE, make_examples(codes, target), activation)

    inside = (target > low + 0.5) & (target < high - 0.5)
    assert predict(codes).min() == low
    assert predict(codes).max() <= high
    np.testing.assert_allclose(predict(codes)[inside, 0], target[inside], atol=1)


def test_what_can_not_be_built_is_refused():
    config = KMER_LOGISTIC.config()
    with pytest.raises(RecipeError, match=r"needs output\.activation sigmoid or softmax, found linear; use kmer_ridge"):
        KMER_LOGISTIC.build(config, INPUTS, make_output("linear", "a"), {})
    with pytest.raises(RecipeError, match="kmer_ridge with k 6 needs at least 6 bases, the sequences have 5"):
        KMER_RIDGE.build(KMER_RIDGE.config(), (InputSpec("sequence", (5, 4)),), make_output("linear", "a"), {})
    with pytest.raises(RecipeError, match="makes one output, 2 are asked for"):
        KMER_RIDGE.build(KMER_RIDGE.config(), INPUTS, make_output("linear", "a") * 2, {})
