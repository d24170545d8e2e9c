import copy
import json

import pytest

from zoo.conversion.keras_config import (
    bring_up_to_date,
    is_old,
    list_layers,
    parse_config,
    refuse_old_meanings,
    refuse_state,
)
from zoo.errors import ConversionError, UnsafeModel

DENSE = {"class_name": "Dense", "config": {"name": "dense", "units": 1, "activation": "relu"}}
KERAS_3_DENSE = {"module": "keras.layers", "registered_name": None, **DENSE}


def describe(*layers, kind="Sequential"):
    return {"class_name": kind, "config": {"name": "network", "layers": list(layers)}}


def parse(description):
    return parse_config(json.dumps(description), "network.h5")


@pytest.mark.parametrize("layer", [DENSE, KERAS_3_DENSE])
@pytest.mark.parametrize("kind", ["Sequential", "Functional", "Model"])
def test_networks_of_listed_layers_pass(layer, kind):
    assert list_layers(parse(describe(layer, kind=kind))) == [layer]


def test_a_list_of_layers_as_the_first_keras_2_wrote_it_is_read():
    found = parse({"class_name": "Sequential", "config": [DENSE]})
    assert list_layers(found) == [DENSE]
    assert found["config"]["name"] == "network"  # by which Keras 3 tells a description from a list


def test_what_stands_beside_the_layers_is_left_out():
    description = describe(DENSE) | {"compile_config": {"optimizer": {"class_name": "Evil", "config": {}}}}
    assert parse(description).keys() == {"class_name", "config"}


def test_layers_of_networks_inside_count():
    inner = describe(DENSE, DENSE)
    assert list_layers(parse(describe(DENSE, inner))) == [DENSE] * 3


LAMBDA = {"class_name": "Lambda", "config": {"name": "trick", "function": ["4wEAAA==", None, None]}}


@pytest.mark.parametrize(
    ("layer", "message"),
    [
        pytest.param(LAMBDA, "layer 'trick' is a Lambda, which holds code", id="Lambda"),
        pytest.param(describe(LAMBDA), "layer 'trick' is a Lambda", id="Lambda in a network inside"),
        pytest.param(
            {"class_name": "TimeDistributed", "config": {"name": "each", "layer": LAMBDA}},
            "layer 'trick' is a Lambda", id="Lambda in a wrapper",
        ),
        pytest.param(
            {**DENSE, "config": {"name": "dense", "activation": LAMBDA}}, "layer 'trick' is a Lam", id="as activation"
        ),
        pytest.param(
            {**DENSE, "inbound_nodes": [{"args": [LAMBDA], "kwargs": {}}]}, "is a Lambda", id="as an argument"
        ),
        pytest.param({"class_name": "TFOpLambda", "config": {"function": "io.read_file"}}, "is a TFOpLambda", id="TF"),
        pytest.param(
            {**DENSE, "config": {"name": "dense", "activation": {"class_name": "__lambda__", "config": {}}}},
            "layer 'dense' is a __lambda__", id="lambda of Keras 3",
        ),
        pytest.param(
            {"class_name": "Attend", "config": {"name": "own"}}, "layer 'own' is of class Attend, which is", id="own"
        ),
        pytest.param(
            {**KERAS_3_DENSE, "module": "os", "class_name": "system"}, r"is of class os\.system", id="another module"
        ),
        pytest.param({**KERAS_3_DENSE, "module": "builtins", "class_name": "eval"}, r"builtins\.eval", id="builtins"),
        pytest.param({**KERAS_3_DENSE, "module": "keras.src.utils"}, r"keras\.src\.utils\.Dense", id="inside Keras"),
        pytest.param(
            {**KERAS_3_DENSE, "registered_name": "Custom>Dense"}, r"keras\.layers\.Custom>Dense", id="registered"
        ),
        pytest.param({**KERAS_3_DENSE, "module": ["keras"]}, "expected a class that is named", id="a list of modules"),
        pytest.param({"class_name": {}, "config": {}}, "expected a class that is named", id="no name of a class"),
        pytest.param(
            {**DENSE, "config": {"name": "dense", "kernel_initializer": {"module": "os", "config": {}}}},
            "expected a class that is named", id="a module alone",
        ),
        pytest.param(
            {**DENSE, "config": {"name": "dense", "activation": "my_gelu"}},
            "layer 'dense': activation 'my_gelu' is none of Keras's own", id="an activation of its own",
        ),
        pytest.param(
            {
                **DENSE,
                "config": {
                    "name": "dense",
                    "activation": {"module": "builtins", "class_name": "function", "config": "eval"},
                },
            },
            r"is of class builtins\.function", id="a function",
        ),
        pytest.param(
            {"class_name": "StringLookup", "config": {"name": "look", "vocabulary": "/etc/passwd"}},
            "layer 'look' is of class StringLookup", id="a layer that reads files",
        ),
    ],
)  # fmt: skip
def test_what_is_not_listed_is_refused_at_whatever_depth(layer, message):
    with pytest.raises(UnsafeModel, match=f"network.h5: .*{message}"):
        parse(describe(DENSE, layer))


def test_activations_of_keras_pass_by_name_and_as_functions():
    function = {"module": "keras.activations", "class_name": "function", "config": "gelu", "registered_name": "gelu"}
    parse(describe({**DENSE, "config": {"name": "dense", "activation": function}}))
    parse(describe({**DENSE, "config": {"name": "dense", "activation": "gelu"}}))


@pytest.mark.parametrize(
    ("text", "error", "message"),
    [
        ("{", ConversionError, "expected a network's description as JSON"),
        ("[" * 100_000, ConversionError, "expected a network's description as JSON"),
        ("[]", ConversionError, "were only the weights saved"),
        ('{"class_name": "MyModel", "config": {}}', UnsafeModel, "found 'MyModel', whose code is its own"),
        ('{"class_name": ["Sequential"], "config": {}}', UnsafeModel, "expected a Sequential or Functional network"),
    ],
)
def test_texts_that_describe_no_network_are_refused(text, error, message):
    with pytest.raises(error, match=message):
        parse_config(text, "network.h5")


def test_a_description_that_is_nested_without_end_is_refused():
    deep = []
    for _ in range(200):
        deep = [deep]
    with pytest.raises(UnsafeModel, match="found one nested too deep"):
        parse(describe({**DENSE, "config": {"name": "dense", "kernel_initializer": deep}}))


def test_the_shape_that_keras_2_notes_in_the_first_layer_becomes_an_input():
    first = {"class_name": "Conv1D", "config": {"name": "conv", "batch_input_shape": [32, 201, 4]}}
    old = describe(first, DENSE)
    before = copy.deepcopy(old)
    layers = bring_up_to_date(old)["config"]["layers"]
    assert [layer["class_name"] for layer in layers] == ["InputLayer", "Conv1D", "Dense"]
    assert layers[0]["config"]["batch_shape"] == [None, 201, 4]
    assert "batch_input_shape" not in layers[1]["config"]
    assert old == before


def test_the_batch_of_an_input_is_free():
    old = {"class_name": "InputLayer", "config": {"name": "in", "batch_input_shape": [16, 10, 4]}}
    new = {"class_name": "InputLayer", "config": {"name": "in", "batch_shape": [16, 10, 4]}}
    for layer in (old, new):
        (changed,) = bring_up_to_date(describe(layer, kind="Functional"))["config"]["layers"]
        assert changed["config"] == {"name": "in", "batch_shape": [None, 10, 4]}


def test_settings_that_keras_3_does_not_know_go_where_they_change_nothing():
    cell = {"class_name": "LSTM", "config": {"name": "lstm", "units": 3, "time_major": False, "implementation": 2}}
    both = {"class_name": "Bidirectional", "config": {"name": "both", "layer": cell}}
    norm = {"class_name": "BatchNormalization", "config": {"name": "norm", "axis": [2]}}
    turned = {"class_name": "LSTM", "config": {"name": "turned", "time_major": True}}
    changed = bring_up_to_date(describe(both, norm, turned, kind="Functional"))["config"]["layers"]
    assert changed[0]["config"]["layer"]["config"] == {"name": "lstm", "units": 3}
    assert changed[1]["config"]["axis"] == 2
    assert changed[2]["config"]["time_major"] is True


@pytest.mark.parametrize(
    ("version", "old"), [("1.2.2", True), ("2.3.0-tf", True), ("3.0.0", False), ("3.12.1", False), ("nightly", True)]
)
def test_a_keras_before_3_is_old_and_so_is_one_of_no_number(version, old):
    assert is_old(version) is old


HARD = {"module": "builtins", "class_name": "function", "config": "hard_sigmoid", "registered_name": "hard_sigmoid"}
SOFT_GRU = {"class_name": "GRU", "config": {"name": "gru", "recurrent_activation": "sigmoid"}}


def wrap_cells(layer):
    return {"class_name": "StackedRNNCells", "config": {"name": "cells", "cells": [SOFT_GRU, layer]}}


@pytest.mark.parametrize(
    ("layer", "found"),
    [
        ({"class_name": "Dense", "config": {"name": "in", "activation": "hard_sigmoid"}}, "hard_sigmoid"),
        ({"class_name": "Activation", "config": {"name": "in", "activation": HARD}}, "hard_sigmoid"),
        ({"class_name": "LSTM", "config": {"name": "in", "recurrent_activation": "hard_sigmoid"}}, "hard_sigmoid"),
        ({"class_name": "LSTM", "config": {"name": "in"}}, "a recurrent_activation that is not said"),
        ({"class_name": "GRUCell", "config": {"name": "in"}}, "a recurrent_activation that is not said"),
    ],
)
@pytest.mark.parametrize("wrap", [lambda layer: layer, describe, wrap_cells])
def test_what_keras_2_computed_otherwise_is_refused_at_whatever_depth(layer, found, wrap):
    with pytest.raises(
        ConversionError, match=f"network.h5: layer 'in': expected activations .* before .*, found {found};"
    ):
        refuse_old_meanings(describe(DENSE, wrap(layer)), "network.h5")


def test_what_keras_2_computed_alike_passes():
    refuse_old_meanings(describe(DENSE, SOFT_GRU, wrap_cells(SOFT_GRU)), "network.h5")


def test_a_gru_of_keras_2_resets_before_the_product_unless_it_says_so():
    after = {"class_name": "GRU", "config": {"name": "after", "reset_after": True}}
    layers = bring_up_to_date(describe(wrap_cells(SOFT_GRU), SOFT_GRU, after, kind="Functional"), old=True)["config"][
        "layers"
    ]
    assert layers[0]["config"]["cells"][0]["config"]["reset_after"] is False
    assert [layer["config"]["reset_after"] for layer in layers[1:]] == [False, True]
    assert "reset_after" not in bring_up_to_date(describe(SOFT_GRU))["config"]["layers"][0]["config"]


STATEFUL = {"class_name": "LSTM", "config": {"name": "keeps", "units": 3, "stateful": True}}


@pytest.mark.parametrize("wrap", [lambda layer: layer, describe, wrap_cells])
def test_a_layer_that_keeps_what_it_read_is_refused_at_whatever_depth(wrap):
    message = "network.h5: layer 'keeps': expected predictions of one window each, found stateful=True"
    with pytest.raises(ConversionError, match=message):
        refuse_state(describe(DENSE, wrap(STATEFUL)), "network.h5")


def test_layers_that_keep_nothing_pass():
    forgetting = {**STATEFUL, "config": {**STATEFUL["config"], "stateful": False}}
    refuse_state(describe(DENSE, forgetting, wrap_cells(SOFT_GRU)), "network.h5")
