import pytest

from tests.model.alleles import make_card_of, make_large
from zoo.errors import ModelError
from zoo.model import session
from zoo.model.plan import plan_folder
from zoo.network.costs import bases_worth_a_window, pair_gain
from zoo.network.reading import read_network
from zoo.testing.models import make_base_at_anchor_graph, write_model_folder


@pytest.fixture
def write_folder(tmp_path):
    """Write a model folder with some fields of its card replaced."""
    made = make_large(60)

    def write(**changes):
        card = make_card_of(made, 25).model_dump(mode="json")
        return write_model_folder(tmp_path / "model", made.model, card | changes)

    return write


def test_a_plan_is_of_the_cards_anchor_and_nothing_runs(write_folder, monkeypatch):
    folder = write_folder()
    monkeypatch.setattr(session, "import_onnxruntime", lambda: pytest.fail("it ran"))

    card, plan = plan_folder(folder)

    network = read_network(make_large(60).model, "sequence", 0.25)
    assert (card.name, plan.anchor) == ("g-at-anchor", 25)
    assert plan.speed_up == pair_gain(network, 25)
    assert plan.neighbours == bases_worth_a_window(network)
    assert [layer.name for layer in plan.layers] == [
        "convolution 40 x 7", "relu", "convolution 40 x 7", "relu", "max of 4, stride 4", "dense, on all positions"
    ]  # fmt: skip


def test_windows_in_which_alleles_stand_anywhere_have_no_plan(write_folder):
    folder = write_folder(window={"length": 60, "anchor": 25, "mode": "fixed"})

    with pytest.raises(
        ModelError, match=r"^g-at-anchor@1\.0\.0: reads fixed windows, in which alleles stand anywhere: "
    ):
        plan_folder(folder)


def test_a_network_without_a_sequence_has_no_plan(tmp_path):
    from tests.model.test_session import make_numbers_network

    features = {"name": "features", "role": "context", "shape": [3]}
    folder = write_model_folder(tmp_path / "model", make_numbers_network(3), {"inputs": [features], "window": None})

    with pytest.raises(ModelError, match=r"^g-at-anchor@1\.0\.0: reads no sequence, so that there is nothing to plan$"):
        plan_folder(folder)


def test_a_network_of_no_operators_along_the_sequence_has_a_plan_of_no_gain(tmp_path):
    folder = write_model_folder(tmp_path / "model", make_base_at_anchor_graph())

    _, plan = plan_folder(folder)

    assert plan.anchor == 4
    assert plan.ref == plan.alt
