import numpy as np
import onnx
import pytest

from tests.network.agreement import TOLERANCE, differ, draw_codes, draw_pairs
from tests.network.bundled import FOLDERS, draw_windows, read_bundled
from tests.network.random_graphs import GraphMaker, RandomModel, run, run_unfused
from zoo.network.operators import Span
from zoo.network.pairs import write_pair_graph
from zoo.network.reading import read_network
from zoo.network.writing import CODES_INPUT, GraphWriter, write_graph


def finish(maker, name, length=20, opset=18, **extra):
    return RandomModel(maker.model({"sequence": (length, 4), **extra}, [name], opset), "sequence", length, extra)


def check(made, unknown=0.0):
    """Check that the whole graph and that of pairs say what the model does; return the former."""
    rng = np.random.default_rng(0)
    network = read_network(made.model, made.sequence, unknown)
    middle = made.length // 2
    changes = [Span(middle, middle + 1), Span(middle, made.length)]
    pairs = draw_pairs(rng, draw_codes(rng, 3, made.length), changes, [4, 2])
    extra = made.draw_extra(rng, len(pairs.windows))
    expected = run_unfused(made, pairs.windows, extra, unknown)
    whole, both = write_graph(network), write_pair_graph(network, changes)
    onnx.checker.check_model(whole.embed(), full_check=True)
    onnx.checker.check_model(both.embed(), full_check=True)
    assert differ(expected, run(whole, {CODES_INPUT: pairs.windows, **extra})) < TOLERANCE
    assert differ(expected, run(both, {**pairs.feed, **extra})) < TOLERANCE
    return whole.embed()


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.parent.name)
def test_a_bundled_model_predicts_the_same_as_a_whole(folder):
    made, unknown = read_bundled(folder)
    windows = draw_windows(folder, made.length)
    extra = made.draw_extra(np.random.default_rng(0), len(windows))
    graph = write_graph(read_network(made.model, made.sequence, unknown))

    found = run(graph, {CODES_INPUT: windows, **extra})

    assert differ(run_unfused(made, windows, extra, unknown), found) < TOLERANCE


@pytest.mark.parametrize("unknown", [0.0, 0.25])
def test_codes_become_one_hot_inside_the_graph(unknown):
    maker = GraphMaker()
    made = finish(maker, maker.node("Identity", ["sequence"]), length=5)
    graph = write_graph(read_network(made.model, "sequence", unknown))

    (found,) = run(graph, {CODES_INPUT: np.array([[0, 1, 2, 3, 4]], np.uint8)})

    np.testing.assert_array_equal(found, [[*np.eye(4), [unknown] * 4]])


def test_convolutions_run_with_positions_as_the_last_of_four_axes():
    maker = GraphMaker()
    name = maker.node("Transpose", ["sequence"], perm=[0, 2, 1])
    weights = np.random.default_rng(0).normal(size=(3, 4, 5))
    name = maker.node("Conv", [name, maker.constant(weights)], kernel_shape=[5], strides=[2], pads=[1, 3])
    made = finish(maker, maker.node("GlobalMaxPool", [name]))

    (node,) = (node for node in check(made).graph.node if node.op_type == "Conv")

    found = {attribute.name: onnx.helper.get_attribute_value(attribute) for attribute in node.attribute}
    assert found["kernel_shape"] == [1, 5]
    assert found["strides"] == [1, 2]
    assert found["pads"] == [0, 1, 0, 3]


@pytest.mark.parametrize("pool", ["MaxPool", "AveragePool"])
@pytest.mark.parametrize("widths", [(1, 2), (2, 2), (4, 4)])
def test_zeros_before_a_pool_are_numbers_and_no_padding(pool, widths):
    # ONNX Runtime makes one of the two of them, and then the zeros count no more; or refuses what is as wide as a pool.
    maker = GraphMaker()
    name = maker.node("Transpose", ["sequence"], perm=[0, 2, 1])
    name = maker.node("Sub", [name, maker.constant(np.float32(2))])
    name = maker.node("Pad", [name, maker.constant(np.array([0, 0, widths[0], 0, 0, widths[1]]))])
    name = maker.node(pool, [name], kernel_shape=[3], pads=[0, 0])

    check(finish(maker, maker.node("Flatten", [name])))


@pytest.mark.parametrize("opset", [13, 14, 15, 17, 18])
def test_networks_of_older_versions_are_written(opset):
    # Two dense layers, one of them by difference; sums over positions; slices; added positions.
    rng = np.random.default_rng(0)
    maker = GraphMaker()
    name = maker.node("Transpose", ["sequence"], perm=[0, 2, 1])
    name = maker.node("Pad", [name, maker.constant(np.array([0, 0, 2, 0, 0, 1])), maker.constant(np.float32(0.5))])
    name = maker.node("Conv", [name, maker.constant(rng.normal(size=(3, 4, 5)))], kernel_shape=[5])
    wide = maker.node("Conv", [name, maker.constant(rng.normal(size=(2, 3, 15)))], kernel_shape=[15], pads=[7, 7])
    parts = [
        maker.node("MatMul", [maker.node("Flatten", [name]), maker.constant(rng.normal(size=(57, 3)))]),
        maker.node("MatMul", [maker.node("Flatten", [wide]), maker.constant(rng.normal(size=(38, 3)))]),
        maker.node("Flatten", [maker.node("GlobalAveragePool", [name])]),
        maker.node("ReduceSum", [name, maker.constant(np.array([2]))], keepdims=0),
    ]

    whole = check(finish(maker, maker.node("Concat", parts, axis=1), opset=opset))

    assert whole.opset_import[0].version >= opset


def test_a_further_input_stays_an_input():
    maker = GraphMaker()
    name = maker.node("ReduceMean", ["sequence", maker.constant(np.array([1]))], keepdims=0)
    made = finish(maker, maker.node("Concat", [name, "cell"], axis=1), cell=(3,))

    assert [value.name for value in check(made).graph.input] == [CODES_INPUT, "cell"]


def test_several_outputs_keep_their_names_and_their_order():
    maker = GraphMaker()
    first = maker.node("ReduceSum", ["sequence", maker.constant(np.array([1]))], keepdims=0)
    second = maker.node("Flatten", ["sequence"])
    model = maker.model({"sequence": (6, 4)}, [second, first])

    whole = check(RandomModel(model, "sequence", 6))

    assert [value.name for value in whole.graph.output] == [second, first]


def test_few_numbers_stand_in_the_graph_once_and_weights_by_what_they_are_made_of():
    maker = GraphMaker()
    made = finish(maker, maker.node("Flatten", ["sequence"]))
    writer = GraphWriter(read_network(made.model, "sequence", 0.0))
    weights = np.arange(1000, dtype=np.float32)

    assert writer.constant([1, 2]) == writer.constant([1, 2])
    assert writer.constant([1, 2]) != writer.constant([2, 1])
    assert writer.constant([1]) != writer.constant(np.array([1.0]))
    assert writer.constant(weights, "dense") == writer.constant(weights[::1], "dense")
    assert writer.constant(weights, "dense") != writer.constant(weights, "other")
    assert writer.constant(weights) != writer.constant(weights)


def test_large_constants_stand_beside_the_graph_and_can_be_put_into_it():
    maker = GraphMaker()
    made = finish(maker, maker.node("Flatten", ["sequence"]))
    writer = GraphWriter(read_network(made.model, "sequence", 0.0))
    weights = np.arange(20_000, dtype=np.float32).reshape(4, 5000)
    rows = writer.input("rows", "FLOAT", ["N", 4])
    writer.node("MatMul", [rows, writer.constant(weights, "dense")], "result")

    graph = writer.finish_alone("result", [5000], "large")

    assert graph.model.ByteSize() < 1000
    (kept,) = graph.weights.values()
    assert kept is weights
    (found,) = run(graph, {"rows": np.eye(4, dtype=np.float32)})
    np.testing.assert_array_equal(found, weights)
