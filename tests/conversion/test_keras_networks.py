"""Networks that Keras has saved, in every format that it has."""

import json

import numpy as np
import pytest

pytest.importorskip("tensorflow")

import h5py
import keras

from tests.conversion.networks import CARD
from zoo.conversion.convert import convert
from zoo.conversion.detect import open_source
from zoo.conversion.keras_source import KerasSource
from zoo.errors import ConversionError, MissingExtra, UnsafeModel
from zoo.genome.codes import encode, one_hot
from zoo.model.card import read_card
from zoo.model.folder import load_folder
from zoo.training.network.backend import import_backend

pytestmark = [
    pytest.mark.training,
    # Keras reads its own weights in a way that numpy 2 warns of, when it saves them.
    pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning"),
]

import_backend(threads=1)

LENGTH = 20
SEQUENCES = ["ACGT" * 5, "TTTTTCCCCCGGGGGAAAAA", "ACGTNNNNNNNNNNNNACGT"]
CODES = np.stack([encode(sequence) for sequence in SEQUENCES])


def make_sequential():
    keras.utils.set_random_seed(1)
    return keras.Sequential(
        [
            keras.Input((LENGTH, 4), name="dna"),
            keras.layers.Conv1D(6, 5, activation="relu"),
            keras.layers.BatchNormalization(),
            keras.layers.GlobalMaxPooling1D(),
            keras.layers.Dense(1, activation="sigmoid"),
        ]
    )


def make_functional():
    """Two outputs, arithmetic on tensors, a recurrent layer that reads both ways, exact GELU."""
    keras.utils.set_random_seed(2)
    dna = keras.Input((LENGTH, 4), name="dna")
    hidden = keras.layers.Conv1D(6, 5, activation="gelu")(dna)
    hidden = keras.layers.Bidirectional(keras.layers.LSTM(4))(hidden)
    summed = keras.layers.Add()([hidden, hidden])
    return keras.Model(dna, [keras.layers.Dense(2)(summed), keras.layers.Dense(1, activation="softplus")(hidden)])


def save_and_convert(model, tmp_path, name, tracks=("c",), **wishes):
    path = tmp_path / name
    model.save(path)
    return convert(path, "tiny", output=tmp_path / "tiny", card=CARD | {"tracks": list(tracks)}, **wishes)


@pytest.mark.parametrize("name", ["network.keras", "network.h5"])
def test_a_sequential_network_predicts_what_it_did(tmp_path, name):
    model = make_sequential()
    done = save_and_convert(model, tmp_path, name)
    assert done.sequences == 1000
    found = load_folder(tmp_path / "tiny").predict(SEQUENCES)["c"]
    assert found.to_numpy() == pytest.approx(model(one_hot(CODES)).numpy()[:, 0], abs=1e-6)
    card = read_card(tmp_path / "tiny" / "model.yaml")
    assert (card.outputs[0].name, card.outputs[0].activation) == ("prediction", "sigmoid")
    assert card.architecture.config["framework"] == f"Keras {keras.__version__}"


def test_a_functional_network_keeps_both_outputs_in_their_order(tmp_path):
    model = make_functional()
    save_and_convert(model, tmp_path, "network.keras", ["a", "b", "c"])
    found = load_folder(tmp_path / "tiny").predict(SEQUENCES)
    expected = np.hstack([values.numpy() for values in model(one_hot(CODES))])
    assert found.to_numpy() == pytest.approx(expected, abs=1e-6)
    card = read_card(tmp_path / "tiny" / "model.yaml")
    assert [(output.name, output.activation) for output in card.outputs] == [
        ("output_1", "linear"),
        ("output_2", "softplus"),
    ]


def test_arithmetic_on_tensors_is_read(tmp_path):
    keras.utils.set_random_seed(3)
    dna = keras.Input((LENGTH, 4))
    hidden = keras.layers.Flatten()(dna)
    model = keras.Model(dna, keras.layers.Dense(1)(hidden * 2.0 + 1.0))
    save_and_convert(model, tmp_path, "network.keras")
    found = load_folder(tmp_path / "tiny").predict(SEQUENCES)["c"]
    assert found.to_numpy() == pytest.approx(model(one_hot(CODES)).numpy()[:, 0], abs=1e-5)


def test_a_network_of_any_length_gets_the_one_that_is_said(tmp_path):
    keras.utils.set_random_seed(4)
    model = keras.Sequential([keras.Input((None, 4)), keras.layers.Conv1D(2, 3), keras.layers.GlobalAveragePooling1D()])
    save_and_convert(model, tmp_path, "network.keras", ["a", "b"], length=LENGTH)
    found = load_folder(tmp_path / "tiny").predict(SEQUENCES)
    assert found.to_numpy() == pytest.approx(model(one_hot(CODES)).numpy(), abs=1e-6)


def write_layers(file, weights):
    """Write arrays as Keras 2 did: for each layer its name and those of its arrays, {layer: {array: values}}."""
    file.attrs["backend"] = "tensorflow"
    group = file.create_group("model_weights")
    group.attrs["layer_names"] = [name.encode() for name in weights]
    for name, arrays in weights.items():
        group.create_group(name).attrs["weight_names"] = [f"{name}/{each}:0".encode() for each in arrays]
        for each, values in arrays.items():
            group[name][f"{name}/{each}:0"] = values.astype(np.float32)


def write_sequential_2(path, layers, weights):
    """Write a Sequential network as Keras 2 did, its layers as (kind, name, settings)."""
    described = [{"class_name": kind, "config": {"name": name, **settings}} for kind, name, settings in layers]
    described[0]["config"]["batch_input_shape"] = [None, LENGTH, 4]
    with h5py.File(path, "w") as file:
        file.attrs["keras_version"] = "2.2.4"
        file.attrs["model_config"] = json.dumps({"class_name": "Sequential", "config": described})
        write_layers(file, weights)
    return path


def run_old_gru(windows, kernel, recurrent):
    """The state of a GRU of Keras 2 after the last base: gates z and r, the state reset before the product."""
    size = len(recurrent)
    state = np.zeros((len(windows), size))
    for bases in windows.transpose(1, 0, 2):
        gates = 1 / (1 + np.exp(-(bases @ kernel[:, : 2 * size] + state @ recurrent[:, : 2 * size])))
        keep, reset = gates[:, :size], gates[:, size:]
        proposed = np.tanh(bases @ kernel[:, 2 * size :] + (reset * state) @ recurrent[:, 2 * size :])
        state = keep * state + (1 - keep) * proposed
    return state


def test_a_gru_of_keras_2_predicts_what_numpy_says(tmp_path):
    rng = np.random.default_rng(1)
    kernel, recurrent = rng.normal(size=(4, 9)), rng.normal(size=(3, 9))
    settings = {"units": 3, "activation": "tanh", "recurrent_activation": "sigmoid", "use_bias": False}
    weights = {"gru": {"kernel": kernel, "recurrent_kernel": recurrent}}
    source = open_source(write_sequential_2(tmp_path / "network.h5", [("GRU", "gru", settings)], weights))
    found = source.predict({source.inputs[0].name: one_hot(CODES)})["output_1"]
    assert found == pytest.approx(run_old_gru(one_hot(CODES), kernel, recurrent), abs=1e-5)


def test_weights_in_another_order_than_the_layers_are_refused(tmp_path):
    layers = [(
        "Dense", name, {"units": 4, "activation": "linear", "use_bias": False}) for name in ("first", "second")
    ]  # fmt: skip
    weights = {name: {"kernel": np.eye(4)} for name in ("second", "first")}
    path = write_sequential_2(tmp_path / "network.h5", layers, weights)
    with pytest.raises(
        ConversionError, match="expected weights of layer 'first' next, found those of 'second'; export"
    ):
        open_source(path)


def write_keras_2(path):
    """Write what Keras 2 wrote of a branched network: positions of layers as lists, shapes in the input's config."""
    keras.utils.set_random_seed(5)
    kernel, bias = np.random.default_rng(0).normal(size=(80, 1)).astype(np.float32), np.ones(1, np.float32)

    def layer(kind, name, *sources, **config):
        nodes = [[[source, 0, 0, {}] for source in sources]] if sources else []
        return {"class_name": kind, "name": name, "config": {"name": name, **config}, "inbound_nodes": nodes}

    config = {
        "class_name": "Model",
        "config": {
            "name": "model_1",
            "layers": [
                layer("InputLayer", "in", batch_input_shape=[None, LENGTH, 4], dtype="float32", sparse=False),
                layer("Flatten", "flat", "in", trainable=True, dtype="float32", data_format="channels_last"),
                layer("Dense", "out", "flat", trainable=True, dtype="float32", units=1, activation="linear"),
                layer("Add", "twice", "out", "out", trainable=True, dtype="float32"),
            ],
            "input_layers": [["in", 0, 0]],
            "output_layers": [["twice", 0, 0]],
        },
    }
    with h5py.File(path, "w") as file:
        file.attrs["keras_version"] = "2.2.4-tf"
        file.attrs["backend"] = "tensorflow"
        file.attrs["model_config"] = json.dumps(config)
        weights = file.create_group("model_weights")
        weights.attrs["keras_version"] = "2.2.4-tf"
        weights.attrs["backend"] = "tensorflow"
        weights.attrs["layer_names"] = [b"in", b"flat", b"out", b"twice"]
        for name in ("in", "flat", "out", "twice"):
            group = weights.create_group(name)
            group.attrs["weight_names"] = [b"out/kernel:0", b"out/bias:0"] if name == "out" else []
            if name == "out":
                group["out/kernel:0"], group["out/bias:0"] = kernel, bias
    return kernel, bias


def test_a_branched_network_of_keras_2_is_read_as_it_was_meant(tmp_path):
    path = tmp_path / "network.hdf5"
    kernel, bias = write_keras_2(path)
    convert(path, "tiny", output=tmp_path / "tiny", card=CARD)
    found = load_folder(tmp_path / "tiny").predict(SEQUENCES)["c"]
    expected = 2 * (one_hot(CODES).reshape(3, -1) @ kernel + bias)
    assert found.to_numpy() == pytest.approx(expected[:, 0], abs=1e-5)


def test_a_network_that_keras_can_not_build_is_told_in_one_line(tmp_path):
    path = tmp_path / "network.h5"
    write_keras_2(path)
    with h5py.File(path, "a") as file:
        del file["model_weights/out/out/kernel:0"]
    with pytest.raises(ConversionError, match=r"can't build the network that Keras 2.2.4-tf saved, export it as ONNX"):
        open_source(path)


def test_without_tensorflow_the_extra_is_named(tmp_path, monkeypatch):
    def fail():
        raise MissingExtra("training needs tensorflow")

    path = tmp_path / "network.h5"
    write_keras_2(path)
    monkeypatch.setattr("zoo.conversion.frameworks.import_backend", fail)
    with pytest.raises(MissingExtra, match="converting Keras files and SavedModels needs TensorFlow"):
        open_source(path)


def test_the_source_says_what_it_holds(tmp_path):
    path = tmp_path / "network.h5"
    write_keras_2(path)
    source = open_source(path)
    assert isinstance(source, KerasSource)
    assert (source.framework, source.summary) == ("Keras 2.2.4-tf", "Functional, 3 layers")
    assert [port.shown for port in (*source.inputs, *source.outputs)] == ["(N, 20, 4)", "(N, 1)"]


def write_described(tmp_path, config, **arrays):
    """Write a file in the format of Keras 2 with a description and arrays of one layer, ``dense``."""
    path = tmp_path / "network.h5"
    with h5py.File(path, "w") as file:
        file.attrs["keras_version"] = "2.15.0"
        file.attrs["model_config"] = json.dumps(config)
        write_layers(file, {"dense": arrays})
    return path


def describe_dense(units):
    layers = [
        {"class_name": "InputLayer", "config": {"name": "dna", "batch_input_shape": [None, 4], "dtype": "float32"}},
        {"class_name": "Dense", "config": {"name": "dense", "units": units}},
    ]
    return {"class_name": "Sequential", "config": {"name": "network", "layers": layers}}


def test_a_layer_of_more_weights_than_were_saved_is_refused_before_they_are_made(tmp_path):
    arrays = {"kernel": np.ones((4, 3)), "bias": np.ones(3)}
    assert open_source(write_described(tmp_path, describe_dense(3), **arrays)).outputs[0].shape == (None, 3)
    add_weight = keras.layers.Layer.add_weight
    message = r"network.h5: expected layers of the 15 weights that were saved, found 40,000,000,000,000$"
    with pytest.raises(UnsafeModel, match=message):
        open_source(write_described(tmp_path, describe_dense(10**13), **arrays))
    assert keras.layers.Layer.add_weight is add_weight


def make_named(**factors):
    """Two outputs in a mapping, in this order: what one unit says, times a factor."""
    keras.utils.set_random_seed(6)
    dna = keras.Input((LENGTH, 4), name="dna")
    hidden = keras.layers.Dense(1)(keras.layers.Flatten()(dna))
    return keras.Model(dna, {name: keras.layers.Rescaling(factor)(hidden) for name, factor in factors.items()})


@pytest.mark.parametrize("name", ["network.keras", "network.h5"])
def test_outputs_of_a_mapping_keep_their_names_and_their_order(tmp_path, name):
    model = make_named(z_ctcf=1.0, a_pu1=-3.0)
    save_and_convert(model, tmp_path, name, ["CTCF", "PU.1"])
    converted = load_folder(tmp_path / "tiny")
    assert [output.name for output in converted.card.outputs] == ["z_ctcf", "a_pu1"]
    found = converted.predict(SEQUENCES)
    expected = {key: values.numpy()[:, 0] for key, values in model(one_hot(CODES)).items()}
    assert found["CTCF"].to_numpy() == pytest.approx(expected["z_ctcf"], abs=1e-5)
    assert found["PU.1"].to_numpy() == pytest.approx(expected["a_pu1"], abs=1e-5)


def test_names_in_another_order_than_that_of_the_mapping_are_refused(tmp_path):
    with pytest.raises(ConversionError, match="'a_pu1' would be the name of a column of output 'z_ctcf'"):
        save_and_convert(make_named(z_ctcf=1.0, a_pu1=-3.0), tmp_path, "network.keras", ["a_pu1", "z_ctcf"])


def test_an_output_may_be_called_as_an_input_is_and_in_letters_that_no_card_has(tmp_path):
    save_and_convert(make_named(dna=1.0, **{"my output": 2.0}), tmp_path, "network.keras", ["a", "b"])
    card = read_card(tmp_path / "tiny" / "model.yaml")
    assert [output.name for output in card.outputs] == ["dna", "my_output"]


@pytest.mark.parametrize(
    "layer",
    [
        pytest.param(lambda: keras.layers.Normalization(mean=0.3, variance=2.0), id="Normalization"),
        pytest.param(lambda: keras.layers.Activation("celu"), id="celu"),
        pytest.param(lambda: keras.layers.Conv1DTranspose(3, 3, strides=2), id="Conv1DTranspose"),
        pytest.param(lambda: keras.layers.Conv1DTranspose(3, 2, strides=3, padding="same"), id="gaps between kernels"),
    ],
)
def test_layers_for_which_the_exporter_needs_help_are_read(tmp_path, layer):
    keras.utils.set_random_seed(7)
    layers = [layer(), keras.layers.Flatten(), keras.layers.Dense(1)]
    model = keras.Sequential([keras.Input((LENGTH, 4), name="dna"), *layers])
    save_and_convert(model, tmp_path, "network.keras")
    found = load_folder(tmp_path / "tiny").predict(SEQUENCES)["c"]
    assert found.to_numpy() == pytest.approx(model(one_hot(CODES)).numpy()[:, 0], abs=1e-5)


def test_a_network_whose_layers_compute_in_16_bits_becomes_one_of_32(tmp_path):
    keras.utils.set_random_seed(8)
    policy = keras.DTypePolicy("mixed_float16")
    layers = [
        keras.layers.Conv1D(8, 5, activation="relu", dtype=policy),
        keras.layers.GlobalMaxPooling1D(dtype=policy),
        keras.layers.Dense(1, activation="sigmoid", dtype=policy),
    ]
    model = keras.Sequential([keras.Input((LENGTH, 4), name="dna"), *layers])
    done = save_and_convert(model, tmp_path, "network.keras")
    converted = load_folder(tmp_path / "tiny")
    found = converted.predict(SEQUENCES)["c"]
    assert found.to_numpy() == pytest.approx(model(one_hot(CODES)).numpy()[:, 0].astype(np.float32), rel=1e-2)
    assert 0 < done.difference < 1e-2
    assert converted.card.architecture.config["widened"] == "16 bits to 32"


def test_what_keras_says_of_a_network_that_it_can_not_run_is_told_in_one_line(tmp_path):
    # Keras takes the halves that a gated unit multiplies for the whole, so that the next layer does not fit.
    model = keras.Sequential(
        [keras.Input((LENGTH, 4)), keras.layers.Activation("glu"), keras.layers.Flatten(), keras.layers.Dense(1)]
    )
    with pytest.raises(ConversionError, match=r"the network can't be written as ONNX: .*incompatible") as caught:
        save_and_convert(model, tmp_path, "network.keras")
    message = str(caught.value)
    assert message.isprintable()
    assert not any(noise in message for noise in ("user code", "File ", "Arguments received"))


def test_a_layer_that_keeps_its_state_is_refused(tmp_path):
    model = keras.Sequential(
        [
            keras.Input(batch_shape=(1, LENGTH, 4)),
            keras.layers.LSTM(3, stateful=True, name="keeps"),
            keras.layers.Dense(1),
        ]
    )
    with pytest.raises(ConversionError, match="layer 'keeps': expected predictions of one window each"):
        save_and_convert(model, tmp_path, "network.keras")
