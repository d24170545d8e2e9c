import numpy as np
import pytest

from tests.network.random_graphs import GraphMaker
from tests.network.test_costs import make_network
from zoo.network.costs import bases_worth_a_window, pair_gain
from zoo.network.operators import Apply, Convolve, Frame, Join, Pick, Pool, Slide
from zoo.network.plan import Layer, _name, make_plan
from zoo.network.reading import read_network


def test_a_plan_tells_what_a_base_reaches_of_each_layer_and_what_that_saves():
    # As in the tests of costs: base 5 reaches three positions, of which pools read four, and two pools.
    network = make_network()

    plan = make_plan(network, 5)

    assert plan.layers == (
        Layer("convolution 2 x 3", 2, 8, 4, 8 * 24, 4 * 24),
        Layer("max of 2, stride 2", 2, 4, 2, 0, 0),
        Layer("dense, on all positions", 3, 1, 1, 4 * 2 * 3, 2 * 2 * 3),
    )
    assert (plan.anchor, plan.rest, plan.ref, plan.alt) == (5, 0, 8 * 24 + 4 * 2 * 3, 4 * 24 + 2 * 2 * 3)
    assert plan.speed_up == pair_gain(network, 5)
    assert plan.neighbours == bases_worth_a_window(network)


@pytest.mark.parametrize(
    ("head", "last", "rest"),
    [
        ("mean", Layer("average of all positions", 2, 1, 1, 0, 0), 0),
        ("hidden", Layer("all positions, put together", 2, 4, 2, 0, 0), 2 * 5),
    ],
)
def test_a_plan_tells_how_the_trunk_is_left_and_what_comes_behind(head, last, rest):
    plan = make_plan(make_network(head), 5)

    assert plan.layers[-1] == last
    assert plan.rest == rest
    # The sum is that of the layers and the rest.
    assert plan.ref == sum(layer.ref for layer in plan.layers) + rest
    assert plan.alt == sum(layer.alt for layer in plan.layers) + rest


def test_networks_whose_neighbours_share_nothing_have_no_distance():
    maker = GraphMaker()
    name = maker.node("CumSum", ["sequence", maker.constant(np.array(1))])
    output = maker.node("MatMul", [maker.node("Flatten", [name]), maker.constant(np.ones((40, 1)))])

    plan = make_plan(read_network(maker.model({"sequence": (10, 4)}, [output]), "sequence", 0.0), 5)

    assert plan.neighbours is None
    assert plan.speed_up < 1
    assert plan.layers == (Layer("all positions, put together", 4, 10, 1, 0, 0),)


@pytest.mark.parametrize(
    ("operator", "name"),
    [
        (Convolve("a", "b", Slide(5), np.ones((7, 3, 5)), np.ones(7)), "convolution 7 x 5"),
        (
            Convolve("a", "b", Slide(5, stride=2, dilation=3), np.ones((7, 1, 5)), np.ones(7), 7),
            "convolution 7 x 5, stride 2, dilation 3, 7 groups",
        ),
        (Pool("a", "b", Slide(4), "average"), "average of 4"),
        (Pool("a", "b", Slide(4, stride=4), "max"), "max of 4, stride 4"),
        (Apply("Relu", ("a",), "b"), "relu"),
        (Frame("a", "b", Slide(before=2)), "cut or pad"),
        (Pick("a", "b", 0, 2), "some channels"),
        (Join(("a", "b"), "c"), "join channels"),
    ],
    ids=str,
)
def test_layers_are_named_by_what_they_do(operator, name):
    assert _name(operator) == name
