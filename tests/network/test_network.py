import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.network.random_graphs import GraphMaker, random_models
from zoo.network.network import SEQUENCE, one_hot_table
from zoo.network.operators import Span
from zoo.network.reading import read_network
from zoo.network.recomputing import recompute


def convolution_and_pool():
    """A window of 20, a convolution of 3 that keeps its length, then the larger of each two positions."""
    maker = GraphMaker()
    name = maker.node("Transpose", ["sequence"], perm=[0, 2, 1])
    weights = maker.constant(np.ones((2, 4, 3)))
    name = maker.node("Conv", [name, weights], kernel_shape=[3], pads=[1, 1])
    name = maker.node("MaxPool", [name], kernel_shape=[2], strides=[2])
    dense = maker.node("MatMul", [maker.node("Flatten", [name]), maker.constant(np.ones((20, 3)))])
    output = maker.node("MatMul", [dense, maker.constant(np.ones((3, 2)))])
    return read_network(maker.model({"sequence": (20, 4)}, [output]), "sequence", 0.0)


def test_a_base_reaches_three_positions_and_the_pools_that_hold_them():
    network = convolution_and_pool()
    convolution, pool = (operator.output for operator in network.trunk)

    reach = network.reach(Span(9, 10))

    assert reach == {SEQUENCE: Span(9, 10), convolution: Span(8, 11), pool: Span(4, 6)}


def test_what_a_pool_reads_is_computed_anew_with_what_is_reached():
    network = convolution_and_pool()
    convolution, pool = (operator.output for operator in network.trunk)

    spans = recompute(network, Span(9, 10))

    # The pools 4 and 5 read the positions 8 to 11, of which the last is REF's.
    assert spans == {SEQUENCE: Span(9, 10), convolution: Span(8, 12), pool: Span(4, 6)}


def test_the_weights_behind_the_trunk_are_those_of_all_dense_layers():
    assert convolution_and_pool().tail_weights == 20 * 3 + 3 * 2


def test_a_network_is_as_long_as_its_window():
    assert convolution_and_pool().length == 20


def test_a_base_is_one_hot_and_an_unknown_one_what_is_said():
    np.testing.assert_array_equal(one_hot_table(0.25), [*np.eye(4), [0.25] * 4])


@given(random_models(), st.integers(0, 59), st.integers(1, 8))
@settings(max_examples=60)
def test_what_is_computed_anew_holds_what_is_reached_and_nothing_beyond_the_map(made, start, width):
    network = read_network(made.model, made.sequence, 0.0)
    start = min(start, made.length - 1)
    change = Span(start, min(start + width, made.length))

    reach, spans = network.reach(change), recompute(network, change)

    assert reach.keys() == spans.keys() == network.maps.keys()
    for name, reached in reach.items():
        length, span = network.maps[name].length, spans[name]
        assert span.clip(length) == span
        assert span.cover(reached) == span
        assert bool(len(span)) == bool(len(reached))
