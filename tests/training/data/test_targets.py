import numpy as np
import pytest

from zoo.components import Architecture, Config
from zoo.errors import DataError, RecipeError
from zoo.training.data.targets import balance_classes, define_task, summarise_targets
from zoo.training.recipe import Recipe

NAN = float("nan")


def define(document, targets, tracks=("motif",), loss="binary_crossentropy", *, binned=False, **changes):
    for field, value in changes.items():
        document.setdefault(field, {}).update(value)
    architecture = Architecture("tiny_net", "for tests", Config, lambda *_: None, loss=loss, binned=binned)
    summary = summarise_targets([np.array([row], np.float32) for row in targets], "r.yaml")
    return define_task(Recipe.model_validate(document), tracks, summary, architecture, "r.yaml")


def test_a_softmax_over_one_binary_target_gets_two_tracks(tiny_recipe):
    task = define(tiny_recipe, [[1], [0], [NAN]], output={"activation": "softmax"})

    measured = np.array([[1], [0], [NAN]], np.float32)
    np.testing.assert_array_equal(task.transform(measured), [[0, 1], [1, 0], [NAN, NAN]])
    assert task.output.tracks == ("absent", "present")
    assert task.evaluated == (1,)
    assert task.loss == "categorical_crossentropy"
    assert task.classes


def test_the_two_tracks_of_a_softmax_can_be_named(tiny_recipe):
    tracks = [{"name": "no", "assay": "a"}, {"name": "yes", "assay": "a"}]

    task = define(tiny_recipe, [[1], [0]], output={"activation": "softmax", "tracks": tracks})

    assert task.output.tracks == ("no", "yes")


def test_tracks_take_the_recipes_assay_unless_told(tiny_recipe):
    task = define(tiny_recipe, [[1, 0.5]], ("a", "b"), output={"unit": "RPM", "activation": "linear"})

    assert [(track.name, track.assay, track.unit) for track in task.tracks] == [
        ("a", "simulation", "RPM"),
        ("b", "simulation", "RPM"),
    ]
    assert not task.classes
    assert task.evaluated == (0, 1)


@pytest.mark.parametrize(
    ("activation", "of_architecture", "asked", "loss"),
    [
        ("sigmoid", "binary_crossentropy", None, "binary_crossentropy"),
        ("sigmoid", "mse", None, "mse"),
        ("linear", "binary_crossentropy", None, "mse"),
        ("softmax", "binary_crossentropy", None, "categorical_crossentropy"),
        ("sigmoid", "binary_crossentropy", "mse", "mse"),
    ],
)
def test_the_loss_is_the_recipes_or_the_architectures_or_the_usual(
    tiny_recipe, activation, of_architecture, asked, loss
):
    task = define(
        tiny_recipe, [[1], [0]], loss=of_architecture, output={"activation": activation}, training={"loss": asked}
    )

    assert task.loss == loss


@pytest.mark.parametrize(
    ("targets", "changes", "error", "message"),
    [
        ([[2]], {}, DataError, "loss binary_crossentropy needs targets from 0 to 1, found 2; use loss: mse"),
        ([[0.5]], {"output": {"activation": "softmax"}}, DataError, "needs classes 0 and 1, found 0.5"),
        ([[1]], {"output": {"activation": "linear"}, "training": {"loss": "binary_crossentropy"}}, RecipeError,
         "training.loss binary_crossentropy does not fit output.activation linear; use mse or mae"),
        ([[1]], {"training": {"loss": "mse", "label_smoothing": 0.1}}, RecipeError, "label_smoothing needs a cross-en"),
        ([[0.5]], {"training": {"class_weights": "balanced"}}, RecipeError, "balanced needs one target of two classes"),
        ([[1]], {"output": {"tracks": [{"name": "x", "assay": "a"}]}}, RecipeError,
         "output.tracks names x, the data give motif; they must be the same, in the same order"),
        ([[-1]], {"output": {"activation": "softplus"}, "training": {"loss": "poisson"}}, DataError,
         "loss poisson needs counts, 0 or more, found -1; use loss: mse"),
        ([[1]], {"output": {"activation": "softplus"}, "training": {"loss": "multinomial_mse"}}, RecipeError,
         "training.loss multinomial_mse needs targets in bins, the data give one value a track"),
        ([[1.5]], {"output": {"activation": "linear"}, "training": {"monitor": "auroc"}}, RecipeError,
         "training.monitor auroc needs targets of two classes"),
        ([[[1], [0]]], {}, RecipeError, "gives targets in 2 bins, and architecture tiny_net makes no binned output"),
        ([[4.0]], {"training": {"loss": "mse"}}, RecipeError,
         "output.activation sigmoid gives values from 0 to 1, the data have targets such as 4; use activation: linear"),
        ([[-2.0]], {"output": {"activation": "relu"}}, RecipeError,
         "output.activation relu gives values of 0 or more, the data have targets such as -2; use activation: linear"),
        ([[1]], {"output": {"tracks": [{"name": "motif", "assay": "a"}, {"name": "motif", "assay": "a"}]}},
         RecipeError, "output.tracks: two have one name: motif, motif"),
        ([[NAN]], {}, DataError, "expected targets that were measured, found no value at all"),
        ([[float("inf")]], {}, DataError, "expected targets that were measured, found an infinite one"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_refused(tiny_recipe, targets, changes, error, message):
    with pytest.raises(error) as caught:
        define(tiny_recipe, targets, **changes)

    assert str(caught.value).startswith("r.yaml: ")
    assert message in str(caught.value)


def test_the_unit_is_that_of_the_activation_unless_told(tiny_recipe):
    assert define(tiny_recipe, [[1]]).tracks[0].unit == "probability"
    assert define(tiny_recipe, [[7]], output={"activation": "linear"}).tracks[0].unit == "value"


def test_a_track_that_can_not_stand_in_a_header_is_refused(tiny_recipe):
    with pytest.raises(RecipeError, match=r"^r\.yaml: a track of the data: field 'name'"):
        define(tiny_recipe, [[1]], ("a\tb",))


def test_targets_in_bins_give_a_binned_output(tiny_recipe):
    task = define(tiny_recipe, [[[1], [2], [3]]], output={"activation": "softplus"}, loss="poisson", binned=True)

    assert (task.output.bins, task.loss, task.classes) == (3, "poisson", False)


def test_auxiliary_tracks_are_learned_and_left_out_of_the_model(tiny_recipe):
    output = {"activation": "linear", "auxiliary": ["a"]}

    task = define(tiny_recipe, [[1, 2, 3]], ("b", "a", "c"), output=output)

    assert task.learned.tracks == ("b", "a", "c")
    assert task.output.tracks == ("b", "c")
    assert task.evaluated == (0, 1)
    assert task.select(np.array([[1, 2, 3]], np.float32)).tolist() == [[1, 3]]


@pytest.mark.parametrize(
    ("output", "message"),
    [
        ({"auxiliary": ["motiv"]}, "output.auxiliary: the data give no track 'motiv'; did you mean 'motif'?"),
        ({"auxiliary": ["motif"]}, "output.auxiliary names all tracks of the data; leave at least one to the model"),
        ({"auxiliary": ["absent"], "activation": "softmax"}, "tracks of a softmax depend on each other"),
    ],
)
def test_auxiliary_tracks_must_exist_and_leave_one(tiny_recipe, output, message):
    with pytest.raises(RecipeError) as caught:
        define(tiny_recipe, [[1], [0]], output=output)

    assert message in str(caught.value)


def test_balanced_classes_weigh_the_same_and_the_mean_stays():
    targets = np.array([[1], [0], [0], [0]], np.float32)
    weights = np.array([1, 1, 1, 2], np.float32)

    balanced = balance_classes(targets, weights, "r.yaml")

    assert balanced[0] == pytest.approx(balanced[1:].sum())
    assert balanced.mean() == pytest.approx(weights.mean())
    assert balanced[3] == pytest.approx(2 * balanced[1])


@pytest.mark.parametrize(("targets", "label"), [([[1], [0]], 1), ([[0], [1]], 0)])
def test_a_class_that_weighs_nothing_can_not_be_balanced(targets, label):
    with pytest.raises(DataError) as error:
        balance_classes(np.array(targets, np.float32), np.array([0, 2], np.float32), "r.yaml")

    assert str(error.value) == (
        "r.yaml: training.class_weights: balanced needs weight in both classes, found a sum of 0 in class "
        f"{label} of the train part; give its examples a weight above 0"
    )
