import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import TensorProto, helper

from tests.network.agreement import draw_codes
from tests.network.random_graphs import random_models, run
from zoo.network.network import Network
from zoo.network.operators import Convolve, Slide, Span
from zoo.network.reading import read_network
from zoo.network.writing import CODES_INPUT, GraphWriter, WrittenGraph, write_trunk

LENGTHS = st.integers(1, 25)
SPANS = st.tuples(st.integers(0, 25), st.integers(1, 6)).map(lambda drawn: Span(drawn[0], drawn[0] + drawn[1]))


@st.composite
def slides(draw):
    width, dilation = draw(st.integers(1, 5)), draw(st.integers(1, 3))
    before, after = draw(st.integers(-3, 6)), draw(st.integers(-3, 6))
    return Slide(width, draw(st.integers(1, 4)), dilation, before, after)


def positions_of(slide, output):
    """Return what one output reads, by the definition."""
    return {output * slide.stride - slide.before + k * slide.dilation for k in range(slide.width)}


def test_a_span_is_cut_to_a_map():
    assert Span(-2, 3).clip(10) == Span(0, 3)
    assert Span(8, 12).clip(10) == Span(8, 10)
    assert len(Span(12, 15).clip(10)) == 0
    assert len(Span(-5, -1).clip(10)) == 0


def test_a_span_covers_another_and_nothing_covers_nothing():
    assert Span(2, 4).cover(Span(7, 9)) == Span(2, 9)
    assert Span(2, 4).cover(Span(0, 0)) == Span(2, 4)
    assert Span(0, 0).cover(Span(2, 4)) == Span(2, 4)
    assert len(Span(0, 0).cover(Span(5, 5))) == 0
    assert len(Span(5, 3)) == 0


@pytest.mark.parametrize(
    ("slide", "outputs", "reads", "reached"),
    [
        # Of ten positions: how many outputs, what outputs 1 and 2 read, which outputs read position 4.
        pytest.param(Slide(), 10, Span(1, 3), Span(4, 5), id="each alone"),
        pytest.param(Slide(3), 8, Span(1, 5), Span(2, 5), id="three"),
        pytest.param(Slide(3, before=1, after=1), 10, Span(0, 4), Span(3, 6), id="three of same length"),
        pytest.param(Slide(3, stride=2), 4, Span(2, 7), Span(1, 3), id="every second"),
        pytest.param(Slide(2, stride=2), 5, Span(2, 6), Span(2, 3), id="pairs"),
        pytest.param(Slide(2, dilation=3), 7, Span(1, 6), Span(1, 5), id="dilated"),
        pytest.param(Slide(before=-3), 7, Span(4, 6), Span(1, 2), id="three cut off in front"),
        pytest.param(Slide(before=2, after=2), 14, Span(-1, 1), Span(6, 7), id="two added at each end"),
        pytest.param(Slide(1, stride=4), 3, Span(4, 9), Span(1, 2), id="every fourth"),
    ],
)
def test_what_a_slide_reads_and_what_reaches_it(slide, outputs, reads, reached):
    assert slide.count(10) == outputs
    assert slide.reads(Span(1, 3)) == reads
    assert slide.reached_by(Span(4, 5), outputs) == reached


def test_nothing_reads_what_a_stride_leaves_out():
    assert len(Slide(1, stride=4).reached_by(Span(1, 4), 3)) == 0
    assert len(Slide(before=-3).reached_by(Span(0, 3), 7)) == 0


def test_a_slide_knows_its_extent_and_its_padding():
    assert Slide(4, dilation=3).extent == 10
    assert Slide(before=1).padded
    assert Slide(after=1).padded
    assert not Slide(3, before=-1).padded


@given(slides(), st.integers(0, 12), st.integers(1, 6))
def test_a_slide_reads_from_the_first_to_the_last_position_of_its_outputs(slide, start, count):
    read = set().union(*(positions_of(slide, output) for output in range(start, start + count)))

    assert slide.reads(Span(start, start + count)) == Span(min(read), max(read) + 1)


@given(slides(), LENGTHS, SPANS)
def test_all_outputs_that_read_a_position_are_reached_by_it(slide, length, span):
    outputs = max(0, slide.count(length))
    span = span.clip(length)
    readers = [output for output in range(outputs) if positions_of(slide, output) & set(range(span.start, span.end))]

    reached = slide.reached_by(span, outputs)

    assert set(readers) <= set(range(reached.start, reached.end))
    if slide.dilation == 1 and readers:
        # Of a slide without gaps none is reached that reads none.
        assert reached == Span(min(readers), max(readers) + 1)


@given(slides(), SPANS)
def test_the_outputs_within_some_positions_read_nothing_else(slide, span):
    within = slide.within(span)

    expected = {
        output
        for output in range(-40, 40)
        if span.start <= slide.reads(Span(output, output + 1)).start
        and slide.reads(Span(output, output + 1)).end <= span.end
    }
    assert set(range(within.start, within.end)) == expected


@given(slides(), LENGTHS)
def test_the_outputs_are_all_that_fit_the_map_and_its_padding(slide, length):
    last = length + slide.after - 1
    fitting = [output for output in range(60) if max(positions_of(slide, output)) <= last]

    assert max(0, slide.count(length)) == len(fitting)


def test_a_convolution_multiplies_each_of_its_weights_at_each_position():
    weights = np.zeros((6, 2, 5), np.float32)

    assert Convolve("a", "b", Slide(5), weights, np.zeros(6, np.float32), groups=2).multiply_adds == 60


def write_all_maps(network: Network) -> WrittenGraph:
    """Return the graph whose outputs are the maps of the trunk."""
    from dataclasses import replace

    names = [operator.output for operator in network.trunk]
    told = tuple(helper.make_tensor_value_info(f"map {name}", TensorProto.FLOAT, [None] * 4) for name in names)
    alone = replace(network, exits=(), tail=replace(network.tail, nodes=(), constants=(), inputs=(), outputs=told))
    writer = GraphWriter(alone)
    tensors = write_trunk(writer, writer.input(CODES_INPUT, "UINT8", ["N", network.length]))
    return writer.finish({f"map {name}": tensors[name] for name in names}, "maps")


@given(random_models(), st.integers(0, 2**32 - 1))
@settings(max_examples=40)
def test_nothing_outside_its_reach_changes_where_bases_do(made, seed):
    rng = np.random.default_rng(seed)
    network = read_network(made.model, made.sequence, 0.0)
    if not network.trunk:
        return
    start = int(rng.integers(made.length))
    change = Span(start, min(start + int(rng.integers(1, 4)), made.length))
    codes = np.repeat(draw_codes(rng, 1, made.length), 9, axis=0)
    codes[1:, change.start : change.end] = draw_codes(rng, 8, len(change))

    maps = run(write_all_maps(network), {CODES_INPUT: codes}, optimized=False)
    reach = network.reach(change)

    for operator, found in zip(network.trunk, maps, strict=True):
        shape, span = network.maps[operator.output], reach[operator.output]
        assert found.shape == (9, shape.channels, 1, shape.length)
        changed = np.flatnonzero((np.abs(found - found[:1]) > 1e-5).any(axis=(0, 1, 2)))
        assert set(changed) <= set(range(span.start, span.end)), operator
