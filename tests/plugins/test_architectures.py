import numpy as np
import pytest

pytest.importorskip("tensorflow")

from zoo_architectures import register_architectures
from zoo_architectures.multilayer_cnn import MULTILAYER_CNN, Composition, Convolution, MultilayerCnnConfig
from zoo_architectures.primer_cnn import PRIMER_CNN, PrimerCnnConfig

from zoo import InputSpec, OutputSpec, RecipeError, one_hot
from zoo.testing.contract import check_architecture
from zoo.training.backend import import_backend

pytestmark = pytest.mark.training

import_backend(threads=2)


def inputs(length):
    return (InputSpec("sequence", (length, 4)),)


SOFTMAX = (OutputSpec("prediction", ("absent", "present"), "softmax"),)
SIGMOID = (OutputSpec("prediction", ("a", "b", "c"), "sigmoid"),)


def test_the_primers_network_has_the_papers_number_of_parameters():
    model = PRIMER_CNN.build(PrimerCnnConfig(), inputs(50), SOFTMAX, {})

    # 32 filters of 12 x 4 and a bias; 9 positions x 32 into 16; 16 into 2.
    assert model.count_params() == (32 * 48 + 32) + (288 * 16 + 16) + (16 * 2 + 2) == 6226
    assert model.output["prediction"].shape == (None, 2)


def test_the_primers_network_says_how_many_bases_it_needs():
    with pytest.raises(RecipeError, match="needs at least 15 bases, the sequences have 14"):
        PRIMER_CNN.build(PrimerCnnConfig(), inputs(14), SOFTMAX, {})
    assert PRIMER_CNN.build(PrimerCnnConfig(), inputs(15), SOFTMAX, {}).count_params() > 0


@pytest.mark.parametrize(("summary", "features"), [("flatten", 9 * 5), ("max", 5), ("average", 5), ("max_average", 10)])
def test_the_summary_decides_what_the_head_reads(summary, features):
    config = MultilayerCnnConfig(
        convolutions=(Convolution(filters=5, width=3, pool=2),), summary=summary, dense=(), batch_norm=False
    )

    model = MULTILAYER_CNN.build(config, inputs(20), SIGMOID, {})

    # 20 bases, 18 after the convolution, 9 after pooling.
    assert model.count_params() == (3 * 4 * 5 + 5) + (features * 3 + 3)


@pytest.mark.parametrize(
    ("convolution", "padding", "needed"),
    [
        (Convolution(filters=2, width=5), "valid", 5),
        (Convolution(filters=2, width=3, dilation=4), "valid", 9),
        (Convolution(filters=2, width=5, pool=3), "valid", 7),
        (Convolution(filters=2, width=5, pool=3), "same", 3),
    ],
)
def test_a_window_that_is_too_short_is_refused_at_the_right_length(convolution, padding, needed):
    config = MultilayerCnnConfig(convolutions=(convolution,), padding=padding)

    with pytest.raises(RecipeError, match=f"convolution 1 .* positions left of {needed - 1} bases, too few"):
        MULTILAYER_CNN.build(config, inputs(needed - 1), SIGMOID, {})
    assert MULTILAYER_CNN.build(config, inputs(needed), SIGMOID, {}).output["prediction"].shape == (None, 3)


@pytest.mark.parametrize(
    ("settings", "layer"),
    [
        ({"dense_dropout": 0.5}, "head_dropout"),
        ({"batch_norm": True}, "convolution_1_norm"),
        ({"convolutions": [{"filters": 2, "width": 3, "dropout": 0.1}]}, "dropout_1"),
        ({"convolutions": [{"filters": 2, "width": 3, "pool": 2, "pooling": "average"}]}, "pooling_1"),
    ],
)
def test_a_setting_adds_its_layer(settings, layer):
    config = MultilayerCnnConfig.model_validate({"convolutions": [{"filters": 2, "width": 3}], **settings})

    model = MULTILAYER_CNN.build(config, inputs(30), SIGMOID, {})

    assert layer in {item.name for item in model.layers}


def test_l2_adds_a_loss_for_every_kernel():
    config = MultilayerCnnConfig(convolutions=(Convolution(filters=2, width=3),), dense=(4,), l2=1e-3)

    assert len(MULTILAYER_CNN.build(config, inputs(30), SIGMOID, {}).losses) == 3


@pytest.mark.parametrize("architecture", register_architectures(), ids=lambda architecture: architecture.name)
def test_every_architecture_keeps_the_contract(architecture):
    check_architecture(architecture)


def test_an_ensemble_keeps_the_contract():
    check_architecture(MULTILAYER_CNN, MultilayerCnnConfig(convolutions=(Convolution(filters=5, width=3),), members=2))


def test_the_branch_for_composition_reads_the_sequence_itself():
    config = MultilayerCnnConfig(
        convolutions=(Convolution(filters=5, width=3, pool=2),),
        summary="max",
        composition=Composition(filters=7, width=4),
        dense=(),
        batch_norm=False,
    )

    model = MULTILAYER_CNN.build(config, inputs(20), SIGMOID, {})

    assert model.count_params() == (3 * 4 * 5 + 5) + (4 * 4 * 7 + 7) + ((5 + 7) * 3 + 3)


def test_the_composition_of_a_shuffled_repeat_stays_the_same():
    config = MultilayerCnnConfig(
        convolutions=(Convolution(filters=1, width=1),),
        summary="average",
        composition=Composition(filters=4, width=1),
        dense=(),
        batch_norm=False,
    )
    codes = np.random.default_rng(0).integers(0, 4, (1, 20), dtype=np.uint8)

    model = MULTILAYER_CNN.build(config, inputs(20), SIGMOID, {})
    forward, backward = (model(one_hot(turned))["prediction"].numpy() for turned in (codes, codes[:, ::-1]))

    np.testing.assert_allclose(forward, backward, atol=1e-6)


def test_members_share_no_weight_and_stand_on_an_axis_of_their_own():
    alone, three = (
        MULTILAYER_CNN.build(
            MultilayerCnnConfig(convolutions=(Convolution(filters=5, width=3),), dense=(4,), members=members),
            inputs(20),
            SIGMOID,
            {},
        )
        for members in (1, 3)
    )

    assert three.output["prediction"].shape == (None, 3, 3)
    assert three.count_params() == 3 * alone.count_params()
