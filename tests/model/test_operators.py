import onnx
import pytest
from onnx import TensorProto, helper

from zoo.errors import UnsafeModel
from zoo.model.operators import check_operators, iter_graphs, name_node
from zoo.testing.models import make_base_at_anchor_graph, make_model


def make(operator="Relu", **attributes):
    model = make_model(make_base_at_anchor_graph())
    model.graph.node.append(helper.make_node(operator, ["prediction"], ["more"], name="node", **attributes))
    return model


@pytest.mark.parametrize(
    ("operator", "attributes"),
    [
        ("Relu", {}),
        ("MaxPool", {"kernel_shape": [2], "strides": [1]}),
        ("Conv", {"group": 1, "dilations": [2], "pads": [0, 0]}),
        ("Einsum", {"equation": "bhid,bhjd->bhij"}),
        ("Einsum", {"equation": "...ij, jk"}),
        ("Split", {"num_outputs": 1}),
    ],
)
def test_operators_with_attributes_as_they_are_meant_pass(operator, attributes):
    check_operators(make(operator, **attributes), "network")


@pytest.mark.parametrize(
    ("operator", "attributes", "message"),
    [
        ("Conv", {"group": 0}, r"Conv 'node': attribute 'group': expected 1 to 16 numbers above 0, found \[0\]"),
        ("Conv", {"strides": [1, 0]}, r"attribute 'strides': expected 1 to 16 numbers above 0, found \[1, 0\]"),
        ("Conv", {"dilations": [-(2**63)]}, r"attribute 'dilations': expected"),
        ("MaxPool", {"kernel_shape": [2] * 17}, "attribute 'kernel_shape': expected 1 to 16 numbers"),
        ("DepthToSpace", {"blocksize": 0}, "attribute 'blocksize'"),
        ("LSTM", {"hidden_size": -1}, "attribute 'hidden_size'"),
        ("Einsum", {"equation": "i1->i"}, "attribute 'equation': expected letters of axes, found 'i1->i'"),
        ("Einsum", {"equation": "a" * 129}, "attribute 'equation': expected letters of axes"),
        ("Optional", {}, r"network: expected operators that models need, found 'Optional' \(node 'node'\)"),
        ("RandomUniformLike", {}, "found the random operator 'RandomUniformLike'"),
    ],
)
def test_what_is_not_meant_is_named_with_its_node(operator, attributes, message):
    with pytest.raises(UnsafeModel, match=message):
        check_operators(make(operator, **attributes), "network")


@pytest.mark.parametrize(("told", "passes"), [(False, True), (True, False), ("nothing", True), ("an input", False)])
@pytest.mark.parametrize("raw", [True, False])
@pytest.mark.parametrize("where", ["initializer", "Constant"])
def test_dropout_is_told_by_a_constant_that_it_is_not_trained(told, passes, raw, where):
    model = make("Dropout")
    node = model.graph.node[-1]
    if told == "nothing":
        node.input.extend(["", ""])
    else:
        node.input.extend(["", "flag"])
        values = {"vals": [bool(told)]} if not raw else {"vals": bytes([told is True]), "raw": True}
        tensor = helper.make_tensor("flag", TensorProto.BOOL, [], **values)
        if told == "an input":
            tensor = helper.make_tensor("flag", TensorProto.BOOL, [], [False])
            model.graph.input.append(helper.make_tensor_value_info("flag", TensorProto.BOOL, []))
        if where == "initializer":
            model.graph.initializer.append(tensor)
        else:
            model.graph.node.append(helper.make_node("Constant", [], ["flag"], value=tensor))
    if passes:
        check_operators(model, "network")
    else:
        with pytest.raises(UnsafeModel, match=r"Dropout 'node': expected training_mode to be a constant false"):
            check_operators(model, "network")


@pytest.mark.parametrize("mode", [0, 1])
def test_a_normalization_is_not_trained(mode):
    model = make("BatchNormalization", training_mode=mode)
    if mode == 0:
        check_operators(model, "network")
    else:
        with pytest.raises(UnsafeModel, match=r"BatchNormalization 'node': expected training_mode to be a constant"):
            check_operators(model, "network")


def test_an_attribute_that_refers_to_a_function_is_refused():
    model = make()
    model.graph.node[-1].attribute.add(name="alpha", ref_attr_name="beta")
    with pytest.raises(UnsafeModel, match="attribute 'alpha': expected a value, found a reference"):
        check_operators(model, "network")


@pytest.mark.parametrize("version", [7, 11, 18])
def test_opsets_that_exporters_write_pass(version):
    model = make()
    model.opset_import[0].version = version
    check_operators(model, "network")


@pytest.mark.parametrize(
    ("opsets", "found"), [([], "none"), ([("", 6)], "6"), ([("", 999)], "999"), ([("", 18), ("ai.onnx", 18)], "18, 18")]
)
def test_any_other_number_of_opsets_is_refused(opsets, found):
    model = make()
    del model.opset_import[:]
    model.opset_import.extend(helper.make_opsetid(*opset) for opset in opsets)
    with pytest.raises(UnsafeModel, match=rf"expected one opset from 7 to \d+, found {found}$"):
        check_operators(model, "network")


def test_graphs_within_a_graph_are_counted_with_their_nodes(monkeypatch):
    inner = helper.make_graph(
        [helper.make_node("Relu", ["prediction"], ["a"]), helper.make_node("Relu", ["a"], ["b"])],
        "inner",
        [],
        [helper.make_tensor_value_info("b", TensorProto.FLOAT, None)],
    )
    model = make("If", then_branch=inner, else_branch=inner)
    assert len(list(iter_graphs(model.graph, "network"))) == 3
    monkeypatch.setattr("zoo.model.operators.NODES", 7)  # two and one in the graph, two in each branch
    check_operators(model, "network")
    monkeypatch.setattr("zoo.model.operators.NODES", 6)
    with pytest.raises(UnsafeModel, match="expected at most 6 nodes in 1,000 graphs within it, found more"):
        check_operators(model, "network")


def test_a_node_without_a_name_is_called_by_its_results_and_never_at_length():
    assert name_node(helper.make_node("Split", ["a"], ["b", "c"])) == "Split 'b, c'"
    assert len(name_node(helper.make_node("S" * 1000, ["a"], ["b" * 1000]))) < 200


def test_constants_of_one_name_are_refused():
    model = make()
    model.graph.initializer.append(model.graph.initializer[0])
    with pytest.raises(UnsafeModel, match="network: expected tensors of different names, found 'starts' twice"):
        check_operators(model, "network")


@pytest.mark.parametrize("name", ["two\nlines", "\x1b[31mred", "x" * 1001])
def test_names_that_are_not_for_people_are_refused(name):
    model = make()
    model.graph.node[-1].output[0] = name
    with pytest.raises(UnsafeModel, match="expected names of at most 1,000 letters that can be printed") as caught:
        check_operators(model, "network")
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 300


def test_very_many_branches_are_refused(monkeypatch):
    monkeypatch.setattr("zoo.model.operators.GRAPHS", 1)
    inner = helper.make_graph(
        [helper.make_node("Relu", ["prediction"], ["a"])],
        "inner",
        [],
        [helper.make_tensor_value_info("a", TensorProto.FLOAT, None)],
    )
    check_operators(make("If", then_branch=inner), "network")
    with pytest.raises(UnsafeModel, match="in 1 graphs within it, found more"):
        check_operators(make("If", then_branch=inner, else_branch=inner), "network")


def test_a_name_that_is_no_text_is_refused():
    content = make().SerializeToString().replace(b"prediction", b"prediction"[:-1] + b"\xff")
    with pytest.raises(UnsafeModel, match="expected names of at most 1,000 letters that can be printed, found b'pred"):
        check_operators(onnx.load_model_from_string(content), "network")
