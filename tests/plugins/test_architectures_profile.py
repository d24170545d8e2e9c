import numpy as np
import pytest

pytest.importorskip("tensorflow")

from zoo_architectures.bpnet import BPNET, BpnetConfig
from zoo_architectures.chrombpnet import CHROMBPNET, ChrombpnetConfig

from zoo import InputSpec, OutputSpec, RecipeError, one_hot
from zoo.testing.contract import check_architecture
from zoo.training.network.backend import import_backend
from zoo.training.network.export import export
from zoo.training.network.losses import make_loss
from zoo.training.network.weights import start_from

pytestmark = pytest.mark.training

_, keras = import_backend(threads=2)

LENGTH = 40
CROP = 12
BASES = LENGTH - 2 * CROP

SMALL = BpnetConfig(filters=4, width=5, dilated=2, profile_width=5)
# 4 + 12 + 6 bases less than the sequence are predicted by the larger network, 4 + 4 + 6 less by the other.
PARTS = {"filters": 4, "dilated": 2, "bias_filters": 3, "bias_dilated": 1, "width": 5, "profile_width": 7}
CONTROL = InputSpec("control", (LENGTH, 2), "context")


def inputs(length=LENGTH):
    return (InputSpec("sequence", (length, 4)),)


def outputs(tracks=2, bins=LENGTH, crop=0, activation="exponential"):
    return (OutputSpec("prediction", tuple(f"track_{number}" for number in range(tracks)), activation, bins, crop),)


CROPPED = outputs(bins=BASES, crop=CROP)


def draw_sequences(count=3, length=LENGTH):
    return one_hot(np.random.default_rng(0).integers(0, 4, (count, length), dtype=np.uint8))


def draw_control(count=3):
    return np.random.default_rng(1).integers(0, 5, (count, LENGTH, 2)).astype(np.float32)


def predict(model, given):
    return model(given, training=False)["prediction"].numpy()


def watch(model, name):
    """Return the network up to the layer of that name."""
    return keras.Model(model.input, model.get_layer(name).output)


def redraw(model, seed=2):
    """Draw all weights anew, those as well that begin as zeros."""
    generator = np.random.default_rng(seed)
    model.set_weights([generator.normal(0, 0.3, weight.shape) for weight in model.weights])


def build_part(parts, output=CROPPED, length=LENGTH, **options):
    keras.utils.set_random_seed(0)
    return CHROMBPNET.build(ChrombpnetConfig(**{**PARTS, **options}, parts=parts), inputs(length), output, {})


def take_weights(model, source):
    start_from(model, {weight.path: weight.numpy() for weight in source.weights})


def test_bpnet_has_the_number_of_parameters_of_its_layers():
    model = BPNET.build(BpnetConfig(), inputs(1000), outputs(8, 1000), {})

    body = (25 * 4 * 64 + 64) + 9 * (3 * 64 * 64 + 64)
    assert model.count_params() == body + (25 * 64 * 8 + 8) + (64 * 8 + 8) == 130_960


def test_a_control_costs_weights_for_each_track_and_a_sum_that_is_fixed():
    bare = BPNET.build(SMALL, inputs(), outputs(3), {})
    model = BPNET.build(SMALL, (*inputs(), CONTROL), outputs(3), {})

    # Two tracks of control and their sum into three profiles, two totals into three totals; 50 bases of two tracks.
    assert model.count_params() == bare.count_params() + 3 * (2 + 1) + 3 * 2 + 50 * 2
    assert len(model.non_trainable_weights) == 1
    assert (model.get_layer("controls_around").kernel.numpy() == 1).all()


@pytest.mark.parametrize("strand", ["none", "average"])
@pytest.mark.parametrize("context", [None, {"control": (LENGTH, 2)}, {"input": (LENGTH, 1), "igg": (LENGTH, 2)}])
def test_bpnet_keeps_the_contract(context, strand):
    config = SMALL.model_copy(update={"reverse_complement": strand})

    check_architecture(BPNET, config, length=LENGTH, bins=LENGTH, context=context)


@pytest.mark.parametrize("strand", ["none", "average"])
@pytest.mark.parametrize("parts", ["both", "bias", "accessibility"])
def test_chrombpnet_keeps_the_contract(parts, strand):
    # Only convolutions of one base leave as many bases as the sequence has, which is what the contract asks for.
    options = {"parts": parts, "filters": 4, "bias_filters": 3, "reverse_complement": strand}
    config = ChrombpnetConfig.model_validate(
        {**options, "dilated": 0, "bias_dilated": 0, "width": 1, "profile_width": 1}
    )

    check_architecture(CHROMBPNET, config, length=LENGTH, bins=LENGTH)


@pytest.mark.parametrize("strand", ["none", "average"])
@pytest.mark.parametrize(
    ("architecture", "config"),
    [(BPNET, SMALL), (CHROMBPNET, ChrombpnetConfig(**PARTS))],
    ids=["bpnet", "chrombpnet"],
)
def test_networks_of_the_middle_of_a_window_are_exported(architecture, config, strand):
    import onnxruntime

    chosen = config.model_copy(update={"reverse_complement": strand})
    model = architecture.build(chosen, inputs(), CROPPED, {})
    redraw(model)

    proto = export(model, inputs(), CROPPED)
    session = onnxruntime.InferenceSession(proto.SerializeToString(), providers=["CPUExecutionProvider"])
    (found,) = session.run(None, {"sequence": draw_sequences()})

    assert found.shape == (3, BASES, 2)
    np.testing.assert_allclose(found, predict(model, draw_sequences()), rtol=1e-4)


@pytest.mark.parametrize(
    ("architecture", "config"),
    [(BPNET, SMALL), (CHROMBPNET, ChrombpnetConfig(**PARTS))],
    ids=["bpnet", "chrombpnet"],
)
def test_the_average_says_the_same_of_both_strands_with_the_bases_turned(architecture, config):
    one, both = (
        architecture.build(config.model_copy(update={"reverse_complement": strand}), inputs(), CROPPED, {})
        for strand in ("none", "average")
    )
    redraw(one)
    redraw(both)
    sequences = draw_sequences()
    turned = sequences[:, ::-1, ::-1]

    np.testing.assert_allclose(predict(both, sequences), predict(both, turned)[:, ::-1], rtol=1e-4)
    assert not np.allclose(predict(one, sequences), predict(one, turned)[:, ::-1], rtol=1e-2)


@pytest.mark.parametrize("activation", ["exponential", "softplus"])
def test_the_bases_of_a_profile_add_up_to_its_total(activation):
    model = BPNET.build(SMALL, inputs(), outputs(bins=BASES, crop=CROP, activation=activation), {})
    totals = watch(model, "count_prediction")(draw_sequences()).numpy()
    expected = np.exp(totals) if activation == "exponential" else np.log1p(np.exp(totals))

    found = predict(model, draw_sequences())

    np.testing.assert_allclose(found.sum(axis=1), expected, rtol=1e-4)
    logits = watch(model, "profile_prediction")(draw_sequences()).numpy()[:, CROP:-CROP]
    shares = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(found, expected[:, np.newaxis] * shares, rtol=1e-4)


def test_a_base_is_seen_as_far_as_the_dilated_convolutions_reach():
    config = BpnetConfig(filters=2, width=5, dilated=3, profile_width=3)
    model = BPNET.build(config, inputs(81), outputs(1, 81), {})
    # Positive weights let everything through.
    model.set_weights([np.full(weight.shape, 0.1) for weight in model.weights])
    logits = watch(model, "profile_prediction")
    sequence = np.full((1, 81, 4), 0.25, np.float32)
    changed = sequence.copy()
    changed[0, 40] = 1

    differs = np.abs((logits(changed) - logits(sequence)).numpy())[0, :, 0] > 1e-6

    # 2 bases by the first convolution, 2, 4 and 8 by the dilated ones, 1 by the last.
    assert np.flatnonzero(differs).tolist() == list(range(40 - 17, 40 + 17 + 1))


def test_the_published_sizes_of_bpnet_reach_1034_bases_before_the_profile():
    config = BpnetConfig()

    assert config.width // 2 + sum(2**number for number in range(1, config.dilated + 1)) == 1034


def test_a_control_of_nothing_changes_nothing():
    keras.utils.set_random_seed(0)
    model = BPNET.build(SMALL, (*inputs(), CONTROL), CROPPED, {})
    bare = BPNET.build(SMALL, inputs(), CROPPED, {})
    take_weights(bare, model)
    sequences = draw_sequences()

    quiet, loud = (predict(model, [sequences, factor * draw_control()]) for factor in (0, 1))

    np.testing.assert_allclose(quiet, predict(bare, sequences), rtol=1e-5)
    assert not np.allclose(quiet, loud, rtol=1e-2)


def silence(model):
    for weight in model.trainable_weights:
        weight.assign(np.zeros(weight.shape))


def test_a_control_in_total_is_added_to_the_total_as_a_logarithm():
    model = BPNET.build(SMALL, (*inputs(), CONTROL), CROPPED, {})
    silence(model)
    model.get_layer("count_bias_prediction").set_weights([np.eye(2)])
    control = draw_control()

    totals = predict(model, [draw_sequences(), control]).sum(axis=1)

    np.testing.assert_allclose(totals, 1 + control.sum(axis=1), rtol=1e-4)


def test_a_control_at_a_base_and_around_it_is_added_to_its_logit():
    model = BPNET.build(SMALL, (*inputs(), CONTROL), CROPPED, {})
    silence(model)
    # The first track reads the control's first one, the second one the sum of both over 50 bases.
    model.get_layer("profile_bias_prediction").set_weights([np.array([[[1, 0], [0, 0], [0, 0.1]]])])
    control = draw_control()

    found = predict(model, [draw_sequences(), control])

    padded = np.pad(control.sum(axis=2), ((0, 0), (24, 25)))
    around = np.stack([padded[:, base : base + 50].sum(axis=1) for base in range(LENGTH)], axis=1)
    logits = np.stack([control[..., 0], 0.1 * around], axis=2)[:, CROP:-CROP]
    shares = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(found, shares, rtol=1e-4)


@pytest.mark.parametrize(
    ("architecture", "config", "wrong", "message"),
    [
        (
            BPNET,
            SMALL,
            outputs(bins=None),
            "bpnet predicts a count for each base .*, the data have no bins; set bin: 1",
        ),
        (BPNET, SMALL, outputs(bins=20), "the data have 20 bins over 40 bases"),
        (BPNET, SMALL, outputs(bins=8, crop=CROP), "the data have 8 bins over 16 bases"),
        (CHROMBPNET, ChrombpnetConfig(**PARTS), outputs(bins=8, crop=CROP), "chrombpnet predicts .* 8 bins over 16"),
    ],
)
def test_bins_of_more_than_a_base_are_refused(architecture, config, wrong, message):
    with pytest.raises(RecipeError, match=message):
        architecture.build(config, inputs(), wrong, {})


@pytest.mark.parametrize("shape", [(3,), (LENGTH - 1, 1)])
def test_a_control_that_does_not_lie_along_the_sequence_is_refused(shape):
    with pytest.raises(
        RecipeError, match=rf"bpnet reads controls along the 40 bases .* 'cell' has shape \({shape[0]},"
    ):
        BPNET.build(SMALL, (*inputs(), InputSpec("cell", shape, "context")), CROPPED, {})


def test_the_networks_of_chrombpnet_predict_the_middle_1000_of_2114_bases():
    model = CHROMBPNET.build(ChrombpnetConfig(), inputs(2114), outputs(1, 1000, 557), {})

    # 2114 - 20 - 2 * (2 + … + 256) - 74, and 2114 - 20 - 2 * (2 + … + 16) - 74.
    assert model.get_layer("accessibility_profile_prediction").output.shape == (None, 1000, 1)
    assert model.get_layer("bias_profile_prediction").output.shape == (None, 1960, 1)
    assert model.output["prediction"].shape == (None, 1000, 1)
    learned, fixed = (
        {weight.path.split("_")[0] for weight in weights}
        for weights in (model.trainable_weights, model.non_trainable_weights)
    )
    assert (learned, fixed) == ({"accessibility"}, {"bias"})


def test_the_logits_and_the_totals_of_both_networks_are_added():
    both, bias, accessibility = (build_part(parts) for parts in ("both", "bias", "accessibility"))
    redraw(both)
    take_weights(bias, both)
    take_weights(accessibility, both)
    sequences = draw_sequences()

    together, first, second = (predict(model, sequences) for model in (both, bias, accessibility))

    np.testing.assert_allclose(together.sum(axis=1), first.sum(axis=1) + second.sum(axis=1), rtol=1e-4)
    # Where logits are added, shares are multiplied.
    product = first * second
    np.testing.assert_allclose(
        together / together.sum(axis=1, keepdims=True), product / product.sum(axis=1, keepdims=True), rtol=1e-3
    )


def test_a_bias_network_without_weights_of_its_own_says_nothing():
    both, accessibility = build_part("both"), build_part("accessibility")
    take_weights(accessibility, both)

    np.testing.assert_allclose(predict(both, draw_sequences()), predict(accessibility, draw_sequences()), rtol=1e-5)


def test_the_bias_network_takes_the_weights_that_it_learned_alone():
    bias, both = build_part("bias"), build_part("both")
    redraw(bias)

    told = start_from(both, {weight.path: weight.numpy() for weight in bias.weights})

    assert told.startswith("8 of 18 weights were taken over; left as drawn: accessibility_first/kernel is new")
    found = {weight.path: weight.numpy() for weight in both.weights if weight.path.startswith("bias_")}
    assert {path: values.tolist() for path, values in found.items()} == {
        weight.path: weight.numpy().tolist() for weight in bias.weights
    }


@pytest.mark.parametrize("parts", ["both", "bias", "accessibility"])
def test_a_step_of_learning_leaves_a_frozen_network_as_it_is(parts):
    import tensorflow as tf

    model = build_part(parts)
    redraw(model)
    before = {weight.path: weight.numpy() for weight in model.weights}
    targets = np.random.default_rng(3).poisson(2, (3, BASES, 2)).astype(np.float32)
    loss = make_loss(CHROMBPNET.loss)

    with tf.GradientTape() as tape:
        error = loss(targets, model(draw_sequences(), training=True)["prediction"], np.ones(3, np.float32))
    gradients = tape.gradient(error, model.trainable_variables)
    keras.optimizers.SGD(0.01).apply(gradients, model.trainable_variables)

    assert np.isfinite(error)
    changed = {path for path, values in before.items() if not np.array_equal(values, _find(model, path))}
    assert changed
    assert all(path.startswith("bias_" if parts == "bias" else "accessibility_") for path in changed)


def _find(model, path):
    return next(weight.numpy() for weight in model.weights if weight.path == path)


def test_bpnet_learns_with_every_weight():
    import tensorflow as tf

    model = BPNET.build(SMALL, (*inputs(), CONTROL), CROPPED, {})
    targets = np.random.default_rng(3).poisson(2, (3, BASES, 2)).astype(np.float32)
    loss = make_loss(BPNET.loss, count_weight=10.0)

    with tf.GradientTape() as tape:
        predictions = model([draw_sequences(), draw_control()], training=True)["prediction"]
        error = loss(targets, predictions, np.ones(3, np.float32))
    gradients = tape.gradient(error, model.trainable_variables)

    assert np.isfinite(error)
    assert all(gradient is not None and np.isfinite(gradient).all() for gradient in gradients)


@pytest.mark.parametrize(
    ("parts", "lost", "message"),
    [
        ("accessibility", 4 + 12 + 6, "the accessibility network predicts 17 of 39 bases, the middle 19 are wanted"),
        ("bias", 4 + 4 + 6, "the bias network predicts 25 of 39 bases, the middle 27 are wanted"),
    ],
)
def test_a_window_with_too_little_round_its_middle_is_refused(parts, lost, message):
    crop = lost // 2
    fits = build_part(parts, outputs(bins=39 - 2 * crop, crop=crop), length=39)
    assert fits.output["prediction"].shape == (None, 39 - lost, 2)

    with pytest.raises(RecipeError, match=message):
        build_part(parts, outputs(bins=39 - 2 * (crop - 1), crop=crop - 1), length=39)


def test_convolutions_that_leave_more_bases_at_one_end_are_refused():
    with pytest.raises(RecipeError, match=r"predicts 19 of 40 bases, the middle 16 are wanted; .* or odd widths$"):
        build_part("accessibility", width=4)
