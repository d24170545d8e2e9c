import numpy as np
import pytest

pytest.importorskip("sklearn")

from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import ks_2samp, spearmanr
from sklearn.metrics import average_precision_score, mean_squared_error, r2_score, roc_auc_score

from zoo.components import OutputSpec
from zoo.model.card import Track
from zoo.training.data.targets import Task
from zoo.training.metrics.bins import evaluate_bins
from zoo.training.metrics.bootstrap import find_intervals, resample
from zoo.training.metrics.classes import (
    choose_threshold,
    evaluate_classes,
    find_reliability,
    weighted_auprc,
    weighted_auroc,
)
from zoo.training.metrics.evaluate import choose_thresholds, compare, evaluate, evaluate_without, measure_monitor
from zoo.training.metrics.values import (
    evaluate_values,
    measure_correlations,
    measure_ks,
    measure_values,
    weighted_pearson,
)

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
def test_the_distance_of_two_samples_is_that_of_scipy(seed):
    generator = np.random.default_rng(seed)
    first, second = np.round(generator.random(20), 1), np.round(generator.random(31), 1)

    assert measure_ks(first, second) == pytest.approx(ks_2samp(first, second).statistic)


def test_the_ks_statistic_of_samples_counted_by_hand():
    assert measure_ks(np.array([1.0, 2, 3, 4]), np.array([1.0, 2, 3, 4])) == 0
    assert measure_ks(np.array([1.0, 2, 3, 4]), np.array([3.0, 4, 5, 6])) == 0.5
    assert measure_ks(np.array([0.0]), np.array([1.0, 2])) == 1


@given(SEEDS)
def test_resampled_correlations_are_those_of_the_repeated_examples(seed):
    target, prediction, drawn = draw(seed)
    target = target + prediction**2

    for row in range(3):
        rows = np.repeat(np.arange(len(target)), drawn[row].astype(int))
        pearson = np.corrcoef(target[rows], prediction[rows])[0, 1]
        spearman = spearmanr(target[rows], prediction[rows]).statistic
        assert weighted_pearson(target, prediction, drawn)[row] == pytest.approx(pearson)
        assert measure_correlations(target, prediction)(drawn)["spearman"][row] == pytest.approx(spearman)


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

    for metrics, names in (
        (classes, ("auroc", "auprc", "accuracy")),
        (values, ("pearson", "spearman", "mse", "mae", "r2")),
    ):
        for name in names:
            low, high = metrics[f"{name}_interval"]
            assert low <= metrics[name] <= high


def test_an_interval_covers_the_spread_of_a_mean():
    values = np.random.default_rng(0).normal(size=400)

    intervals = find_intervals(lambda draws: {"mean": draws @ values / draws.sum(axis=1)}, 400, seed=0, draws=4000)

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
    output = OutputSpec("y", ("first", "second"), "sigmoid")
    settings = {"evaluated": (0, 1), "classes": True, "learned": output, "kept": (0, 1), **changes}
    return Task(tracks=TRACKS, loss="mse", output=output, **settings)


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


def test_the_monitored_metric_of_bins_is_over_all_of_them():
    targets = np.array([[[1.0], [2.0]], [[3.0], [np.nan]]], np.float32)
    predictions = np.array([[[1.0], [3.0]], [[2.0], [9.0]]], np.float32)

    assert measure_monitor("pearson", targets, predictions, 9.0) == pytest.approx(0.5)


def test_errors_of_four_values_checked_by_hand():
    metrics = evaluate_values(np.array([1, 2, 3, 4.0]), np.array([1, 2, 3, 2.0]), seed=0)

    assert (metrics["mse"], metrics["mae"]) == (1.0, 0.5)
    assert metrics["r2"] == pytest.approx(1 - 4 / 5)


@given(SEEDS)
def test_resampled_errors_are_those_of_scikit_learn(seed):
    target, prediction, drawn = draw(seed)
    target = target + 3

    errors = measure_values(target, prediction)(drawn)

    for row in range(3):
        weights = drawn[row]
        assert errors["mse"][row] == pytest.approx(mean_squared_error(target, prediction, sample_weight=weights))
        assert errors["r2"][row] == pytest.approx(r2_score(target, prediction, sample_weight=weights))


def test_calibration_of_eight_examples_checked_by_hand():
    target = np.array([0, 0, 0, 1, 1, 1, 1, 1.0])
    prediction = np.array([0.25] * 4 + [0.75] * 4)

    curve = find_reliability(target, prediction)

    assert curve.predicted.tolist() == [0.25, 0.75]
    assert curve.observed.tolist() == [0.25, 1.0]
    assert curve.error == pytest.approx(0.125)
    assert evaluate_classes(target, prediction, 0.5, seed=0)["calibration_error"] == 0.125


def test_bins_of_the_reliability_curve_hold_as_many_examples_each():
    prediction = np.random.default_rng(0).random(100) ** 4

    curve = find_reliability((prediction > 0.5).astype(float), prediction)

    assert curve.counts.tolist() == [10] * 10
    assert np.all(np.diff(curve.predicted) > 0)


def test_examples_of_one_prediction_stand_in_the_bin_of_their_middle_rank():
    prediction = np.arange(100.0)
    prediction[9:12] = 10

    assert find_reliability(prediction * 0, prediction).counts.tolist() == [9, 11, *[10] * 8]


@given(SEEDS)
def test_the_order_of_examples_does_not_change_calibration(seed):
    target, prediction, _ = draw(seed)
    order = np.random.default_rng(seed).permutation(len(target))

    assert find_reliability(target, prediction).error == pytest.approx(
        find_reliability(target[order], prediction[order]).error
    )


def test_a_track_of_one_class_has_no_areas():
    metrics = evaluate_classes(np.ones(4), np.array([0.1, 0.2, 0.7, 0.9]), 0.5, seed=0)

    assert metrics["auroc"] is None
    assert metrics["auroc_interval"] == [None, None]
    assert metrics["accuracy"] == 0.5


def test_a_track_without_targets_is_said_to_have_none():
    targets = np.full((3, 2), np.nan, np.float32)
    task, predictions = make_task(), np.zeros((3, 2), np.float32)

    thresholds = choose_thresholds(task, targets, predictions)

    assert evaluate(task, targets, predictions, thresholds, seed=0)["first"] == {"n": 0}
    assert compare(task, targets, predictions, predictions, seed=0)["first"] == {}


def test_blocks_of_draws_are_those_of_one_seed():
    function = lambda draws: {"second": draws[:, 1]}  # noqa: E731 - as short as a test wants it

    many = resample(function, 1_500_000, seed=4, draws=3)["second"]

    assert many.tolist() == resample(function, 1_500_000, seed=4, draws=3)["second"].tolist()
    assert resample(function, 7, seed=4, draws=2000)["second"].mean() == pytest.approx(1, abs=0.1)


def test_each_bootstrap_sample_holds_as_many_examples_as_there_are():
    sizes = resample(lambda draws: {"size": draws.sum(axis=1)}, 11, seed=0, draws=50)["size"]

    assert sizes.tolist() == [11.0] * 50


def draw_bins(seed=0, count=30, bins=12):
    generator = np.random.default_rng(seed)
    target = generator.gamma(2.0, size=(count, bins)).astype(np.float32)
    return target, (target + generator.normal(size=target.shape)).astype(np.float32)


def test_binned_metrics_are_those_of_numpy():
    target, prediction = draw_bins()
    target[0] += 1000  # a large value must not cost digits
    prediction[0] += 1000

    metrics = evaluate_bins(target, prediction, seed=0)

    profiles = [np.corrcoef(one, other)[0, 1] for one, other in zip(target, prediction, strict=True)]
    assert metrics["n"] == 30
    assert metrics["bins"] == 12
    assert metrics["pearson"] == pytest.approx(np.corrcoef(target.ravel(), prediction.ravel())[0, 1], abs=1e-5)
    assert metrics["total_pearson"] == pytest.approx(
        np.corrcoef(target.sum(axis=1), prediction.sum(axis=1))[0, 1], abs=1e-5
    )
    assert metrics["profile_pearson"] == pytest.approx(np.median(profiles), abs=1e-4)
    assert metrics["mse"] == pytest.approx(((target - prediction) ** 2).mean(), abs=1e-4)
    for name in ("pearson", "total_pearson", "profile_pearson", "mse"):
        low, high = metrics[f"{name}_interval"]
        assert low <= metrics[name] <= high


def test_the_median_of_two_profiles_lies_between_them():
    target = np.array([[1, 2, 3], [1, 2, 3]], np.float32)

    metrics = evaluate_bins(target, np.array([[1, 2, 3], [3, 2, 1]], np.float32), seed=0)

    assert metrics["profile_pearson"] == 0.0
    assert metrics["profile_pearson_interval"] == [-1.0, 1.0]


def test_missing_bins_and_flat_profiles_are_left_out():
    target = np.array([[1, 2, np.nan], [1, 1, 1], [3, 1, 2]], np.float32)
    prediction = np.array([[1, 2, 99], [0, 1, 2], [3, 1, 2]], np.float32)

    metrics = evaluate_bins(target, prediction, seed=0)

    measured = ~np.isnan(target)
    assert metrics["pearson"] == pytest.approx(np.corrcoef(target[measured], prediction[measured])[0, 1], abs=1e-6)
    assert metrics["mse"] == pytest.approx(2 / 8)
    assert metrics["profile_pearson"] == 1.0


def test_binned_tracks_are_evaluated_and_compared():
    target, prediction = draw_bins()
    targets, predictions = (np.stack([values, values], axis=2) for values in (target, prediction))
    targets[:, :, 1] = np.nan
    task = make_task(classes=False)

    metrics = evaluate(task, targets, predictions, {}, seed=0)
    ahead = compare(task, targets, predictions, predictions[::-1], seed=0)["first"]

    assert metrics["first"] == evaluate_bins(target, prediction, seed=0)
    assert metrics["second"] == {"n": 0}
    assert set(ahead) == {"pearson", "total_pearson"}
    assert ahead["pearson"]["difference_interval"][0] > 0


def test_a_network_is_compared_on_the_same_samples_as_its_baseline():
    target, prediction, _ = draw(0, count=80)
    targets = np.stack([target, target], axis=1).astype(np.float32)
    predictions = np.stack([prediction, prediction], axis=1).astype(np.float32)
    weaker = predictions.copy()
    weaker[::3, 0] = 0.5

    ahead = compare(make_task(), targets, predictions, weaker, seed=0)

    assert list(ahead["first"]) == ["auroc", "auprc"]
    auroc = ahead["first"]["auroc"]
    assert auroc["baseline"] == pytest.approx(roc_auc_score(target, weaker[:, 0]), abs=1e-6)
    assert auroc["difference"] == pytest.approx(roc_auc_score(target, prediction) - auroc["baseline"], abs=2e-6)
    assert auroc["difference_interval"][0] <= auroc["difference"] <= auroc["difference_interval"][1]
    assert ahead["second"]["auroc"]["difference_interval"] == [0.0, 0.0]  # same samples: no difference in any


def test_values_are_compared_by_both_correlations():
    target, prediction, _ = draw(0, count=80)
    targets = np.stack([target + prediction] * 2, axis=1).astype(np.float32)
    predictions = np.stack([prediction] * 2, axis=1).astype(np.float32)

    ahead = compare(make_task(classes=False), targets, predictions, -predictions, seed=0)["first"]

    assert set(ahead) == {"pearson", "spearman"}
    assert ahead["pearson"]["difference"] == pytest.approx(-2 * ahead["pearson"]["baseline"], abs=2e-6)


def test_metrics_without_some_examples_are_those_of_the_rest():
    target, prediction, _ = draw(3, count=80)
    targets = np.stack([target] * 2, axis=1).astype(np.float32)
    predictions = np.stack([prediction] * 2, axis=1).astype(np.float32)
    left_out = np.arange(80) % 4 == 0

    classes = evaluate_without(make_task(), targets, predictions, left_out, seed=0)["first"]
    values = evaluate_without(make_task(classes=False), targets, predictions, left_out, seed=0)["first"]

    kept = evaluate_classes(target[~left_out], predictions[~left_out, 0].astype(float), 0.5, seed=0)
    for name in ("n", "prevalence", "auroc", "auroc_interval", "auprc"):
        assert classes[name] == pytest.approx(kept[name], abs=2e-6), name
    assert values["pearson"] == pytest.approx(np.corrcoef(target[~left_out], prediction[~left_out])[0, 1], abs=1e-6)


def test_nothing_is_left_where_all_examples_share():
    targets = predictions = np.array([[0, 0], [1, 1]], np.float32)

    metrics = evaluate_without(make_task(), targets, predictions, np.array([True, True]), seed=0)
    one_class = evaluate_without(make_task(), targets, predictions, np.array([True, False]), seed=0)

    assert metrics == {"first": {"n": 0}, "second": {"n": 0}}
    assert one_class["first"]["auroc"] is None
