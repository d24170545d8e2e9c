from zoo.cli import main
from zoo.testing.models import make_base_at_anchor_graph, write_model_folder


def test_a_card_that_names_a_scorer_which_is_not_installed_passes_with_a_warning(tmp_path, capsys):
    card = {"scorer": {"name": "weighted", "config": {}}}
    folder = write_model_folder(tmp_path / "model", make_base_at_anchor_graph(), card)
    assert main(["test", str(folder)]) == 0
    shown = capsys.readouterr()
    assert "passed on cpu" in shown.out
    assert shown.err.startswith(
        "zoo: warning: g-at-anchor@1.0.0: its card names the scorer 'weighted', which no plugin"
    )


def test_a_card_whose_scorer_is_installed_passes_without_one(g_at_anchor_folder, capsys):
    assert main(["test", str(g_at_anchor_folder)]) == 0
    assert capsys.readouterr().err == ""
