"""Where backgrounds are kept, and that none is used for scores of another kind."""

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from zoo.errors import DataError, ModelError, OutputError
from zoo.model.folder import load_folder
from zoo.prediction.scoring.background import Background, BackgroundDocument, write_background
from zoo.prediction.scoring.kept_backgrounds import (
    background_path,
    check_background,
    describe_settings,
    find_background,
)
from zoo.prediction.scoring.settings import ScoringSettings

CONFIG = {"epsilon": 0.001, "distance": True}
SETTINGS = {"shifts": [0]}


@pytest.fixture
def model(g_at_anchor_folder):
    return load_folder(g_at_anchor_folder)


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("ZOO_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


@pytest.fixture
def background(model):
    document = BackgroundDocument(
        model=model.card.full_name, digest=model.digest, scorer="difference", config=CONFIG, signed=True,
        tracks=("g",), settings=SETTINGS, alleles=100, genome="", vcf="common.vcf", vcf_sha256="0" * 64,
    )  # fmt: skip
    return Background(np.zeros((1, 100), np.float32), document, "common.npz")


def keep(background, path):
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        write_background(background, file)


def test_the_place_names_model_digest_scorer_and_the_choices_made(model, home):
    path = background_path(model, "difference", CONFIG, SETTINGS)
    assert path.parent == home / "backgrounds" / "g-at-anchor"
    assert re.fullmatch(rf"{model.digest[:16]}-difference-[0-9a-f]{{8}}\.npz", path.name)


def test_other_choices_have_another_place_and_equal_ones_the_same(model, home):
    def path(config=CONFIG, settings=SETTINGS, scorer="difference"):
        return background_path(model, scorer, config, settings)

    others = {
        path(),
        path(scorer="l2"),
        path({**CONFIG, "epsilon": 0.01}),
        path({**CONFIG, "distance": False}),
        path({**CONFIG, "distance": 1}),
        path(settings={"shifts": [-1, 0]}),
        path(settings={"shifts": [0], "windows": "0" * 64}),
    }
    assert len(others) == 7
    assert path({"width": 1.0, "more": (1, 2)}) == path({"more": [1.0, 2], "width": 1})


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({"ZOO_HOME": "/zoo", "XDG_DATA_HOME": "/data"}, "/zoo"),
        ({"ZOO_HOME": "", "XDG_DATA_HOME": "/data"}, "/data/assayzoo"),
        ({"XDG_DATA_HOME": "data"}, "/home/me/.local/share/assayzoo"),
        ({}, "/home/me/.local/share/assayzoo"),
    ],
)
def test_the_root_is_what_the_environment_says(model, monkeypatch, variables, expected):
    for name in ("ZOO_HOME", "XDG_DATA_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", "/home/me")
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert background_path(model, "difference", {}, SETTINGS).is_relative_to(Path(expected) / "backgrounds")


def test_a_user_without_a_home_is_told(model, monkeypatch):
    def fail():
        raise RuntimeError("no home")

    for name in ("ZOO_HOME", "XDG_DATA_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(Path, "home", fail)
    with pytest.raises(OutputError, match="no home folder is known for this user; set ZOO_HOME"):
        background_path(model, "difference", {}, SETTINGS)


def test_settings_are_those_that_change_scores(tmp_path):
    windows = tmp_path / "regions.bed"
    windows.write_text("")
    of_nothing = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    assert describe_settings(ScoringSettings()) == {"shifts": [0]}
    assert describe_settings(ScoringSettings(spread=True, max_indel=3, max_unknown=0.1)) == {"shifts": [0]}
    assert describe_settings(ScoringSettings(shifts=(2, -2))) == {"shifts": [-2, 2]}
    assert describe_settings(ScoringSettings(windows=windows)) == {"shifts": [0], "windows": of_nothing}


def test_what_is_kept_is_found(model, home, background):
    keep(background, background_path(model, "difference", CONFIG, SETTINGS))
    found = find_background(model, "difference", CONFIG, SETTINGS)
    assert found.document == background.document


def test_where_there_is_none_the_command_that_makes_it_is_told(model, home):
    settings = {"shifts": [-1, 0], "windows": "0" * 64}
    with pytest.raises(ModelError) as error:
        find_background(model, "logit_difference", {**CONFIG, "name": "a b"}, settings)
    path = background_path(model, "logit_difference", {**CONFIG, "name": "a b"}, settings)
    assert str(error.value) == (
        f"g-at-anchor@1.0.0: no background of common variants for the scorer 'logit_difference' at {path}; make one: "
        "zoo background g-at-anchor@1.0.0 -f genome.fa common.vcf --scorer logit_difference --scorer-option "
        "distance=true --scorer-option epsilon=0.001 --scorer-option 'name=a b' --shifts=-1,0 --windows regions.bed"
    )


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"digest": "ab" * 32}, f'model digest "{"ab" * 32}"; expected "'),
        ({"scorer": "l2"}, 'scorer "l2"; expected "difference", for g-at-anchor@1.0.0'),
        ({"config": {"epsilon": 0.5}}, 'configuration {"epsilon": 0.5}; expected {"distance": true, "epsilon": 0.001}'),
        ({"settings": {"shifts": [0, 1]}}, 'settings {"shifts": [0, 1]}; expected {"shifts": [0]}'),
        ({"tracks": ("h",)}, 'tracks ["h"]; expected ["g"]'),
    ],
)
def test_a_background_of_other_scores_is_refused(model, home, background, changed, message):
    other = replace(background, document=background.document.model_copy(update=changed))
    start = r"^common\.npz: is a background of g-at-anchor@1\.0\.0, "
    with pytest.raises(ModelError, match=start + re.escape(message)) as error:
        check_background(other, model, "difference", CONFIG, SETTINGS)
    assert "make one: zoo background g-at-anchor@1.0.0 -f genome.fa common.vcf --scorer difference" in str(error.value)
    keep(other, background_path(model, "difference", CONFIG, SETTINGS))
    with pytest.raises(ModelError, match=re.escape(message)):
        find_background(model, "difference", CONFIG, SETTINGS)


def test_a_background_of_these_scores_passes(model, background):
    check_background(background, model, "difference", {"distance": True, "epsilon": 1e-3}, {"shifts": (0.0,)})


def test_a_broken_file_at_its_place_is_told(model, home):
    path = background_path(model, "difference", CONFIG, SETTINGS)
    path.parent.mkdir(parents=True)
    path.write_text("")
    with pytest.raises(DataError, match="expected a background, found a broken or another file"):
        find_background(model, "difference", CONFIG, SETTINGS)
