import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from zoo.errors import ModelError, UnsafeModel
from zoo.model.safety import check_onnx
from zoo.testing.models import make_base_at_anchor_graph, make_model


@pytest.fixture
def model():
    return make_model(make_base_at_anchor_graph())


def save(model, tmp_path):
    path = tmp_path / "model.onnx"
    path.write_bytes(model.SerializeToString())
    return path


def test_a_graph_of_standard_operators_is_read(model, tmp_path):
    assert check_onnx(save(model, tmp_path)) == model


def test_a_declared_but_unused_domain_is_harmless(model, tmp_path):
    model.opset_import.append(helper.make_opsetid("ai.onnx.ml", 2))
    check_onnx(save(model, tmp_path))


def test_an_operator_of_another_domain_is_refused_by_name(model, tmp_path):
    model.graph.node[0].domain = "com.example"
    model.graph.node[0].name = "evil"
    model.opset_import.append(helper.make_opsetid("com.example", 1))
    with pytest.raises(UnsafeModel, match=r"found 'Slice' of domain 'com\.example' \(node 'evil'\)"):
        check_onnx(save(model, tmp_path))


def test_an_operator_hidden_in_a_branch_is_refused(model, tmp_path):
    inner = helper.make_graph(
        [helper.make_node("Steal", ["prediction"], ["inner"], domain="com.example")],
        "branch",
        [],
        [helper.make_tensor_value_info("inner", TensorProto.FLOAT, None)],
    )
    model.graph.initializer.append(numpy_helper.from_array(np.array(True), "condition"))
    model.graph.node.append(helper.make_node("If", ["condition"], ["chosen"], then_branch=inner, else_branch=inner))
    with pytest.raises(UnsafeModel, match="found 'Steal' of domain"):
        check_onnx(save(model, tmp_path))


@pytest.mark.parametrize(
    ("operator", "inputs", "attributes"),
    [
        ("Bernoulli", ["prediction"], {}),
        ("Multinomial", ["prediction"], {}),
        ("RandomNormal", [], {"shape": [1]}),
        ("RandomNormalLike", ["prediction"], {}),
        ("RandomUniform", [], {"shape": [1]}),
        ("RandomUniformLike", ["prediction"], {}),
    ],
)
def test_a_random_operator_is_refused_by_name(model, tmp_path, operator, inputs, attributes):
    model.graph.node.append(helper.make_node(operator, inputs, ["noise"], name="dice", **attributes))
    with pytest.raises(
        UnsafeModel,
        match=rf"predictions must be the same at every run, found the random operator '{operator}' \(node 'dice'\)",
    ):
        check_onnx(save(model, tmp_path))


def test_functions_are_refused(model, tmp_path):
    node = helper.make_node("Identity", ["a"], ["b"])
    model.functions.append(helper.make_function("", "Own", ["a"], ["b"], [node], [helper.make_opsetid("", 18)]))
    with pytest.raises(UnsafeModel, match="expected no functions, found 'Own'"):
        check_onnx(save(model, tmp_path))


def test_data_outside_the_file_is_refused(model, tmp_path):
    onnx.external_data_helper.set_external_data(model.graph.initializer[0], "../../etc/passwd")
    with pytest.raises(UnsafeModel, match="expected all data inside the file, found tensor 'starts' outside it"):
        check_onnx(save(model, tmp_path))


def test_a_graph_that_does_not_fit_together_is_refused(model, tmp_path):
    model.graph.node[0].input[0] = "nowhere"
    with pytest.raises(UnsafeModel, match="fails ONNX's checks"):
        check_onnx(save(model, tmp_path))


@pytest.mark.parametrize("content", [b"", b"not a model at all", b"PK\x03\x04"])
def test_a_file_that_is_no_model_is_refused(tmp_path, content):
    (tmp_path / "model.onnx").write_bytes(content)
    with pytest.raises(UnsafeModel, match=r"model\.onnx: (expected an ONNX model|fails ONNX's checks)"):
        check_onnx(tmp_path / "model.onnx")


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(ModelError, match=r"model\.onnx: can't be read: No such file"):
        check_onnx(tmp_path / "model.onnx")


def test_a_file_beyond_the_size_of_a_protocol_buffer_is_refused(model, tmp_path, monkeypatch):
    monkeypatch.setattr("zoo.model.safety.MAX_BYTES", 10)
    with pytest.raises(UnsafeModel, match=r"expected at most 10 bytes, found \d+"):
        check_onnx(save(model, tmp_path))
