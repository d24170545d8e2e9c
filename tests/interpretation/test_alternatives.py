import numpy as np
import pytest

from zoo.errors import ModelError
from zoo.genome.codes import encode
from zoo.interpretation import alternatives as module
from zoo.interpretation.alternatives import AlternativePredictor
from zoo.model.mutations import MutationPredictor
from zoo.network.costs import cost_of_window

WINDOW = "ACGTNACGT"


def predict_alternatives(model, codes, places, engine="auto"):
    return AlternativePredictor(model, engine, 3 * len(places)).predict(codes, places)


def join(parts):
    parts = list(parts)
    return np.concatenate([part.places for part in parts]), np.concatenate([part.alt["prediction"] for part in parts])


def test_each_alternative_has_the_prediction_of_its_own_window(place_model):
    places = np.array([0, 3, 8])
    (part,) = predict_alternatives(place_model, encode(WINDOW), places)
    assert part.places.tolist() == [0, 3, 8]
    assert part.ref["prediction"].shape == (1, 1, 1)  # one window, one member, one track
    assert part.alt["prediction"].shape == (3, 3, 1, 1)
    changes = part.alt["prediction"] - part.ref["prediction"]
    # A at index 0 becomes C, G, T; T at index 3 and 8 becomes A, C, G.
    assert changes[:, :, 0, 0].tolist() == [[1, 2, 3], [-12, -8, -4], [-27, -18, -9]]


def test_strands_are_averaged(make_place_model):
    model = make_place_model(tracks=("place",), strand={"average": True})
    (part,) = predict_alternatives(model, encode("AAAAAAAAA"), np.array([0]))
    # C in place of the first A is G in place of the last T of the other strand: (1 - 9) / 2.
    assert (part.alt["prediction"] - part.ref["prediction"])[0, 0, 0, 0] == -4


@pytest.mark.parametrize("bound", ["_BASES_A_PART", "_NUMBERS_A_PART"])
def test_the_size_of_a_part_changes_nothing(place_model, monkeypatch, bound):
    places = np.array([0, 1, 2, 3, 5, 6, 7, 8])
    expected = join(predict_alternatives(place_model, encode(WINDOW), places))
    monkeypatch.setattr(module, bound, 1)
    parts = list(predict_alternatives(place_model, encode(WINDOW), places))
    assert len(parts) == len(places)
    for found, wanted in zip(join(parts), expected, strict=True):
        np.testing.assert_array_equal(found, wanted)


def test_no_positions_have_no_alternatives(place_model):
    assert list(predict_alternatives(place_model, encode(WINDOW), np.array([], dtype=np.int64))) == []


def test_the_incremental_engine_says_the_same(make_place_model, monkeypatch):
    monkeypatch.setattr(module, "_OPENING", 1)
    monkeypatch.setattr(module, "MIN_MUTATION_GAIN", 0)
    model = make_place_model(strand={"average": True})
    places = np.array([0, 1, 2, 3, 5, 6, 7, 8])
    (expected,) = predict_alternatives(model, encode(WINDOW), places, "full")

    for engine in ("auto", "incremental"):
        (found,) = predict_alternatives(model, encode(WINDOW), places, engine)
        np.testing.assert_allclose(found.ref["prediction"], expected.ref["prediction"])
        np.testing.assert_allclose(found.alt["prediction"], expected.alt["prediction"])


def test_graphs_are_opened_where_there_is_enough_to_do(make_place_model, monkeypatch):
    model = make_place_model()
    opened, made = [], MutationPredictor(model.session)

    def open_graphs(session):
        opened.append(session)
        return made

    monkeypatch.setattr(module, "MIN_MUTATION_GAIN", 0)
    monkeypatch.setattr(module, "MutationPredictor", open_graphs)
    monkeypatch.setattr(module, "_OPENING", 15 * cost_of_window(model.session.network).time)

    AlternativePredictor(model, "auto", 14)
    assert not opened
    AlternativePredictor(model, "full", 15)
    assert not opened
    AlternativePredictor(model, "auto", 15)
    assert opened == [model.session]


def test_a_network_whose_predictions_differ_runs_whole_and_says_so(make_place_model, monkeypatch):
    def refuse(session):
        raise ModelError("place@1.0.0: output 'prediction' of substitutions differs")

    monkeypatch.setattr(module, "_OPENING", 1)
    monkeypatch.setattr(module, "MIN_MUTATION_GAIN", 0)
    monkeypatch.setattr(module, "MutationPredictor", refuse)
    model = make_place_model()

    with pytest.warns(UserWarning, match=r"substitutions differs; the whole network runs instead$"):
        predictor = AlternativePredictor(model, "auto", 6)
    for place in (0, 1):  # told once
        assert len(list(predictor.predict(encode(WINDOW), np.array([place])))) == 1
    with pytest.raises(ModelError, match=r"differs$"):
        list(predict_alternatives(model, encode(WINDOW), np.array([0]), "incremental"))


def test_a_network_that_gains_nothing_is_refused_where_it_is_forced(place_model, monkeypatch):
    monkeypatch.setattr(module, "expect_gain", lambda session: 1.0)

    with pytest.raises(ModelError, match=r"^place@1\.0\.0: its mutation maps can't be made incrementally; choose"):
        list(predict_alternatives(place_model, encode(WINDOW), np.array([0]), "incremental"))


def test_other_precisions_run_whole(make_place_model, monkeypatch):
    model = make_place_model()
    model.precision = "float16"
    monkeypatch.setattr(module, "_OPENING", 1)
    monkeypatch.setattr(module, "MutationPredictor", None)

    assert len(list(predict_alternatives(model, encode(WINDOW), np.array([0])))) == 1
