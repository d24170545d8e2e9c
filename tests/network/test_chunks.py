import numpy as np
import onnx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.network.agreement import TOLERANCE, differ, draw_codes
from tests.network.random_graphs import GraphMaker, RandomModel, random_models, run, run_unfused
from tests.network.sharing_graphs import draw_sharing, sharing_models
from zoo.network.chunks import ChunkChange, chunk_lead, chunk_margin, fits_chunks, moved_input, write_chunk_graph
from zoo.network.operators import Span
from zoo.network.reading import read_network

SEEDS = st.integers(0, 2**32 - 1)
AROUND = 8  # bases in front of the first window and behind the last, for windows that read on elsewhere


def draw_chunk(rng, made, network, starts):
    """Return a chunk that is unknown behind what windows that begin at ``starts`` read."""
    margin = np.full(chunk_margin(network), 4, dtype=np.uint8)
    return np.concatenate([draw_codes(rng, max(starts) + made.length + AROUND), margin])


def cut(chunk, starts, length):
    return np.stack([chunk[start : start + length] for start in starts])


@given(sharing_models(), SEEDS)
@settings(max_examples=60)
def test_a_random_network_predicts_windows_of_a_chunk_and_their_changes(made, seed):
    rng = np.random.default_rng(seed)
    network = read_network(made.model, made.sequence, 0.25)
    assert fits_chunks(network)
    length = made.length
    # In no order, some of them twice, and in every phase of all pools in turn.
    starts = (
        chunk_lead(network) + AROUND + np.concatenate([rng.integers(0, 40, 6), np.arange(chunk_margin(network))[:24]])
    )
    starts = np.append(starts, starts[:2])
    chunk = draw_chunk(rng, made, network, starts)
    ref = cut(chunk, starts, length)
    bounds = [sorted(rng.choice(length + 1, 2, replace=False).tolist()) for _ in range(4)]
    kinds = [
        ChunkChange(Span(*span), moved) for span, moved in zip(bounds, ("", "left", "right", "right"), strict=True)
    ]
    counts = [5, 4, 4, 0]
    feed = {"zoo_codes": chunk[np.newaxis], "zoo_start": starts}
    windows = [ref]
    for number, (kind, count) in enumerate(zip(kinds, counts, strict=True)):
        rows = rng.integers(0, len(starts), count)
        by = rng.integers(-AROUND, AROUND + 1, count)
        new = draw_codes(rng, count, len(kind.span))
        alts = ref[rows].copy()
        for alt, start, moved in zip(alts, starts[rows], by, strict=True):
            elsewhere = chunk[start + moved : start + moved + length]
            if kind.moved == "left":
                alt[: kind.span.start] = elsewhere[: kind.span.start]
            elif kind.moved == "right":
                alt[kind.span.end :] = elsewhere[kind.span.end :]
        alts[:, kind.span.start : kind.span.end] = new
        windows.append(alts)
        feed |= {f"zoo_alt_{number}": new, f"zoo_row_{number}": rows}
        if kind.moved:
            feed[moved_input(number)] = by

    graph = write_chunk_graph(network, kinds)

    onnx.checker.check_model(graph.embed())
    assert differ(run_unfused(made, np.concatenate(windows), {}, 0.25), run(graph, feed)) < TOLERANCE


@pytest.mark.parametrize("seed", range(3))
def test_a_chunk_without_room_behind_its_margin_has_every_window(seed):
    # The last window ends where the margin begins: the least that a chunk has to be.
    rng = np.random.default_rng(seed)
    made = draw_sharing(rng, 6)
    network = read_network(made.model, made.sequence, 0.0)
    graph = write_chunk_graph(network, [])
    lead = chunk_lead(network)
    for last in range(2 * chunk_margin(network)):
        codes = draw_codes(rng, lead + last + made.length)
        chunk = np.append(codes, np.full(chunk_margin(network), 4, dtype=np.uint8))
        starts = lead + np.array([last, 0, last // 2])
        found = run(graph, {"zoo_codes": chunk[np.newaxis], "zoo_start": starts})
        assert differ(run_unfused(made, cut(codes, starts, made.length), {}), found) < TOLERANCE, last


def small(*layers, length=20, add=None):
    """Build convolutions of 3 and pools of 2, as ``c`` and ``p``; behind them, what ``add`` makes of the map."""
    rng = np.random.default_rng(0)
    maker = GraphMaker()
    name, channels = maker.node("Transpose", ["sequence"], perm=[0, 2, 1]), 4
    for layer in layers:
        if layer == "p":
            name = maker.node("MaxPool", [name], kernel_shape=[2], strides=[2])
        else:
            weights = rng.normal(size=(2, channels, 3))
            pads = {"pads": [1, 1]} if layer == "same" else {}
            name, channels = maker.node("Conv", [name, maker.constant(weights)], kernel_shape=[3], **pads), 2
    if add is not None:
        name = add(maker, name)
    output = maker.node("ReduceMax", [name, maker.constant(np.array([1, 2]))], keepdims=0)
    model = maker.model({"sequence": (length, 4)}, [maker.node("Unsqueeze", [output, maker.constant(np.array([1]))])])
    return RandomModel(model, "sequence", length)


def read(made):
    return read_network(made.model, made.sequence, 0.0)


def pool_otherwise(maker, name):
    """Add two branches that are as long, of which only one pools twice: a stride of 4 is no two of 2."""
    twice = name
    for _ in range(2):
        twice = maker.node("MaxPool", [twice], kernel_shape=[2], strides=[2])
    once = maker.node("MaxPool", [name], kernel_shape=[4], strides=[4])
    return maker.node("Add", [twice, once])


def test_networks_whose_branches_pool_otherwise_share_nothing():
    assert fits_chunks(read(small("c", "p")))
    assert not fits_chunks(read(small("c", add=pool_otherwise)))


def test_branches_whose_strides_begin_at_other_bases_share_nothing():
    # One begins at the window's first base, the other a base before it: they never lie alike.
    def step(maker, name, pads):
        weights = maker.constant(np.random.default_rng(0).normal(size=(2, 4, 3)))
        return maker.node("Conv", [name, weights], kernel_shape=[3], strides=[2], pads=pads)

    def branch(pads, other):
        return small(add=lambda maker, name: maker.node("Add", [step(maker, name, pads), step(maker, name, other)]))

    assert not fits_chunks(read(branch([1, 0], [0, 1])))
    assert fits_chunks(read(branch([2, 0], [0, 2])))


def test_a_network_that_shares_nothing_has_no_chunk():
    with pytest.raises(ValueError, match="branches lie alike"):
        write_chunk_graph(read(small("c", add=pool_otherwise)), [])


def test_a_network_without_operators_along_the_sequence_shares_nothing():
    assert not fits_chunks(
        read(small(add=lambda maker, name: maker.node("CumSum", [name, maker.constant(np.array(2))])))
    )


def test_a_convolution_stands_in_a_chunk_once_for_each_phase_and_its_weights_once():
    network = read(small("c", "p", "c"))

    graph = write_chunk_graph(network, [ChunkChange(Span(9, 10)), ChunkChange(Span(9, 12), "right")])

    kinds = [node.op_type for node in graph.model.graph.node]
    # Of the whole chunk two, and two of each kind of change.
    assert kinds.count("Conv") == 2 + 2 * 2
    assert kinds.count("MaxPool") == 2 + 2
    shapes = [tuple(tensor.dims) for tensor in graph.model.graph.initializer]
    assert [shapes.count(shape) for shape in ((2, 4, 1, 3), (2, 2, 1, 3))] == [1, 1]


def test_inputs_are_named_and_moved_ones_are_there_only_where_a_side_moves():
    graph = write_chunk_graph(read(small("c")), [ChunkChange(Span(3, 4)), ChunkChange(Span(3, 5), "left")])

    names = [value.name for value in graph.model.graph.input]

    assert sorted(names) == [
        "zoo_alt_0", "zoo_alt_1", "zoo_codes", "zoo_moved_1", "zoo_row_0", "zoo_row_1", "zoo_start"
    ]  # fmt: skip


@given(random_models(4), SEEDS)
@settings(max_examples=40)
def test_any_network_that_is_said_to_fit_predicts_the_same(made, seed):
    rng = np.random.default_rng(seed)
    network = read_network(made.model, made.sequence, 0.0)
    if made.extra_inputs or not fits_chunks(network):
        return
    starts = chunk_lead(network) + AROUND + rng.integers(0, 2 * chunk_margin(network), 8)
    chunk = draw_chunk(rng, made, network, starts)
    change = Span(made.length // 2, made.length // 2 + 2)
    rows, new = np.arange(8), draw_codes(rng, 8, 2)
    alts = cut(chunk, starts, made.length)
    alts[:, change.start : change.end] = new
    feed = {"zoo_codes": chunk[np.newaxis], "zoo_start": starts, "zoo_row_0": rows, "zoo_alt_0": new}

    found = run(write_chunk_graph(network, [ChunkChange(change)]), feed)

    windows = np.concatenate([cut(chunk, starts, made.length), alts])
    assert differ(run_unfused(made, windows, {}), found) < TOLERANCE
