import numpy as np
import pandas as pd
import pytest

from benchmarks.effects import compare, list_scorers, select
from benchmarks.effects_page import build_table, show, tell_held_out
from benchmarks.measured import ASB, ELEMENTS, EffectSet
from zoo.model.benchmarks import Benchmark, Figure
from zoo.model.folder import load_folder
from zoo.testing.models import CARD, make_base_at_anchor_graph, write_model_folder


def make_set(name, parts, **columns):
    variants = pd.DataFrame({"measured": np.arange(len(parts)) - 5.0, "group": np.arange(len(parts)), "part": parts})
    return EffectSet(name, dict.fromkeys(parts, "ACGT"), variants.assign(**columns))


def test_every_site_stands_in_all_and_those_of_two_contigs_apart():
    effects = make_set(ASB, ["chr7", "chr8", "chr9", "chr80"], in_motif=[True, False, False, True])
    found = {row.part: row.chosen.tolist() for row in select(effects, np.ones(4, dtype=bool), "centred")}
    assert found == {
        "all": [True, True, True, True],
        "chr8 and chr9": [False, True, True, False],
        "in a motif": [True, False, False, True],
        "elsewhere": [False, True, True, False],
    }


def test_effects_of_an_element_count_once_more_where_the_window_lies_inside():
    effects = make_set(ELEMENTS, ["F9", "F9", "RET"])
    rows = select(effects, np.array([True, False, True]), "centred")
    assert [(row.part, row.windows.split(", ")[1], int(row.chosen.sum())) for row in rows] == [
        ("F9", "inside the element", 1),
        ("F9", "padded", 2),
        ("RET", "inside the element", 1),
        ("RET", "padded", 1),
    ]


def test_variants_without_a_score_are_left_out():
    effects = make_set(ASB, ["chr1"] * 12, in_motif=True)
    everything = next(select(effects, np.ones(12, dtype=bool), "region"))
    scores = effects.variants["measured"].to_numpy() * 2
    scores[0] = np.nan
    row = compare(effects, everything, scores, "CTCF", "difference")
    assert (row.n, row.figures["pearson"].value, row.figures["concordance"].value) == (11, 1.0, 1.0)


@pytest.mark.parametrize(
    ("activation", "scorer", "expected"),
    [
        ("sigmoid", "difference", ["difference", "logit_difference"]),
        ("sigmoid", "logit_difference", ["logit_difference", "difference"]),
        ("softmax", "absolute", ["absolute", "difference", "logit_difference"]),
        ("linear", "difference", ["difference"]),
    ],
)
def test_the_scorer_of_the_card_comes_first_and_log_odds_are_for_probabilities(tmp_path, activation, scorer, expected):
    outputs = [{**CARD["outputs"][0], "activation": activation}]
    folder = tmp_path / "model"
    write_model_folder(folder, make_base_at_anchor_graph(), {"outputs": outputs, "scorer": {"name": scorer}})
    assert list_scorers(load_folder(folder, "cpu", 1)) == expected


def make_row(track, scorer, **changes):
    figures = {"concordance": Figure(value=0.5), "pearson": Figure(value=0.25, interval=(-0.001, 0.5))}
    row = {"effects": ASB, "part": "all", "track": track, "scorer": scorer, "windows": "centred", "n": 1000}
    return Benchmark.model_validate({**row, "figures": figures, **changes})


def test_a_table_has_a_row_a_track_and_what_is_no_model_comes_last():
    found = {
        "count": [make_row("GC", "difference")],
        "b@1.0.0": [make_row("T", "difference"), make_row("T", "logit_difference", part="chr8")],
        "a@1.0.0": [make_row("T", "logit_difference"), make_row("T", "difference")],
    }
    assert build_table(found, ASB, "all", ["centred"], ["concordance", "pearson"], expected=["a"]).splitlines() == [
        "| model | track | expected | windows | n | concordance | r, difference | r, logit_difference |",
        "|---|---|---|---|---|---|---|---|",
        "| b@1.0.0 | T |  | centred | 1,000 | 0.50 | 0.25 (-0.00 to 0.50) | - |",
        "| a@1.0.0 | T | yes | centred | 1,000 | 0.50 | 0.25 (-0.00 to 0.50) | 0.25 (-0.00 to 0.50) |",
        "| count | GC |  | centred | 1,000 | 0.50 | 0.25 (-0.00 to 0.50) | - |",
    ]


def test_what_a_model_reaches_on_the_contigs_kept_apart_is_told_whatever_it_is():
    row = make_row("CTCF", "logit_difference", part="chr8 and chr9")
    found = {"other@1.0.0": [row], "mine@1.0.0": [make_row("CTCF", "logit_difference"), row]}
    told = "has a concordance of 0.50 and\nan r of 0.25 (-0.00 to 0.50), centred, by logit_difference."
    assert tell_held_out(found, "mine") == f"There mine, which was made for such sites, {told}"
    assert tell_held_out(found, "another") == "another was not measured there."


def test_what_is_not_defined_is_a_dash():
    assert show(Figure(value=None)) == "-"
