import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.model.alleles import (
    cut_pairs,
    draw_alleles,
    draw_anchor,
    draw_card,
    draw_contig,
    halve,
    largest,
    make_card_of,
    make_large,
)
from tests.model.networks import open_without_g
from tests.network.agreement import TOLERANCE
from tests.network.sharing_graphs import draw_sharing, sharing_models
from zoo.errors import ModelError
from zoo.model import pairs as pairs_module
from zoo.model.pairs import PairKinds, PairSession, choose_kinds
from zoo.model.session import Session
from zoo.network.network import Network
from zoo.network.operators import Span

SEEDS = st.integers(0, 2**32 - 1)


@given(sharing_models(), SEEDS, st.sampled_from([None, 1, 7]))
@settings(max_examples=40)
def test_alleles_of_all_kinds_are_predicted_as_by_the_whole_network(made, seed, rows_per_run):
    rng = np.random.default_rng(seed)
    anchor = draw_anchor(rng, made.length)
    session = Session(made.model, draw_card(rng, made, anchor), "cpu", threads=1)
    contig = draw_contig(rng, 120)
    pairs = cut_pairs(contig, draw_alleles(rng, contig, 20, made.length - anchor), made.length, anchor)
    # Any window may be the other allele's: one that differs in front of the anchor runs as a whole.
    pairs.alt[3] = pairs.ref[0]

    with pytest.MonkeyPatch.context() as patch:
        if seed % 2:  # small networks gain by no kind: take both anyhow
            patch.setattr(pairs_module, "_WORTH", np.inf)
        session_of_pairs = PairSession(session, anchor)
    ref, alt = session_of_pairs.predict(pairs.ref, pairs.ref_of, pairs.alt, rows_per_run)

    expected = session.predict(np.concatenate([pairs.ref, pairs.alt]), members=True)
    found = {name: np.concatenate([ref[name], alt[name]]) for name in ref}
    assert largest(found, expected) < TOLERANCE


def differ_at(*places, length=6):
    row = np.zeros(length, dtype=np.bool_)
    row[list(places)] = True
    return row


def test_each_pair_is_of_the_first_kind_that_holds_what_differs():
    kinds = PairKinds((Span(2, 3), Span(2, 6)))
    rows = np.stack([differ_at(*places) for places in [(2,), (2, 3), (3,), (5,), (1,), (1, 2), ()]])

    assert kinds.sort(rows).tolist() == [0, 1, 1, 1, -1, -1, 0]
    assert PairKinds(()).sort(rows).tolist() == [-1] * 7
    assert kinds.mirror(6) == PairKinds((Span(3, 4), Span(0, 4)))
    assert kinds.mirror(6).sort(rows[:, ::-1]).tolist() == kinds.sort(rows).tolist()


def open_large(anchor):
    made = make_large()
    return Session(made.model, make_card_of(made, anchor), "cpu", threads=1)


def test_a_base_and_what_stands_behind_it_are_kinds_of_their_own_where_they_are_worth_it():
    # Of the bases behind base 2, nearly all are reached.
    assert choose_kinds(open_large(150).network, 150) == PairKinds((Span(150, 151), Span(150, 200)))
    assert choose_kinds(open_large(2).network, 2) == PairKinds((Span(2, 3),))


def test_a_network_that_gains_nothing_has_no_kinds():
    made = draw_sharing(np.random.default_rng(0), 0, 8, "max")
    session = Session(made.model, make_card_of(made, 4), "cpu", threads=1)

    assert choose_kinds(session.network, 4) == PairKinds(())


def test_a_base_that_differs_runs_no_second_window(monkeypatch):
    # REF's windows alone go in whole.
    session = open_large(150)
    pairs = PairSession(session, 150)
    ref = np.random.default_rng(0).integers(0, 4, (3, 200)).astype(np.uint8)
    alt = ref[[0, 0, 2, 1]]
    alt[:, 150] = (alt[:, 150] + 1) % 4
    alt[3, 151:] = (alt[3, 151:] + 1) % 4
    alt[0, 149] = (alt[0, 149] + 1) % 4
    fed = []
    run = Session.run
    monkeypatch.setattr(
        Session, "run", lambda own, opened, feed, rows: fed.append(feed) or run(own, opened, feed, rows)
    )

    pairs.predict(ref, np.array([0, 0, 2, 1]), alt)

    (feed,) = fed
    np.testing.assert_array_equal(feed["zoo_codes"], np.concatenate([ref, alt[:1]]))
    assert [feed[name].shape for name in ("zoo_alt_0", "zoo_alt_1")] == [(2, 1), (1, 50)]


@pytest.mark.parametrize("average", [False, True])
def test_no_windows_give_no_predictions_in_the_right_shape(average):
    made = draw_sharing(np.random.default_rng(0), 2, 20, "dense", "bins", "members")
    session = Session(made.model, make_card_of(made, 9, average=average), "cpu", threads=1)
    codes, nothing = np.empty((0, 20), dtype=np.uint8), np.array([], dtype=np.int64)

    ref, alt = PairSession(session, 9).predict(codes, nothing, codes)

    assert [values.shape for values in ref.values()] == [values.shape for values in alt.values()]
    assert {name: (0, *values.shape[1:]) for name, values in session.predict(codes, members=True).items()} == {
        name: values.shape for name, values in ref.items()
    }


def test_windows_without_pairs_and_runs_without_them_are_predicted():
    session = open_large(100)
    codes = np.random.default_rng(0).integers(0, 5, (5, 200)).astype(np.uint8)
    alt = codes[[4]]
    alt[:, 100] = (alt[:, 100] + 1) % 4

    ref, found = PairSession(session, 100).predict(codes, np.array([4]), alt, rows_per_run=2)

    assert largest(ref, session.predict(codes, members=True)) < TOLERANCE
    assert largest(found, session.predict(alt, members=True)) < TOLERANCE


def test_threads_change_no_bit():
    rng = np.random.default_rng(0)
    contig = draw_contig(rng, 400)
    alleles = draw_alleles(rng, contig, 100, 10)
    found = []
    for threads in (1, 2):
        made = draw_sharing(np.random.default_rng(1), 3, 30, "dense", "bins")
        session = Session(made.model, make_card_of(made, 15, average=True), "cpu", threads)
        pairs = cut_pairs(contig, alleles, 30, 15)
        found.append(PairSession(session, 15).predict(pairs.ref, pairs.ref_of, pairs.alt, 8))
    for one, other in zip(*found, strict=True):
        for name in one:
            np.testing.assert_array_equal(one[name], other[name])


@pytest.mark.parametrize("average", [False, True])
def test_a_graph_that_predicts_otherwise_is_refused(monkeypatch, average):
    made = draw_sharing(np.random.default_rng(0), 3, 20, "dense")
    session = Session(made.model, make_card_of(made, 9, average=average), "cpu", threads=1)
    real = pairs_module.write_pair_graph
    asked: list[Network] = []

    def write(network, spans):
        asked.append(network)
        # The one of the strand that is written last is of another network.
        return real(halve(network) if len(asked) == 1 + average else network, spans)

    monkeypatch.setattr(pairs_module, "write_pair_graph", write)
    with pytest.raises(
        ModelError,
        match=r"^g-at-anchor@1\.0\.0: the graph of both alleles predicts otherwise than the whole network; choose ",
    ):
        PairSession(session, 9)


@pytest.mark.parametrize("average", [False, True])
def test_a_graph_that_predicts_otherwise_is_refused_though_the_example_does_not_tell(monkeypatch, average):
    session = open_without_g(average=average)
    PairSession(session, 4)
    real = pairs_module.write_pair_graph
    monkeypatch.setattr(pairs_module, "write_pair_graph", lambda network, spans: real(halve(network), spans))

    with pytest.raises(ModelError, match="the graph of both alleles predicts otherwise"):
        PairSession(session, 4)


def test_a_network_without_a_sequence_is_refused():
    class NoSequence:
        network = None
        card = open_large(100).card

    with pytest.raises(ModelError, match="reads no sequence"):
        PairSession(NoSequence(), 6)
