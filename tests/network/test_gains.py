import numpy as np
from hypothesis import given

from tests.network.random_graphs import GraphMaker, random_models
from zoo.network.gains import cost_of_substitution, mutation_gain
from zoo.network.reaches import find_reaches
from zoo.network.reading import read_network


def two_convolutions(length):
    """A convolution of 4 to 2 channels, 3 wide, the larger of each two positions, one to 5 channels, 7 dense units."""
    maker = GraphMaker()
    name = maker.node("Transpose", ["sequence"], perm=[0, 2, 1])
    name = maker.node("Conv", [name, maker.constant(np.ones((2, 4, 3)))], kernel_shape=[3], pads=[1, 1])
    name = maker.node("MaxPool", [name], kernel_shape=[2], strides=[2])
    name = maker.node("Conv", [name, maker.constant(np.ones((5, 2, 1)))], kernel_shape=[1])
    weights = maker.constant(np.ones((5 * length // 2, 7)))
    output = maker.node("MatMul", [maker.node("Flatten", [name]), weights])
    return read_network(maker.model({"sequence": (length, 4)}, [output]), "sequence", 0.0)


def test_multiplications_are_those_of_changed_positions():
    network = two_convolutions(40)

    # The first convolution stands in a table; two positions of 2 to 5 channels, and their rows of the dense layer.
    assert cost_of_substitution(network, find_reaches(network, few=8)).multiply_adds == 2 * (2 * 5) + 2 * (5 * 7)


def test_the_longer_the_window_the_more_is_gained():
    assert mutation_gain(two_convolutions(40)) < mutation_gain(two_convolutions(400)) < 1200


def test_a_network_that_is_all_tail_gains_nothing():
    maker = GraphMaker()
    output = maker.node("Softmax", ["sequence"], axis=1)
    network = read_network(maker.model({"sequence": (40, 4)}, [output]), "sequence", 0.0)

    assert mutation_gain(network) < 1


@given(random_models())
def test_a_gain_is_a_number_for_any_network(made):
    network = read_network(made.model, made.sequence, 0.0)

    assert 0 < mutation_gain(network) < 3 * made.length + 1
