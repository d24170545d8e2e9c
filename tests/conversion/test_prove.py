from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.conversion.networks import CARD, make_look_up, save
from zoo.conversion.adapt import Context, Writing
from zoo.conversion.convert import convert
from zoo.conversion.probe import Proposal
from zoo.conversion.prove import draw_contexts, draw_windows, predict_with_source, prove
from zoo.conversion.reading import Reading, encode_windows
from zoo.errors import ConversionError
from zoo.genome.codes import UNKNOWN, reverse_complement
from zoo.model.folder import load_folder
from zoo.testing.models import make_base_at_anchor_graph, write_model_folder

PROPOSAL = Proposal("sequence", Reading(9), 4, (), (Writing("prediction", "prediction", "NT", 1, None, "linear"),))


class GAtAnchor:
    """A framework's network that says ``seen`` where the base at the anchor is a G, else 0; batches are noted."""

    def __init__(self, seen=1.0, *, nan=False):
        self.seen, self.nan, self.batches = seen, nan, []

    def predict(self, feed):
        windows = feed["sequence"]
        self.batches.append(len(windows))
        found = windows[:, 4, 2:3] * np.float32(self.seen)
        return {
            "prediction": np.where(windows[:, 4].sum(axis=1, keepdims=True) == 0, np.nan, found) if self.nan else found
        }


@pytest.fixture
def session(g_at_anchor_folder):
    return load_folder(g_at_anchor_folder, "cpu").session


def test_a_model_that_says_the_same_is_proven_on_a_thousand_windows(session):
    proof = prove(session, GAtAnchor(), PROPOSAL)
    assert (proof.sequences, proof.difference) == (1000, 0)


def test_the_difference_is_relative_to_the_largest_prediction(session):
    assert prove(session, GAtAnchor(1 + 2**-20), PROPOSAL).difference == pytest.approx(2**-20, rel=1e-3)


@pytest.mark.parametrize("seen", [1 + 2**-16, 1 - 2**-16, -1, 0.5])
def test_a_difference_above_the_limit_is_told_with_sequence_expected_and_found(session, seen):
    message = (
        r"output 'prediction', batches of 64: expected .* predicts for [ACGTN]{4}G[ACGTN]{4}, found 1: .* 1e-05 is al"
    )
    with pytest.raises(ConversionError, match=message):
        prove(session, GAtAnchor(seen), PROPOSAL)


def test_a_model_that_differs_in_batches_of_one_alone_is_found(session, monkeypatch):
    predict = session.predict_raw

    def predict_wrongly_alone(codes, extra):
        return {name: values + (len(codes) == 1) for name, values in predict(codes, extra).items()}

    monkeypatch.setattr(session, "predict_raw", predict_wrongly_alone)
    with pytest.raises(ConversionError, match="batches of 1: expected"):
        prove(session, GAtAnchor(), PROPOSAL)


def test_the_framework_gets_batches_of_64(session):
    source = GAtAnchor()
    prove(session, source, PROPOSAL)
    assert source.batches == [64] * 15 + [40]


def test_a_network_that_says_the_same_of_everything_proves_nothing(session):
    with pytest.raises(ConversionError, match="says the same of 1,000 different sequences, so nothing can be proven"):
        prove(session, GAtAnchor(0), PROPOSAL)


class Tracks:
    """A network of two tracks, C at the anchor times ``large`` and G there times ``small``, in one output."""

    def __init__(self, large, small):
        self.factors = np.array([large, small], np.float32)

    def predict(self, feed):
        return {"prediction": feed["sequence"][:, 4, 1:3] * self.factors}

    def predict_raw(self, codes, extra):
        return self.predict({"sequence": encode_windows(codes, TRACKS.reading)})


TRACKS = replace(PROPOSAL, writings=(Writing("prediction", "prediction", "NT", 2, None, "linear"),))


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        ((100, 1.0005), (100, 1)),  # 5e-6 of the large one, 5e-4 of its own
        ((1e5, 1.9), (1e5, 1)),
        ((100.01, 1), (100, 1)),
    ],
)
def test_each_track_is_measured_by_itself(found, expected):
    with pytest.raises(ConversionError, match="is allowed; nothing was written"):
        prove(Tracks(*found), Tracks(*expected), TRACKS)


def test_a_track_that_is_hardly_there_is_measured_by_a_thousandth_of_the_others():
    found, expected = Tracks(1000, 2**-20 + 2**-30), Tracks(1000, 2**-20)
    proof = prove(found, expected, TRACKS)
    assert proof.difference == pytest.approx(2**-30)
    assert proof.unproven == (1,)


def test_columns_that_are_not_proven_are_counted_through_all_outputs():
    writings = tuple(Writing(name, name, "NT", 2, None, "sigmoid", rounding=2**-21) for name in ("first", "second"))

    class Twice(Tracks):
        def predict(self, feed):
            predictions = super().predict(feed)["prediction"]
            return {"first": predictions, "second": predictions}

    network = Twice(1, 1e-8)
    assert prove(network, network, replace(PROPOSAL, writings=writings)).unproven == (1, 3)


def test_rare_tracks_of_a_sigmoid_that_are_swapped_are_found():
    writings = (Writing("prediction", "prediction", "NT", 3, None, "sigmoid", rounding=2**-21),)

    class Rare:
        """Whether G stands at the anchor, and the same of C and T behind it times 4e-7."""

        def __init__(self, *columns):
            self.columns = list(columns)

        def predict(self, feed):
            windows = feed["sequence"]
            found = np.stack([windows[:, 4, 2], windows[:, 5, 1] * 4e-7, windows[:, 6, 3] * 4e-7], axis=1)
            return {"prediction": found[:, self.columns].astype(np.float32)}

        def predict_raw(self, codes, extra):
            return self.predict({"sequence": encode_windows(codes, TRACKS.reading)})

    proposal = replace(PROPOSAL, writings=writings)
    assert prove(Rare(0, 1, 2), Rare(0, 1, 2), proposal).unproven == ()
    with pytest.raises(ConversionError, match="predictions of track 2 that go with the network's own"):
        prove(Rare(0, 2, 1), Rare(0, 1, 2), proposal)


def test_inputs_beside_the_sequence_are_such_as_16_bits_hold():
    (drawn,) = draw_contexts((Context("cell", "cell", (3,), "float16"),), 100).values()
    assert drawn.dtype == np.float32
    assert (drawn.astype(np.float16) == drawn).all()


def test_an_output_that_is_the_same_for_everything_is_told_beside_one_that_is_not(session):
    writings = (*PROPOSAL.writings, Writing("still", "still", "NT", 1, None, "linear"))

    class Still(GAtAnchor):
        def predict(self, feed):
            found = super().predict(feed)
            return found | {"still": np.full_like(found["prediction"], 3)}

    with pytest.raises(ConversionError, match="output 'still': the network says the same of 1,000 different sequences"):
        prove(session, Still(), replace(PROPOSAL, writings=writings))


def test_a_network_without_a_number_for_a_sequence_is_told(session):
    with pytest.raises(ConversionError, match="gives no finite number for NNNNNNNNN"):
        prove(session, GAtAnchor(nan=True), PROPOSAL)


@pytest.mark.parametrize("logit", [100, 1000])
def test_powers_that_are_too_large_for_32_bits_are_told_and_not_warned_of(session, logit):
    writings = tuple(replace(writing, apply="exponential") for writing in PROPOSAL.writings)
    with pytest.raises(ConversionError, match=r"gives no finite number for [ACGTN]{4}G"):
        prove(session, GAtAnchor(logit), replace(PROPOSAL, writings=writings))


def test_a_model_that_knows_no_unknown_bases_is_found(tmp_path):
    folder = write_model_folder(
        tmp_path / "quarters", make_base_at_anchor_graph(),
        {"inputs": [{"name": "sequence", "shape": [9, 4], "unknown": "quarter"}]},
    )  # fmt: skip
    with pytest.raises(ConversionError, match=r"predicts for [ACGTN]{4}N[ACGTN]{4}, found 0.25"):
        prove(load_folder(folder, "cpu").session, GAtAnchor(), PROPOSAL)


@given(length=st.integers(1, 300), seed=st.integers(0, 2**32))
def test_windows_hold_both_strands_and_unknown_bases(length, seed):
    windows = draw_windows(length, count=101, seed=seed)
    assert windows.shape == (101, length)
    assert (windows[0] == UNKNOWN).all()
    assert (windows[1] != UNKNOWN).all()
    assert (windows[2::2] == reverse_complement(windows[1::2])).all()
    assert (windows == draw_windows(length, count=101, seed=seed)).all()


def test_two_in_a_hundred_bases_are_unknown():
    share = (draw_windows(1000)[3:] == UNKNOWN).mean()
    assert share == pytest.approx(0.02, abs=0.001)


def test_there_are_fewer_windows_where_they_are_long():
    assert draw_windows(100_000).shape == (200, 100_000)
    assert len(draw_windows(1_000_000, count=1000)) == 20


def test_inputs_beside_the_sequence_reach_the_framework_in_its_type():
    context = Context("cell:0", "cell", (2,), "float64")
    proposal = Proposal("x", Reading(3), 1, (context,), (Writing("y", "prediction", "NT", 2, None, "linear"),))

    class Echo:
        def predict(self, feed):
            assert feed["cell:0"].dtype == np.float64
            return {"y": feed["cell:0"]}

    extra = draw_contexts((context,), 5)
    found = predict_with_source(Echo(), proposal, draw_windows(3, 16)[:5], extra, batch=2)
    assert found["prediction"].tolist() == extra["cell"].tolist()


def test_the_tolerance_of_the_card_is_ten_times_the_difference(tmp_path, monkeypatch):
    def prove_with_difference(*arguments, **options):
        return type(prove(*arguments, **options))(1000, 4e-6)

    monkeypatch.setattr("zoo.conversion.convert.prove", prove_with_difference)
    convert(save(make_look_up(), tmp_path), "tiny", output=tmp_path / "tiny", card=CARD)
    assert load_folder(tmp_path / "tiny").card.tolerance == pytest.approx(4e-5)
