import numpy as np
import pytest

from tests.network.random_graphs import GraphMaker
from zoo.network.reading import read_network
from zoo.network.stages import Stage, StepKind, find_stages


def read_layers(*layers):
    """Return a network of a convolution, layers (operator, attributes) behind it and a dense layer."""
    maker = GraphMaker()
    name = maker.node("Transpose", ["sequence"], perm=[0, 2, 1])
    name = maker.node("Conv", [name, maker.constant(np.ones((2, 4, 3)))], kernel_shape=[3])
    for op_type, more in layers:
        operands = [maker.constant(np.array(more["value"], dtype=np.float32))] if "value" in more else []
        attributes = {key: value for key, value in more.items() if key != "value"}
        name = maker.node(op_type, [name, *operands], **attributes)
    output = maker.node("ReduceMax", [name, maker.constant(np.array([2]))], keepdims=0)
    return read_network(maker.model({"sequence": (30, 4)}, [output]), "sequence", 0.0)


RELU, SIGMOID = ("Relu", {}), ("Sigmoid", {})
MAX, AVERAGE = ((kind, {"kernel_shape": [2], "strides": [2]}) for kind in ("MaxPool", "AveragePool"))
SCALE, TURN = (("Mul", {"value": [[number], [2.0]]}) for number in (3.0, -3.0))


@pytest.mark.parametrize(
    ("layers", "early", "late"),
    [
        pytest.param([], "", "", id="a convolution alone"),
        pytest.param([RELU], "", "RELU", id="an activation"),
        pytest.param([RELU, MAX], "", "RELU", id="what rises is done to the largest"),
        pytest.param([MAX, RELU], "", "RELU", id="an activation behind the pool"),
        pytest.param([SIGMOID, MAX], "", "SIGMOID", id="what is slow is done where little is left"),
        pytest.param([RELU, SCALE, MAX, RELU], "", "RELU MULTIPLY RELU", id="a positive factor rises"),
        pytest.param([RELU, TURN, MAX], "RELU MULTIPLY", "", id="a negative factor falls"),
        pytest.param([RELU, AVERAGE], "RELU", "", id="an average is no choice of one"),
    ],
)
def test_what_follows_a_convolution_is_one_stage_with_it(layers, early, late):
    (stage,) = find_stages(read_layers(*layers))

    assert isinstance(stage, Stage)
    assert " ".join(step.kind.name for step in stage.early) == early
    assert " ".join(step.kind.name for step in stage.late) == late


@pytest.mark.parametrize(
    "layers",
    [
        pytest.param([SIGMOID], id="slow without a pool"),
        pytest.param([("Erf", {})], id="no step"),
    ],
)
def test_what_is_better_done_elsewhere_is_a_part_of_its_own(layers):
    network = read_layers(*layers)

    stage, rest = find_stages(network)

    assert isinstance(stage, Stage)
    assert stage.linear
    assert rest == network.trunk[1]


def test_a_stage_ends_where_two_read_the_same():
    maker = GraphMaker()
    name = maker.node("Transpose", ["sequence"], perm=[0, 2, 1])
    shared = maker.node("Conv", [name, maker.constant(np.ones((2, 4, 3)))], kernel_shape=[3])
    name = maker.node("Add", [maker.node("Relu", [shared]), shared])
    output = maker.node("ReduceMax", [name, maker.constant(np.array([2]))], keepdims=0)
    network = read_network(maker.model({"sequence": (30, 4)}, [output]), "sequence", 0.0)

    parts = find_stages(network)

    assert [getattr(part, "linear", None) for part in parts] == [True, None, None]


def test_steps_hold_a_constant_for_each_channel():
    (stage,) = find_stages(read_layers(RELU, SCALE))

    assert stage.late[1].kind == StepKind.MULTIPLY
    assert stage.late[1].values.tolist() == [3.0, 2.0]
