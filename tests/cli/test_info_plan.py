"""``zoo info --plan``: what of a network runs for ALT."""

import json
import re

import pytest

from tests.model.alleles import make_card_of, make_large
from tests.network.random_graphs import RandomModel
from tests.prediction.scoring.test_incremental import mix_positions, pool_otherwise
from zoo.cli import main
from zoo.testing.models import write_model_folder


@pytest.fixture
def show(tmp_path, capsys):
    """Return what is shown of a network that reads 24 bases or more, its anchor in the middle."""

    def run(made: RandomModel, *options: str) -> str:
        card = make_card_of(made, made.length // 2)
        folder = write_model_folder(tmp_path / "model", made.model, card.model_dump(mode="json"))
        assert main(["info", str(folder), "--plan", *options]) == 0
        return capsys.readouterr().out

    return run


def test_each_layer_is_a_line_and_the_sums_come_last(show):
    # A base reaches 7 positions of the first convolution, 13 of the second, and so 4 pools, which read 16 of them; the
    # 22 that those read of the first are made anew.
    one, two, dense = 40 * 4 * 7, 40 * 40 * 7, 40 * 2
    expected = [
        ["layer", "channels", "positions", "changed", "multiply-adds of REF", "of ALT"],
        ["convolution 40 x 7", "40", "194", "22", f"{194 * one:,}", f"{22 * one:,}"],
        ["relu", "40", "194", "22", "0", "0"],
        ["convolution 40 x 7", "40", "188", "16", f"{188 * two:,}", f"{16 * two:,}"],
        ["relu", "40", "188", "16", "0", "0"],
        ["max of 4, stride 4", "40", "47", "4", "0", "0"],
        ["dense, on all positions", "2", "1", "1", f"{47 * dense:,}", f"{4 * dense:,}"],
        ["the rest, in full", "", "", "", "0", "0"],
        ["sum", "", "", "", f"{194 * one + 188 * two + 47 * dense:,}", f"{22 * one + 16 * two + 4 * dense:,}"],
    ]

    *table, gain, near = show(make_large(200)).splitlines()

    assert [line.split("\t") for line in table] == expected
    assert re.fullmatch(
        r"g-at-anchor@1\.0\.0, one base at 100 \(0-based\) of 200: 1\.\d\d times as fast as two windows are expected "
        r"on a processor",
        gain,
    )
    assert re.fullmatch(r"where windows begin \d+ bases apart or less, on average, a stretch is run at once", near)


def test_a_network_that_gains_too_little_is_told(show):
    shown = show(mix_positions(24))

    assert re.search(r": (0\.\d\d|1\.00) times as fast as two windows are expected on a processor\n", shown)
    assert "too little for --engine auto, which runs the whole network for alleles that stand alone\n" in shown
    assert "neighbouring windows share nothing: " in shown


def test_networks_whose_branches_pool_otherwise_say_so(show):
    assert "neighbouring windows share nothing: branches of the network pool differently\n" in show(pool_otherwise())


def test_a_plan_as_json_holds_every_layer(show):
    found = json.loads(show(make_large(200), "--json"))

    assert found["model"] == "g-at-anchor@1.0.0"
    assert found["anchor"] == 100
    assert [layer["positions"] for layer in found["layers"]] == [194, 194, 188, 188, 47, 1]
    assert found["speed_up"] > 1.1
    assert found["neighbours"] > 1
    assert found["ref"] > found["alt"]


def test_a_model_without_a_plan_is_one_line(tmp_path, capsys):
    made = make_large(60)
    card = make_card_of(made, 25).model_dump(mode="json")
    card["window"] |= {"mode": "fixed"}
    folder = write_model_folder(tmp_path / "model", made.model, card)

    assert main(["info", str(folder), "--plan"]) == 1

    told = capsys.readouterr()
    assert told.out == ""
    assert re.fullmatch(r"zoo: error: g-at-anchor@1\.0\.0: reads fixed windows, .*\n", told.err)
