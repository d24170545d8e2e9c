import numpy as np
import pytest

pytest.importorskip("sklearn")

from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import spearmanr
from sklearn.metrics import average_precision_score, roc_auc_score

from zoo.components import OutputSpec
from zoo.model.card import Track
from zoo.training.evaluate import (
    bootstrap,
    choose_threshold,
    choose_thresholds,
    evaluate,
    evaluate_classes,
    evaluate_values,
    measure_monitor,
    weighted_auprc,
    weighted_auroc,
    weighted_pearson,
    weighted_spearman,
)
from zoo.training.targets import Task

SEEDS = st.integers(0, 10_000)


def draw(seed, count=60):
    """Draw classes, predictions with many ties, and how often a bootstrap sample holds each example."""
    generator = np.random.default_rng(seed)
    target = np.array([0.0, 1.0, *generator.integers(0, 2, count - 2)])
    prediction = np.round(np.clip(0.3 * target + generator.random(count) * 0.7, 0, 1), 1)
    drawn = generator.multinomial(count, np.full(count, 1 / count), size=3).astype(float)
    drawn[:, :2] += 1  # both classes in each sample
    return target, prediction, drawn


@given(SEEDS)
def test_resampled_areas_are_those_of_scikit_learn(seed):
    target, prediction, drawn = draw(seed)

    for row in range(3):
        auroc = roc_auc_score(target, prediction, sample_weight=drawn[row])
        auprc = average_precision_score(target, prediction, sample_weight=drawn[row])
        assert weighted_auroc(target, prediction, drawn)[row] == pytest.approx(auroc)
        assert weighted_auprc(target, prediction, drawn)[row] == pytest.approx(auprc)


@given(SEEDS)
def test_resampled_correlations_are_those_of_the_repeated_examples(seed):
    target, prediction, drawn = draw(seed)
    target = target + prediction**2

    for row in range(3):
        rows = np.repeat(np.arange(len(target)), drawn[row].astype(int))
        pearson = np.corrcoef(target[rows], prediction[rows])[0, 1]
        spearman = spearmanr(target[rows], prediction[rows]).statistic
        assert weighted_pearson(target, prediction, drawn)[row] == pytest.approx(pearson)
        assert weighted_spearman(target, prediction, drawn)[row] == pytest.approx(spearman)


def test_what_is_not_defined_is_nan():
    ones, once = np.ones(4), np.ones((1, 4))

    assert np.isnan(weighted_auroc(ones, np.arange(4.0), once)[0])
    assert np.isnan(weighted_pearson(ones, np.arange(4.0), once)[0])
    assert evaluate_values(np.arange(4.0), ones, seed=0)["pearson"] is None


def test_metrics_of_eight_examples_checked_by_hand():
    target = np.array([0, 0, 0, 0, 1, 1, 1, 1.0])
    prediction = np.array([0.1, 0.2, 0.3, 0.8, 0.4, 0.6, 0.7, 0.9])

    metrics = evaluate_classes(target, prediction, threshold=0.5, seed=0)

    # 0.8 outdoes three of four positives: 13 of 16 pairs stand right.
    assert metrics["auroc"] == pytest.approx(13 / 16)
    assert metrics["auprc"] == pytest.approx((1 / 1 + 2 / 3 + 3 / 4 + 4 / 5) / 4, abs=1e-6)
    assert metrics["prevalence"] == 0.5
    assert metrics["accuracy"] == 0.75
    assert metrics["confusion"] == {"true_negative": 3, "false_positive": 1, "false_negative": 1, "true_positive": 3}


def test_a_prediction_at_the_threshold_counts_as_positive():
    metrics = evaluate_classes(np.array([0.0, 1.0]), np.array([0.2, 0.5]), threshold=0.5, seed=0)

    assert metrics["accuracy"] == 1.0


@given(SEEDS)
def test_an_interval_holds_its_estimate(seed):
    target, prediction, _ = draw(seed, count=80)

    classes = evaluate_classes(target, prediction, 0.5, seed)
    values = evaluate_values(target + prediction, prediction, seed)

    for metrics, names in ((classes, ("auroc", "auprc", "accuracy")), (values, ("pearson", "spearman", "mse"))):
        for name in names:
            low, high = metrics[f"{name}_interval"]
            assert low <= metrics[name] <= high


def test_an_interval_covers_the_spread_of_a_mean():
    values = np.random.default_rng(0).normal(size=400)

    intervals = bootstrap({"mean": lambda draws: draws @ values / draws.sum(axis=1)}, 400, seed=0, draws=4000)

    half = 1.96 * values.std() / 20
    assert intervals["mean"] == pytest.approx([values.mean() - half, values.mean() + half], abs=0.01)


def test_a_bootstrap_is_that_of_its_seed():
    target, prediction, _ = draw(0)

    first, again, other = (evaluate_classes(target, prediction, 0.5, seed) for seed in (1, 1, 2))

    assert first == again
    assert first["auroc_interval"] != other["auroc_interval"]


@pytest.mark.parametrize(
    ("target", "prediction", "threshold"),
    [
        pytest.param([0, 0, 1, 1], [0.1, 0.2, 0.6, 0.9], 0.4, id="half-way where classes part"),
        pytest.param([0, 1, 0, 1], [0.05, 0.1, 0.4, 0.5], 0.45, id="the nearer to 0.5 of two equally good"),
        pytest.param([0, 1, 1, 1, 0, 1], [0.1, 0.2, 0.3, 0.4, 0.5, 0.6], 0.15, id="most of both classes"),
        pytest.param([0, 1], [0.3, 0.3], 0.3, id="all predictions alike"),
    ],
)
def test_the_threshold_parts_the_classes_best(target, prediction, threshold):
    assert choose_threshold(np.array(target, float), np.array(prediction)) == pytest.approx(threshold)


TRACKS = (Track(name="first", assay="a"), Track(name="second", assay="a"))


def make_task(**changes):
    settings = {"evaluated": (0, 1), "classes": True, **changes}
    return Task(
        targets=np.empty((0, 2), np.float32),
        tracks=TRACKS,
        loss="mse",
        output=OutputSpec("y", ("first", "second"), "sigmoid"),
        **settings,
    )


def test_the_threshold_of_the_test_part_is_that_of_validation():
    validation = np.array([[0, 0], [1, 1]], np.float32), np.array([[0.1, 0.7], [0.3, 0.9]], np.float32)
    test = np.array([[0, 0], [1, 1]], np.float32), np.array([[0.6, 0.1], [0.9, 0.3]], np.float32)
    task = make_task()

    thresholds = choose_thresholds(task, *validation)
    metrics = evaluate(task, *test, thresholds, seed=0)

    assert thresholds == pytest.approx({"first": 0.2, "second": 0.8})
    assert metrics["first"]["confusion"]["false_positive"] == 1
    assert metrics["second"]["confusion"]["false_negative"] == 1


def test_missing_targets_are_left_out_of_their_track():
    targets = np.array([[0, np.nan], [1, 0], [1, 1]], np.float32)
    predictions = np.array([[0.1, 0.9], [0.8, 0.2], [0.9, 0.7]], np.float32)

    metrics = evaluate(make_task(), targets, predictions, {"first": 0.5, "second": 0.5}, seed=0)

    assert [metrics[name]["n"] for name in ("first", "second")] == [3, 2]
    assert metrics["second"]["accuracy"] == 1.0


def test_regression_has_correlations_and_the_squared_error():
    targets = np.array([[1, 0], [2, 0], [4, 0]], np.float32)
    predictions = np.array([[1, 0], [3, 0], [4, 0]], np.float32)

    metrics = evaluate(make_task(classes=False, evaluated=(0,)), targets, predictions, {}, seed=0)

    assert set(metrics) == {"first"}
    assert metrics["first"]["mse"] == pytest.approx(1 / 3, abs=1e-6)
    assert metrics["first"]["spearman"] == 1.0
    assert metrics["first"]["pearson"] == pytest.approx(np.corrcoef([1, 2, 4], [1, 3, 4])[0, 1], abs=1e-6)


def test_the_monitored_metric_is_the_mean_over_tracks_that_have_one():
    targets = np.array([[0, 0, np.nan], [1, 0, np.nan], [0, 0, np.nan]], np.float32)
    predictions = np.array([[0.1] * 3, [0.5] * 3, [0.5] * 3], np.float32)

    assert measure_monitor("auroc", targets, predictions, 9.0) == pytest.approx(0.75)
    assert measure_monitor("loss", targets, predictions, 9.0) == 9.0
    assert measure_monitor("auroc", targets[:, 1:], predictions[:, 1:], 9.0) == float("-inf")
