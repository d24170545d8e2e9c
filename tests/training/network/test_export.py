import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from onnx.reference import ReferenceEvaluator

pytest.importorskip("tensorflow")

import keras

from zoo.components import InputSpec, OutputSpec
from zoo.errors import ExportMismatch
from zoo.model.card import Card
from zoo.model.operators import check_operators
from zoo.model.session import Session
from zoo.model.sizes import reckon_need
from zoo.training.network import export as export_module
from zoo.training.network.backend import import_backend
from zoo.training.network.export import check_parity, export
from zoo.training.network.fold import fold_batch_norm
from zoo.training.network.predictor import Predictor
from zoo.training.network.simplify import simplify

pytestmark = pytest.mark.training

import_backend(threads=2)

LENGTH = 20
INPUTS = (InputSpec("sequence", (LENGTH, 4)),)
CODES = np.random.default_rng(0).integers(0, 5, (9, LENGTH), dtype=np.uint8)


def make_card(tracks=2, **changes):
    return Card.model_validate(
        {
            "schema_version": 1, "name": "tiny", "version": "1.0.0", "summary": "s", "license": "CC0-1.0",
            "authors": ["a"], "assay": "a", "organism": "o", "limitations": "l",
            "inputs": [{"name": "sequence", "shape": [LENGTH, 4]}], "window": {"length": LENGTH, "anchor": 10},
            "outputs": [{"name": "y", "activation": "sigmoid",
                         "tracks": [{"name": f"t{number}", "assay": "a"} for number in range(tracks)]}],
            **changes,
        }
    )  # fmt: skip


def make_model(*layers, activation="relu", norm=True):
    """Two convolutions with BatchNorm whose statistics are those of no data in particular."""
    keras.utils.set_random_seed(0)
    sequence = hidden = keras.Input((LENGTH, 4), name="sequence")
    for number in (1, 2):
        hidden = keras.layers.Conv1D(6, 5, use_bias=not norm, name=f"convolution_{number}")(hidden)
        if norm:
            hidden = keras.layers.BatchNormalization(name=f"norm_{number}")(hidden)
        hidden = keras.layers.Activation(activation)(hidden)
        hidden = keras.layers.MaxPooling1D(2)(hidden)
    for layer in layers:
        hidden = layer(hidden)
    hidden = keras.layers.Flatten()(hidden)
    model = keras.Model(sequence, {"y": keras.layers.Dense(2, activation="sigmoid")(hidden)})
    generator = np.random.default_rng(1)
    for layer in model.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.set_weights([generator.uniform(0.5, 1.5, weights.shape) for weights in layer.get_weights()])
    return model


OUTPUTS = (OutputSpec("y", ("t0", "t1"), "sigmoid"),)


@pytest.mark.parametrize("activation", ["relu", "gelu", "elu", "celu", "silu", "exponential"])
@pytest.mark.parametrize("norm", [True, False])
def test_the_exported_network_predicts_what_keras_does(activation, norm):
    model = make_model(activation=activation, norm=norm)

    proto = export(model, INPUTS, OUTPUTS)
    tolerance = check_parity(Session(proto, make_card(), "cpu", 1), model, "y", CODES)

    assert 1e-5 <= tolerance <= 1e-4
    assert [value.name for value in proto.graph.input] == ["sequence"]
    assert [value.name for value in proto.graph.output] == ["y"]
    assert proto.graph.input[0].type.tensor_type.shape.dim[0].dim_param == "N"
    assert [(item.domain, item.version) for item in proto.opset_import if not item.domain] == [("", 18)]


@pytest.mark.parametrize("channels", [6, 200])
def test_numbers_that_a_layer_keeps_beside_its_weights_become_weights(channels):
    means, variances = np.arange(channels) / 8, 1 + np.arange(channels) / 4
    kept = keras.layers.Normalization(mean=means, variance=variances)
    model = make_model(keras.layers.Dense(channels), kept, norm=False)

    proto = export(model, INPUTS, OUTPUTS)
    check_parity(Session(proto, make_card(), "cpu", 1), model, "y", CODES)

    assert [value.name for value in proto.graph.input] == ["sequence"]


def test_a_layer_that_measured_its_numbers_is_exported_with_them():
    measured = keras.layers.Normalization()
    measured.adapt(np.random.default_rng(0).normal(2, 3, (50, LENGTH, 4)))
    sequence = keras.Input((LENGTH, 4), name="sequence")
    model = keras.Model(sequence, make_model(norm=False)(measured(sequence)))

    proto = export(model, INPUTS, OUTPUTS)

    check_parity(Session(proto, make_card(), "cpu", 1), model, "y", CODES)


@pytest.mark.parametrize("reset_after", [True, False])
def test_a_recurrent_network_of_which_all_steps_are_read_is_accepted(reset_after):
    model = make_model(keras.layers.GRU(3, reset_after=reset_after, return_sequences=True), norm=False)
    proto = export(model, INPUTS, OUTPUTS)

    check_operators(proto, "network")
    assert reckon_need(proto, make_card()).work > 0
    check_parity(Session(proto, make_card(), "cpu", 1), model, "y", CODES)


def test_batch_norm_bias_and_squeeze_are_gone():
    proto = export(make_model(), INPUTS, OUTPUTS)

    kinds = [node.op_type for node in proto.graph.node]
    convolutions = [node for node in proto.graph.node if node.op_type == "Conv"]
    assert "BatchNormalization" not in kinds
    assert "Mul" not in kinds
    assert all(len(node.input) == 3 for node in convolutions)
    assert kinds[kinds.index("Conv") :][:5] == ["Conv", "Relu", "MaxPool", "Conv", "Relu"]


def test_folding_leaves_the_network_as_it_is():
    model = make_model()
    before = model.get_weights()

    folded = fold_batch_norm(model)

    for kept, expected in zip(model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(kept, expected)
    assert not any(isinstance(layer, keras.layers.BatchNormalization) for layer in folded.layers)
    np.testing.assert_allclose(Predictor(folded, "y").predict(CODES), Predictor(model, "y").predict(CODES), atol=1e-6)


def test_a_batch_norm_that_follows_no_convolution_stays():
    model = make_model(keras.layers.BatchNormalization(name="late"))
    model.get_layer("late").set_weights([np.full(6, value) for value in (2.0, 1.0, 0.5, 4.0)])

    folded = fold_batch_norm(model)
    check_parity(Session(export(model, INPUTS, OUTPUTS), make_card(), "cpu", 1), model, "y", CODES)

    assert [layer.name for layer in folded.layers if isinstance(layer, keras.layers.BatchNormalization)] == ["late"]


def test_a_convolution_with_another_reader_is_not_folded():
    sequence = keras.Input((LENGTH, 4), name="sequence")
    convolution = keras.layers.Conv1D(3, 5)(sequence)
    both = keras.layers.Concatenate()([keras.layers.BatchNormalization()(convolution), convolution])
    model = keras.Model(sequence, {"y": keras.layers.Dense(2, activation="sigmoid")(keras.layers.Flatten()(both))})

    assert fold_batch_norm(model) is model


def test_a_convolution_with_an_activation_of_its_own_is_not_folded():
    sequence = keras.Input((LENGTH, 4), name="sequence")
    hidden = keras.layers.BatchNormalization()(keras.layers.Conv1D(3, 5, activation="relu")(sequence))
    model = keras.Model(sequence, {"y": keras.layers.Dense(2)(keras.layers.Flatten()(hidden))})

    assert fold_batch_norm(model) is model


def test_a_network_whose_weights_differ_is_refused():
    model = make_model()
    session = Session(export(model, INPUTS, OUTPUTS), make_card(), "cpu", 1)
    head = model.layers[-1]
    head.set_weights([weights + 0.01 for weights in head.get_weights()])

    with pytest.raises(ExportMismatch, match=r"differs from the trained one by .* at most 0.0001 is allowed; no model"):
        check_parity(session, model, "y", CODES)


def test_windows_are_compared_one_by_one_too():
    model = make_model()

    class BatchDependent:
        def predict_raw(self, codes, extra):
            return {"y": Predictor(model, "y").predict(codes) + (0.01 if len(codes) == 1 else 0)}

    with pytest.raises(ExportMismatch, match="differs from the trained one"):
        check_parity(BatchDependent(), model, "y", CODES)


def test_a_prediction_that_is_no_number_is_refused():
    model = make_model()
    session = Session(export(model, INPUTS, OUTPUTS), make_card(), "cpu", 1)
    model.layers[-1].set_weights([np.full_like(weights, np.nan) for weights in model.layers[-1].get_weights()])

    with pytest.raises(ExportMismatch, match="differs from the trained one by nan"):
        check_parity(session, model, "y", CODES)


def test_an_operation_that_onnx_lacks_is_refused(monkeypatch):
    monkeypatch.setattr(export_module, "_register_missing", lambda: None)
    from tf2onnx.handler import tf_op

    for versions in tf_op.get_opsets().values():
        for handlers in versions:
            monkeypatch.delitem(handlers, "Erfc", raising=False)

    with pytest.raises(ExportMismatch, match=r"the exported network is no valid ONNX: .*Erfc"):
        export(make_model(activation="gelu"), INPUTS, OUTPUTS)


def make_graph(nodes, constants, length=6):
    graph = helper.make_graph(
        nodes, "g",
        [helper.make_tensor_value_info("sequence", TensorProto.FLOAT, ["N", 4, 1, length])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["N", None, None])],
        [numpy_helper.from_array(values, name) for name, values in constants.items()],
    )  # fmt: skip
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)])


def test_a_squeeze_whose_input_is_read_twice_is_left_alone():
    constants = {"k": np.ones((2, 4, 1, 3), np.float32), "axes": np.array([2]), "b": np.ones((1, 2, 1), np.float32)}
    model = make_graph(
        [
            helper.make_node("Conv", ["sequence", "k"], ["c"]),
            helper.make_node("Squeeze", ["c", "axes"], ["s"]),
            helper.make_node("Add", ["s", "b"], ["a"]),
            helper.make_node("Add", ["s", "a"], ["y"]),
        ],
        constants,
    )

    simplify(model)

    assert [node.op_type for node in model.graph.node] == ["Conv", "Squeeze", "Add", "Add"]
    onnx.checker.check_model(model)


@pytest.mark.parametrize(
    ("changes", "kept"),
    [
        pytest.param({"b": np.ones((1, 1, 4), np.float32)}, "Add", id="an addition along positions"),
        pytest.param({"b": np.ones((3, 4, 1), np.float32)}, "Add", id="an addition of three windows"),
        pytest.param({"old": np.ones(4, np.float32)}, "Add", id="a convolution that has a bias"),
        pytest.param({"back": np.array([3])}, "Unsqueeze", id="another axis comes back than went"),
    ],
)
def test_what_looks_like_a_bias_or_a_way_back_but_is_none_stays(changes, kept):
    constants = {
        "k": np.ones((4, 4, 1, 3), np.float32), "axes": np.array([2]), "b": np.ones((1, 4, 1), np.float32),
        "back": np.array([2]), **changes,
    }  # fmt: skip
    model = make_graph(
        [
            helper.make_node("Conv", ["sequence", "k", *(["old"] if "old" in constants else [])], ["c"]),
            helper.make_node("Squeeze", ["c", "axes"], ["s"]),
            helper.make_node("Add", ["s", "b"], ["a"]),
            helper.make_node("Relu", ["a"], ["r"]),
            helper.make_node("Unsqueeze", ["r", "back"], ["u"]),
            helper.make_node("Sigmoid", ["u"], ["y"]),
        ],
        constants,
    )
    before = model.SerializeToString()

    simplify(model)

    windows = np.random.default_rng(0).normal(size=(3, 4, 1, 6)).astype(np.float32)
    expected, found = (
        ReferenceEvaluator(graph).run(None, {"sequence": windows})[0]
        for graph in (onnx.load_from_string(before), model)
    )
    np.testing.assert_allclose(found, expected, atol=1e-6)
    assert kept in [node.op_type for node in model.graph.node]


def test_a_bias_and_an_activation_join_their_convolution():
    constants = {"k": np.ones((4, 4, 1, 3), np.float32), "axes": np.array([2]), "b": np.ones((1, 4, 1), np.float32)}
    model = make_graph(
        [
            helper.make_node("Conv", ["sequence", "k"], ["c"]),
            helper.make_node("Squeeze", ["c", "axes"], ["s"]),
            helper.make_node("Add", ["s", "b"], ["a"]),
            helper.make_node("Relu", ["a"], ["r"]),
            helper.make_node("Unsqueeze", ["r", "axes"], ["u"]),
            helper.make_node("Sigmoid", ["u"], ["y"]),
        ],
        constants,
    )

    simplify(model)

    assert [node.op_type for node in model.graph.node] == ["Conv", "Relu", "Sigmoid"]
    assert len(model.graph.node[0].input) == 3
    onnx.checker.check_model(model)
