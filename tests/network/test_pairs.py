import numpy as np
import onnx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.network.agreement import TOLERANCE, differ, draw_codes, draw_pairs
from tests.network.bundled import FOLDERS, draw_windows, read_bundled
from tests.network.random_graphs import GraphMaker, RandomModel, random_models, run, run_unfused
from zoo.network.operators import Span
from zoo.network.pairs import write_pair_graph
from zoo.network.reading import read_network
from zoo.network.writing import write_graph

SEEDS = st.integers(0, 2**32 - 1)


@given(random_models(), SEEDS)
@settings(max_examples=200)
def test_a_random_network_predicts_the_same_whole_and_in_pairs(made, seed):
    rng = np.random.default_rng(seed)
    unknown = float(rng.choice([0.0, 0.25]))
    base = int(rng.integers(made.length))
    start, end = sorted(rng.choice(made.length + 1, 2, replace=False).tolist())
    changes = [Span(base, base + 1), Span(base, made.length), Span(start, end), Span(base, base + 1)]
    counts = [5, 3, 2, 0]
    if rng.random() < 0.2:
        counts[int(rng.integers(3))] = 0
    pairs = draw_pairs(rng, draw_codes(rng, 3, made.length), changes, counts)
    extra = made.draw_extra(rng, len(pairs.windows))
    network = read_network(made.model, made.sequence, unknown)
    whole, both = write_graph(network), write_pair_graph(network, changes)

    expected = run_unfused(made, pairs.windows, extra, unknown)

    for graph, feed in ((whole, {"zoo_codes": pairs.windows}), (both, pairs.feed)):
        onnx.checker.check_model(graph.embed())
        assert differ(expected, run(graph, {**feed, **extra})) < TOLERANCE


def small_network():
    """Everything that an edge may go wrong in: padding, strides, dilation, pools over the end, a crop, a residual."""
    rng = np.random.default_rng(5)
    maker = GraphMaker()

    def convolve(name, inner, outer, width, **more):
        weights = rng.normal(0, 1 / np.sqrt(inner * width), (outer, inner, width))
        return maker.node("Conv", [name, maker.constant(weights)], kernel_shape=[width], **more)

    name = maker.node("Transpose", ["sequence"], perm=[0, 2, 1])
    name = maker.node("Relu", [convolve(name, 4, 6, 5, auto_pad="SAME_UPPER")])
    name = maker.node("MaxPool", [name], kernel_shape=[3], strides=[2], pads=[1, 1])  # 23 -> 12
    inside = maker.node("Sigmoid", [convolve(name, 6, 6, 3, dilations=[2], pads=[2, 2])])
    name = maker.node("Add", [name, inside])
    bounds = [maker.constant(np.array([number])) for number in (1, 11, 2)]
    name = maker.node("Slice", [name, *bounds])  # 12 -> 10
    name = maker.node("AveragePool", [name], kernel_shape=[3], strides=[1], pads=[1, 1], count_include_pad=0)
    flat = maker.node("Flatten", [name])
    output = maker.node("MatMul", [flat, maker.constant(rng.normal(size=(60, 2)))])
    return RandomModel(maker.model({"sequence": (23, 4)}, [output]), "sequence", 23)


@pytest.mark.parametrize("width", [1, 4])
def test_a_change_at_every_position_of_a_window_is_predicted(width):
    made = small_network()
    rng = np.random.default_rng(width)
    network = read_network(made.model, made.sequence, 0.0)
    ref = draw_codes(rng, 2, made.length)
    for start in range(made.length):
        changes = [Span(start, min(start + width, made.length)), Span(start, made.length), Span(0, start + 1)]
        pairs = draw_pairs(rng, ref, changes, [8, 2, 2])

        found = run(write_pair_graph(network, changes), pairs.feed)

        assert differ(run_unfused(made, pairs.windows, {}), found) < TOLERANCE, start


def test_an_allele_that_is_ref_predicts_what_ref_does():
    made = small_network()
    rng = np.random.default_rng(1)
    ref, rows, change = draw_codes(rng, 3, made.length), np.array([2, 0, 0, 1]), Span(9, 12)
    feed = {"zoo_codes": ref, "zoo_alt_0": np.ascontiguousarray(ref[rows, 9:12]), "zoo_row_0": rows}

    (found,) = run(write_pair_graph(read_network(made.model, made.sequence, 0.0), [change]), feed)

    np.testing.assert_allclose(found[3:], found[rows], rtol=1e-5, atol=1e-6)


def test_the_order_of_alleles_changes_nothing_else():
    made = small_network()
    rng = np.random.default_rng(2)
    graph = write_pair_graph(read_network(made.model, made.sequence, 0.0), [Span(11, 12)])
    pairs = draw_pairs(rng, draw_codes(rng, 3, made.length), [Span(11, 12)], [6])
    order = rng.permutation(6)
    turned = {**pairs.feed, "zoo_row_0": pairs.rows[0][order], "zoo_alt_0": pairs.feed["zoo_alt_0"][order]}

    (found,), (other,) = run(graph, pairs.feed), run(graph, turned)

    np.testing.assert_allclose(other[3:], found[3:][order], rtol=1e-5, atol=1e-6)


def test_a_graph_of_no_kinds_is_ref_alone():
    made = small_network()
    codes = draw_codes(np.random.default_rng(0), 4, made.length)

    graph = write_pair_graph(read_network(made.model, made.sequence, 0.0), [])

    assert [value.name for value in graph.model.graph.input] == ["zoo_codes"]
    assert differ(run_unfused(made, codes, {}), run(graph, {"zoo_codes": codes})) < TOLERANCE


def test_what_no_output_reads_is_taken_from_ref():
    # A crop leaves the ends out: nothing of a change there is reckoned.
    maker = GraphMaker()
    bounds = [maker.constant(np.array([number])) for number in (3, 9, 1)]
    middle = maker.node("Slice", ["sequence", *bounds])
    weights = maker.constant(np.arange(24, dtype=np.float32).reshape(24, 1))
    output = maker.node("MatMul", [maker.node("Flatten", [middle]), weights])
    made = RandomModel(maker.model({"sequence": (12, 4)}, [output]), "sequence", 12)
    changes = [Span(0, 3), Span(9, 12), Span(2, 4)]
    rng = np.random.default_rng(0)
    pairs = draw_pairs(rng, draw_codes(rng, 2, 12), changes, [3, 3, 3])
    network = read_network(made.model, made.sequence, 0.0)

    (found,) = run(write_pair_graph(network, changes), pairs.feed)

    (frame,) = network.trunk
    assert [len(network.reach(change)[frame.output]) for change in changes] == [0, 0, 1]
    assert differ(run_unfused(made, pairs.windows, {}), [found]) < TOLERANCE
    np.testing.assert_array_equal(found[2:8], found[np.concatenate(pairs.rows[:2])])


def test_weights_of_convolutions_stand_in_the_graph_once():
    network = read_network(small_network().model, "sequence", 0.0)

    graph = write_pair_graph(network, [Span(3, 4), Span(11, 14), Span(11, 23)])

    shapes = [tuple(tensor.dims) for tensor in graph.model.graph.initializer]
    assert [shapes.count(shape) for shape in ((6, 4, 1, 5), (6, 6, 1, 3))] == [1, 1]
    # The dense layer's are cut where a change begins or ends to reach.
    assert sum(shape[0] for shape in shapes if len(shape) == 2 and shape[1] == 2) == 60


def test_a_dense_layer_multiplies_what_a_base_changes_alone():
    # 40 positions in, a convolution of 3 without padding: a base reaches 3 of 38 positions of 2 channels.
    maker = GraphMaker()
    rng = np.random.default_rng(0)
    name = maker.node("Transpose", ["sequence"], perm=[0, 2, 1])
    name = maker.node("Conv", [name, maker.constant(rng.normal(size=(2, 4, 3)))], kernel_shape=[3])
    output = maker.node("Gemm", [maker.node("Flatten", [name]), maker.constant(rng.normal(size=(76, 7)))])
    model = maker.model({"sequence": (40, 4)}, [output])

    graph = write_pair_graph(read_network(model, "sequence", 0.0), [Span(20, 21)])

    shapes = [tuple(tensor.dims) for tensor in graph.model.graph.initializer]
    assert sorted(shape for shape in shapes if shape[1:] == (7,)) == [(6, 7), (34, 7), (36, 7)]


@pytest.mark.parametrize("ends", ["average", "dense"])
def test_a_motif_that_an_allele_breaks_leaves_no_trace_of_its_huge_sum(ends):
    """REF sums up to e^24, ALT to 1: of a difference of the two the rounding would be all that is left."""
    maker = GraphMaker()
    motif = np.full((1, 4, 8), -20.0)
    motif[0, [0, 1, 2, 3] * 2, range(8)] = 3.0
    name = maker.node("Transpose", ["sequence"], perm=[0, 2, 1])
    name = maker.node("Exp", [maker.node("Conv", [name, maker.constant(motif)], kernel_shape=[8])])
    if ends == "average":
        summed = maker.node("ReduceSum", [name, maker.constant(np.array([2]))], keepdims=0)
    else:
        summed = maker.node("MatMul", [maker.node("Flatten", [name]), maker.constant(np.ones((23, 1)))])
    output = maker.node("Log", [maker.node("Add", [summed, maker.constant(np.ones(1))])])
    made = RandomModel(maker.model({"sequence": (30, 4)}, [output]), "sequence", 30)
    ref = np.zeros((1, 30), dtype=np.uint8)
    ref[0, 10:18] = [0, 1, 2, 3] * 2
    changes = [Span(12, 13), Span(12, 30)]
    alts = np.repeat(ref, 2, axis=0)
    alts[:, 12] = 1
    feed = {"zoo_codes": ref}
    for kind, change in enumerate(changes):
        feed |= {f"zoo_row_{kind}": np.array([0]), f"zoo_alt_{kind}": alts[:1, change.start : change.end].copy()}

    (found,) = run(write_pair_graph(read_network(made.model, "sequence", 0.0), changes), feed)
    (expected,) = run_unfused(made, np.concatenate([ref, alts]), {})

    assert expected[0, 0] > 20
    assert expected[1, 0] < 5
    assert np.abs(found - expected).max() < 1e-6 * 24


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.parent.name)
def test_a_bundled_model_predicts_the_same_in_pairs(folder):
    made, unknown = read_bundled(folder)
    rng = np.random.default_rng(0)
    windows = draw_windows(folder, made.length)
    network = read_network(made.model, made.sequence, unknown)
    middle, end = made.length // 2, made.length
    changes = [
        Span(0, 1),
        Span(middle, middle + 1),
        Span(end - 1, end),
        Span(middle, end),
        Span(middle - 7, middle + 4),
    ]
    pairs = draw_pairs(rng, windows, changes, [10, 20, 10, 6, 6])
    extra = made.draw_extra(rng, len(pairs.windows))
    expected = run_unfused(made, pairs.windows, extra, unknown)

    found = run(write_pair_graph(network, changes), {**pairs.feed, **extra})

    # Small numbers would prove little.
    assert max(np.abs(one).max() for one in expected) > 0.1
    assert differ(expected, found) < TOLERANCE
