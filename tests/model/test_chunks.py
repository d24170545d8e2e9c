import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.model.alleles import (
    Allele,
    cut_pairs,
    draw_alleles,
    draw_anchor,
    draw_card,
    draw_contig,
    halve,
    largest,
    make_card_of,
)
from tests.model.networks import open_without_g
from tests.network.agreement import TOLERANCE
from tests.network.sharing_graphs import draw_sharing, sharing_models
from zoo.errors import ModelError
from zoo.model import chunks
from zoo.model.chunks import ChunkSession, Pairs, divide
from zoo.model.session import Session

SEEDS = st.integers(0, 2**32 - 1)


@given(sharing_models(), SEEDS)
@settings(max_examples=50)
def test_alleles_of_a_contig_are_predicted_as_by_the_whole_network(made, seed):
    rng = np.random.default_rng(seed)
    anchor = draw_anchor(rng, made.length)
    session = Session(made.model, draw_card(rng, made, anchor), "cpu", threads=1)
    contig = draw_contig(rng, int(rng.integers(10, 150)))
    pairs = cut_pairs(contig, draw_alleles(rng, contig, 30, made.length - anchor), made.length, anchor)

    ref, alt, left_out = ChunkSession(session, anchor).predict(pairs)

    expected = session.predict(np.concatenate([pairs.ref, pairs.alt]), members=True)
    assert largest(ref, {name: values[: len(pairs.ref)] for name, values in expected.items()}) < TOLERANCE
    kept = np.delete(np.arange(len(pairs.alt)), left_out)
    wanted = {name: values[len(pairs.ref) :][kept] for name, values in expected.items()}
    assert largest({name: values[kept] for name, values in alt.items()}, wanted) < TOLERANCE
    assert all(np.isnan(values[left_out]).all() for values in alt.values())
    # Nothing is left out but what is too long, most of which differs behind the bases that there is room for.
    room = min(chunks._INSERTED, made.length - anchor)
    too_long = (pairs.alt_length > room) | (pairs.ref_length >= made.length)
    assert too_long[left_out].all()


def make_session(anchor=6, *heads, average=False, seed=0, threads=1, length=21):
    made = draw_sharing(np.random.default_rng(seed), 3, length, *(heads or ("dense",)))
    return Session(made.model, make_card_of(made, anchor, average=average), "cpu", threads)


def test_the_order_of_windows_and_pairs_changes_nothing():
    rng = np.random.default_rng(3)
    session = make_session(average=True)
    contig = draw_contig(rng, 80)
    pairs = cut_pairs(contig, draw_alleles(rng, contig, 20, 15), 21, 6)
    refs, rows = rng.permutation(len(pairs.ref)), rng.permutation(20)
    turned = Pairs(
        pairs.ref[refs], pairs.line[refs] - 1_000, np.argsort(refs)[pairs.ref_of[rows]], pairs.alt[rows],
        pairs.ref_length[rows], pairs.alt_length[rows],
    )  # fmt: skip
    chunk = ChunkSession(session, 6)

    ref, alt, _ = chunk.predict(pairs)
    other_ref, other_alt, _ = chunk.predict(turned)

    for name in ref:
        np.testing.assert_allclose(other_ref[name], ref[name][refs], rtol=1e-5, atol=1e-5)
        np.testing.assert_allclose(other_alt[name], alt[name][rows], rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(
    ("ref_length", "alt_length", "kept"),
    [
        pytest.param(1, 1, True, id="a base"),
        pytest.param(1, 8, True, id="as many new bases as there is room for"),
        pytest.param(1, 9, False, id="one more"),
        pytest.param(20, 1, True, id="nearly a window gone"),
        pytest.param(21, 1, False, id="a window gone"),
        pytest.param(8, 8, True, id="as many others"),
        pytest.param(9, 9, False, id="as many others, and more"),
    ],
)
@pytest.mark.parametrize("average", [False, True])
def test_alleles_too_long_for_a_chunk_are_left_out(ref_length, alt_length, kept, average):
    rng = np.random.default_rng(0)
    contig = rng.integers(0, 4, 100).astype(np.uint8)
    new = (contig[50 : 50 + alt_length] + 1) % 4
    pairs = cut_pairs(contig, [Allele(50, ref_length, new)], 21, 6)
    session = make_session(average=average)

    _, alt, left_out = ChunkSession(session, 6).predict(pairs)

    assert left_out.tolist() == ([] if kept else [0])
    if kept:
        assert largest(alt, session.predict(pairs.alt, members=True)) < TOLERANCE


def test_an_allele_that_reads_on_otherwise_than_its_neighbours_is_left_out():
    # A window that was put together by hand: behind the allele it holds other bases than the contig does.
    rng = np.random.default_rng(0)
    contig = rng.integers(0, 4, 100).astype(np.uint8)
    pairs = cut_pairs(contig, [Allele(50, 1, contig[51:52]), Allele(55, 3, contig[55:56])], 21, 6)
    pairs.alt[0, 20] = (pairs.alt[0, 20] + 1) % 4
    session = make_session()

    ref, alt, left_out = ChunkSession(session, 6).predict(pairs)

    assert left_out.tolist() == [0]
    expected = session.predict(np.concatenate([pairs.ref, pairs.alt[1:]]), members=True)
    assert largest({n: np.concatenate([ref[n], alt[n][1:]]) for n in ref}, expected) < TOLERANCE


def test_an_allele_that_differs_before_the_anchor_is_left_out():
    contig = np.random.default_rng(0).integers(0, 4, 100).astype(np.uint8)
    pairs = cut_pairs(contig, [Allele(50, 1, contig[51:52])], 21, 6)
    pairs.alt[0, 5] = (pairs.alt[0, 5] + 1) % 4

    assert ChunkSession(make_session(), 6).predict(pairs)[2].tolist() == [0]


def test_windows_of_no_pair_are_predicted():
    session = make_session()
    contig = np.random.default_rng(0).integers(0, 4, 60).astype(np.uint8)
    pairs = cut_pairs(contig, [Allele(20, 1, contig[21:22])], 21, 6)
    nothing = np.array([], dtype=np.int64)
    alone = Pairs(pairs.ref, pairs.line, nothing, pairs.alt[:0], nothing, nothing)

    ref, alt, left_out = ChunkSession(session, 6).predict(alone)

    assert largest(ref, session.predict(pairs.ref, members=True)) < TOLERANCE
    assert [values.shape[0] for values in alt.values()] == [0]
    assert len(left_out) == 0


def test_pairs_of_some_windows_are_those_that_have_them():
    numbers = np.arange(4)
    codes = np.repeat(numbers[:, np.newaxis], 3, axis=1).astype(np.uint8)
    pairs = Pairs(
        codes, 10 * numbers, np.array([3, 0, 1, 3, 2]), codes[[0, 1, 2, 3, 0]], np.arange(5), np.arange(5) + 5
    )

    part, chosen = pairs.take(np.array([3, 1]))

    assert chosen.tolist() == [0, 2, 3]
    assert part.ref[:, 0].tolist() == [3, 1]
    assert part.line.tolist() == [30, 10]
    assert part.ref_of.tolist() == [0, 1, 0]
    assert part.alt[:, 0].tolist() == [0, 2, 3]
    assert (part.ref_length.tolist(), part.alt_length.tolist()) == ([0, 2, 3], [5, 7, 8])


def lists(found):
    near, alone = found
    return [part.tolist() for part in near], alone.tolist()


def test_windows_that_begin_close_together_are_divided_into_chunks_and_others_lie_alone():
    # Windows of 10 bases; a window costs as much as 6 bases of a chunk.
    line = np.array([0, 3, 5, 100, 200, 204])
    # 15 bases for three windows; 10 for one; 14 for two.
    assert lists(divide(line, 10, 6.0)) == ([[0, 1, 2]], [3, 4, 5])
    assert lists(divide(line, 10, 7.0)) == ([[0, 1, 2], [4, 5]], [3])
    assert lists(divide(line, 10, 10.0)) == ([[0, 1, 2], [3], [4, 5]], [])
    assert lists(divide(line, 10, 0.0)) == ([], [0, 1, 2, 3, 4, 5])


def test_windows_are_divided_along_the_line_whatever_their_order():
    line = np.array([204, -3, 5, 200, 0])

    assert lists(divide(line, 10, 7.0)) == ([[1, 4, 2], [3, 0]], [])


def test_a_gap_longer_than_a_window_divides():
    assert lists(divide(np.array([0, 10]), 10, 99.0)) == ([[0, 1]], [])
    assert lists(divide(np.array([0, 11]), 10, 99.0)) == ([[0], [1]], [])


def test_a_long_stretch_is_divided(monkeypatch):
    monkeypatch.setattr(chunks, "_BASES", 20)

    assert lists(divide(np.arange(0, 50, 10), 10, 99.0)) == ([[0, 1, 2], [3, 4]], [])


def test_many_windows_are_divided(monkeypatch):
    monkeypatch.setattr(chunks, "_WINDOWS", 2)

    assert lists(divide(np.arange(5), 10, 99.0)) == ([[0, 1], [2, 3], [4]], [])


def test_no_windows_give_no_chunks():
    assert lists(divide(np.array([], dtype=np.int64), 10, 99.0)) == ([], [])


@pytest.mark.parametrize("average", [False, True])
def test_a_graph_that_predicts_otherwise_is_refused(monkeypatch, average):
    session = make_session(average=average)
    real = chunks.write_chunk_graph
    asked = []

    def write(network, kinds):
        asked.append(network)
        # The one of the strand that is written last is of another network.
        return real(halve(network) if len(asked) == 1 + average else network, kinds)

    monkeypatch.setattr(chunks, "write_chunk_graph", write)
    with pytest.raises(
        ModelError, match=r"^g-at-anchor@1\.0\.0: the graph of neighbouring windows predicts otherwise than the whole "
    ):
        ChunkSession(session, 6)


@pytest.mark.parametrize("average", [False, True])
def test_a_graph_that_predicts_otherwise_is_refused_though_the_example_does_not_tell(monkeypatch, average):
    session = open_without_g(average=average)
    ChunkSession(session, 4)
    real = chunks.write_chunk_graph
    monkeypatch.setattr(chunks, "write_chunk_graph", lambda network, kinds: real(halve(network), kinds))

    with pytest.raises(ModelError, match="the graph of neighbouring windows predicts otherwise"):
        ChunkSession(session, 4)


def test_a_network_without_a_sequence_is_refused():
    class NoSequence:
        network = None
        card = make_session().card

    with pytest.raises(ModelError, match="reads no sequence"):
        ChunkSession(NoSequence(), 6)
