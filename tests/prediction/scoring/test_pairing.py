import pytest

from zoo.errors import UnknownName
from zoo.model.folder import load_folder
from zoo.plugins import discover
from zoo.prediction.scoring.pairing import pair_with_scorers
from zoo.testing.models import make_base_at_anchor_graph, write_model_folder


@pytest.fixture
def models(tmp_path):
    card = {"scorer": {"name": "weighted", "config": {"weight": 2}}}
    return [load_folder(write_model_folder(tmp_path / "at", make_base_at_anchor_graph("G"), card), threads=1)]


def test_a_scorer_that_a_card_names_and_no_plugin_offers_is_told_as_the_cards_with_those_that_fit(models):
    with pytest.raises(UnknownName) as caught:
        pair_with_scorers(models, None, discover())
    assert str(caught.value).startswith(
        f"{models[0].card.full_name}: its card names the scorer 'weighted', which no plugin here offers; install the "
        "plugin, or choose another scorer: "
    )
    fitting = str(caught.value).split("another scorer: ")[1].split(" (")[0].split(", ")
    assert "difference" in fitting
    for name in fitting:
        assert pair_with_scorers(models, name, discover())[0].scorer.name == name


def test_a_scorer_that_was_asked_for_is_not_told_as_the_cards(models):
    with pytest.raises(UnknownName, match=r"^no scorer 'diference'; did you mean 'difference'\?$"):
        pair_with_scorers(models, "diference", discover())
