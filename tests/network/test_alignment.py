import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.network.agreement import TOLERANCE, differ, draw_codes
from tests.network.random_graphs import random_models, run, run_unfused
from tests.network.sharing_graphs import sharing_models
from tests.network.test_costs import make_network
from zoo.network import alignment
from zoo.network.alignment import align_channels
from zoo.network.operators import Span
from zoo.network.pairs import write_pair_graph
from zoo.network.reading import read_network
from zoo.network.writing import write_graph

SEEDS = st.integers(0, 2**32 - 1)


@given(st.one_of(sharing_models(), random_models(4)), SEEDS)
@settings(max_examples=60)
def test_a_random_network_predicts_the_same_with_filters_of_zeros(made, seed):
    rng = np.random.default_rng(seed)
    codes = draw_codes(rng, 4, made.length)
    extra = made.draw_extra(rng, 4)
    network = read_network(made.model, made.sequence, 0.25)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(alignment, "_MOST_ADDED", 99)  # small networks have few filters
        aligned = align_channels(network)

    assert (
        differ(run_unfused(made, codes, extra, 0.25), run(write_graph(aligned), {"zoo_codes": codes, **extra}))
        < TOLERANCE
    )
    # Each operator reads and writes the channels that its maps have.
    change = Span(3, 5)
    feed = {
        "zoo_codes": codes[:1],
        "zoo_alt_0": codes[1:, 3:5].copy(),
        "zoo_row_0": np.zeros(3, dtype=np.int64),
        **extra,
    }
    alts = np.repeat(codes[:1], 3, axis=0)
    alts[:, 3:5] = codes[1:, 3:5]
    expected = run_unfused(made, np.concatenate([codes[:1], alts]), extra, 0.25)
    assert differ(expected, run(write_pair_graph(aligned, [change]), feed)) < TOLERANCE


@pytest.mark.parametrize(
    ("filters", "grown"), [(15, 15), (16, 16), (31, 32), (300, 304), (290, 304), (280, 288), (17, 17)]
)
def test_channels_fill_blocks_where_little_is_added(filters, grown):
    network = make_network(filters=filters)

    aligned = align_channels(network)

    assert [aligned.maps[operator.output].channels for operator in aligned.trunk] == [grown] * 2
    assert aligned.trunk[0].weights.shape == (grown, 4, 3)
    assert aligned.trunk[0].bias.shape == (grown,)
    assert aligned.exits[0].weights.shape == (4, grown, 3)
    assert (aligned is network) == (grown == filters)


def test_maps_that_leave_as_they_are_do_not_grow():
    network = make_network("hidden", filters=31)

    assert align_channels(network) is network
