import pytest

from zoo.model.folder import load_folder
from zoo.prediction.scoring.cached import CachedPredictor
from zoo.prediction.scoring.choosing import choose_predictor
from zoo.prediction.scoring.incremental import IncrementalPredictor
from zoo.prediction.scoring.predicting import FullPredictor
from zoo.prediction.scoring.settings import ScoringSettings


@pytest.fixture
def model(g_at_anchor_folder):
    return load_folder(g_at_anchor_folder, "cpu", 1)


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, IncrementalPredictor),
        ({"engine": "auto"}, IncrementalPredictor),
        ({"engine": "incremental"}, IncrementalPredictor),
        ({"engine": "full"}, FullPredictor),
        # A lower precision is proven for whole windows alone.
        ({"precision": "float16"}, FullPredictor),
    ],
    ids=str,
)
def test_the_engine_that_is_asked_for_predicts_and_nothing_is_made_ready(model, options, expected):
    assert type(choose_predictor(model, ScoringSettings(**options))) is expected
    assert model._session is None


@pytest.mark.parametrize(("engine", "forced"), [("auto", False), ("incremental", True)])
def test_incremental_is_forced_and_auto_is_not(model, engine, forced):
    predictor = choose_predictor(model, ScoringSettings(engine=engine, batch_size=7))

    assert (predictor._forced, predictor._batch_size) == (forced, 7)


@pytest.mark.parametrize(("engine", "kept", "others"), [("auto", 4, 2), ("incremental", 6, 0)])
def test_the_engine_knows_how_many_shifts_there_will_be(model, engine, kept, others):
    predictor = choose_predictor(model, ScoringSettings(engine=engine, shifts=(-3, -2, -1, 0, 1, 2)))

    assert (predictor._most, predictor._others) == (kept, others)


def test_a_cache_stands_before_the_engine(model, tmp_path):
    predictor = choose_predictor(model, ScoringSettings(engine="full", cache=tmp_path / "cache"))

    assert type(predictor) is CachedPredictor
    assert type(predictor._inner) is FullPredictor


@pytest.mark.parametrize(("name", "found"), [("engine", "fast"), ("engine", None), ("precision", "fp16")])
def test_names_that_are_none_are_refused(name, found):
    with pytest.raises(ValueError, match=rf"^{name}: expected .*, found {found!r}$"):
        ScoringSettings(**{name: found})
