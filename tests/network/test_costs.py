import numpy as np
import pytest

from tests.network.random_graphs import GraphMaker
from zoo.network import costs
from zoo.network.costs import (
    CHUNK_WORTH,
    HANDLED,
    NODE,
    NODES_AROUND_A_SLICE,
    WINDOWS_A_RUN,
    Cost,
    bases_worth_a_window,
    cost_in_chunk,
    cost_of_base,
    cost_of_change,
    cost_of_operator,
    cost_of_window,
    pair_gain,
)
from zoo.network.operators import Frame, Join, Pick, Span
from zoo.network.reading import read_network
from zoo.network.recomputing import MOVED


def make_network(head="dense", pads=(0, 0), layers="cp", filters=2):
    """Build, of 10 bases: filters of 3 (8 positions), a pool of 2 (4 positions), and 3 units on all or a mean."""
    maker = GraphMaker()
    name, positions = maker.node("Transpose", ["sequence"], perm=[0, 2, 1]), 10
    if "c" in layers:
        weights = maker.constant(np.ones((filters, 4, 3)))
        name = maker.node("Conv", [name, weights], kernel_shape=[3], pads=list(pads))
        positions += sum(pads) - 2
    if "p" in layers:
        name = maker.node("MaxPool", [name], kernel_shape=[2], strides=[2])
        positions //= 2
    channels = filters if "c" in layers else 4
    if head == "dense":
        flat = maker.node("Flatten", [name])
        output = maker.node("MatMul", [flat, maker.constant(np.ones((channels * positions, 3)))])
    elif head == "mean":
        output = maker.node("ReduceMean", [name, maker.constant(np.array([2]))], keepdims=0)
    elif head == "hidden":
        # A dense layer behind something that mixes all positions.
        largest = maker.node("ReduceMax", [name, maker.constant(np.array([2]))], keepdims=0)
        output = maker.node("MatMul", [largest, maker.constant(np.ones((channels, 5)))])
    return read_network(maker.model({"sequence": (10, 4)}, [output]), "sequence", 0.0)


def test_costs_add_up_and_a_number_that_is_moved_takes_the_time_of_some_multiplications():
    assert Cost(1, 2) + Cost(10, 20) == Cost(11, 22)
    assert Cost(7, 2).time == 7 + 2 * MOVED


def test_a_window_costs_its_multiplications_and_the_numbers_between_layers():
    # 24 multiplications a position, 8 positions of 2 channels; 4 positions of 2; a dense layer of 8 x 3.
    assert cost_of_window(make_network()) == Cost(8 * 24 + 8 * 3, 8 * 2 + 4 * 2 + 3)


def test_a_change_costs_what_it_reaches_and_what_that_reads():
    # Base 5 reaches positions 3, 4 and 5, and so pools 1 and 2, which read 2 to 5; those read the bases 2 to 7.
    expected = Cost(4 * 24 + 2 * 2 * 3, 4 * 2 + 2 * 6 * 4 + 2 * 2 + 2 * 4 * 2 + 3)

    assert cost_of_change(make_network(), Span(5, 6)) == expected


def test_a_change_that_reaches_nothing_of_a_layer_costs_nothing_there():
    # Of 10 positions the pools of 4 read 8: the last base is read by the convolution alone.
    maker = GraphMaker()
    name = maker.node("Transpose", ["sequence"], perm=[0, 2, 1])
    name = maker.node("Conv", [name, maker.constant(np.ones((2, 4, 1)))], kernel_shape=[1])
    name = maker.node("MaxPool", [name], kernel_shape=[4], strides=[4])
    output = maker.node("MatMul", [maker.node("Flatten", [name]), maker.constant(np.ones((4, 3)))])
    network = read_network(maker.model({"sequence": (10, 4)}, [output]), "sequence", 0.0)

    # One position of 8 multiplications is written, and read is a base; the dense layer's outputs are REF's.
    assert cost_of_change(network, Span(9, 10)) == Cost(8, 2 + 2 * 4 + 3)


@pytest.mark.parametrize(
    ("head", "whole", "changed"),
    [
        # All 4 positions of 2 channels are summed; of a change the 2 that it reaches.
        ("mean", Cost(0, 4 * 2), Cost(0, 2 * 2)),
        # They are written and read whichever of them change, and 2 x 5 multiplications stand behind.
        ("hidden", Cost(2 * 5, 2 * 4 * 2), Cost(2 * 5, 2 * 4 * 2)),
    ],
)
def test_what_leaves_the_trunk_costs_what_is_read_of_it(head, whole, changed):
    network, other = make_network(head), make_network("dense")
    trunk = Cost(8 * 24, 8 * 2 + 4 * 2)
    trunk_changed = cost_of_change(other, Span(5, 6))

    assert cost_of_window(network) == trunk + whole
    assert cost_of_change(network, Span(5, 6)) + Cost(2 * 2 * 3, 3) == trunk_changed + changed


@pytest.mark.parametrize(
    "operator",
    [
        Frame("zoo_sequence", "zoo_sequence", None),
        Pick("zoo_sequence", "zoo_sequence", 0, 4),
        Join(("zoo_sequence",), "zoo_sequence"),
    ],
    ids=lambda operator: type(operator).__name__,
)
def test_what_only_moves_numbers_writes_and_reads_them(operator):
    assert cost_of_operator(make_network(), operator, 5) == Cost(0, 2 * 5 * 4)


def test_a_pair_gains_what_the_other_allele_saves_less_the_nodes_that_are_started():
    whole, changed = 216 + MOVED * 27, 108 + MOVED * 79
    started = NODES_AROUND_A_SLICE * 2 * NODE // WINDOWS_A_RUN

    assert pair_gain(make_network(), 5) == 2 * whole / (whole + changed + started + HANDLED)


def test_a_network_that_mixes_all_positions_at_once_gains_nothing():
    maker = GraphMaker()
    name = maker.node("CumSum", ["sequence", maker.constant(np.array(1))])
    output = maker.node("MatMul", [maker.node("Flatten", [name]), maker.constant(np.ones((40, 1)))])
    network = read_network(maker.model({"sequence": (10, 4)}, [output]), "sequence", 0.0)

    assert pair_gain(network, 5) < 1
    assert bases_worth_a_window(network) == 0.0


def test_a_base_of_a_chunk_costs_a_position_of_each_map_and_each_phase_of_a_pool():
    # The convolution's map is written and cut into, the pool's two phases are cut out of it.
    assert cost_of_base(make_network()) == Cost(24, (2 + 2 * 4) + (2 + 2 * 2))


def test_a_window_of_a_chunk_costs_what_is_cut_out_for_it():
    assert cost_in_chunk(make_network()) == Cost(4 * 2 * 3, 3 * 3)
    assert cost_in_chunk(make_network("hidden")) == Cost(2 * 5, 3 * 2 * 4 * 2)


def test_ends_where_positions_are_added_are_each_windows_own():
    # One position is added on either side: of 10 the first and the last; of 5 pools the first and the last. Each end
    # of the convolution reads two bases, each of the pools two positions.
    ends = Cost(2 * 24, 2 * 2 + 2 * 2 * (2 * 4) + 2 * 2 + 2 * 2 * (2 * 2))

    assert cost_in_chunk(make_network(pads=(1, 1))) == Cost(5 * 2 * 3, 3 * 3) + ends


def test_maps_that_no_window_shares_cost_no_base():
    maker = GraphMaker()
    name = maker.node("Transpose", ["sequence"], perm=[0, 2, 1])
    name = maker.node("Conv", [name, maker.constant(np.ones((2, 4, 9)))], kernel_shape=[9], pads=[8, 8])
    name = maker.node("Conv", [name, maker.constant(np.ones((2, 2, 9)))], kernel_shape=[9])
    output = maker.node("ReduceMax", [name, maker.constant(np.array([2]))], keepdims=0)
    alone = read_network(maker.model({"sequence": (10, 4)}, [output]), "sequence", 0.0)
    # The first leaves two positions that read bases alone, the second none.
    assert cost_of_base(alone) == Cost(4 * 2 * 9, 2 + 2 * 4)


def test_windows_are_worth_a_chunk_where_its_bases_cost_less_than_they_do(monkeypatch):
    monkeypatch.setattr(costs, "HANDLED", 100)
    window, own, base = 216 + MOVED * 27, 24 + MOVED * 9, 24 + MOVED * 16

    assert bases_worth_a_window(make_network()) == (CHUNK_WORTH * window - own - 2 * 100) / base


def test_a_network_that_costs_less_than_its_windows_handling_takes_no_chunk():
    assert bases_worth_a_window(make_network()) == 0.0


def test_windows_whose_own_part_costs_most_are_worth_no_chunk():
    # All that a pool gives is put together for each window: as much as the pool itself.
    assert bases_worth_a_window(make_network("hidden", layers="p")) == 0.0
