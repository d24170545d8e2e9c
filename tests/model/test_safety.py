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


def make_large(**weights):
    """Return a model that multiplies by weights of 256 KB, with fields of theirs changed."""
    rows = helper.make_tensor_value_info("rows", TensorProto.FLOAT, ["N", 256])
    result = helper.make_tensor_value_info("result", TensorProto.FLOAT, ["N", 256])
    tensor = numpy_helper.from_array(np.ones((256, 256), np.float32), "weights")
    tensor.MergeFrom(TensorProto(**weights))
    node = helper.make_node("MatMul", ["rows", "weights"], ["result"])
    graph = helper.make_graph([node], "large", [rows], [result], [tensor], doc_string="large")
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8, producer_name="test")


@pytest.mark.parametrize("fields", [{}, {"doc_string": "what they are of"}])
def test_large_weights_are_checked_by_their_shape(tmp_path, monkeypatch, fields):
    checked = []
    really_check = onnx.checker.check_model

    def check(model, **how):
        checked.append(model)
        really_check(model, **how)

    monkeypatch.setattr(onnx.checker, "check_model", check)
    model = make_large(**fields)

    assert check_onnx(save(model, tmp_path)) == model
    (light,) = checked
    assert light.ByteSize() < 1000
    assert (light.producer_name, light.graph.doc_string) == ("test", "large")
    assert [value.name for value in light.graph.input] == ["rows", "weights"]


@pytest.mark.parametrize(
    "fault",
    [
        {"raw_data": b"1234"},
        {"raw_data": b"", "float_data": [1.0] * (1 << 15)},
        {"float_data": [1.0]},
        {"dims": [2]},
    ],
    ids=["too few", "too few apart", "twice", "another shape"],
)
def test_large_weights_that_are_not_what_their_shape_says_are_refused(tmp_path, fault):
    with pytest.raises(UnsafeModel, match="fails ONNX's checks"):
        check_onnx(save(make_large(**fault), tmp_path))


def test_large_weights_have_to_be_declared_where_the_version_asks_for_it(tmp_path):
    model = make_large()
    model.ir_version = 3
    with pytest.raises(UnsafeModel, match="fails ONNX's checks"):
        check_onnx(save(model, tmp_path))


def test_an_operator_that_does_not_fit_large_weights_is_refused(tmp_path):
    model = make_large()
    model.graph.input[0].type.tensor_type.shape.dim[1].dim_value = 255
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
    monkeypatch.setattr("zoo.model.reading.NETWORK_BYTES", 10)
    with pytest.raises(UnsafeModel, match=r"expected at most 10 bytes, found \d+"):
        check_onnx(save(model, tmp_path))
