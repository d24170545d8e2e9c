import numpy as np
import pytest
from onnx import TensorProto, helper, numpy_helper

from tests.network.agreement import TOLERANCE, differ, draw_codes
from tests.network.random_graphs import GraphMaker, RandomModel, run, run_unfused
from zoo.network.names import free_names
from zoo.network.reading import read_network
from zoo.network.writing import write_graph

OURS = ["zoo_sequence", "zoo_codes", "zoo_tensor_0", "zoo_constant_0"]
LENGTH = 12


def make(*operators, output="prediction"):
    """Return a network whose nodes give tensors of these names, and that output."""
    maker = GraphMaker()
    name = "sequence"
    for op_type, given in operators:
        maker.nodes.append(helper.make_node(op_type, [name], [given]))
        name = given
    maker.nodes.append(helper.make_node("GlobalAveragePool", [name], [output]))
    return maker.model({"sequence": (LENGTH, 4)}, [output])


@pytest.mark.parametrize("part", ["trunk", "tail"])
@pytest.mark.parametrize("name", OURS)
def test_a_network_may_call_its_tensors_as_ours_are_called(name, part):
    convolved, largest = (name, "largest") if part == "trunk" else ("convolved", name)
    maker = GraphMaker()
    maker.nodes.append(helper.make_node("Transpose", ["sequence"], ["channels"], perm=[0, 2, 1]))
    weights = maker.constant(np.arange(24.0).reshape(2, 4, 3) - 10)
    maker.nodes.append(helper.make_node("Conv", ["channels", weights], [convolved], kernel_shape=[3]))
    maker.nodes.append(helper.make_node("GlobalMaxPool", [convolved], [largest]))
    model = maker.model({"sequence": (LENGTH, 4)}, [maker.node("Neg", [largest])])
    codes = draw_codes(np.random.default_rng(0), 5, LENGTH)

    graph = write_graph(read_network(model, "sequence", 0.0))

    made = RandomModel(model, "sequence", LENGTH, {})
    assert differ(run_unfused(made, codes, {}), run(graph, {"zoo_codes": codes})) < TOLERANCE


def test_a_normalization_may_stand_beside_a_tensor_called_as_its_half():
    maker = GraphMaker()
    maker.nodes.append(helper.make_node("Transpose", ["sequence"], ["result/scaled"], perm=[0, 2, 1]))
    numbers = [maker.constant(np.full(4, value)) for value in (3.0, 1.0, 1.0, 1.0)]
    maker.nodes.append(helper.make_node("Relu", ["result/scaled"], ["rectified"]))
    maker.nodes.append(helper.make_node("BatchNormalization", ["rectified", *numbers], ["result"]))
    result = maker.node("GlobalAveragePool", [maker.node("Add", ["result", "result/scaled"])])
    model = maker.model({"sequence": (LENGTH, 4)}, [result])
    codes = draw_codes(np.random.default_rng(0), 5, LENGTH)

    graph = write_graph(read_network(model, "sequence", 0.0))

    made = RandomModel(model, "sequence", LENGTH, {})
    assert differ(run_unfused(made, codes, {}), run(graph, {"zoo_codes": codes})) < TOLERANCE


def test_a_network_without_such_names_is_left_as_it_is():
    model = make(("Relu", "zoology"))

    assert free_names(model) is model


def test_inputs_and_outputs_keep_their_names_and_two_tensors_stay_two():
    model = make(("Relu", "network_zoo_one"), ("Neg", "zoo_one"), output="zoo_prediction")

    freed = free_names(model)

    assert [list(node.output) for node in freed.graph.node] == [
        ["network_zoo_one"], ["network_zoo_one_"], ["zoo_prediction"],
    ]  # fmt: skip
    assert [list(node.input) for node in freed.graph.node] == [
        ["sequence"], ["network_zoo_one"], ["network_zoo_one_"],
    ]  # fmt: skip
    assert [value.name for value in freed.graph.output] == ["zoo_prediction"]


def test_names_inside_subgraphs_are_freed_too():
    told = helper.make_tensor_value_info("zoo_chosen", TensorProto.FLOAT, None)
    branch = helper.make_graph([helper.make_node("Relu", ["zoo_flipped"], ["zoo_chosen"])], "branch", [], [told])
    maker = GraphMaker()
    maker.nodes.append(helper.make_node("Neg", ["sequence"], ["zoo_flipped"]))
    condition = maker.constant(np.array(True))
    maker.nodes.append(helper.make_node("If", [condition], ["result"], then_branch=branch, else_branch=branch))

    freed = free_names(maker.model({"sequence": (LENGTH, 4)}, ["result"]))

    for attribute in freed.graph.node[1].attribute:
        assert list(attribute.g.node[0].input) == ["network_zoo_flipped"]
        assert attribute.g.node[0].output[0] == attribute.g.output[0].name == "network_zoo_chosen"


def test_constants_that_are_declared_as_inputs_are_freed():
    maker = GraphMaker()
    maker.constants.append(numpy_helper.from_array(np.ones((1, 1, 1), np.float32), "zoo_tensor_2"))
    maker.nodes.append(helper.make_node("Add", ["sequence", "zoo_tensor_2"], ["result"]))
    model = maker.model({"sequence": (LENGTH, 4)}, ["result"])
    model.graph.input.append(helper.make_tensor_value_info("zoo_tensor_2", TensorProto.FLOAT, [1, 1, 1]))

    freed = free_names(model).graph

    assert [value.name for value in freed.input] == ["sequence", "network_zoo_tensor_2"]
    assert [tensor.name for tensor in freed.initializer] == [freed.node[0].input[1]] == ["network_zoo_tensor_2"]
