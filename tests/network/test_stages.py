import numpy as np
import pytest

from tests.network.random_graphs import GraphMaker
from zoo.network.reading import read_network
from zoo.network.stages import Pointwise, Stage, StepKind, find_stages


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
    assert rest == Pointwise((network.trunk[1],), (stage.output,), network.trunk[1].output)


def branch_and_meet(*, seen=False):
    """A convolution, x · sigmoid(x) of it, and of that a Relu; the product may be read elsewhere too."""
    maker = GraphMaker()
    name = maker.node("Transpose", ["sequence"], perm=[0, 2, 1])
    shared = maker.node("Conv", [name, maker.constant(np.ones((2, 4, 3)))], kernel_shape=[3])
    product = maker.node("Mul", [maker.node("Sigmoid", [shared]), shared])
    outputs = [maker.node("ReduceMax", [maker.node("Relu", [product]), maker.constant(np.array([2]))], keepdims=0)]
    if seen:
        outputs.append(maker.node("ReduceMin", [product, maker.constant(np.array([2]))], keepdims=0))
    return read_network(maker.model({"sequence": (30, 4)}, outputs), "sequence", 0.0)


def test_a_stage_ends_where_two_read_the_same_and_what_meets_again_is_done_together():
    network = branch_and_meet()

    stage, together = find_stages(network)

    assert isinstance(stage, Stage)
    assert stage.linear
    assert together == Pointwise(network.trunk[1:], (stage.output,), network.trunk[-1].output)


def test_what_somebody_else_reads_comes_out():
    network = branch_and_meet(seen=True)

    _, product, relu = find_stages(network)

    assert [one.op_type for one in product.operators] == ["Sigmoid", "Mul"]
    assert [one.op_type for one in relu.operators] == ["Relu"]


def test_a_sum_of_two_maps_alone_is_linear():
    maker = GraphMaker()
    name = maker.node("Transpose", ["sequence"], perm=[0, 2, 1])
    first, second = (
        maker.node("Conv", [name, maker.constant(np.ones((2, 4, width)))], kernel_shape=[width], auto_pad="SAME_UPPER")
        for width in (3, 5)
    )
    output = maker.node("ReduceMax", [maker.node("Add", [first, second]), maker.constant(np.array([2]))], keepdims=0)

    parts = find_stages(read_network(maker.model({"sequence": (30, 4)}, [output]), "sequence", 0.0))

    assert [part.linear for part in parts] == [True, True, True]


def test_steps_hold_a_constant_for_each_channel():
    (stage,) = find_stages(read_layers(RELU, SCALE))

    assert stage.late[1].kind == StepKind.MULTIPLY
    assert stage.late[1].values.tolist() == [3.0, 2.0]
