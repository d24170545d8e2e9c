import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.network.random_graphs import GraphMaker, random_models
from zoo.network.network import SEQUENCE
from zoo.network.operators import Span
from zoo.network.reaches import find_reaches
from zoo.network.reading import read_network


def convolution_and_pool(length=40):
    """A convolution of 4 to 2 channels, 3 wide, the larger of each two positions, another, a dense layer of 7."""
    maker = GraphMaker()
    name = maker.node("Transpose", ["sequence"], perm=[0, 2, 1])
    name = maker.node("Conv", [name, maker.constant(np.ones((2, 4, 3)))], kernel_shape=[3], pads=[1, 1])
    name = maker.node("MaxPool", [name], kernel_shape=[2], strides=[2])
    name = maker.node("Conv", [name, maker.constant(np.ones((5, 2, 1)))], kernel_shape=[1])
    weights = maker.constant(np.ones((5 * length // 2, 7)))
    output = maker.node("MatMul", [maker.node("Flatten", [name]), weights])
    return read_network(maker.model({"sequence": (length, 4)}, [output]), "sequence", 0.0)


def test_a_base_starts_to_change_what_reads_it_first():
    network = convolution_and_pool()
    convolution, pool, _ = (operator.output for operator in network.trunk)

    starts = find_reaches(network).starts

    assert starts[SEQUENCE][[0, 9, 39]].tolist() == [0, 9, 39]
    assert starts[convolution][[0, 1, 9, 39]].tolist() == [0, 0, 8, 38]
    assert starts[pool][[0, 1, 9, 39]].tolist() == [0, 0, 4, 19]


def test_bases_that_reach_equally_far_are_a_group_and_the_ends_go_with_the_widest():
    network = convolution_and_pool()
    convolution, pool, last = (operator.output for operator in network.trunk)

    reaches = find_reaches(network, few=8)

    # In the middle three positions are two pools, whether they begin with an even position or an odd one.
    assert len(set(reaches.group[1:39].tolist())) == 1
    assert reaches.widths[reaches.group[0]] == {SEQUENCE: 1, convolution: 3, pool: 2, last: 2}
    assert reaches.widths[reaches.group[20]] == {SEQUENCE: 1, convolution: 3, pool: 2, last: 2}


@given(random_models(), st.integers(0, 2**32 - 1), st.integers(0, 70))
@settings(max_examples=100)
def test_the_positions_of_a_group_hold_all_that_a_base_reaches(made, seed, few):
    network = read_network(made.model, made.sequence, 0.0)
    base = int(np.random.default_rng(seed).integers(made.length))

    reaches = find_reaches(network, few)

    for name, span in network.reach(Span(base, base + 1)).items():
        width = reaches.widths[reaches.group[base]][name]
        start = min(reaches.starts[name][base], network.maps[name].length - width)
        assert width >= 1
        assert start >= 0
        assert not len(span) or (start <= span.start and span.end <= start + width)
