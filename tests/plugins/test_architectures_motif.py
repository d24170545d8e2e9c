import numpy as np
import pytest

pytest.importorskip("tensorflow")

from zoo_architectures.cnn_gru import CNN_GRU, CnnGruConfig
from zoo_architectures.cnn_lstm import CNN_LSTM, CnnLstmConfig
from zoo_architectures.cuperus import CUPERUS, CuperusConfig
from zoo_architectures.deepbind import DEEPBIND, DeepbindConfig
from zoo_architectures.deepmotif import DEEPMOTIF, DeepmotifConfig
from zoo_architectures.parallel_cnn import PARALLEL_CNN, ParallelCnnConfig
from zoo_architectures.single_cnn import SINGLE_CNN, SingleCnnConfig
from zoo_architectures.zeng_cnn import ZENG_CNN, ZengCnnConfig, ZengConvolution

from zoo import InputSpec, OutputSpec, RecipeError, encode, one_hot
from zoo.testing.contract import check_architecture
from zoo.training.network.backend import import_backend
from zoo.training.network.losses import make_loss

pytestmark = pytest.mark.training

tensorflow, keras = import_backend(threads=2)

SIGMOID = (OutputSpec("prediction", ("a", "b", "c"), "sigmoid"),)
LINEAR = (OutputSpec("prediction", ("a",), "linear"),)
SOFTMAX = (OutputSpec("prediction", ("absent", "present"), "softmax"),)

TINY = {
    SINGLE_CNN: SingleCnnConfig(filters=3, width=4, dense=5),
    PARALLEL_CNN: ParallelCnnConfig(widths=(2, 5, 5), filters=3, dense=4),
    CNN_LSTM: CnnLstmConfig(filters=3, width=4, pool=3, units=2, dense=3),
    CNN_GRU: CnnGruConfig(filters=3, width=4, pool=3, units=2, dense=3),
    DEEPBIND: DeepbindConfig(filters=3, width=4, hidden=5),
    ZENG_CNN: ZengCnnConfig(convolutions=(ZengConvolution(kernels=4, width=6),), dense=(3,)),
    DEEPMOTIF: DeepmotifConfig(filters=4, widths=(4, 3), highways=2),
    CUPERUS: CuperusConfig(filters=3, width=4, layers=2, margin=2, dense=(4,)),
}
ALL = list(TINY)
SHARING = [SINGLE_CNN, PARALLEL_CNN, DEEPBIND, ZENG_CNN]

GRID = ZengCnnConfig(
    convolutions=tuple(ZengConvolution(kernels=kernels, width=5) for kernels in (128, 256, 512)),
    pooling="local",
    dense=(64, 64),
)
"""The second example of the authors of ``zeng_cnn``."""


def inputs(length):
    return (InputSpec("sequence", (length, 4)),)


def name_of(architecture):
    return architecture.name


def change(architecture, **fields):
    config = TINY[architecture]
    return type(config).model_validate({**config.model_dump(), **fields})


def build(architecture, config, length=30, outputs=SIGMOID):
    keras.utils.set_random_seed(1)
    return architecture.build(config, inputs(length), outputs, {})


def draw_letters(count, length):
    codes = np.random.default_rng(0).integers(0, 4, (count, length), dtype=np.uint8)
    return one_hot(codes)


def predict(model, letters):
    return model(letters, training=False)["prediction"].numpy()


@pytest.mark.parametrize("architecture", ALL, ids=name_of)
def test_every_network_keeps_the_contract(architecture):
    check_architecture(architecture, TINY[architecture], length=30)


@pytest.mark.parametrize("architecture", SHARING, ids=name_of)
def test_networks_that_share_weights_between_strands_keep_the_contract(architecture):
    check_architecture(architecture, change(architecture, reverse_complement="share"), length=30)


@pytest.mark.parametrize("architecture", ALL, ids=name_of)
def test_networks_that_average_strands_keep_the_contract(architecture):
    check_architecture(architecture, change(architecture, reverse_complement="average"), length=30)


@pytest.mark.parametrize("architecture", [CNN_LSTM, CNN_GRU], ids=name_of)
def test_recurrent_networks_of_one_direction_without_pooling_keep_the_contract(architecture):
    check_architecture(architecture, change(architecture, bidirectional=False, pool=1), length=20)


def test_local_pooling_keeps_the_contract():
    small = tuple(ZengConvolution(kernels=kernels, width=3) for kernels in (3, 4))
    for pooling in ("global", "local"):
        check_architecture(ZENG_CNN, change(ZENG_CNN, convolutions=small, pooling=pooling), length=30)


@pytest.mark.parametrize(
    ("architecture", "strands"),
    [
        *((architecture, "average") for architecture in ALL),
        *((architecture, "share") for architecture in SHARING),
        (DEEPBIND, "maximum"),
    ],
    ids=lambda value: getattr(value, "name", value),
)
def test_both_strands_are_predicted_alike(architecture, strands):
    model = build(architecture, change(architecture, reverse_complement=strands))
    letters = draw_letters(4, 30)

    assert np.allclose(predict(model, letters), predict(model, letters[:, ::-1, ::-1]), atol=1e-6)


@pytest.mark.parametrize("architecture", ALL, ids=name_of)
def test_a_network_of_one_strand_tells_them_apart(architecture):
    model = build(architecture, change(architecture, reverse_complement="none"))
    letters = draw_letters(4, 30)

    assert not np.allclose(predict(model, letters), predict(model, letters[:, ::-1, ::-1]), atol=1e-4)


@pytest.mark.parametrize(
    ("architecture", "strands"),
    [*((architecture, "average") for architecture in ALL), (SINGLE_CNN, "share"), (DEEPBIND, "maximum")],
    ids=lambda value: getattr(value, "name", value),
)
def test_both_strands_are_read_by_one_set_of_weights(architecture, strands):
    one, both = (
        build(architecture, change(architecture, reverse_complement=choice)).count_params()
        for choice in ("none", strands)
    )

    assert one == both


@pytest.mark.parametrize("architecture", ALL, ids=name_of)
def test_a_step_of_training_lowers_a_finite_loss(architecture):
    model, loss = build(architecture, TINY[architecture]), make_loss("binary_crossentropy")
    letters = draw_letters(16, 30)
    targets = (letters[:, :10, 0].sum(axis=1, keepdims=True) > 2).astype(np.float32).repeat(3, axis=1)

    def measure():
        return loss(targets, model(letters, training=False)["prediction"], np.ones(16, np.float32))

    with tensorflow.GradientTape() as tape:
        before = measure()
    gradients = tape.gradient(before, model.trainable_variables)
    for variable, gradient in zip(model.trainable_variables, gradients, strict=True):
        variable.assign_sub(0.01 * gradient)

    assert np.isfinite(before)
    assert measure() < before


@pytest.mark.parametrize(
    ("architecture", "config", "length", "outputs", "expected"),
    [
        # 64 filters of 16 x 4 and a bias; 64 into 32; 32 into 2.
        (SINGLE_CNN, SingleCnnConfig(), 101, SOFTMAX, (64 * 64 + 64) + (64 * 32 + 32) + 66),
        # 32 filters of 6, 10, 16 and 24 x 4, each with a bias; 4 x 32 into 64; 64 into 2.
        (PARALLEL_CNN, ParallelCnnConfig(), 101, SOFTMAX, (32 * 4 * 56 + 4 * 32) + (128 * 64 + 64) + 130),
        # Four gates of an LSTM, each 32 units that read 64 filters and 32 states, and a bias; two directions.
        (CNN_LSTM, CnnLstmConfig(), 101, SOFTMAX, 4160 + 2 * 4 * (32 * (64 + 32) + 32) + (64 * 32 + 32) + 66),
        # Three gates of a GRU, with a bias for the filters and another for the states.
        (CNN_GRU, CnnGruConfig(), 101, SOFTMAX, 4160 + 2 * 3 * (32 * (64 + 32) + 2 * 32) + (64 * 32 + 32) + 66),
        # 16 detectors of 24 x 4 and a bias; maximum and average of each into 32; 32 into 1.
        (DEEPBIND, DeepbindConfig(), 101, LINEAR, (16 * 96 + 16) + (32 * 32 + 32) + 33),
        # The authors' simpler network: the maxima alone, and no hidden layer.
        (DEEPBIND, DeepbindConfig(pooling="max", hidden=0), 101, LINEAR, (16 * 96 + 16) + 17),
        (ZENG_CNN, ZengCnnConfig(), 101, SOFTMAX, (128 * 96 + 128) + (128 * 32 + 32) + 66),
        # 101 positions, then 33, 10 and 2 after each pooling of 5 in steps of 3.
        (
            ZENG_CNN,
            GRID,
            101,
            SOFTMAX,
            (128 * 20 + 128)
            + (256 * 5 * 128 + 256)
            + (512 * 5 * 256 + 512)
            + (2 * 512 * 64 + 64)
            + (64 * 64 + 64)
            + 130,
        ),
        # A highway layer has two dense ones of 128 units.
        (
            DEEPMOTIF,
            DeepmotifConfig(),
            101,
            SOFTMAX,
            (128 * 36 + 128) + (128 * 5 * 128 + 128) + (128 * 3 * 128 + 128) + 2 * 2 * (128 * 128 + 128) + 258,
        ),
        # 50 bases and 20 empty positions leave 58 to the first convolution.
        (
            CUPERUS,
            CuperusConfig(),
            50,
            LINEAR,
            (128 * 52 + 128) + 2 * (128 * 13 * 128 + 128) + (58 * 128 * 64 + 64) + 65,
        ),
    ],
    ids=lambda value: getattr(value, "name", ""),
)
def test_the_parameters_are_those_of_the_layers(architecture, config, length, outputs, expected):
    assert architecture.build(config, inputs(length), outputs, {}).count_params() == expected


def test_the_docstrings_tell_the_true_number_of_parameters():
    for architecture, length, outputs, told in ((ZENG_CNN, 101, SOFTMAX, "16,610"), (CUPERUS, 50, LINEAR, "908,289")):
        model = architecture.build(architecture.config(), inputs(length), outputs, {})
        assert f"{model.count_params():,}" == told
        assert told in architecture.build.__doc__


@pytest.mark.parametrize(
    ("architecture", "needed"),
    [
        (SINGLE_CNN, 4),
        (PARALLEL_CNN, 5),
        (CNN_LSTM, 6),
        (CNN_GRU, 6),
        (DEEPBIND, 1),
        (ZENG_CNN, 1),
        # 3 positions of the second convolution are 6 before pooling, 9 before the first one.
        (DEEPMOTIF, 9),
        (CUPERUS, 1),
    ],
    ids=lambda value: getattr(value, "name", ""),
)
def test_a_sequence_that_is_too_short_is_refused_at_the_right_length(architecture, needed):
    config = TINY[architecture]

    assert build(architecture, config, needed).output["prediction"].shape == (None, 3)
    with pytest.raises(
        RecipeError, match=f"{architecture.name} .*needs at least {needed} bases, the sequences have {needed - 1};"
    ):
        architecture.build(config, inputs(needed - 1), SIGMOID, {})


def test_local_pooling_says_how_many_bases_it_needs():
    # One window of 5 is left by 5; that many windows by 4 steps of 3 and 5; that many again by 16 steps and 5.
    assert ZENG_CNN.build(GRID, inputs(53), SIGMOID, {}).get_layer("flatten").output.shape == (None, 512)
    with pytest.raises(RecipeError, match="needs at least 53 bases, the sequences have 52"):
        ZENG_CNN.build(GRID, inputs(52), SIGMOID, {})


def test_margins_count_as_positions():
    config = CuperusConfig(filters=2, width=9, layers=1, margin=3, dense=())

    assert CUPERUS.build(config, inputs(3), SIGMOID, {}).get_layer("flatten").output.shape == (None, 2)
    with pytest.raises(RecipeError, match="needs at least 3 bases, the sequences have 2"):
        CUPERUS.build(config, inputs(2), SIGMOID, {})


@pytest.mark.parametrize("architecture", ALL, ids=name_of)
def test_data_without_a_sequence_are_refused(architecture):
    with pytest.raises(RecipeError, match=f"{architecture.name} reads a sequence, the data give none"):
        architecture.build(TINY[architecture], (InputSpec("cell", (3,), "context"),), SIGMOID, {})


def test_strands_that_can_not_share_weights_are_refused():
    two = (ZengConvolution(kernels=2, width=3),) * 2
    for fields, found in (({"convolutions": two}, "2 and global"), ({"pooling": "local"}, "1 and local")):
        config = change(ZENG_CNN, reverse_complement="share", **fields)
        with pytest.raises(RecipeError, match=f"one convolution and pooling: global, found {found}; use .* average$"):
            ZENG_CNN.build(config, inputs(30), SIGMOID, {})
    for architecture in (CNN_LSTM, CNN_GRU, DEEPMOTIF, CUPERUS):
        with pytest.raises(ValueError, match="Input should be 'none' or 'average'"):
            change(architecture, reverse_complement="share")


def count_motif(architecture, config, outputs=LINEAR):
    """Return the network with filters of AAAA, and nothing behind them but their sum."""
    model = build(architecture, config, outputs=outputs)
    kernel = np.zeros((4, 4, config.filters), np.float32)
    kernel[:, 0] = 1
    model.get_layer("convolution").set_weights([kernel, np.full(config.filters, -3)])
    return model


def test_a_single_convolution_sees_the_best_match_and_not_where_it_is():
    config = SingleCnnConfig(filters=1, width=4, dense=1, dropout=0)
    model = count_motif(SINGLE_CNN, config)
    for name in ("dense", "head_prediction"):
        model.get_layer(name).set_weights([np.ones((1, 1)), np.zeros(1)])

    sequences = ["AAAA" + "C" * 26, "C" * 26 + "AAAA", "AAAAC" * 6, "AAAC" + "C" * 26]
    found = predict(model, one_hot(np.stack([encode(sequence) for sequence in sequences])))

    assert found[:, 0].tolist() == [1, 1, 1, 0]


def read_deepbind(strands, pooling):
    """Return what two detectors of AAAA, one of weight 1 and one of weight 2, find; no hidden layer."""
    config = DeepbindConfig(filters=2, width=4, pooling=pooling, hidden=0, dropout=0, reverse_complement=strands)
    model = build(DEEPBIND, config, outputs=LINEAR)
    inner = model.get_layer("one_strand") if strands == "maximum" else model
    kernel = np.zeros((4, 4, 2), np.float32)
    kernel[:, 0] = 1, 2
    inner.get_layer("convolution").set_weights([kernel, np.zeros(2)])
    inner.get_layer("head_prediction").set_weights([np.ones((2 if pooling == "max" else 4, 1)), np.zeros(1)])
    sequences = ["A" * 4 + "C" * 26, "G" * 26 + "T" * 4, "A" * 2 + "C" * 26 + "T" * 2]
    return predict(model, one_hot(np.stack([encode(sequence) for sequence in sequences])))[:, 0]


def test_deepbind_takes_the_stronger_strand():
    assert read_deepbind("none", "max").tolist() == [12, 0, 6]
    assert read_deepbind("maximum", "max").tolist() == [12, 12, 6]


def test_deepbind_adds_the_average_over_every_overlap_with_the_sequence():
    # 30 bases and 3 empty ones at either end are 33 windows, and each A is in four of them.
    assert np.allclose(read_deepbind("none", "max_average"), [12 + 3 * 16 / 33, 0, 6 + 3 * 8 / 33])


def test_deepbind_compares_strands_before_the_softmax():
    # Both tracks take the larger of their two scores, and sum to 1 all the same.
    model = build(DEEPBIND, TINY[DEEPBIND], outputs=SOFTMAX)

    assert np.allclose(predict(model, draw_letters(4, 30)).sum(axis=1), 1, atol=1e-6)


@pytest.mark.parametrize("architecture", ALL, ids=name_of)
def test_dropout_stands_where_a_rate_says_so(architecture):
    rates = [name for name in type(TINY[architecture]).model_fields if name.endswith("dropout")]

    def count(**fields):
        model = build(architecture, change(architecture, reverse_complement="none", **fields))
        return sum(isinstance(layer, keras.layers.Dropout) for layer in model.layers)

    assert count(**dict.fromkeys(rates, 0)) == 0
    assert all(count(**dict.fromkeys(set(rates) - {rate}, 0)) > 0 for rate in rates)


def test_parallel_branches_may_have_one_width():
    names = [layer.name for layer in build(PARALLEL_CNN, TINY[PARALLEL_CNN]).layers]

    assert {"convolution_1", "convolution_2", "convolution_3"} <= set(names)
    assert "best_matches" not in {layer.name for layer in build(PARALLEL_CNN, change(PARALLEL_CNN, widths=[5])).layers}


@pytest.mark.parametrize("architecture", ALL, ids=name_of)
def test_every_default_is_built_for_the_length_that_it_was_made_for(architecture):
    length = 50 if architecture is CUPERUS else 101
    model = architecture.build(architecture.config(), inputs(length), SIGMOID, {})

    assert model.output["prediction"].shape == (None, 3)
    assert [tensor.name for tensor in model.inputs] == ["sequence"]
