import re
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("tensorflow")

from pydantic import ValidationError
from zoo_architectures.basenji import BASENJI, BasenjiConfig
from zoo_architectures.deepc import DEEPC, DeepcConfig, DeepcConvolution
from zoo_architectures.enformer import ENFORMER, EnformerConfig
from zoo_architectures.multilayer_cnn import MULTILAYER_CNN, MultilayerCnnConfig

from zoo import InputSpec, OutputSpec, RecipeError
from zoo.model.safety import examine_onnx
from zoo.testing.contract import check_architecture
from zoo.training.network.backend import import_backend
from zoo.training.network.export import export
from zoo.training.network.losses import make_loss
from zoo.training.network.weights import start_from

pytestmark = pytest.mark.training

tf, keras = import_backend(threads=2)

TRACKS = ("a", "b", "c")


def small_basenji(**settings):
    """Bins of 8 bases."""
    sizes = {"stem_filters": 4, "stem_width": 5, "stem_pool": 2, "tower_filters": 6, "tower_growth": 1.5}
    sizes |= {"tower_width": 3, "tower_pool": 2, "dilated_filters": 3, "dilated_layers": 2, "final_filters": 5}
    return BasenjiConfig.model_validate(sizes | settings)


def small_enformer(**settings):
    """Bins of 8 bases."""
    sizes = {"channels": 16, "stem_width": 5, "tower_width": 3, "halvings": 3, "filters_divisible_by": 4, "heads": 2}
    return EnformerConfig.model_validate(
        sizes | {"key_size": 3, "position_features": 6, "transformer_layers": 1} | settings
    )


def small_deepc(**settings):
    """Positions of 8 bases."""
    sizes = [{"filters": 5, "width": 4, "pool": 4}, {"filters": 4, "width": 3, "pool": 2}, {"filters": 3, "width": 1}]
    return DeepcConfig.model_validate({"convolutions": sizes, "dilations": [1, 2]} | settings)


BINNED = [pytest.param(BASENJI, small_basenji, id="basenji"), pytest.param(ENFORMER, small_enformer, id="enformer")]
ALL = [*BINNED, pytest.param(DEEPC, small_deepc, id="deepc")]


def build(architecture, config, length=64, bins=8, crop=0):
    keras.utils.set_random_seed(0)
    output = OutputSpec("prediction", TRACKS, "softplus", bins if architecture.binned else None, crop)
    return architecture.build(config, (InputSpec("sequence", (length, 4)),), (output,), {})


def shake(model):
    """Give every weight a number of its own: some begin at 0 or 1, and let nothing through."""
    generator = np.random.default_rng(0)
    for weight in model.weights:
        if "variance" not in weight.name:
            weight.assign(generator.normal(scale=0.5, size=weight.shape))
    return model


def draw(length=64, count=3):
    return np.eye(4, dtype=np.float32)[np.random.default_rng(1).integers(0, 4, (count, length))]


def count_learned(model):
    return sum(int(np.prod(weight.shape)) for weight in model.trainable_weights)


@pytest.mark.parametrize(("architecture", "configure"), ALL)
def test_a_small_network_keeps_the_contract(architecture, configure):
    check_architecture(architecture, configure(), length=64, bins=8 if architecture.binned else None)


@pytest.mark.parametrize(("architecture", "configure"), ALL)
def test_a_network_that_averages_both_strands_keeps_the_contract(architecture, configure):
    config = configure(reverse_complement="average")

    check_architecture(architecture, config, length=64, bins=8 if architecture.binned else None)


@pytest.mark.parametrize(("architecture", "configure"), ALL)
def test_an_export_asks_for_no_more_than_any_network_may(architecture, configure, tmp_path):
    outputs = (OutputSpec("prediction", TRACKS, "softplus", 8 if architecture.binned else None),)
    path = tmp_path / "model.onnx"
    path.write_bytes(
        export(build(architecture, configure()), (InputSpec("sequence", (64, 4)),), outputs).SerializeToString()
    )

    _, need = examine_onnx(path)

    assert need is not None


@pytest.mark.parametrize(("architecture", "configure"), ALL)
def test_both_strands_are_predicted_alike_where_they_are_averaged(architecture, configure):
    batch = draw()
    for choice, alike in (("average", True), ("none", False)):
        model = shake(build(architecture, configure(reverse_complement=choice)))

        forward, reverse = (model(letters)["prediction"].numpy() for letters in (batch, batch[:, ::-1, ::-1]))

        turned = reverse[:, ::-1] if architecture.binned else reverse
        assert np.allclose(forward, turned, atol=1e-5) is alike


@pytest.mark.parametrize(("architecture", "configure"), ALL)
def test_the_papers_loss_has_a_finite_gradient_for_every_weight(architecture, configure):
    model, batch = build(architecture, configure()), draw()
    targets = np.random.default_rng(2).poisson(2, model(batch)["prediction"].shape).astype(np.float32)

    with tf.GradientTape() as tape:
        total = make_loss(architecture.loss)(targets, model(batch, training=True)["prediction"], np.ones(3, np.float32))
    gradients = tape.gradient(total, model.trainable_variables)

    assert np.isfinite(total.numpy())
    assert all(gradient is not None and np.isfinite(gradient.numpy()).all() for gradient in gradients)


@pytest.mark.parametrize(("architecture", "configure"), BINNED)
def test_bins_that_are_left_out_change_no_other(architecture, configure):
    whole = shake(build(architecture, configure()))
    middle = build(architecture, configure(), bins=4, crop=16)
    middle.set_weights(whole.get_weights())
    batch = draw()

    found = middle(batch)["prediction"].numpy()

    assert found.shape == (3, 4, 3)
    np.testing.assert_allclose(found, whole(batch)["prediction"].numpy()[:, 2:6], atol=1e-5)


@pytest.mark.parametrize(
    ("architecture", "configure", "far"),
    [
        # Dilations of 1, 2, 4, 8 and 16 bins: the last goes from the first bin to the last one.
        pytest.param(BASENJI, lambda count: small_basenji(dilated_layers=count), 5, id="basenji"),
        pytest.param(ENFORMER, lambda count: small_enformer(transformer_layers=count), 1, id="enformer"),
    ],
)
def test_the_last_of_17_bins_sees_the_first_base_by_what_joins_the_bins_alone(architecture, configure, far):
    batch = draw(136, count=1)
    changed = batch.copy()
    changed[0, 0] = batch[0, 0, ::-1]

    for count in (0, far):
        model = shake(build(architecture, configure(count), length=136, bins=17))
        before, after = (model(letters)["prediction"].numpy()[0] for letters in (batch, changed))
        assert (before[0] != after[0]).any()
        assert (before[16] != after[16]).any() == (count > 0)


def test_basenji_has_the_parameters_of_its_layers():
    model = build(BASENJI, small_basenji(tower_layers=2))

    # Convolutions without biases, and two learned numbers for each channel in the norm behind each.
    stem, first, second = 5 * 4 * 4 + 2 * 4, 3 * 4 * 6 + 2 * 6, 3 * 6 * 9 + 2 * 9
    dilated = (3 * 9 * 3 + 2 * 3) + (3 * 9 + 2 * 9)
    assert count_learned(model) == stem + first + second + 2 * dilated + (9 * 5 + 2 * 5) + (5 * 3 + 3)


def test_basenji_of_the_papers_size_has_the_layers_of_its_authors_file():
    sizes = {"stem_filters": 288, "stem_pool": 2, "tower_filters": 339, "tower_growth": 1.1776, "tower_pool": 2}
    sizes |= {"tower_layers": 6, "dilated_filters": 384, "dilation_growth": 1.5, "dilated_layers": 11}
    config = BasenjiConfig.model_validate({**sizes, "dilated_dropout": 0.3, "final_filters": 1536})

    model = build(BASENJI, config, length=131_072, bins=896, crop=8192)

    filters = [model.get_layer(f"tower_{number}").filters for number in range(1, 7)]
    assert filters == [339, 399, 470, 554, 652, 768]
    channels = [288, *filters]
    tower = sum(5 * channels[n] * channels[n + 1] + 2 * channels[n + 1] for n in range(6))
    dilated = 11 * ((3 * 768 * 384 + 2 * 384) + (384 * 768 + 2 * 768))
    stem, final = 15 * 4 * 288 + 2 * 288, 768 * 1536 + 2 * 1536
    assert count_learned(model) == stem + tower + dilated + final + (1536 * 3 + 3)
    # The output of its human head: 5,313 tracks.
    assert stem + tower + dilated + final + (1536 * 5313 + 5313) == 30_088_228
    assert model.output["prediction"].shape == (None, 896, 3)


def test_the_default_basenji_predicts_bins_of_128_bases():
    model = build(BASENJI, BasenjiConfig(), length=1024, bins=4, crop=256)

    assert model.output["prediction"].shape == (None, 4, 3)
    assert [layer.filters for layer in model.layers if layer.name in {"stem", "tower_1", "tower_2"}] == [64, 64, 72]
    dilations = [layer.dilation_rate for layer in model.layers if layer.name.endswith("_dilated")]
    assert dilations == [(1,), (2,), (4,), (8,), (16,), (32,)]


def count_by_hand(config, tracks):
    """Return the learned parameters of an enformer, layer by layer."""

    def block(width, channels, filters):
        return 2 * channels + width * channels * filters + filters

    def pool(channels):
        return block(1, channels, channels) + channels * channels

    width, keys = config.channels, config.heads * config.key_size
    first = width // 2
    stem = config.stem_width * 4 * first + first + pool(first)
    channels = (first, *config.filters)
    tower = sum(
        block(config.tower_width, channels[n], channels[n + 1]) + pool(channels[n + 1])
        for n in range(config.halvings - 1)
    )
    # Queries and keys, values, the output, features of distances, the two biases of each head.
    attention = 2 * width * keys + width**2 + (width**2 + width) + config.position_features * keys + 2 * keys
    dense = (width * 2 * width + 2 * width) + (2 * width * width + width)
    transformer = config.transformer_layers * (2 * width + attention + 2 * width + dense)
    return stem + tower + transformer + block(1, width, 2 * width) + (2 * width * tracks + tracks)


def test_enformer_has_the_parameters_of_its_layers():
    config = small_enformer()

    assert count_learned(build(ENFORMER, config)) == count_by_hand(config, 3)


def test_enformer_of_the_papers_size_has_the_layers_of_its_authors_code():
    sizes = {"channels": 1536, "filters_divisible_by": 128, "transformer_layers": 11, "heads": 8, "key_size": 64}
    config = EnformerConfig.model_validate({**sizes, "position_features": 192})

    assert config.filters == (768, 896, 1024, 1152, 1280, 1536)
    assert count_by_hand(config, 5313) == 246_172_353


def test_the_default_enformer_predicts_bins_of_128_bases():
    model = build(ENFORMER, EnformerConfig(), length=1024, bins=4, crop=256)

    assert model.output["prediction"].shape == (None, 4, 3)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"channels": 20}, "channels: expected a multiple of twice filters_divisible_by, 8, found 20"),
        ({"heads": 3}, "channels: expected a multiple of heads, 3, found 16"),
        ({"position_features": 8}, "position_features: expected a multiple of 6, found 8"),
    ],
)
def test_enformers_channels_are_shared_out_in_full(settings, message):
    with pytest.raises(ValidationError, match=message):
        small_enformer(**settings)


def test_deepc_of_its_authors_sizes_has_the_parameters_of_its_layers():
    filters, widths, pools = (300, 600, 600, 900, 900, 100), (8, 8, 8, 4, 4, 1), (4, 5, 5, 5, 2, 1)
    convolutions = tuple(
        DeepcConvolution(filters=count, width=width, pool=pool)
        for count, width, pool in zip(filters, widths, pools, strict=True)
    )
    config = DeepcConfig(convolutions=convolutions, dilations=(1, 2, 4, 8, 16, 32, 64, 128, 256, 1))
    rungs = OutputSpec("prediction", tuple(map(str, range(201))), "linear")

    model = DEEPC.build(config, (InputSpec("sequence", (1_005_000, 4)),), (rungs,), {})

    channels = (4, *filters)
    convolved = sum(width * channels[n] * filters[n] + filters[n] for n, width in enumerate(widths))
    dilated = 10 * 2 * (3 * 100 * 100 + 100)
    # A position for each 1,000 bases.
    assert model.count_params() == convolved + dilated + (1005 * 100 * 201 + 201) == 30_625_701


def test_deepc_penalises_every_kernel():
    # Three convolutions, a signal and a gate for each of two dilations, the head.
    assert len(build(DEEPC, small_deepc()).losses) == 3 + 4 + 1
    assert not build(DEEPC, small_deepc(l2=0.0)).losses


def test_deepc_starts_from_the_convolutions_of_a_multilayer_cnn():
    first, second = ({"filters": 5, "width": 4, "pool": 4}, {"filters": 4, "width": 3, "pool": 2})
    config = MultilayerCnnConfig.model_validate(
        {"convolutions": [first, second], "padding": "same", "batch_norm": False, "dense": []}
    )
    features = OutputSpec("prediction", ("bound",), "sigmoid")
    trained = shake(MULTILAYER_CNN.build(config, (InputSpec("sequence", (40, 4)),), (features,), {}))
    model = build(DEEPC, small_deepc())

    told = start_from(model, {weight.path: weight.numpy() for weight in trained.weights})

    assert told.startswith("4 of ")
    for name in ("convolution_1", "convolution_2"):
        for own, given in zip(model.get_layer(name).get_weights(), trained.get_layer(name).get_weights(), strict=True):
            assert (own == given).all()


def test_deepc_says_which_windows_fit():
    message = (
        r"deepc reads positions of 8 bases \(the product of all pools\), a window of 60 bases .* use 56 or 64 bases"
    )
    with pytest.raises(RecipeError, match=message):
        build(DEEPC, small_deepc(), length=60)


@pytest.mark.parametrize(
    ("architecture", "configure", "pooled_by"),
    [
        pytest.param(BASENJI, small_basenji, r"stem_pool 2 · tower_pool 2 \^ tower_layers 2", id="basenji"),
        pytest.param(ENFORMER, small_enformer, r"2 \^ halvings 3", id="enformer"),
    ],
)
def test_networks_with_bins_say_which_windows_and_bins_fit(architecture, configure, pooled_by):
    def refuse(message, **options):
        with pytest.raises(RecipeError, match=f"{architecture.name} {message}"):
            build(architecture, configure(), **options)

    refuse("with these layers needs at least 8 bases, the sequences have 7", length=7)
    refuse(rf"reads positions of 8 bases \({pooled_by}\), a window of 60 bases .* use 56 or 64 bases", length=60)
    refuse(r"predicts bins of 8 bases along the window, .* \(bigwig with bin: 8\)", bins=None)
    refuse(rf"predicts bins of 8 bases \({pooled_by}\) .* give 4 bins of 16 bases and leave out 0 bases", bins=4)
    refuse(
        r"predicts bins of 8 bases .* give 7 bins of 8 bases and leave out 4 bases; .* multiple of 16", bins=7, crop=4
    )


def test_outputs_with_bins_of_their_own_are_refused():
    outputs = (OutputSpec("first", ("a",), "softplus", 8), OutputSpec("second", ("b",), "softplus", 4, 16))

    with pytest.raises(RecipeError, match="'first' 8 less 0 bases at either end, 'second' 4 less 16 bases"):
        BASENJI.build(small_basenji(), (InputSpec("sequence", (64, 4)),), outputs, {})


@pytest.mark.parametrize(("architecture", "configure"), ALL)
def test_data_without_a_sequence_are_refused(architecture, configure):
    numbers = (InputSpec("cell", (3,), "context"),)
    with pytest.raises(RecipeError, match=f"{architecture.name} reads a sequence, the data give none"):
        architecture.build(configure(), numbers, (OutputSpec("prediction", TRACKS, "softplus", 8),), {})


@pytest.mark.parametrize(("architecture", "config"), [(BASENJI, BasenjiConfig()), (ENFORMER, EnformerConfig())])
def test_the_page_tells_how_many_parameters_are_learned(architecture, config):
    page = (Path(__file__).resolve().parents[2] / "docs" / "architectures.md").read_text(encoding="utf-8")
    (told,) = re.findall(rf"^\| `{architecture.name}` \|.* = \*\*([\d,]+)\*\* \|", page, re.MULTILINE)

    output = OutputSpec("prediction", ("one",), "softplus", 8)
    model = architecture.build(config, (InputSpec("sequence", (1024, 4)),), (output,), {})

    assert count_learned(model) == int(told.replace(",", ""))
