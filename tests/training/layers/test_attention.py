import math

import numpy as np
import pytest

pytest.importorskip("tensorflow")

from zoo import InputSpec, OutputSpec
from zoo.training.layers import attention_pooling, relative_attention, relative_positions
from zoo.training.network.backend import import_backend, to_float32
from zoo.training.network.export import export

pytestmark = pytest.mark.training

_, keras = import_backend(threads=2)

LENGTH, CHANNELS, HEADS, KEY, VALUE, FEATURES = 5, 4, 2, 3, 2, 12


def build(**options):
    keras.utils.set_random_seed(0)
    hidden = keras.Input((LENGTH, CHANNELS), name="sequence")
    settings = {"heads": HEADS, "key_size": KEY, "value_size": VALUE, "features": FEATURES, **options}
    model = keras.Model(hidden, {"prediction": relative_attention(hidden, "attention", **settings)})
    layer = model.get_layer("attention")
    rng = np.random.default_rng(0)
    layer.set_weights([rng.normal(size=weight.shape).astype(np.float32) for weight in layer.get_weights()])
    return model, {weight.name: weight.numpy() for weight in layer.weights}


def draw(count=3):
    return np.random.default_rng(1).normal(size=(count, LENGTH, CHANNELS)).astype(np.float32)


def attend_by_hand(rows, weights):
    """Return (L, heads x values) of (L, C), one pair of positions at a time."""
    of_distance = relative_positions(LENGTH, FEATURES)
    read = np.zeros((LENGTH, HEADS, VALUE))
    for head in range(HEADS):
        keys, values = slice(head * KEY, (head + 1) * KEY), slice(head * VALUE, (head + 1) * VALUE)
        for here in range(LENGTH):
            query = rows[here] @ weights["query_kernel"][:, keys] / math.sqrt(KEY)
            logits = []
            for there in range(LENGTH):
                key = rows[there] @ weights["key_kernel"][:, keys]
                apart = of_distance[LENGTH - 1 + there - here] @ weights["position_kernel"][:, keys]
                content = (query + weights["content_bias"][head, 0]) @ key
                logits.append(content + (query + weights["position_bias"][head, 0]) @ apart)
            shares = np.exp(logits) / np.exp(logits).sum()
            read[here, head] = shares @ (rows @ weights["value_kernel"][:, values])
    return read.reshape(LENGTH, HEADS * VALUE) @ weights["output_kernel"] + weights["output_bias"]


def test_a_position_weighs_others_by_what_they_hold_and_by_how_far_they_are():
    model, weights = build()
    batch = draw()

    found = model(batch)["prediction"].numpy()

    expected = np.stack([attend_by_hand(rows.astype(np.float64), weights) for rows in batch])
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-4)


def test_a_head_that_minds_distances_alone_looks_to_one_side():
    model, _ = build()
    layer = model.get_layer("attention")
    weights = {weight.name: np.zeros(weight.shape, np.float32) for weight in layer.weights}
    # The last half of the features have the sign of the distance: a large weight on one looks far to the right.
    weights["position_kernel"][FEATURES - 1] = weights["position_bias"][...] = 30
    weights["value_kernel"][0, 0] = weights["output_kernel"][0, 0] = 1
    layer.set_weights([weights[weight.name] for weight in layer.weights])
    batch = draw(1)
    sign = relative_positions(LENGTH, FEATURES)[:, FEATURES - 1]

    found = model(batch)["prediction"].numpy()[0, :, 0]

    # From the first position, the distance whose feature is the largest.
    furthest = int(sign[LENGTH - 1 :].argmax())
    assert furthest > 0
    assert found[0] == pytest.approx(batch[0, furthest, 0], abs=1e-3)


def test_attention_begins_as_if_it_were_not_there():
    hidden = keras.Input((LENGTH, CHANNELS))
    settings = {"heads": HEADS, "key_size": KEY, "value_size": VALUE, "features": FEATURES}
    model = keras.Model(hidden, relative_attention(hidden, "attention", **settings))

    assert (model(draw()).numpy() == 0).all()


def test_attention_has_the_weights_that_it_is_said_to_have():
    model, _ = build()

    queries_and_keys = 2 * CHANNELS * HEADS * KEY
    values = CHANNELS * HEADS * VALUE
    output = (HEADS * VALUE) ** 2 + HEADS * VALUE
    assert model.count_params() == queries_and_keys + values + output + FEATURES * HEADS * KEY + 2 * HEADS * KEY


def test_dropout_is_of_training_alone():
    model, _ = build(dropout=0.5, position_dropout=0.5)
    plain, _ = build()
    batch = draw()

    assert (model(batch)["prediction"].numpy() == plain(batch)["prediction"].numpy()).all()
    assert (model(batch, training=True)["prediction"].numpy() != plain(batch)["prediction"].numpy()).any()


def test_features_of_distances_are_half_symmetric_and_half_signed():
    features = relative_positions(7, 18)

    symmetric, signed = features[:, :9], features[:, 9:]
    assert features.shape == (13, 18)
    assert (symmetric == symmetric[::-1]).all()
    assert (signed == np.sign(np.arange(-6, 7))[:, np.newaxis] * symmetric).all()


def test_exponential_features_are_halved_within_their_half_lives():
    features = relative_positions(33, 12)

    # Two of each kind: half-lives are 8 positions and all 33.
    assert features[32, :2] == pytest.approx([1, 1])
    assert features[32 + 8, 0] == pytest.approx(0.5)
    assert features[32 + 32, 1] == pytest.approx(0.5 ** (32 / 33))


def test_central_features_are_one_within_a_power_of_two():
    features = relative_positions(9, 18)

    # Below 1, 3 and 7 positions away.
    assert features[8:, 3].tolist() == [1, 0, 0, 0, 0, 0, 0, 0, 0]
    assert features[8:, 4].tolist() == [1, 1, 1, 0, 0, 0, 0, 0, 0]
    assert features[8:, 5].tolist() == [1, 1, 1, 1, 1, 1, 1, 0, 0]


def test_gamma_features_are_densities_over_the_largest_of_them():
    features = relative_positions(16, 12)

    # Means 8 and 16, deviation 16 / 4: shapes 4 and 16, rates 1/2 and 1.
    def density(distance, shape, rate):
        return rate**shape * distance ** (shape - 1) * math.exp(-rate * distance) / math.gamma(shape)

    first = [density(distance, 4, 1 / 2) for distance in range(16)]
    second = [density(distance, 16, 1) for distance in range(16)]
    assert features[15:, 4] == pytest.approx(np.array(first) / max(first + second), abs=1e-6)
    assert features[15:, 5] == pytest.approx(np.array(second) / max(first + second), abs=1e-6)


@pytest.mark.parametrize("features", [0, 7, -6])
def test_features_that_can_not_be_shared_out_are_refused(features):
    with pytest.raises(ValueError, match=f"expected a positive multiple of 6 features of distances, found {features}"):
        relative_positions(10, features)


def pool(batch, kernel):
    hidden = keras.Input(batch.shape[1:])
    model = keras.Model(hidden, attention_pooling(hidden, 2, "pooling"))
    model.get_layer("pooling").set_weights([np.array(kernel, np.float32)])
    return model(batch).numpy()


def test_pooling_weighs_each_channel_by_a_softmax_of_all_channels():
    batch = np.array([[[1, 5], [3, 2], [0, 0], [4, 4]]], np.float32)

    assert pool(batch, np.zeros((2, 2))) == pytest.approx(np.array([[[2, 3.5], [2, 2]]]))
    assert pool(batch, 100 * np.eye(2)) == pytest.approx(np.array([[[3, 5], [4, 4]]]))
    # Both channels are weighted by the first one: the second position of each pair wins.
    assert pool(batch, [[100, 100], [0, 0]]) == pytest.approx(np.array([[[3, 2], [4, 4]]]))


def test_pooling_begins_near_the_maximum():
    hidden = keras.Input((4, 3))
    model = keras.Model(hidden, attention_pooling(hidden, 2, "pooling"))

    assert (model.get_layer("pooling").kernel.numpy() == 2 * np.eye(3)).all()


def test_positions_that_can_not_be_pooled_in_full_are_refused():
    with pytest.raises(ValueError, match="pooling: expected a multiple of 2 positions, found 5"):
        attention_pooling(keras.Input((5, 3)), 2, "pooling")
    with pytest.raises(ValueError, match="pooling: expected a multiple of 2 positions, found None"):
        attention_pooling(keras.Input((None, 3)), 2, "pooling")


def test_attention_needs_a_fixed_number_of_positions():
    with pytest.raises(ValueError, match="attention: expected a fixed number of positions, found any"):
        relative_attention(keras.Input((None, 4)), "attention", heads=1, key_size=2, value_size=2, features=6)


def test_networks_with_attention_are_exported_and_brought_to_32_bits():
    sequence = keras.Input((8, 4), name="sequence")
    keras.utils.set_random_seed(0)
    settings = {"heads": 2, "key_size": 3, "value_size": 2, "features": 6, "dropout": 0.5, "position_dropout": 0.5}
    outputs = (OutputSpec("prediction", ("a",), "sigmoid", 4),)

    def make():
        hidden = relative_attention(sequence, "attention", **settings)
        hidden = attention_pooling(hidden, 2, "pooling")
        return keras.Model(sequence, {"prediction": keras.layers.Dense(1, activation="sigmoid")(hidden)})

    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        mixed = make()
    finally:
        keras.config.set_dtype_policy(before)
    model = to_float32(mixed)
    rng = np.random.default_rng(0)
    model.set_weights([rng.normal(size=weight.shape) for weight in model.get_weights()])

    proto = export(model, (InputSpec("sequence", (8, 4)),), outputs)

    import onnxruntime

    session = onnxruntime.InferenceSession(proto.SerializeToString(), providers=["CPUExecutionProvider"])
    assert [item.name for item in session.get_inputs()] == ["sequence"]
    batch = np.random.default_rng(1).random((3, 8, 4), dtype=np.float32)
    (found,) = session.run(None, {"sequence": batch})
    np.testing.assert_allclose(found, model(batch)["prediction"].numpy(), atol=1e-5)
