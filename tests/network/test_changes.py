import numpy as np

from tests.network.random_graphs import GraphMaker
from zoo.network.operators import Slide, Span
from zoo.network.reading import read_network
from zoo.network.recomputing import recompute


def read_strided():
    """Read every fourth base of 12, and behind that two of the three positions each."""
    maker = GraphMaker()
    name = maker.node("Transpose", ["sequence"], perm=[0, 2, 1])
    name = maker.node("Conv", [name, maker.constant(np.ones((2, 4, 1)))], kernel_shape=[1], strides=[4])
    name = maker.node("Conv", [name, maker.constant(np.ones((2, 2, 2)))], kernel_shape=[2])
    model = maker.model({"sequence": (12, 4)}, [maker.node("Flatten", [name])])
    return read_network(model, "sequence", 0.0)


def test_a_change_that_no_output_reads_reaches_nothing():
    network = read_strided()

    reach = network.reach(Span(5, 7))

    assert [len(reach[operator.output]) for operator in network.trunk] == [0, 0]


def test_two_sides_that_read_elsewhere_meet_even_where_no_output_reads_the_change():
    # Bases 0, 4 and 8 are read: between the second and the third of them the sides meet, which the last position reads.
    network = read_strided()

    reach = network.reach(Span(5, 7), joins=True)

    assert [reach[operator.output] for operator in network.trunk] == [Span(2, 2), Span(1, 2)]
    # What is read of the first map is made anew, of bases, rather than fetched.
    spans = recompute(network, Span(5, 7), joins=True)
    assert [spans[operator.output] for operator in network.trunk] == [Span(1, 3), Span(1, 2)]


def test_where_sides_meet_counts_what_reads_from_both():
    # Of 9 positions, three each: those that begin at 1 and 2 read both before and behind 3.
    assert Slide(width=3).join_reached_by(Span(3, 3), 7) == Span(1, 3)
    assert Slide(width=3).join_reached_by(Span(3, 4), 7) == Slide(width=3).reached_by(Span(3, 4), 7) == Span(1, 4)
    assert Slide(width=2, stride=2).join_reached_by(Span(4, 4), 4) == Span(2, 2)
