import numpy as np
import pytest

from tests.network.random_graphs import GraphMaker
from zoo.network.growth import find_exponents, find_ratios, find_uneven_maps
from zoo.network.reading import read_network


def read(*layers):
    """Return a network of a convolution and operators behind it, each with a constant or none; c0 is what it gives."""
    maker = GraphMaker()
    name = maker.node("Transpose", ["sequence"], perm=[0, 2, 1])
    name = maker.node("Conv", [name, maker.constant(np.ones((1, 4, 3)))], kernel_shape=[3])
    for op_type, *constants in layers:
        more = {"kernel_shape": [2]} if op_type == "MaxPool" else {}
        given = [maker.constant(np.array(constant, dtype=np.float32)) for constant in constants]
        name = maker.node(op_type, [name, *given], **more)
    output = maker.node("ReduceMax", [name, maker.constant(np.array([2]))], keepdims=0)
    return read_network(maker.model({"sequence": (30, 4)}, [output]), "sequence", 0.0)


CONVOLUTION = ("Conv", [[[1.0, 1.0]]])


def kinds(network, maps):
    """Return the operators whose results are among maps."""
    return " ".join(
        getattr(operator, "op_type", type(operator).__name__) for operator in network.trunk if operator.output in maps
    )


@pytest.mark.parametrize(
    ("layers", "expected"),
    [
        ([("Relu",), CONVOLUTION], ""),
        ([("Exp",), CONVOLUTION, ("Relu",)], "Exp Convolve Relu"),
        ([("Exp",), CONVOLUTION, ("Sigmoid",), CONVOLUTION], "Exp Convolve"),
        ([("Exp",), ("Add", 1.0), ("Log",)], "Exp Add"),
        ([("Pow", 2.0), ("MaxPool",)], "Pow Pool"),
        ([("Div", 2.0), ("Relu",)], ""),
    ],
)
def test_exponents_make_uneven_numbers_and_bounds_even_them(layers, expected):
    network = read(*layers)

    assert kinds(network, find_uneven_maps(network)) == expected


@pytest.mark.parametrize(
    ("op_type", "factors", "expected"),
    [
        ("Mul", [2, 512, 0], ""),
        ("Mul", [2, 514, 0], "Mul Convolve"),
        ("Div", [1, -1000, 3], "Div Convolve"),
        ("Add", [1, -1000, 3], ""),
    ],
)
def test_factors_of_very_different_sizes_make_uneven_numbers(op_type, factors, expected):
    maker = GraphMaker()
    name = maker.node("Transpose", ["sequence"], perm=[0, 2, 1])
    name = maker.node("Conv", [name, maker.constant(np.ones((3, 4, 3)))], kernel_shape=[3])
    name = maker.node("Relu", [name])  # else the factors would be the convolution's
    name = maker.node(op_type, [name, maker.constant(np.array(factors, dtype=np.float32).reshape(1, 3, 1))])
    name = maker.node("Conv", [name, maker.constant(np.ones((1, 3, 1)))], kernel_shape=[1])
    output = maker.node("ReduceMax", [name, maker.constant(np.array([2]))], keepdims=0)
    network = read_network(maker.model({"sequence": (30, 4)}, [output]), "sequence", 0.0)

    assert kinds(network, find_uneven_maps(network)) == expected


@pytest.mark.parametrize(
    ("gate", "expected"),
    [([], "Mul Convolve"), (["Relu"], "Mul Convolve"), (["Sigmoid"], ""), (["Tanh", "Softplus"], "")],
)
def test_a_product_of_two_maps_is_uneven_unless_one_is_a_gate(gate, expected):
    maker = GraphMaker()
    name = maker.node("Transpose", ["sequence"], perm=[0, 2, 1])
    name = factor = maker.node("Conv", [name, maker.constant(np.ones((2, 4, 3)))], kernel_shape=[3])
    for op_type in gate:
        factor = maker.node(op_type, [factor])
    name = maker.node("Mul", [name, factor])
    name = maker.node("Conv", [name, maker.constant(np.ones((1, 2, 1)))], kernel_shape=[1])
    output = maker.node("ReduceMax", [name, maker.constant(np.array([2]))], keepdims=0)
    network = read_network(maker.model({"sequence": (30, 4)}, [output]), "sequence", 0.0)

    assert kinds(network, find_uneven_maps(network)) == expected


@pytest.mark.parametrize(
    ("reader", "more", "expected"),
    [
        pytest.param(np.ones((2, 4, 1)), {}, ["1111"], id="each filter reads all"),
        pytest.param(np.ones((2, 2, 1)), {"group": 2}, ["0011", "1100", "1111"], id="groups"),
        pytest.param(np.ones((4, 1, 1)), {"group": 4}, ["0001", "0010", "0100", "1000", "1111"], id="filters of one"),
        pytest.param([[[0], [0], [2], [0]], [[1]] * 4], {}, ["0010", "1111"], id="a filter of one weight"),
        pytest.param([[[0, 1], [1, 0], [0, 0], [0, 0]]], {}, ["1100", "1111"], id="weights of any position"),
        pytest.param(None, {}, ["0001", "0010", "0100", "1000", "1111"], id="a pool"),
    ],
)
def test_channels_that_a_filter_reads_together_are_known_beside_all_of_them(reader, more, expected):
    maker = GraphMaker()
    name = maker.node("Exp", [maker.node("Transpose", ["sequence"], perm=[0, 2, 1])])
    if reader is None:
        output = maker.node("AveragePool", [name], kernel_shape=[2])
    else:
        weights = np.array(reader, dtype=np.float32)
        output = maker.node("Conv", [name, maker.constant(weights)], kernel_shape=[weights.shape[2]], **more)
    output = maker.node("ReduceMax", [output, maker.constant(np.array([2]))], keepdims=0)
    network = read_network(maker.model({"sequence": (30, 4)}, [output]), "sequence", 0.0)

    together = find_uneven_maps(network)[network.trunk[0].output]

    assert ["".join(str(int(read)) for read in channels) for channels in together] == expected


@pytest.mark.parametrize(
    ("layers", "expected"),
    [
        ([("Relu",), CONVOLUTION], []),
        ([("Exp",)], [1]),
        ([("Relu",), ("Mul", -50.0), ("Exp",)], [50, 50, 1]),
        ([("Relu",), ("MaxPool",), ("Add", 7.0), ("Exp",)], [1, 1, 1, 1]),
        ([("Relu",), CONVOLUTION, ("Exp",)], [1]),
        ([("Sigmoid",), ("Exp",)], [1]),
    ],
)
def test_what_stays_on_its_numbers_up_to_an_exponent_multiplies_errors(layers, expected):
    factors = find_exponents(read(*layers))

    assert sorted(factors.values(), reverse=True) == expected


@pytest.mark.parametrize(
    ("layers", "expected"),
    [
        ([("Relu",), ("Log",)], "Relu"),
        ([("Relu",), ("Sqrt",)], "Relu"),
        ([("Relu",), ("Pow", 2.0)], ""),
        ([("Relu",), ("Pow", 0.5)], "Relu"),
        ([("Relu",), ("Pow", -1.0)], "Relu"),
        ([("Relu",), ("Div", 2.0)], ""),
    ],
)
def test_ratios_count_where_a_logarithm_a_root_or_a_division_reads(layers, expected):
    network = read(*layers)

    assert kinds(network, find_ratios(network)) == expected
